package session_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// What happens to the session of a user while a slow request of it is under
// way. do returns the token that the client has afterwards; "" for none.
var meanwhiles = map[string]struct {
	user string // whose the session is at first
	do   func(r *rig, old string) (token string)
}{
	"log-in":    {"", func(r *rig, old string) string { return r.signIn(old, "ada") }},
	"step-up":   {"ada", func(r *rig, old string) string { return r.next(old, (*visitSession).Renew) }},
	"take over": {"bob", func(r *rig, old string) string { return r.signIn(old, "ada") }},
	"log-in into a new session": {"", func(r *rig, old string) string {
		return r.next(old, func(s *visitSession) { s.Regenerate(); s.Data.Name = "ada" })
	}},
	"Regenerate": {"ada", func(r *rig, old string) string {
		return r.next(old, func(s *visitSession) { s.Regenerate(); s.Data.Count = 7 })
	}},
	"signing out": {"ada", func(r *rig, old string) string { return r.signIn(old, "") }},
	"log-out": {"ada", func(r *rig, old string) string {
		wantAction(r.T, r.with(old, (*visitSession).Destroy), session.ActionClear)
		return ""
	}},
	"log-out and a log-in": {"ada", func(r *rig, old string) string {
		r.with(old, (*visitSession).Destroy)
		return r.with("", naming("ada")).Token
	}},
	"DeleteUser": {"ada", func(r *rig, old string) string {
		if n, err := r.m.DeleteUser(r.Context(), "ada"); n != 1 || err != nil {
			r.Errorf("DeleteUser gave %d, %v, want 1", n, err)
		}
		return ""
	}},
	"DeleteOthers": {"ada", func(r *rig, old string) string {
		keep := r.seed(visit{Name: "ada"})
		if n, err := r.m.DeleteOthers(r.Context(), "ada", idOf(keep)); n != 1 || err != nil {
			r.Errorf("DeleteOthers gave %d, %v, want 1", n, err)
		}
		return keep
	}},
	"DeleteOf": {"ada", func(r *rig, old string) string {
		wantNoErr(r.T, r.m.DeleteOf(r.Context(), "ada", idOf(old)))
		return ""
	}},
	"Manager.Delete": {"ada", func(r *rig, old string) string {
		wantNoErr(r.T, r.m.Delete(r.Context(), idOf(old)))
		return ""
	}},
}

// What the slow request does then. Those that return an error want ErrGone.
var slowActions = map[string]func(*visitSession) error{
	"a change":     func(s *visitSession) error { s.Data.Count = 99; return session.ErrGone },
	"a touch":      func(*visitSession) error { return session.ErrGone },
	"SaveAlways":   func(s *visitSession) error { s.SetSave(session.SaveAlways); return session.ErrGone },
	"Save":         func(s *visitSession) error { s.Data.Count = 99; return s.Save(context.Background()) },
	"Save of none": func(s *visitSession) error { return s.Save(context.Background()) },
	"Update":       func(s *visitSession) error { return s.Update(context.Background(), count) },
	"Reload":       func(s *visitSession) error { return s.Reload(context.Background()) },
	"Renew":        func(s *visitSession) error { s.Renew(); return session.ErrGone },
	"Renew, Save":  func(s *visitSession) error { s.Renew(); return s.Save(context.Background()) },
	"log-in":       func(s *visitSession) error { s.Data.Name = "mallory"; return session.ErrGone },
	"log-out":      func(s *visitSession) error { s.Data.Name = ""; s.Data.Count = 99; return session.ErrGone },
	"SetMaxAge":    func(s *visitSession) error { s.SetMaxAge(time.Hour); return session.ErrGone },
	"Destroy":      func(s *visitSession) error { s.Destroy(); return session.ErrGone },
	"Regenerate":   func(s *visitSession) error { s.Regenerate(); return session.ErrGone },
	"Regenerate and a change": func(s *visitSession) error {
		s.Regenerate()
		s.Data.Count = 99
		return session.ErrGone
	},
	"Regenerate, and all of Data copied": func(s *visitSession) error {
		data := s.Data
		s.Regenerate()
		s.Data = data
		s.Data.Count = 99
		return session.ErrGone
	},
	"Regenerate, Save": func(s *visitSession) error {
		s.Regenerate()
		s.Data.Count = 99
		return s.Save(context.Background())
	},
}

// A slow request with the old token changes nothing in the session that is
// there by the time when it ends, and does not disturb its cookie.
func TestSlowRequestOfASessionThatChangedHands(t *testing.T) {
	t.Parallel()
	for what, meanwhile := range meanwhiles {
		for how, act := range slowActions {
			t.Run(what+"/"+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, byName, always)
					old := r.seed(visit{Name: meanwhile.user, Count: 1})
					slow, s := r.begin(old)
					time.Sleep(time.Second)
					token := meanwhile.do(r, old)
					var before []session.Record
					if token != "" {
						before = append(before, r.record(idOf(token)))
					}
					records := r.len()
					time.Sleep(time.Second)
					r.forget()

					if err := act(s); !errors.Is(err, session.ErrGone) {
						t.Errorf("the error is %v, want ErrGone", err)
					}
					out, err := slow.x.Commit(t.Context(), false)
					if err != nil || out.Action != session.ActionNone {
						t.Errorf("the response is to do %+v, with the error %v, want nothing: the client has another cookie, or none", out, err)
					}
					if out := slow.end(); out.Action != session.ActionNone {
						t.Errorf("the end is to do %+v, want nothing", out)
					}
					for _, rec := range before {
						r.same(rec)
						r.wantOpens(token, rec.ID)
					}
					r.wantRecords(records)
					if events := r.log.all(session.EventGone); len(events) == 0 {
						t.Errorf("no event %q, want one: what the request did was dropped", session.EventGone)
					}
				})
			})
		}
	}
}

// The Valid hook takes its time, and refuses what was the session.
func TestSlowValidOfASessionThatChangedHands(t *testing.T) {
	t.Parallel()
	for what, meanwhile := range meanwhiles {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, byName)
			old := r.seed(visit{Name: meanwhile.user, Count: 1})
			var token string
			q := r.requestWith(func(q *fakeRequest) {
				q.valid = func(*visitSession) (bool, error) { token = meanwhile.do(r, old); return false, nil }
			}, sid(old))
			s := q.get()
			if s.Data.Count != 0 {
				t.Errorf("Data %+v, want nothing of what was refused", s.Data)
			}
			wantAction(t, q.commit(), session.ActionNone)
			if token != "" {
				r.wantOpens(token, idOf(token))
			}
		})
	}
}
