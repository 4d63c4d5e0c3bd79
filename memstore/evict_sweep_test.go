package memstore_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/echosession/echosession/memstore"
)

func TestSweepCollectsWithoutReads(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		option, every time.Duration
	}{
		"by default":         {0, time.Minute},
		"negative":           {-time.Second, time.Minute},
		"every second":       {time.Second, time.Second},
		"every millisecond":  {time.Millisecond, time.Millisecond},
		"every three months": {90 * 24 * time.Hour, 90 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := memstore.New(memstore.Options{SweepEvery: test.option})
				create(t, s, record("a", "", 0), record("b", "ann", 0), record("c", "ann", 10*test.every))
				time.Sleep(test.every - 1)
				synctest.Wait()
				wantLen(t, s, 3)
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				wantLen(t, s, 1)
				alive(t, s, "a b c", "c")
				time.Sleep(9*test.every - 1)
				synctest.Wait()
				wantLen(t, s, 1)
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				wantLen(t, s, 0)
			})
		})
	}
}

// A timer runs only while the store is not empty.
func TestSweepIsArmedOnlyWhileNeeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.Options{})
		armed := func(when string, want bool) {
			t.Helper()
			if got := s.Armed(); got != want {
				t.Errorf("timer is running %s: got %t, want %t", when, got, want)
			}
		}
		after := func(sweeps int) {
			time.Sleep(time.Duration(sweeps) * time.Minute)
			synctest.Wait()
		}
		armed("when new", false)
		create(t, s, record("a", "", 150*time.Second))
		armed("after Create", true)
		after(1)
		armed("after a sweep that left an entry", true)
		wantLen(t, s, 1)
		after(2)
		wantLen(t, s, 0)
		armed("after a sweep that left no entry", false)

		create(t, s, record("a", "", time.Hour))
		armed("after Create in an empty store", true)
		if err := s.Delete(t.Context(), "a", 0); err != nil {
			t.Fatal(err)
		}
		after(1)
		armed("after a sweep that found no entry", false)
		create(t, s, record("a", "", time.Hour))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		after(1)
		armed("after Close", false)
		_ = s.Create(t.Context(), record("a", "", time.Hour))
		armed("after Create in a closed store", false)
	})
}

// A sweep collects more entries than fit into one step, from both heaps of every
// shard.
func TestSweepCollectsEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 3 * memstore.ShardCount * memstore.SweepStep
		s := memstore.New(memstore.Options{})
		for i := range n {
			create(t, s, record(id(i), []string{"", "ann"}[i%2], time.Duration(i)*time.Microsecond))
		}
		create(t, s, record("last", "", time.Hour))
		wantLen(t, s, n+1)
		time.Sleep(time.Minute)
		synctest.Wait()
		wantLen(t, s, 1)
		alive(t, s, "id-0 last", "last")
	})
}

// A map and a slice keep their memory when they become empty. So a sweep drops
// them.
func TestSweepFreesEmptyShards(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.Options{})
		create(t, s, record("a", "", time.Second), record("b", "ann", time.Second))
		if s.Freed() {
			t.Error("before the sweep: got no map and no heap, want both")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if !s.Freed() {
			t.Error("after the sweep: got a map or a heap, want none")
		}
		wantLen(t, s, 0)
	})
}

// A bubble ends even if the store is not empty, because the timer is no
// goroutine.
func TestBubbleEndsWithSessionsLeft(t *testing.T) {
	t.Parallel()
	var s *memstore.Store
	synctest.Test(t, func(t *testing.T) {
		s = memstore.New(memstore.Options{})
		create(t, s, record("a", "", time.Hour), record("b", "", time.Hour))
		time.Sleep(10 * time.Minute)
		wantLen(t, s, 2)
	})
	if err := s.Close(); err != nil { // outside the bubble of the timer
		t.Fatal(err)
	}
	wantLen(t, s, 0)
}

// A store that is no longer used is garbage, even if it was not closed and its
// timer is running.
func TestForgottenStoreIsCollected(t *testing.T) {
	t.Parallel()
	store, kept := forgotten(t)
	for range 100 {
		runtime.GC()
		if store.Value() == nil {
			runtime.KeepAlive(kept)
			return
		}
	}
	t.Error("got a store that is still in memory, want it collected")
}

// forgotten returns a weak pointer to a store, and bytes that the store gave
// out.
//
//go:noinline
func forgotten(t *testing.T) (weak.Pointer[memstore.Store], []byte) {
	s := memstore.New(memstore.Options{SweepEvery: time.Hour})
	create(t, s, record("a", "", 2*time.Hour))
	r, err := s.Load(t.Context(), "a")
	if err != nil || !s.Armed() {
		t.Fatalf("got error %v and armed %t, want an armed store", err, s.Armed())
	}
	return weak.Make(s), r.Data
}

// The timer of a store that is garbage fires once more and does nothing.
func TestTimerOfForgottenStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := func() weak.Pointer[memstore.Store] {
			s := memstore.New(memstore.Options{})
			create(t, s, record("a", "", time.Hour))
			return weak.Make(s)
		}()
		for range 100 {
			runtime.GC()
			if store.Value() == nil {
				break
			}
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if store.Value() != nil {
			t.Error("got a store that is still in memory, want it collected")
		}
	})
}
