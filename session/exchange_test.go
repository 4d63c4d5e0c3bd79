package session_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/echosession/echosession/session"
)

// errOver is the error of a session whose request is over.
var errOver = session.ErrNoSession

// A session that is kept beyond its request stores nothing, and its methods say
// so.
func TestSessionAfterTheRequest(t *testing.T) {
	t.Parallel()
	for _, stored := range []bool{false, true} {
		t.Run(fmt.Sprintf("stored %t", stored), func(t *testing.T) {
			r := newRig(t)
			q, s := r.beginStored(stored, fullVisit())
			id, token := s.ID(), s.Token()
			q.commit()
			q.end()
			r.forget()
			s.Data.Count++
			for what, err := range map[string]error{
				"Save":   s.Save(t.Context()),
				"Reload": s.Reload(t.Context()),
				"Update": s.Update(t.Context(), func(*visit) error { t.Error("the function ran, want it not to"); return nil }),
			} {
				if !errors.Is(err, errOver) {
					t.Errorf("%s: %v, want %v", what, err, errOver)
				}
			}
			if s.ID() != id || s.Token() != token || s.IsNew() == stored || s.Manager() != r.m || s.CreatedAt().IsZero() || s.ExpiresAt().IsZero() {
				t.Errorf("the id is %q, the token %q, new %v, want all as before", s.ID(), s.Token(), s.IsNew())
			}
			s.Renew()
			s.SetMaxAge(1)
			s.Destroy()
			s.Regenerate()
			s.SetSave(session.SaveAlways)
			for _, out := range []session.Outcome{q.end(), q.commit()} {
				if out != (session.Outcome{}) {
					t.Errorf("the outcome is %+v, want an empty one", out)
				}
			}
			r.store.wantCalls(t, "")
			r.log.want(t)
		})
	}
}

// After the request its session cannot be had, and no hook is called.
func TestSessionFirstAskedAfterTheRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := r.request(r.seed(fullVisit()))
	q.end()
	_, err := q.x.Session(t.Context())
	wantErr(t, err, errOver)
	_, err = q.x.Peek(t.Context())
	wantErr(t, err, errOver)
	wantErr(t, q.x.Load(t.Context()), errOver)
	r.store.wantCalls(t, "")

	// The hooks may belong to another request by now.
	q, s := r.begin(r.seed(fullVisit()))
	q.end()
	q.failed = func(session.Op, error) error { t.Error("Failed was called, want no call"); return nil }
	q.beforeSave = func(*visitSession) error { t.Error("BeforeSave was called, want no call"); return nil }
	_ = s.Save(t.Context())
	_, _ = q.x.Session(t.Context())
}

// Goroutines that outlive their handler may call every method while the request
// ends.
func TestSessionDuringTheEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 20 {
		q, s := r.begin(r.seed(fullVisit()))
		var wg sync.WaitGroup
		for _, f := range []func(){
			func() { s.ID() }, func() { s.Token() }, func() { s.IsNew() }, func() { s.CreatedAt() }, func() { s.ExpiresAt() },
			func() { s.AuthenticatedAt() }, func() { s.Renew() }, func() { s.SetMaxAge(1e9) }, func() { s.SetSave(session.SaveAuto) },
			func() { s.Manager() }, func() { _ = fmt.Sprint(s) },
			func() { _, _ = q.x.Session(t.Context()) }, func() { _, _ = q.x.Peek(t.Context()) },
			func() { _, _ = q.tryCommit() }, func() { _, _ = q.x.End(t.Context()) },
			func() { _, _ = session.FromContext[visit](q.x.Context(t.Context())) },
		} {
			wg.Go(f)
		}
		wg.Wait()
		q.end()
		wantErr(t, s.Save(t.Context()), errOver)
	}
}

// Goroutines of one request that ask at once share one load and one session.
func TestSessionFromManyGoroutines(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := r.request(r.seed(fullVisit()))
	got := make([]*visitSession, 10)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			s, err := q.x.Session(t.Context())
			wantNoErr(t, err)
			got[i] = s
		})
		wg.Go(func() {
			if v := q.peek(); v.Name != "n" {
				t.Errorf("Peek: %+v, want what is stored", v)
			}
		})
	}
	wg.Wait()
	for _, s := range got {
		if s != got[0] {
			t.Errorf("two goroutines got %p and %p, want the same session", s, got[0])
		}
	}
	r.store.wantCalls(t, "load")
}

// BeforeSave is called before each save, and only then.
func TestBeforeSave(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	calls := 0
	hook := func(q *fakeRequest) {
		q.beforeSave = func(s *visitSession) error { calls++; s.Data.Note = "prepared"; return nil }
	}
	q := r.requestWith(hook)
	q.get()
	wantAction(t, q.commit(), session.ActionNone)
	if calls != 0 {
		t.Errorf("BeforeSave was called %d times without a save, want no call", calls)
	}
	q = r.requestWith(hook)
	s := q.get()
	s.Data.Count = 1
	q.save(s)
	s.Data.Count = 2
	token := q.commit().Token
	q.end()
	r.wantStored(s.ID(), visit{Count: 2, Note: "prepared"})
	r.log.want(t, session.EventCreated, session.EventSaved)
	q = r.requestWith(hook, sid(token))
	q.get().Destroy()
	q.commit()
	if calls != 2 {
		t.Errorf("BeforeSave was called %d times for two saves and a Destroy, want twice", calls)
	}
}

// An error of BeforeSave fails the save.
func TestBeforeSaveFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q := r.requestWith(func(q *fakeRequest) { q.beforeSave = func(*visitSession) error { return errBroken } }, sid(token))
	s := q.get()
	s.Data.Count = 1
	wantErr(t, s.Save(t.Context()), errBroken)
	q.wantCommitErr(errBroken)
	r.store.wantCalls(t, "load")
}

// BeforeSave may destroy the session, regenerate it or renew it.
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
		for _, saved := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/saved %t", name, saved), func(t *testing.T) {
				r := newRig(t)
				token := r.seed(visit{Name: "n"})
				q := r.requestWith(beforeSave(tt.do), sid(token))
				s := q.get()
				s.Data.Count = 1
				r.forget()
				if saved {
					q.save(s)
				}
				wantAction(t, q.commit(), tt.action)
				r.store.wantCalls(t, tt.calls)
				r.wantClosed(token)
			})
		}
	}
	// If the store fails, that is an error of Destroy.
	r := newRig(t)
	q := r.requestWith(beforeSave((*visitSession).Destroy), sid(r.seed(visit{Name: "n"})))
	q.get().Data.Count = 1
	r.store.failWith(opDelete, errBroken)
	var op session.Op
	q.failed = func(o session.Op, err error) error { op = o; return err }
	q.wantCommitErr(errBroken)
	if op != session.OpDestroy {
		t.Errorf("Failed was called with %q, want %q", op, session.OpDestroy)
	}
}

// beforeSave sets a BeforeSave hook that calls do.
func beforeSave(do func(*visitSession)) func(*fakeRequest) {
	return func(q *fakeRequest) {
		q.beforeSave = func(s *visitSession) error { do(s); return nil }
	}
}

// A hook that calls what waits for it gets an error instead of a deadlock,
// however deep the call is.
func TestHooksThatAskForTheirOwnSession(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{0, 60, 63, 64, 65, 200} {
		t.Run(fmt.Sprintf("depth %v", depth), func(t *testing.T) {
			r := newRig(t)
			var inValid *visitSession
			var q *fakeRequest
			check := func(hook string, s *visitSession) {
				deep(depth, func() {
					_, commit := q.tryCommit()
					for what, err := range map[string]error{
						"Save":   s.Save(t.Context()),
						"Reload": s.Reload(t.Context()),
						"Update": s.Update(t.Context(), count),
						"Commit": commit,
					} {
						if err == nil {
							t.Errorf("%s in %s: no error, want one", what, hook)
						}
					}
				})
			}
			q = r.requestWith(func(q *fakeRequest) {
				q.valid = func(s *visitSession) (bool, error) {
					check("Valid", s)
					deep(depth, func() { inValid = q.get() })
					if inValid != s {
						t.Errorf("Session in Valid: %v, want the one that Valid is called with", inValid)
					}
					if v := q.peek(); v.Name != "n" {
						t.Errorf("Peek in Valid: %+v, want what was loaded", v)
					}
					return true, nil
				}
				q.beforeSave = func(s *visitSession) error { check("BeforeSave", s); return nil }
			}, sid(r.seed(visit{Name: "n"})))
			s := q.get()
			if s != inValid {
				t.Errorf("Session: %p, want the same as in Valid, %p", s, inValid)
			}
			wantNoErr(t, s.Update(t.Context(), func(v *visit) error { check("Update", s); return count(v) }))
			s.Data.Count++
			q.commit()
			r.wantStored(s.ID(), visit{Name: "n", Count: 2})
		})
	}
}

// deep calls f in the n-th nested call.
func deep(n int, f func()) {
	if n == 0 {
		f()
		return
	}
	deep(n-1, f)
}

// While Valid runs, another goroutine of the request gets the session under
// validation without waiting, and cannot save it.
func TestOthersDuringAHook(t *testing.T) {
	t.Parallel()
	for _, accepted := range []bool{true, false} {
		r := newRig(t)
		others := func(q *fakeRequest, validated *visitSession) {
			if v := q.peek(); v.Name != "n" {
				t.Errorf("Peek: %+v, want what is stored", v)
			}
			s, err := q.x.Session(t.Context())
			wantNoErr(t, err)
			if s != validated {
				t.Errorf("Session: %p, want the one under validation, %p", s, validated)
			}
			if err := s.Save(t.Context()); err == nil {
				t.Error("Save: no error, want one while Valid runs")
			}
		}
		var q *fakeRequest
		var validated *visitSession
		q = r.requestWith(func(q *fakeRequest) {
			q.valid = func(s *visitSession) (bool, error) {
				validated = s
				done := make(chan struct{})
				go func() {
					defer close(done)
					others(q, s)
				}()
				<-done
				return accepted, nil
			}
		}, sid(r.seed(visit{Name: "n"})))
		if got := q.get(); (got == validated) != accepted {
			t.Errorf("accepted %v: Get: the validated session %v, want %v", accepted, got == validated, accepted)
		}
	}
}

// The Failed hook may ask for the session, too.
func TestFailedHookAsks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.store.failWith(opLoad, errBroken)
	q := r.requestWith(nil, sid("x."+secret22))
	q.failed = func(_ session.Op, err error) error {
		if s, err := q.x.Session(t.Context()); s != nil || err == nil {
			t.Errorf("Session in Failed: %v, %v, want an error alone", s, err)
		}
		return err
	}
	_, err := q.x.Session(t.Context())
	wantErr(t, err, errBroken)
}

// A hook of a commit may ask for a session that no handler asked for.
func TestHooksOfACommitAskForTheSession(t *testing.T) {
	t.Parallel()
	t.Run("BeforeSave of a routine renewal", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r, token := dueRig(t, visit{Name: "n"})
			asked := 0
			q := r.requestWith(func(q *fakeRequest) {
				q.beforeSave = func(s *visitSession) error {
					asked++
					if got, err := q.x.Session(t.Context()); got != s || err != nil {
						t.Errorf("Session: %v, %v, want the one that is saved", got, err)
					}
					if v, err := q.x.Peek(t.Context()); v.Name != "n" || err != nil {
						t.Errorf("Peek: %+v, %v, want what is stored", v, err)
					}
					return nil
				}
			}, sid(token))
			wantAction(t, q.loadAndCommit(), session.ActionSet)
			if asked != 1 {
				t.Errorf("BeforeSave was called %d times, want once", asked)
			}
		})
	})
	t.Run("ErrorHandler of a session that cannot be made", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, allowEmpty, withIDs())
		q := r.request()
		q.failed = func(_ session.Op, err error) error {
			if s, err := q.x.Session(t.Context()); s != nil || err == nil {
				t.Errorf("Session: %v, %v, want an error", s, err)
			}
			if _, err := q.x.Peek(t.Context()); err == nil {
				t.Error("Peek: no error, want one")
			}
			return err
		}
		q.load()
		q.wantCommitErr(errBroken)
	})
}
