package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// probeEvery is how often one operation is let through to a store that counts
// as down for longer than the time-out.
const probeEvery = time.Second

// gate holds operations back while a [StatusStore] is not connected. It starts
// no goroutine, and its timers end with the waits that they are for.
type gate struct {
	timeout time.Duration
	up      atomic.Bool // the fast path; changes only together with the rest

	mu    sync.Mutex
	since time.Time     // when the present outage began; guarded by mu
	probe time.Time     // when an operation was last let through during it
	open  chan struct{} // closed when the outage is over; nil while there is none
}

// newGate makes a gate that is open: a store that tells no status is always
// tried.
func newGate(timeout time.Duration) *gate {
	g := &gate{timeout: timeout}
	g.up.Store(true)
	return g
}

// set takes a status and reports whether it began or ended an outage.
// Connecting and disconnected are one outage, which began with the first.
func (g *gate) set(s Status) (changed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if up := s == StatusConnected; up == g.up.Load() {
		return false
	} else if up {
		close(g.open)
		g.open = nil
	} else {
		g.open = make(chan struct{})
		g.since, g.probe = time.Now(), time.Time{}
	}
	g.up.Store(s == StatusConnected)
	return true
}

// enter returns when the store may be asked: at once while it is connected;
// when it is connected again; or, to the one operation a second that finds out
// whether an event was missed, when it is down for long. Everybody else gets
// ErrUnavailable, a canceled caller context.Canceled.
func (g *gate) enter(ctx context.Context) error {
	for !g.up.Load() {
		if err := ctx.Err(); errors.Is(err, context.Canceled) {
			return err
		}
		open, wait, ok := g.look()
		if ok {
			return nil
		}
		if open == nil {
			continue
		}
		if wait <= 0 {
			return fmt.Errorf("%w: not connected for %v", ErrUnavailable, g.timeout)
		}
		timer := time.NewTimer(wait)
		select {
		case <-open:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		}
		timer.Stop()
	}
	return nil
}

// look returns what to wait for and how long, or that the caller is to probe.
func (g *gate) look() (open <-chan struct{}, wait time.Duration, probe bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == nil {
		return nil, 0, false
	}
	now := time.Now()
	wait = g.timeout - now.Sub(g.since)
	if wait <= 0 && now.Sub(g.probe) >= probeEvery {
		g.probe = now
		return nil, 0, true
	}
	return g.open, wait, false
}

// answered takes the outcome of an operation that passed: any answer of the
// store itself, be it that there is nothing, shows that it is there.
func (g *gate) answered(err error) (changed bool) {
	if g.up.Load() {
		return false
	}
	for _, e := range []error{ErrNotFound, ErrConflict, ErrExists, ErrCorrupt} {
		if errors.Is(err, e) {
			err = nil
		}
	}
	return err == nil && g.set(StatusConnected)
}
