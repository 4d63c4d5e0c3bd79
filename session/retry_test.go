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

// remote makes every operation take as long as one over a network does.
type remote struct {
	session.Store
	trip time.Duration
}

func (s remote) Load(ctx context.Context, id string) (session.Record, error) {
	time.Sleep(s.trip)
	return s.Store.Load(ctx, id)
}

func (s remote) Update(ctx context.Context, r session.Record) error {
	time.Sleep(s.trip)
	return s.Store.Update(ctx, r)
}

// waysToUpdate are those of a session that was loaded before, in a request or by
// its id.
var waysToUpdate = map[string]func(r *rig, token string) (update func() error){
	"Session.Update": func(r *rig, token string) func() error {
		_, s := r.begin(token)
		return func() error {
			return s.Update(r.Context(), count)
		}
	},
	"Manager.Update": func(r *rig, token string) func() error {
		id := idOf(token)
		return func() error {
			return r.m.Update(r.Context(), id, count)
		}
	},
	"the commit": func(r *rig, token string) func() error {
		_, s := r.begin(token)
		return func() error {
			s.Data.Count++
			return s.Save(r.Context())
		}
	},
}

// Many writers of one session on a store that takes its time: each comes to its
// turn, however many there are, and with a few operations each.
func TestManyWritersOfOneSession(t *testing.T) {
	t.Parallel()
	const writers = 500
	for how, prepare := range waysToUpdate {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(cfg *visitConfig) {
					cfg.Store = remote{cfg.Store, 5 * time.Millisecond}
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
					all.Go(func() {
						if err := update(); err != nil {
							t.Errorf("update: %v, want none", err)
						}
					})
				}
				all.Wait()
				id := idOf(token)
				if got := r.data(id).Count; got != writers {
					t.Errorf("the count is %d, want %d", got, writers)
				}
				if n := r.store.count(opUpdate); n > 3*writers {
					t.Errorf("%d tries of %d writers, want at most 3 each", n, writers)
				}
				// One after the other, a look and a write and up to a millisecond each.
				if took := time.Since(start); took > 11*writers*time.Millisecond+time.Second {
					t.Errorf("took %v, want about %v", took, 11*writers*time.Millisecond)
				}
			})
		})
	}
}

// What a writer runs may write the same session, and wait for it.
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
		err := r.m.Update(t.Context(), id, func(v *visit) error {
			if runs++; runs == 2 { // it has the turn
				conflict()
				if err := r.m.Update(t.Context(), id, func(v *visit) error { v.Note = "inner"; return nil }); err != nil {
					t.Errorf("the inner update: %v, want none", err)
				}
			}
			v.Count++
			return nil
		})
		if err != nil {
			t.Errorf("the outer update: %v, want none", err)
		}
		if got := r.data(id); got.Count != 1 || got.Note != "inner" {
			t.Errorf("stored %+v, want what both made", got)
		}
	})
}

// Who waits for its turn gives up with its context, and leaves the turn to the
// others.
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
				v.Count++
				return nil
			})
		}
		held := make(chan struct{})
		first := make(chan error, 1)
		go func() { first <- add(t.Context(), held) }()
		synctest.Wait()
		time.Sleep(time.Second) // the pause is over
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := add(ctx, nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("who waited: %v after %v, want %v after 1s", err, time.Since(start), context.DeadlineExceeded)
		}
		close(held)
		if err := <-first; err != nil {
			t.Errorf("who had the turn: %v, want none", err)
		}
		start = time.Now()
		if err := add(t.Context(), nil); err != nil || time.Since(start) > time.Millisecond {
			t.Errorf("who came later: %v after %v, want none at once", err, time.Since(start))
		}
	})
}

// Turns are kept only while somebody waits for one or has it.
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
				conflicts := 0
				r.store.answer(func(op string, _ session.Record, do func() error) error {
					if op == opUpdate && conflicts == 0 {
						conflicts++
						return session.ErrConflict
					}
					return do()
				})
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
			t.Errorf("conflicts over %d sessions left %d kB, want none", sessions, (after-before)/1000)
		}
	})
}
