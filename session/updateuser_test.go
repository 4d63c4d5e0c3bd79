package session_test

import "testing"

// A job that writes a session brings its user up to date: it is found by it.
func TestManagerUpdateWritesTheUser(t *testing.T) {
	t.Parallel()
	old := newRig(t)
	token := old.seed(visit{Name: "ada"})
	r := old.another(byName)
	wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
	if got := r.record(idOf(token)).User; got != "ada" {
		t.Errorf("the record is of %q, want ada", got)
	}
	r.wantOpens(token, idOf(token)) // it is no log-in
	if infos := r.sessionsOf("ada"); len(infos) != 1 || infos[0].ID != idOf(token) {
		t.Errorf("sessions of ada: %+v, want the one", infos)
	}
	if n, err := r.m.DeleteUser(t.Context(), "ada"); n != 1 || err != nil {
		t.Errorf("DeleteUser deleted %d, %v, want 1", n, err)
	}
}
