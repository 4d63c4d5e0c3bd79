package session_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/echosession/echosession/session"
)

// Once the response has begun, Save and Update store what needs no new token.
func TestSaveAfterTheCommit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		stored bool
		before func(*visitSession)
		do     func(*visitSession)
		err    error
		calls  string
	}{
		{"new", false, nil, counting, session.ErrCommitted, ""},
		{"created by the commit", false, counting, counting, nil, "update"},
		{"stored", true, nil, counting, nil, "update"},
		{"stored and untouched", true, nil, looking, nil, "update"},
		{"Renew", true, nil, (*visitSession).Renew, session.ErrCommitted, ""},
		{"Regenerate", true, nil, (*visitSession).Regenerate, session.ErrCommitted, ""},
		{"SetMaxAge", true, nil, func(s *visitSession) { s.SetMaxAge(time.Hour) }, nil, "update"},
	} {
		for how, save := range map[string]func(*visitSession) error{
			"Save":   func(s *visitSession) error { return s.Save(t.Context()) },
			"Update": func(s *visitSession) error { return s.Update(t.Context(), func(*visit) error { return nil }) },
		} {
			t.Run(tt.name+"/"+how, func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				q, s := r.beginStored(tt.stored, fullVisit())
				if tt.before != nil {
					tt.before(s)
				}
				q.commit()
				r.forget()
				tt.do(s)
				wantErr(t, save(s), tt.err)
				r.store.wantCalls(t, tt.calls)
				if tt.err == nil {
					q.end()
					if got := r.data(s.ID()); got.Count != s.Data.Count || len(r.log.all(session.EventLost)) != 0 {
						t.Errorf("stored %+v, %d lost, want %+v and nothing lost", got, len(r.log.all(session.EventLost)), s.Data)
					}
				}
			})
		}
	}
}

// Destroy and Save delete the record at once, also then.
func TestDestroyAndSave(t *testing.T) {
	t.Parallel()
	for _, begun := range []bool{false, true} {
		t.Run(fmt.Sprintf("begun %v", begun), func(t *testing.T) {
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			q, s := r.begin(token)
			if begun {
				q.commit()
			}
			s.Destroy()
			r.forget()
			wantNoErr(t, s.Save(t.Context()))
			r.store.wantCalls(t, "delete")
			r.log.want(t, session.EventDestroyed)
			if !begun {
				wantAction(t, q.commit(), session.ActionClear)
			}
			// There is nothing left to save: what was destroyed stays so.
			for what, err := range map[string]error{
				"Save":   s.Save(t.Context()),
				"Update": s.Update(t.Context(), func(*visit) error { return nil }),
				"Reload": s.Reload(t.Context()),
			} {
				if err == nil {
					t.Errorf("%s of a destroyed session: no error", what)
				}
			}
			s.Data.Count++
			s.Renew()
			s.Regenerate()
			q.end()
			r.store.wantCalls(t, "delete")
			r.wantRecords(0)
		})
	}
}

func TestUpdateOfADestroyedSession(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q, s := r.begin(r.seed(visit{Name: "n"}))
	s.Destroy()
	if err := s.Update(t.Context(), func(*visit) error { t.Error("fn was called"); return nil }); err == nil {
		t.Error("no error")
	}
	wantAction(t, q.commit(), session.ActionClear)
}

// A hijacked connection carries no header: what needs a cookie is not stored.
func TestHijackedCommit(t *testing.T) {
	t.Parallel()
	lost := []session.EventKind{session.EventLost}
	for _, tt := range []struct {
		name   string
		stored bool
		do     func(*visitSession)
		calls  string
		events []session.EventKind
	}{
		{"untouched, new", false, looking, "", nil},
		{"untouched, stored", true, looking, "", nil},
		{"changed, new", false, counting, "", lost},
		{"changed, stored", true, counting, "update", onlySaved},
		{"Renew", true, (*visitSession).Renew, "", lost},
		{"Renew and a change", true, func(s *visitSession) { s.Renew(); s.Data.Count++ }, "", lost},
		{"SetMaxAge", true, func(s *visitSession) { s.SetMaxAge(time.Hour) }, "update", onlySaved},
		{"Regenerate", true, (*visitSession).Regenerate, "delete", onlyDestroyed},
		{"Regenerate, kept data", true, func(s *visitSession) { s.Regenerate(); s.Data.Count++ }, "delete",
			[]session.EventKind{session.EventLost, session.EventDestroyed}},
		{"Destroy", true, (*visitSession).Destroy, "delete", onlyDestroyed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			q, s := r.beginStored(tt.stored, fullVisit())
			tt.do(s)
			r.forget()
			q.hijack()
			r.store.wantCalls(t, tt.calls)
			r.log.want(t, tt.events...)
		})
	}
}

// After a hijack the handler sends the token itself: everything can be stored.
func TestSaveAfterAHijack(t *testing.T) {
	t.Parallel()
	for name, save := range map[string]func(*visitSession) error{
		"Save":   func(s *visitSession) error { return s.Save(t.Context()) },
		"Update": func(s *visitSession) error { return s.Update(t.Context(), func(*visit) error { return nil }) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			q, s := r.begin()
			q.hijack()
			if err := save(s); !errors.Is(err, session.ErrCommitted) {
				t.Errorf("%s before the connection was taken over: %v, want ErrCommitted", name, err)
			}
			r.forget()
			q.x.Hijacked()
			s.Data.Name = "ws"
			if err := save(s); err != nil {
				t.Errorf("%s of a new session: %v", name, err)
			}
			old := s.Token()
			s.Renew()
			if err := save(s); err != nil {
				t.Errorf("%s after Renew: %v", name, err)
			}
			if s.Token() == old {
				t.Errorf("the token is still %q", old)
			}
			if got := r.request(s.Token()).get(); got.Data.Name != "ws" {
				t.Errorf("the token opens %+v, want what was saved", got.Data)
			}
			q.end()
			r.log.want(t, session.EventCreated, session.EventRenewed)
		})
	}
}

// What a hook or the function of an Update asks for comes under the same rule:
// no record is given a token that cannot be sent.
func TestRenewInsideOfASaveAfterTheCommit(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*visitSession){"Renew": (*visitSession).Renew, "Regenerate": (*visitSession).Regenerate} {
		t.Run(name+"/Update", func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			q, s := r.begin(token)
			q.commit()
			err := s.Update(t.Context(), func(v *visit) error { change(s); v.Count = 7; return nil })
			wantErr(t, err, session.ErrCommitted)
			if got := r.request(token).get(); got.IsNew() || got.Data.Count != 0 {
				t.Errorf("the client's token opens %+v, new %v, want the session as it was", got.Data, got.IsNew())
			}
		})
		t.Run(name+"/BeforeSave", func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			begun := false
			q := r.requestWith(func(q *fakeRequest) {
				q.beforeSave = func(s *visitSession) error {
					if begun {
						change(s)
					}
					return nil
				}
			}, sid(token))
			s := q.get()
			q.commit()
			begun = true
			s.Data.Count = 7
			wantErr(t, s.Save(t.Context()), session.ErrCommitted)
			if got := r.request(token).get(); got.IsNew() || got.Data.Count != 0 {
				t.Errorf("the client's token opens %+v, new %v, want the session as it was", got.Data, got.IsNew())
			}
		})
		t.Run(name+"/BeforeSave, hijacked", func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			q := r.requestWith(func(q *fakeRequest) {
				q.beforeSave = func(s *visitSession) error { change(s); return nil }
			}, sid(token))
			q.get().Data.Count = 7
			q.hijack()
			if got := len(r.log.all(session.EventLost)); got != 1 {
				t.Errorf("%d lost, want one", got)
			}
			if r.len() > 1 || r.exists(idOf(token)) && r.request(token).get().IsNew() {
				t.Error("a record was given a token that nobody has")
			}
		})
	}
}
