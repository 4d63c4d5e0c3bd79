package session_test

import (
	"fmt"
	"testing"

	"github.com/echosession/echosession/session"
)

// What a handler does once the response has begun.
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
		{"nothing, new", false, nil, looking, "", nil},
		{"nothing, stored", true, nil, looking, "", nil},
		{"nothing, changed before", true, counting, looking, "", nil},
		{"a change, new", false, nil, counting, "", lost},
		{"a change, stored", true, nil, func(s *visitSession) { s.Data.Pages[0].Title = "x" }, "", lost},
		{"a further change", true, counting, counting, "", lost},
		{"a change taken back", true, nil, func(s *visitSession) { s.Data.Count++; s.Data.Count-- }, "", nil},
		{"a change taken back, of before", true, counting, func(s *visitSession) { s.Data.Count-- }, "", lost},
		{"a change and SaveNever", true, nil, func(s *visitSession) { s.Data.Count++; s.SetSave(never) }, "", nil},
		{"Renew, new", false, nil, (*visitSession).Renew, "", nil},
		{"Renew, stored", true, nil, (*visitSession).Renew, "", lost},
		{"SetMaxAge, new", false, nil, func(s *visitSession) { s.SetMaxAge(1e9) }, "", nil},
		{"SetMaxAge, stored", true, nil, func(s *visitSession) { s.SetMaxAge(1e9) }, "", lost},
		{"SetMaxAge to what it is", true, nil, func(s *visitSession) { s.SetMaxAge(0) }, "", nil},
		{"Regenerate, new", false, nil, (*visitSession).Regenerate, "", nil},
		{"Regenerate, stored", true, nil, (*visitSession).Regenerate, "delete", both},
		{"Destroy, new", false, nil, (*visitSession).Destroy, "", nil},
		{"Destroy, stored", true, nil, (*visitSession).Destroy, "delete", onlyDestroyed},
		{"Destroy, just created", false, counting, (*visitSession).Destroy, "delete", onlyDestroyed},
		{"Destroy after a change", true, nil, func(s *visitSession) { s.Data.Count++; s.Destroy() }, "delete", onlyDestroyed},
		{"Destroy before SaveNever", true, nil, func(s *visitSession) { s.Destroy(); s.SetSave(never) }, "", nil},
		{"Destroy after SaveNever", true, nil, func(s *visitSession) { s.SetSave(never); s.Destroy() }, "delete", onlyDestroyed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			q, s := r.beginStored(tt.stored, fullVisit())
			if tt.before != nil {
				tt.before(s)
			}
			q.commit()
			r.forget()
			tt.do(s)
			if out := q.end(); out != (session.Outcome{}) {
				t.Errorf("outcome %+v, want nothing: no header can be sent", out)
			}
			r.store.wantCalls(t, tt.calls)
			r.log.want(t, tt.events...)
		})
	}
}

// The session is first asked for after the commit.
func TestFirstAskedAfterTheCommit(t *testing.T) {
	t.Parallel()
	for _, change := range []bool{false, true} {
		t.Run(fmt.Sprintf("change %v", change), func(t *testing.T) {
			for _, stored := range []bool{false, true} {
				t.Run(fmt.Sprintf("stored %v", stored), func(t *testing.T) {
					r := newRig(t)
					q := r.request()
					if stored {
						q = r.request(r.seed(fullVisit()))
					}
					q.commit()
					s := q.get()
					if s.IsNew() == stored {
						t.Errorf("new is %v, want %v", s.IsNew(), !stored)
					}
					if change {
						s.Data.Count++
					}
					q.end()
					if got := len(r.log.all(session.EventLost)); (got == 1) != change {
						t.Errorf("changed %v, stored %v: %d events, want one only for a change", change, stored, got)
					}
				})
			}
		})
	}
}

// Changes that come too late are looked for in a hundred requests, and then in
// one of 64.
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
			t.Fatalf("after %d requests %d are lost, want %d", n, got, lost)
		}
	}
}

// A change that a save missed is told of as that, not as a late one as well.
func TestFailedSaveIsNotALateChange(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*rig, *fakeRequest){
		"the store fails": func(r *rig, _ *fakeRequest) { r.store.failWith(opUpdate, errBroken) },
		"BeforeSave changes, the store fails": func(r *rig, q *fakeRequest) {
			r.store.failWith(opUpdate, errBroken)
			q.beforeSave = func(s *visitSession) error { s.Data.Note = "prepared"; return nil }
		},
		"BeforeSave changes and fails": func(_ *rig, q *fakeRequest) {
			q.beforeSave = func(s *visitSession) error { s.Data.Note = "prepared"; return errBroken }
		},
		"merged, then the store fails": func(r *rig, _ *fakeRequest) {
			r.store.answer(func(op string, _ session.Record, do func() error) error {
				if op == opUpdate && r.store.count(opUpdate) > 1 {
					return errBroken
				}
				return do()
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			merged := name == "merged, then the store fails"
			q := r.requestWith(func(q *fakeRequest) {
				set(r, q)
				q.failed = func(session.Op, error) error { return nil }
			}, sid(token))
			q.get().Data.Count = 5
			if merged {
				r.foreign(token, noting("theirs"))
			}
			wantAction(t, q.commit(), session.ActionNone)
			q.end()
			if got := r.log.all(session.EventLost); len(got) != 0 || len(r.log.all(session.EventError)) != 1 {
				t.Errorf("%v lost, errors %v, want one error and no lost change", got, r.log.all(session.EventError))
			}
		})
	}
}

func TestLateDestroyFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	q.commit()
	s.Destroy()
	r.store.failWith(opDelete, errBroken)
	_, err := q.x.End(t.Context())
	wantErr(t, err, errBroken)
	if !r.exists(idOf(token)) {
		t.Error("the record is gone, but the store failed")
	}
}
