package session_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// slowStore is a store that takes as long as one over a network.
type slowStore struct {
	session.Store
	trip time.Duration
}

// Load implements session.Store.
func (s slowStore) Load(ctx context.Context, id string) (session.Record, error) {
	time.Sleep(s.trip)
	return s.Store.Load(ctx, id)
}

// Update implements session.Store.
func (s slowStore) Update(ctx context.Context, r session.Record) error {
	time.Sleep(s.trip)
	return s.Store.Update(ctx, r)
}

// waysToUpdate are the ways to count in a session that was loaded before.
var waysToUpdate = map[string]func(r *rig, token string) (update func() error){
	"Session.Update": func(r *rig, token string) func() error {
		_, s := r.begin(token)
		return func() error { return s.Update(r.Context(), count) }
	},
	"Manager.Update": func(r *rig, token string) func() error {
		return func() error { return r.m.Update(r.Context(), idOf(token), count) }
	},
	"Session.Save": func(r *rig, token string) func() error {
		_, s := r.begin(token)
		return func() error {
			s.Data.Count++
			return s.Save(r.Context())
		}
	},
}

// Many writers of one session on a slow store take turns. Each comes to its
// turn, with a few calls of the store.
func TestManyWritersOfOneSession(t *testing.T) {
	t.Parallel()
	const writers = 500
	for how, prepare := range waysToUpdate {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(cfg *visitConfig) {
					cfg.Store = slowStore{cfg.Store, 5 * time.Millisecond}
					cfg.Merge = func(base, mine, theirs *visit) (visit, error) {
						merged := *theirs
						merged.Count += mine.Count - base.Count
						return merged, nil
					}
				})
				token := r.seed(visit{Name: "n"})
				updates := make([]func() error, writers)
				for i := range updates {
					updates[i] = prepare(r, token)
				}
				r.store.reset()
				start := time.Now()
				var all sync.WaitGroup
				for _, update := range updates {
					all.Go(func() { wantNoErr(t, update()) })
				}
				all.Wait()
				r.wantStored(idOf(token), visit{Name: "n", Count: writers})
				if n := r.store.count(opUpdate); n > 3*writers {
					t.Errorf("%d updates by %d writers, want at most 3 each", n, writers)
				}
				// Each in its turn needs a look, a write and up to a millisecond.
				if took := time.Since(start); took > 11*writers*time.Millisecond+time.Second {
					t.Errorf("it took %v, want about %v", took, 11*writers*time.Millisecond)
				}
			})
		})
	}
}

// The function of an Update, which has the turn, updates the same session and
// waits for that.
func TestWriterThatWaitsForAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		token := r.seed(visit{Name: "n"})
		id := idOf(token)
		conflict := func() {
			r.store.once(opUpdate, func(func() error) error { return session.ErrConflict })
		}
		conflict()
		runs := 0
		wantNoErr(t, r.m.Update(t.Context(), id, func(v *visit) error {
			if runs++; runs == 2 { // after the conflict it has the turn
				conflict()
				wantNoErr(t, r.m.Update(t.Context(), id, func(v *visit) error { v.Note = "inner"; return nil }))
			}
			return count(v)
		}))
		r.wantStored(id, visit{Name: "n", Count: 1, Note: "inner"})
	})
}

// A writer that waits for its turn gives up with its context, and leaves the
// turn to the others.
func TestWriterThatGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		token := r.seed(visit{Name: "n"})
		id := idOf(token)
		add := func(ctx context.Context, held <-chan struct{}) error {
			r.store.once(opUpdate, func(func() error) error { return session.ErrConflict })
			runs := 0
			return r.m.Update(ctx, id, func(v *visit) error {
				if runs++; runs == 2 && held != nil {
					<-held
				}
				return count(v)
			})
		}
		held := make(chan struct{})
		first := make(chan error, 1)
		go func() { first <- add(t.Context(), held) }()
		synctest.Wait()
		time.Sleep(time.Second) // the first one waits with its turn
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := add(ctx, nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("the waiting writer: %v after %v, want %v after 1s", err, time.Since(start), context.DeadlineExceeded)
		}
		close(held)
		wantNoErr(t, <-first)
		start = time.Now()
		if err := add(t.Context(), nil); err != nil || time.Since(start) > time.Millisecond {
			t.Errorf("a later writer: %v after %v, want no error at once", err, time.Since(start))
		}
	})
}

// A turn takes memory only while a writer has it or waits for it.
func TestConflictsLeaveNothing(t *testing.T) {
	const sessions = 5000
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		ids := make([]string, sessions)
		for i := range ids {
			ids[i] = idOf(r.seed(visit{}))
		}
		update := func() (inUse uint64) {
			for _, id := range ids {
				r.store.once(opUpdate, func(func() error) error { return session.ErrConflict })
				wantNoErr(t, r.m.Update(t.Context(), id, count))
			}
			r.forget()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		all := ids
		ids = all[:10]
		before := update()
		ids = all
		after := update()
		runtime.KeepAlive(r)
		if after > before+300_000 {
			t.Errorf("conflicts over %d sessions left %d kB, want less than 300 kB", sessions, (after-before)/1000)
		}
	})
}

// Many updates of one session at once add up. Each Session.Update is of a
// session that was loaded before all of them.
func TestConcurrentUpdatesAddUp(t *testing.T) {
	t.Parallel()
	const n = 200
	for _, how := range []string{"Session.Update", "Manager.Update"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			var wg sync.WaitGroup
			start := make(chan struct{})
			for range n {
				update := waysToUpdate[how](r, token)
				wg.Go(func() {
					<-start
					wantNoErr(t, update())
				})
			}
			close(start)
			wg.Wait()
			r.wantStored(idOf(token), visit{Name: "n", Count: n})
			r.log.wantNone(t, session.EventConflict)
		})
	}
}

// meanwhiles are what happens to a session while a slow request of it runs. do
// returns the token that the client has afterwards, or nothing.
var meanwhiles = map[string]struct {
	user string // whose the session is at first
	do   func(r *rig, old string) (token string)
}{
	"log-in":    {"", func(r *rig, old string) string { return r.signIn(old, "ada") }},
	"step-up":   {"ada", func(r *rig, old string) string { return r.nextToken(old, (*visitSession).Renew) }},
	"take over": {"bob", func(r *rig, old string) string { return r.signIn(old, "ada") }},
	"log-in into a new session": {"", func(r *rig, old string) string {
		return r.nextToken(old, regenerating("ada"))
	}},
	"Regenerate": {"ada", func(r *rig, old string) string {
		return r.nextToken(old, func(s *visitSession) { s.Regenerate(); s.Data.Count = 7 })
	}},
	"signing out": {"ada", func(r *rig, old string) string { return r.signIn(old, "") }},
	"log-out": {"ada", func(r *rig, old string) string {
		wantAction(r.T, r.handle(old, (*visitSession).Destroy), session.ActionClear)
		return ""
	}},
	"log-out and a log-in": {"ada", func(r *rig, old string) string {
		r.handle(old, (*visitSession).Destroy)
		return r.handle("", naming("ada")).Token
	}},
	"DeleteUser": {"ada", func(r *rig, old string) string {
		if n, err := r.m.DeleteUser(r.Context(), "ada"); n != 1 || err != nil {
			r.Errorf("DeleteUser: %d, %v, want 1", n, err)
		}
		return ""
	}},
	"DeleteOthers": {"ada", func(r *rig, old string) string {
		keep := r.seed(visit{Name: "ada"})
		if n, err := r.m.DeleteOthers(r.Context(), "ada", idOf(keep)); n != 1 || err != nil {
			r.Errorf("DeleteOthers: %d, %v, want 1", n, err)
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

// slowActions are what the slow request does then. Those that have an error of
// their own return it, and the others ErrGone.
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
// there at its end, and leaves its cookie alone.
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

					wantErr(t, act(s), session.ErrGone)
					wantAction(t, slow.commit(), session.ActionNone)
					wantAction(t, slow.end(), session.ActionNone)
					for _, rec := range before {
						r.wantUnchanged(rec)
						r.wantOpens(token, rec.ID)
					}
					r.wantRecords(records)
					if len(r.log.all(session.EventGone)) == 0 {
						t.Errorf("no event %q, want one of what was dropped", session.EventGone)
					}
				})
			})
		}
	}
}

// The session changes hands while Valid runs, which then refuses what it was
// called with. The session that is there by then stays.
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
			r.wantData(q.get(), visit{})
			wantAction(t, q.commit(), session.ActionNone)
			if token != "" {
				r.wantOpens(token, idOf(token))
			}
		})
	}
}
