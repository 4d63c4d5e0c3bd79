package outage_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/internal/outage"
)

// gate is a Gate of which operations wait a minute, and the store behind it.
type gate struct {
	*testing.T
	*outage.Gate
	asked  atomic.Int64  // how often the store was asked
	broken bool          // the store cannot be reached
	trip   time.Duration // how long the store takes
}

func newGate(t *testing.T, up bool) *gate {
	g := &gate{T: t, Gate: outage.NewGate(time.Minute)}
	if changed := g.Set(up); changed == up {
		t.Errorf("Set(%v) of a new gate returned %v, want it to be open", up, changed)
	}
	return g
}

// operate asks the store if the gate lets it.
func (g *gate) operate(ctx context.Context) (ended bool, err error) {
	p, err := g.Enter(ctx)
	if err != nil {
		if p.Active() {
			g.Errorf("Enter returned a probe with the error %v", err)
		}
		return false, err
	}
	g.asked.Add(1)
	broken := g.broken
	time.Sleep(g.trip)
	ended = g.Answered(p, !broken)
	if broken {
		err = errBroken
	}
	return ended, err
}

var errBroken = errors.New("the store cannot be reached")

// want checks how an operation ends, and after how long.
func (g *gate) want(ctx context.Context, took time.Duration, want error) {
	g.Helper()
	start := time.Now()
	if _, err := g.operate(ctx); time.Since(start) != took || !errors.Is(err, want) {
		g.Errorf("%v after %v, want %v after %v", err, time.Since(start), want, took)
	}
}

func (g *gate) wantAsked(n int64) {
	g.Helper()
	if got := g.asked.Load(); got != n {
		g.Errorf("the store was asked %d times, want %d", got, n)
	}
}

func TestOpenGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, true)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if p, err := g.Enter(ctx); p.Active() || err != nil {
			t.Errorf("Enter gave %v, %v, want no probe and no error", p, err)
		}
		if g.Answered(outage.Probe{}, true) || g.Answered(outage.Probe{}, false) {
			t.Error("an operation that was no probe changed the gate")
		}
		g.want(t.Context(), 0, nil)
	})
}

// The time-out counts from the beginning of the outage, and afterwards one
// operation a second goes through.
func TestWaitAndProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, false)
		time.Sleep(20 * time.Second)
		if g.Set(false) {
			t.Error("being down still is a change, want none")
		}
		time.Sleep(20 * time.Second)
		g.broken = true

		g.want(t.Context(), 20*time.Second, outage.ErrDown)
		g.wantAsked(0) // a caller that has waited does not probe
		g.want(t.Context(), 0, errBroken)
		for range 2 {
			g.want(t.Context(), 0, outage.ErrDown)
		}
		time.Sleep(time.Second - 1)
		g.want(t.Context(), 0, outage.ErrDown)
		g.wantAsked(1)
		time.Sleep(time.Nanosecond)
		g.want(t.Context(), 0, errBroken)
		g.want(t.Context(), 0, outage.ErrDown)
		g.wantAsked(2)

		// A new outage has a time-out of its own, and its first probe is not late.
		g.broken = false
		if !g.Set(true) || g.Set(true) {
			t.Error("the return is no change, or two")
		}
		g.want(t.Context(), 0, nil)
		g.Set(false)
		g.want(t.Context(), time.Minute, outage.ErrDown)
		if ended, err := g.operate(t.Context()); !ended || err != nil {
			t.Errorf("a probe that the store answered: ended %v, %v, want the end of the outage", ended, err)
		}
		if g.Set(true) {
			t.Error("the outage ended twice")
		}
		g.want(t.Context(), 0, nil)
	})
}

// All operations that wait go on at the return.
func TestReturnEndsTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, false)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { g.want(t.Context(), 30*time.Second, nil) })
		}
		time.Sleep(30 * time.Second)
		g.wantAsked(0)
		g.Set(true)
		wg.Wait()
		g.wantAsked(20)
	})
}

// At the time-out all operations that wait fail. Of the later ones one at a time
// probes, and the next one a second after that ended, however long it took.
func TestOneOfManyProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, false)
		g.broken, g.trip = true, 5*time.Second
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { g.want(t.Context(), time.Minute, outage.ErrDown) })
		}
		wg.Wait()
		g.wantAsked(0)
		for probes := range int64(2) {
			wg.Go(func() { g.want(t.Context(), 5*time.Second, errBroken) })
			synctest.Wait()
			for range 9 { // up to 600ms after the end of the probe
				g.want(t.Context(), 0, outage.ErrDown)
				time.Sleep(700 * time.Millisecond)
			}
			wg.Wait()
			g.wantAsked(probes + 1)
			time.Sleep(time.Second)
		}
	})
}

// A probe that hangs keeps the others out for the time-out, and no longer.
func TestProbeThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, false)
		time.Sleep(time.Minute)
		hanging, err := g.Enter(t.Context())
		if !hanging.Active() || err != nil {
			t.Fatalf("Enter gave %v, %v, want a probe", hanging, err)
		}
		time.Sleep(time.Minute - 1)
		g.want(t.Context(), 0, outage.ErrDown)
		time.Sleep(time.Nanosecond)
		g.want(t.Context(), 0, nil)
		g.want(t.Context(), 0, nil)
		g.wantAsked(2)
		if g.Answered(hanging, true) {
			t.Error("the outage ended twice")
		}

		// Nor does it end an outage that began after it.
		g.Set(false)
		if g.Answered(hanging, true) {
			t.Error("a probe of an earlier outage ended this one")
		}
		g.want(t.Context(), time.Minute, outage.ErrDown)
	})
}

// With a time-out of less than a second, the first probe of an outage may come
// soon after the last one of the outage before.
func TestNewOutageForgetsProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := outage.NewGate(time.Millisecond)
		for _, end := range []func(outage.Probe){
			func(p outage.Probe) { g.Answered(p, true) },
			func(outage.Probe) { g.Set(true) }, // while the probe hangs
			func(p outage.Probe) { g.Answered(p, true) },
		} {
			g.Set(false)
			time.Sleep(time.Millisecond)
			p, err := g.Enter(t.Context())
			if !p.Active() || err != nil {
				t.Fatalf("Enter gave %v, %v, want a probe", p, err)
			}
			end(p)
		}
	})
}

func TestWaitIsBoundByTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, false)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		_, err := g.operate(ctx)
		if took := time.Since(start); took != 5*time.Second || !errors.Is(err, outage.ErrDown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v after %v, want ErrDown and DeadlineExceeded after 5s", err, took)
		}
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		start = time.Now()
		_, err = g.operate(ctx)
		if took := time.Since(start); took != 5*time.Second || err != context.Canceled {
			t.Errorf("%v after %v, want Canceled as it is after 5s", err, took)
		}

		// A canceled caller does not probe either.
		time.Sleep(time.Minute)
		if p, err := g.Enter(ctx); p.Active() || err != context.Canceled {
			t.Errorf("Enter gave %v, %v, want Canceled and no probe", p, err)
		}
		g.wantAsked(0)
		g.want(t.Context(), 0, nil)

		// If the time-out ends first, it bounds the wait.
		g.Set(false)
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute+1)
		defer cancel()
		g.want(ctx, time.Minute, outage.ErrDown)
	})
}
