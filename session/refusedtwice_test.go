package session_test

import (
	"testing"

	"github.com/echosession/echosession/session"
)

// Another request, or an administrator, ended the session that Valid refuses:
// the request gets a new one all the same, which it can store.
func TestRefusedByTwo(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]func(*rig, string){
		"another request": func(r *rig, token string) { r.with(token, (*visitSession).Destroy) },
		"the Manager": func(r *rig, token string) {
			if err := r.m.Delete(r.Context(), idOf(token)); err != nil {
				r.Errorf("Delete: %v", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			token := r.seed(visit{Count: 1})
			q := r.requestWith(func(q *fakeRequest) {
				q.valid = func(*visitSession) (bool, error) {
					first(r, token)
					return false, nil
				}
			}, sid(token))
			s := q.get()
			if !s.IsNew() || s.ID() == "" || s.ID() == idOf(token) || s.Data.Count != 0 {
				t.Errorf("the request has %v, new %v, with %+v, want a new session with an id of its own", s, s.IsNew(), s.Data)
			}
			s.Data.Name = "ada"
			out := q.commit()
			wantAction(t, out, session.ActionSet)
			r.wantOpens(out.Token, s.ID())
			r.wantRecords(1)
		})
	}
}
