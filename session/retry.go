package session

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/echosession/echosession/internal/turn"
)

// A conflict is tried again at most maxTries times in all, after pauses that
// grow and are random, so that writers in several processes get apart.
const (
	maxTries   = 32
	firstPause = time.Millisecond
	maxPause   = 128 * time.Millisecond
)

// retry is one write that may have to be tried again.
type retry struct {
	turns *turn.Queue
	end   func() // of the turn, once it was taken
}

// wait returns when it is time for the next try, after the one of that number,
// the first being 0, met a conflict over the session of id.
func (r *retry) wait(ctx context.Context, id string, try int) error {
	if r.end == nil {
		r.end = r.turns.Take(ctx, id)
	}
	limit := min(firstPause<<min(try, 16), maxPause)
	timer := time.NewTimer(rand.N(limit))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("session: after a conflict: %w", ctx.Err())
	}
}

// done lets the next one try.
func (r *retry) done() {
	if r.end != nil {
		r.end()
	}
}
