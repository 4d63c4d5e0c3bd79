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

	mu     sync.Mutex // guards the rest
	outage outage     // the present one; nil while there is none
	since  time.Time  // when it began
	trying bool       // a probe is under way
	probed time.Time  // when the last one ended, or began if it is under way
}

// outage is one time during which the store is not connected: a channel that is
// closed at its end.
type outage chan struct{}

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
	return g.change(s == StatusConnected)
}

// change begins or ends an outage. Requires g.mu.
func (g *gate) change(up bool) bool {
	switch {
	case up == g.up.Load():
		return false
	case up:
		close(g.outage)
		g.outage = nil
	default:
		g.outage = make(outage)
		g.since, g.probed, g.trying = time.Now(), time.Time{}, false
	}
	g.up.Store(up)
	return true
}

// enter returns when the store may be asked: at once while it is connected;
// when it is connected again; or at once when it is down for long, to one
// operation at a time and a second after the last one, which finds out whether
// an event was missed: that one gets a probe, to be handed to answered.
// Everybody else gets ErrUnavailable, a canceled caller context.Canceled. Who
// has waited is not made to wait for a probe as well.
func (g *gate) enter(ctx context.Context) (probe outage, err error) {
	for waited := false; !g.up.Load(); waited = true {
		if err := ctx.Err(); errors.Is(err, context.Canceled) {
			return nil, err
		}
		now, wait, probe := g.look(waited)
		switch {
		case now == nil:
			continue // it is just over
		case probe:
			return now, nil
		case wait <= 0:
			return nil, fmt.Errorf("%w: not connected for %v", ErrUnavailable, g.timeout)
		}
		timer := time.NewTimer(wait)
		select {
		case <-now:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			if errors.Is(ctx.Err(), context.Canceled) {
				return nil, ctx.Err()
			}
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		}
		timer.Stop()
	}
	return nil, nil
}

// look returns the present outage, how long to wait for its end, and whether
// the caller is to probe instead.
func (g *gate) look(waited bool) (now outage, wait time.Duration, probe bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := time.Now()
	wait = g.timeout - t.Sub(g.since)
	every := probeEvery
	if g.trying { // one that hangs must not keep everybody out for ever
		every = max(g.timeout, probeEvery)
	}
	if g.outage != nil && wait <= 0 && !waited && t.Sub(g.probed) >= every {
		g.trying, g.probed, probe = true, t, true
	}
	return g.outage, wait, probe
}

// answered takes the outcome of an operation, and reports whether it ended an
// outage. Only a probe of the present one can: others may have begun before it.
// Any answer of the store itself, be it that there is nothing, shows that it is
// there.
func (g *gate) answered(probe outage, err error) bool {
	if probe == nil {
		return false
	}
	for _, e := range []error{ErrNotFound, ErrConflict, ErrExists, ErrCorrupt} {
		if errors.Is(err, e) {
			err = nil
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.outage != probe {
		return false
	}
	g.trying, g.probed = false, time.Now()
	return err == nil && g.change(true)
}
