package session_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/echosession/echosession/session"
)

// After the response began, Save and Update store what needs no new token.
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
		{"new", false, looking, counting, session.ErrCommitted, ""},
		{"created by the commit", false, counting, counting, nil, "update"},
		{"stored", true, looking, counting, nil, "update"},
		{"stored and untouched", true, looking, looking, nil, "update"},
		{"Renew", true, looking, (*visitSession).Renew, session.ErrCommitted, ""},
		{"Regenerate", true, looking, (*visitSession).Regenerate, session.ErrCommitted, ""},
		{"SetMaxAge", true, looking, func(s *visitSession) { s.SetMaxAge(time.Hour) }, nil, "update"},
	} {
		for how, save := range map[string]func(*visitSession) error{
			"Save":   func(s *visitSession) error { return s.Save(t.Context()) },
			"Update": func(s *visitSession) error { return s.Update(t.Context(), func(*visit) error { return nil }) },
		} {
			t.Run(tt.name+"/"+how, func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				q, s := r.beginStored(tt.stored, fullVisit())
				tt.before(s)
				q.commit()
				r.forget()
				tt.do(s)
				wantErr(t, save(s), tt.err)
				r.store.wantCalls(t, tt.calls)
				if tt.err == nil {
					q.end()
					r.wantStored(s.ID(), s.Data)
					r.log.wantNone(t, session.EventLost)
				}
			})
		}
	}
}

// After the response began, a hook or the function of an Update asks for a new
// token. That is an error as well: no record gets a token that cannot be sent.
func TestRenewInsideOfASaveAfterTheCommit(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*visitSession){"Renew": (*visitSession).Renew, "Regenerate": (*visitSession).Regenerate} {
		t.Run(name+"/Update", func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			q, s := r.begin(token)
			q.commit()
			wantErr(t, s.Update(t.Context(), func(v *visit) error { change(s); v.Count = 7; return nil }), session.ErrCommitted)
			r.wantOpens(token, idOf(token))
			r.wantStored(idOf(token), visit{Name: "n"})
		})
		t.Run(name+"/BeforeSave", func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			q := r.requestWith(beforeSave(change), sid(token))
			s := q.get()
			q.commit()
			s.Data.Count = 7
			wantErr(t, s.Save(t.Context()), session.ErrCommitted)
			r.wantOpens(token, idOf(token))
			r.wantStored(idOf(token), visit{Name: "n"})
		})
		t.Run(name+"/BeforeSave, hijacked", func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			q := r.requestWith(beforeSave(change), sid(token))
			q.get().Data.Count = 7
			q.hijack()
			r.log.one(t, session.EventLost)
			if r.len() > 1 || r.exists(idOf(token)) && r.request(token).get().IsNew() {
				t.Error("a record has a token that the client does not have, want none")
			}
		})
	}
}

// A hijacked connection has no header. So what needs a cookie is lost, which is
// observed.
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

// After Hijacked the handler sends the token by itself, and everything can be
// stored.
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
			wantErr(t, save(s), session.ErrCommitted) // the connection is not taken over yet
			r.forget()
			q.x.Hijacked()
			s.Data.Name = "ws"
			wantNoErr(t, save(s))
			old := s.Token()
			s.Renew()
			wantNoErr(t, save(s))
			if s.Token() == old {
				t.Errorf("the token after Renew is %q, want another one", old)
			}
			r.wantOpens(s.Token(), s.ID())
			r.wantStored(s.ID(), visit{Name: "ws"})
			q.end()
			r.log.want(t, session.EventCreated, session.EventRenewed)
		})
	}
}

// What a handler does after the response began is observed as lost, except for
// a Destroy, which deletes the record.
func TestAfterTheCommit(t *testing.T) {
	t.Parallel()
	lost, never := []session.EventKind{session.EventLost}, session.SaveNever
	both := []session.EventKind{session.EventLost, session.EventDestroyed}
	for _, tt := range []struct {
		name   string
		stored bool
		before func(*visitSession)
		do     func(*visitSession)
		calls  string
		events []session.EventKind
	}{
		{"nothing, new", false, looking, looking, "", nil},
		{"nothing, stored", true, looking, looking, "", nil},
		{"nothing, changed before", true, counting, looking, "", nil},
		{"a change, new", false, looking, counting, "", lost},
		{"a change, stored", true, looking, func(s *visitSession) { s.Data.Pages[0].Title = "x" }, "", lost},
		{"a further change", true, counting, counting, "", lost},
		{"a change taken back", true, looking, func(s *visitSession) { s.Data.Count++; s.Data.Count-- }, "", nil},
		{"a change taken back, of before", true, counting, func(s *visitSession) { s.Data.Count-- }, "", lost},
		{"a change and SaveNever", true, looking, func(s *visitSession) { s.Data.Count++; s.SetSave(never) }, "", nil},
		{"Renew, new", false, looking, (*visitSession).Renew, "", nil},
		{"Renew, stored", true, looking, (*visitSession).Renew, "", lost},
		{"SetMaxAge, new", false, looking, func(s *visitSession) { s.SetMaxAge(1e9) }, "", nil},
		{"SetMaxAge, stored", true, looking, func(s *visitSession) { s.SetMaxAge(1e9) }, "", lost},
		{"SetMaxAge to what it is", true, looking, func(s *visitSession) { s.SetMaxAge(0) }, "", nil},
		{"Regenerate, new", false, looking, (*visitSession).Regenerate, "", nil},
		{"Regenerate, stored", true, looking, (*visitSession).Regenerate, "delete", both},
		{"Destroy, new", false, looking, (*visitSession).Destroy, "", nil},
		{"Destroy, stored", true, looking, (*visitSession).Destroy, "delete", onlyDestroyed},
		{"Destroy, just created", false, counting, (*visitSession).Destroy, "delete", onlyDestroyed},
		{"Destroy after a change", true, looking, func(s *visitSession) { s.Data.Count++; s.Destroy() }, "delete", onlyDestroyed},
		{"Destroy before SaveNever", true, looking, func(s *visitSession) { s.Destroy(); s.SetSave(never) }, "", nil},
		{"Destroy after SaveNever", true, looking, func(s *visitSession) { s.SetSave(never); s.Destroy() }, "delete", onlyDestroyed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			q, s := r.beginStored(tt.stored, fullVisit())
			tt.before(s)
			q.commit()
			r.forget()
			tt.do(s)
			if out := q.end(); out != (session.Outcome{}) {
				t.Errorf("the outcome of the end is %+v, want an empty one: no header can be sent", out)
			}
			r.store.wantCalls(t, tt.calls)
			r.log.want(t, tt.events...)
		})
	}
}

// The handler asks for the session only after the response began. A change of
// it is lost.
func TestFirstAskedAfterTheCommit(t *testing.T) {
	t.Parallel()
	for _, stored := range []bool{false, true} {
		for name, do := range map[string]func(*visitSession){"no change": looking, "a change": counting} {
			t.Run(fmt.Sprintf("stored %t/%s", stored, name), func(t *testing.T) {
				r := newRig(t)
				q := r.request()
				if stored {
					q = r.request(r.seed(fullVisit()))
				}
				q.commit()
				s := q.get()
				if s.IsNew() == stored {
					t.Errorf("IsNew is %v, want %v", s.IsNew(), !stored)
				}
				do(s)
				q.end()
				want := 0
				if name == "a change" {
					want = 1
				}
				if got := len(r.log.all(session.EventLost)); got != want {
					t.Errorf("%d events %q, want %d", got, session.EventLost, want)
				}
			})
		}
	}
}

// Late changes are looked for in the first hundred requests, and then in one of
// 64.
func TestHowOftenLateChangesAreLookedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	lost := 0
	for n := 1; n <= 330; n++ {
		q, s := r.begin()
		q.commit()
		s.Data.Count++
		q.end()
		if n <= 100 || n%64 == 0 {
			lost++
		}
		if got := len(r.log.all(session.EventLost)); got != lost {
			t.Fatalf("%d late changes were observed in %d requests, want %d", got, n, lost)
		}
	}
}
