package session_test

import "testing"

// Not a request of the session itself: it could not give the client its token.
func TestManagerUpdateMayNotChangeTheUser(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	token := r.seed(visit{Name: "ada"})
	before := r.record(idOf(token))
	for _, name := range []string{"bob", ""} {
		if err := r.m.Update(t.Context(), idOf(token), func(v *visit) error { v.Name = name; return nil }); err == nil {
			t.Errorf("Update to the user %q: no error, want one", name)
		}
	}
	r.same(before)
	wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
	if rec := r.record(idOf(token)); rec.User != "ada" || r.data(idOf(token)).Count != 1 {
		t.Errorf("user %q with %+v, want ada with the change", rec.User, r.data(idOf(token)))
	}
	r.wantOpens(token, idOf(token))
}
