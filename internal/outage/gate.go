// Package outage holds operations back while a store is not connected.
//
// A Gate is told when the store goes and comes back. Meanwhile operations wait,
// but no longer than a time-out that counts from the beginning of the outage.
// After the time-out they fail at once, except for one a second that probes
// whether the store is back, in case its return was missed.
package outage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// ErrDown: the store was not connected in time, and was not asked.
var ErrDown = errors.New("not connected")

// probeEvery is the pause between two probes.
const probeEvery = time.Second

// Gate lets operations through to one store. It starts no goroutine, and its
// timers end with the waits that they are for. Its methods may be called from
// several goroutines at once.
type Gate struct {
	timeout time.Duration
	up      atomic.Bool // the fast path; changes only together with the rest

	mu      sync.Mutex    // guards the rest
	ended   chan struct{} // closed at the end of the present outage; nil if there is none
	since   time.Time     // when the outage began
	probing bool          // a probe is under way
	probed  time.Time     // when the last probe ended, or began if it is under way
}

// Probe marks an operation whose outcome must be reported by Answered. The zero
// Probe marks any other operation.
type Probe struct{ outage chan struct{} }

// Active reports whether the operation is a probe.
func (p Probe) Active() bool { return p.outage != nil }

// NewGate returns a Gate that is open. Operations wait at most for the time-out,
// counted from the beginning of an outage.
func NewGate(timeout time.Duration) *Gate {
	g := &Gate{timeout: timeout}
	g.up.Store(true)
	return g
}

// Set tells the gate whether the store is connected, and reports whether that
// began or ended an outage.
func (g *Gate) Set(up bool) (changed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.change(up)
}

// change is Set. Requires g.mu.
func (g *Gate) change(up bool) bool {
	switch {
	case up == g.up.Load():
		return false
	case up:
		close(g.ended)
		g.ended = nil
	default:
		g.ended = make(chan struct{})
		g.since, g.probed, g.probing = time.Now(), time.Time{}, false
	}
	g.up.Store(up)
	return true
}

// Enter returns when the store may be asked: at once if it is connected, else
// when it is connected again. After the time-out it returns at once, with an
// active Probe for one caller at a time, a second after the last probe ended, and
// with an error for all others. A caller that has waited does not probe.
//
// The error is [context.Canceled] if the caller was canceled. Every other error
// is an ErrDown and, if ctx ended, also the error of ctx.
func (g *Gate) Enter(ctx context.Context) (Probe, error) {
	for waited := false; !g.up.Load(); waited = true {
		if err := ctx.Err(); errors.Is(err, context.Canceled) {
			return Probe{}, err
		}
		ended, wait, probe := g.look(waited)
		switch {
		case ended == nil:
			continue // the outage is just over
		case probe:
			return Probe{ended}, nil
		case wait <= 0:
			return Probe{}, fmt.Errorf("%w for %v", ErrDown, g.timeout)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ended:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			if err := ctx.Err(); errors.Is(err, context.Canceled) {
				return Probe{}, err
			}
			return Probe{}, fmt.Errorf("%w: %w", ErrDown, ctx.Err())
		}
		timer.Stop()
	}
	return Probe{}, nil
}

// look returns the channel of the present outage, how long to wait for it, and
// whether the caller must probe instead.
func (g *Gate) look(waited bool) (ended chan struct{}, wait time.Duration, probe bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	wait = g.timeout - now.Sub(g.since)
	every := probeEvery
	if g.probing { // a probe that hangs must not keep everybody out for as long
		every = max(g.timeout, probeEvery)
	}
	if g.ended != nil && wait <= 0 && !waited && now.Sub(g.probed) >= every {
		g.probing, g.probed, probe = true, now, true
	}
	return g.ended, wait, probe
}

// Answered takes the outcome of the operation that Enter let through with p, and
// reports whether it ended the outage. reachable means that the store answered,
// also if the answer was an error of its own. Answered must be called for every
// active probe; it ignores any other operation and a probe of an earlier outage,
// which may have begun before the present one.
func (g *Gate) Answered(p Probe, reachable bool) (changed bool) {
	if !p.Active() {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended != p.outage {
		return false
	}
	g.probing, g.probed = false, time.Now()
	return reachable && g.change(true)
}
