package turn_test

import (
	"context"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/internal/turn"
)

func TestTurnsComeInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var q turn.Queue
		const writers = 20
		var order []int // guarded by the turn
		for i := range writers {
			go func() {
				release := q.Take(t.Context(), "key")
				defer release()
				order = append(order, i)
				time.Sleep(100 * time.Millisecond)
			}()
			synctest.Wait()
		}
		time.Sleep(writers * 100 * time.Millisecond)
		synctest.Wait()
		if want := slices.Sorted(slices.Values(order)); len(order) != writers || !slices.Equal(order, want) {
			t.Errorf("the turns came as %v, want the order of arrival", order)
		}
	})
}

// waits returns how long it takes to get the turn, and what ends it.
func waits(ctx context.Context, q *turn.Queue, key string) (took time.Duration, release func()) {
	start := time.Now()
	release = q.Take(ctx, key)
	return time.Since(start), release
}

func TestKeysDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var q turn.Queue
		defer q.Take(t.Context(), "a")()
		took, release := waits(t.Context(), &q, "b")
		defer release()
		if took != 0 {
			t.Errorf("the turn of another key came after %v, want at once", took)
		}
	})
}

func TestWaitIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var q turn.Queue
		release := q.Take(t.Context(), "key")
		took, releaseOther := waits(t.Context(), &q, "key")
		if took != turn.MaxWait {
			t.Errorf("a writer waited %v, want %v", took, turn.MaxWait)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		took, releaseThird := waits(ctx, &q, "key")
		if took != time.Second {
			t.Errorf("a writer whose context ended waited %v, want 1s", took)
		}

		// Those that gave up have no turn to release: the first one still has it.
		releaseOther()
		releaseThird()
		if took, _ := waits(t.Context(), &q, "key"); took != turn.MaxWait {
			t.Errorf("after others gave up a writer waited %v, want %v", took, turn.MaxWait)
		}
		release()
		if took, _ := waits(t.Context(), &q, "key"); took != 0 {
			t.Errorf("a writer after the release waited %v, want it not to", took)
		}
	})
}

// A turn is kept only while a writer waits for it or has it.
func TestQueueKeepsNothing(t *testing.T) {
	var q turn.Queue
	use := func(n int) (inUse uint64) {
		for i := range n {
			q.Take(t.Context(), strconv.Itoa(i))()
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := use(10)
	if after := use(20_000); after > before+500_000 {
		t.Errorf("20000 keys left %d kB, want none", (after-before)/1000)
	}
	runtime.KeepAlive(&q)
}
