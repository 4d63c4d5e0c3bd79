package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// Where no cookie can be sent, no token is replaced by the way.
func TestNoTimedRenewalWithoutACookie(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(r *rig, old string){
		"after the response began": func(r *rig, old string) {
			q, s := r.begin(old)
			s.SetSave(session.SaveNever)
			q.commit()
			counting(s)
			q.save(s)
			if err := s.Update(r.Context(), count); err != nil {
				r.Errorf("Update: %v", err)
			}
			q.end()
		},
		"hijack": func(r *rig, old string) {
			q := r.request(old)
			counting(q.get())
			if out, err := q.x.Commit(r.Context(), true); err != nil || out.Action != session.ActionNone && out.Token != old {
				r.Errorf("outcome %+v, %v, want no new token", out, err)
			}
			q.end()
		},
		"hijack of a request that only reads": func(r *rig, old string) {
			q, _ := r.begin(old)
			if out, err := q.x.Commit(r.Context(), true); err != nil || out.Action != session.ActionNone {
				r.Errorf("outcome %+v, %v, want nothing", out, err)
			}
			r.store.wantCalls(r.T, "load")
		},
		"Open": func(r *rig, old string) {
			s, err := r.m.Open(r.Context(), old)
			if err != nil {
				r.Fatalf("Open: %v", err)
			}
			counting(s)
			if err := s.Save(r.Context()); err != nil || s.Token() != old {
				r.Errorf("Save: %v, token %q, want the same one", err, s.Token())
			}
		},
		"Manager.Update": func(r *rig, old string) {
			if err := r.m.Update(r.Context(), idOf(old), count); err != nil {
				r.Errorf("Update: %v", err)
			}
		},
		"after the request": func(r *rig, old string) {
			q, s := r.begin(old)
			s.SetSave(session.SaveNever)
			q.end()
			counting(s)
			_ = s.Save(r.Context()) // is an error anyway
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, renewAfter(time.Hour))
				old := r.seed(visit{Name: "n"})
				time.Sleep(time.Hour)
				do(r, old)
				r.log.wantNone(t, session.EventRenewed)
				// It is still the current one: the next request renews it.
				token := r.next(old, looking)
				r.wantOpens(token, idOf(old))
			})
		})
	}
}

// A forced one is an error there, or where the handler speaks for itself goes
// by the Token.
func TestForcedRenewalWithoutACookie(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old := r.seed(visit{Name: "n"})
	q, s := r.begin(old)
	s.Renew()
	out, err := q.x.Commit(t.Context(), true)
	if err != nil || out.Action != session.ActionNone {
		t.Errorf("outcome %+v, %v of a hijack, want nothing", out, err)
	}
	if n := len(r.log.all(session.EventLost)); n != 1 {
		t.Errorf("%d events %q, want one: the renewal could not be stored", n, session.EventLost)
	}
	r.wantOpens(old, idOf(old))
	q.x.Hijacked()
	s.Renew()
	q.save(s) // the handler sends the token by itself
	r.wantOpens(s.Token(), idOf(old))
	r.wantInert(old)
}

// Saved before the response begins, and then hijacked: the old token works on,
// since the response may not carry the new one.
func TestTimedRenewalThenHijack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, renewAfter(time.Hour))
		old := r.seed(visit{Name: "n"})
		time.Sleep(time.Hour)
		q, s := r.begin(old)
		q.save(s)
		q.hijack()
		r.wantOpens(old, idOf(old))
		r.wantOpens(s.Token(), idOf(old))
	})
}
