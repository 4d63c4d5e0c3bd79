package memstore_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/echosession/echosession/memstore"
)

// In these bubbles time passes at once, and only when nothing else goes on.

func TestExpiryIsExact(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.Options{SweepEvery: time.Hour})
		create(t, s, record("a", "", time.Second), record("b", "ann", time.Second))
		time.Sleep(time.Second - 1)
		alive(t, s, "a b", "a b")
		time.Sleep(time.Nanosecond)
		alive(t, s, "a b", "")
		wantLen(t, s, 2) // not collected yet
		create(t, s, record("a", "", time.Second))
		alive(t, s, "a b", "a")
		wantLen(t, s, 2)
	})
}

func TestTouchExtends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.Options{SweepEvery: time.Hour})
		create(t, s, record("a", "", time.Second), record("b", "", time.Second))
		time.Sleep(time.Second - 1)
		if err := s.Touch(t.Context(), record("a", "", time.Second)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Nanosecond)
		alive(t, s, "a b", "a")
	})
}

func TestSweepCollectsWithoutReads(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		option, every time.Duration
	}{
		"by default":         {0, memstore.DefaultSweepEvery},
		"negative":           {-time.Second, memstore.DefaultSweepEvery},
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

// There is a timer only while there is something to collect.
func TestSweepIsArmedOnlyWhileNeeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.Options{})
		armed := func(when string, want bool) {
			t.Helper()
			if got := s.Armed(); got != want {
				t.Errorf("armed %s: got %t, want %t", when, got, want)
			}
		}
		after := func(sweeps int) {
			time.Sleep(time.Duration(sweeps) * memstore.DefaultSweepEvery)
			synctest.Wait()
		}
		armed("when new", false)
		create(t, s, record("a", "", 150*time.Second))
		armed("after Create", true)
		after(1)
		armed("after a sweep that left something", true)
		wantLen(t, s, 1)
		after(2)
		wantLen(t, s, 0)
		armed("after a sweep that left nothing", false)

		create(t, s, record("a", "", time.Hour))
		armed("after Create in a store that was emptied", true)
		if err := s.Delete(t.Context(), "a", 0); err != nil {
			t.Fatal(err)
		}
		after(1)
		armed("after a sweep that found nothing", false)
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

// More than fit into one step of a sweep, in two queues of every shard.
func TestSweepCollectsEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 3 * memstore.Shards * memstore.SweepStep
		s := memstore.New(memstore.Options{})
		for i := range n {
			create(t, s, record(id(i), []string{"", "ann"}[i%2], time.Duration(i)*time.Microsecond))
		}
		create(t, s, record("last", "", time.Hour))
		wantLen(t, s, n+1)
		time.Sleep(memstore.DefaultSweepEvery)
		synctest.Wait()
		wantLen(t, s, 1)
		alive(t, s, "id-0 last", "last")
	})
}

// A bubble ends although the store holds something: its timer is no goroutine.
func TestBubbleEndsWithSessionsLeft(t *testing.T) {
	t.Parallel()
	var s *memstore.Store
	synctest.Test(t, func(t *testing.T) {
		s = memstore.New(memstore.Options{})
		create(t, s, record("a", "", time.Hour), record("b", "", time.Hour))
		time.Sleep(10 * memstore.DefaultSweepEvery)
		wantLen(t, s, 2)
	})
	if err := s.Close(); err != nil { // outside of the bubble of the timer
		t.Fatal(err)
	}
	wantLen(t, s, 0)
}

// A store that was forgotten, not closed, is collected although its timer is
// running.
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
	t.Error("the store is still there, want it to be collected")
}

// forgotten returns a pointer that does not keep what it points to, and
// something out of the store that may be kept.
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

// The timer of a forgotten store fires once more, finds nothing, and is gone.
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
		time.Sleep(2 * memstore.DefaultSweepEvery)
		synctest.Wait()
		if store.Value() != nil {
			t.Error("the store is still there, want it to be collected")
		}
	})
}
