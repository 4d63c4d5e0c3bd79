package session_test

import (
	"fmt"
	"testing"

	"github.com/echosession/echosession/session"
)

// BeforeSave is called before each save, and for nothing else.
func TestBeforeSave(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	asked := 0
	hook := func(q *fakeRequest) {
		q.beforeSave = func(s *visitSession) error { asked++; s.Data.Note = "prepared"; return nil }
	}
	q := r.requestWith(hook)
	q.get()
	wantAction(t, q.commit(), session.ActionNone)
	if asked != 0 {
		t.Errorf("asked %d times although nothing was saved", asked)
	}
	q = r.requestWith(hook)
	s := q.get()
	s.Data.Count = 1
	q.save(s)
	s.Data.Count = 2
	token := q.commit().Token
	q.end()
	if got, want := r.data(s.ID()), (visit{Count: 2, Note: "prepared"}); asked != 2 || !equalVisits(got, want) {
		t.Errorf("asked %d times, stored %+v, want twice and %+v", asked, got, want)
	}
	r.log.want(t, session.EventCreated, session.EventSaved)
	q = r.requestWith(hook, sid(token))
	q.get().Destroy()
	q.commit()
	if asked != 2 {
		t.Error("asked before a Destroy")
	}
}

func TestBeforeSaveFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q := r.requestWith(func(q *fakeRequest) {
		q.beforeSave = func(*visitSession) error { return errBroken }
	}, sid(token))
	s := q.get()
	s.Data.Count = 1
	wantErr(t, s.Save(t.Context()), errBroken)
	q.wantCommitErr(errBroken)
	r.store.wantCalls(t, "load")
}

// BeforeSave may end the session, or make another of it.
func TestBeforeSaveDestroys(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		do     func(*visitSession)
		action session.Action
		calls  string
	}{
		"Destroy":    {(*visitSession).Destroy, session.ActionClear, "delete"},
		"Regenerate": {(*visitSession).Regenerate, session.ActionSet, "create delete"},
		"Renew":      {(*visitSession).Renew, session.ActionSet, "update"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, now := range []bool{false, true} {
				t.Run(fmt.Sprintf("now %v", now), func(t *testing.T) {
					r := newRig(t)
					token := r.seed(visit{Name: "n"})
					q := r.requestWith(func(q *fakeRequest) {
						q.beforeSave = func(s *visitSession) error { tt.do(s); return nil }
					}, sid(token))
					s := q.get()
					s.Data.Count = 1
					r.forget()
					if now {
						q.save(s)
					}
					out := q.commit()
					wantAction(t, out, tt.action)
					r.store.wantCalls(t, tt.calls)
					if out.Token == token || !r.request(token).get().IsNew() {
						t.Error("the old token still opens the session")
					}
				})
			}
		})
	}
	// Without a store there is no destroying it.
	r := newRig(t)
	q := r.requestWith(func(q *fakeRequest) {
		q.beforeSave = func(s *visitSession) error { s.Destroy(); return nil }
	}, sid(r.seed(visit{Name: "n"})))
	q.get().Data.Count = 1
	r.store.failWith(opDelete, errBroken)
	var op session.Op
	q.failed = func(o session.Op, err error) error { op = o; return err }
	q.wantCommitErr(errBroken)
	if op != session.OpDestroy {
		t.Errorf("the hook was asked about %q, want %q", op, session.OpDestroy)
	}
}

// Hooks that ask for what waits for them get an error, not a deadlock; also
// from far below.
func TestHooksThatAskForTheirOwnSession(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{0, 60, 63, 64, 65, 200} {
		t.Run(fmt.Sprintf("depth %v", depth), func(t *testing.T) {
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			var inValid *visitSession
			var q *fakeRequest
			calls := func(s *visitSession) map[string]error {
				errs := map[string]error{
					"Save":   s.Save(t.Context()),
					"Reload": s.Reload(t.Context()),
					"Update": s.Update(t.Context(), func(*visit) error { return nil }),
				}
				_, errs["Commit"] = q.tryCommit()
				return errs
			}
			check := func(hook string, s *visitSession) {
				deep(depth, func() {
					for what, err := range calls(s) {
						if err == nil {
							t.Errorf("%s in %s, %d calls deep: no error", what, hook, depth)
						}
					}
				})
			}
			q = r.requestWith(func(q *fakeRequest) {
				q.valid = func(s *visitSession) (bool, error) {
					check("Valid", s)
					var err error
					deep(depth, func() { inValid, err = q.x.Session(t.Context()) })
					if err != nil || inValid != s {
						t.Errorf("Session in Valid gave %v, %v, want the one that is being validated", inValid, err)
					}
					if v, err := q.x.Peek(t.Context()); err != nil || v.Name != "n" {
						t.Errorf("Peek in Valid gave %+v, %v, want what was loaded", v, err)
					}
					return true, nil
				}
				q.beforeSave = func(s *visitSession) error { check("BeforeSave", s); return nil }
				q.failed = func(_ session.Op, err error) error { return err }
			}, sid(token))
			s := q.get()
			if s != inValid {
				t.Error("Session is another one than in Valid")
			}
			wantNoErr(t, s.Update(t.Context(), func(v *visit) error { check("Update", s); v.Count = 1; return nil }))
			s.Data.Count = 2
			q.commit()
			if got := r.data(s.ID()).Count; got != 2 {
				t.Errorf("stored %d, want 2", got)
			}
		})
	}
}

func deep(n int, f func()) {
	if n == 0 {
		f()
		return
	}
	deep(n-1, f)
}

// Another goroutine of the request waits for the hook.
func TestOthersWaitForAHook(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	entered, done := make(chan struct{}), make(chan error)
	q := r.requestWith(func(q *fakeRequest) {
		q.valid = func(*visitSession) (bool, error) {
			close(entered)
			return true, nil
		}
	}, sid(r.seed(visit{Name: "n"})))
	go func() {
		<-entered
		_, err := q.x.Peek(t.Context())
		done <- err
	}()
	q.get()
	wantNoErr(t, <-done)
}

// The hook that is told of a failure may ask for the session, too.
func TestFailedHookAsks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.store.failWith(opLoad, errBroken)
	q := r.requestWith(nil, sid("x."+secret22))
	q.failed = func(_ session.Op, err error) error {
		if s, err := q.x.Session(t.Context()); s != nil || err == nil {
			t.Errorf("Session in Failed gave %v, %v, want an error", s, err)
		}
		return err
	}
	_, err := q.x.Session(t.Context())
	wantErr(t, err, errBroken)
}
