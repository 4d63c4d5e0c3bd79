package session

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// A conflict is tried again at most maxTries times in all, after pauses that
// grow and are random, so that writers in several processes get apart.
const (
	maxTries   = 32
	firstPause = time.Millisecond
	maxPause   = 128 * time.Millisecond
)

// maxTurnWait bounds how long a writer waits for those of its own process: what
// they run may itself wait for it, as where one Update calls another.
const maxTurnWait = 5 * time.Second

// retry is one write that may have to be tried again.
type retry struct {
	turns *turns
	end   func() // of the turn, once it was taken
}

// wait returns when it is time for the next try, after the one of that number,
// the first being 0, met a conflict over the session of id.
func (r *retry) wait(ctx context.Context, id string, try int) error {
	if r.end == nil {
		r.end = r.turns.take(ctx, id)
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

// turns lets the writers of one process that met a conflict over a session try
// again one after the other, in the order in which they came: n of them then
// need about 2n writes, where all at once would need n²/2, and give up. It is
// for speed only. Who may write is decided by the version in the store.
type turns struct {
	mu    sync.Mutex
	lines map[string]*line // by the id of the session
}

// line is a queue of writers of one session.
type line struct {
	turn   chan struct{} // has an element while somebody has the turn
	people int           // who wait or have the turn; guarded by turns.mu
}

// take waits for the turn, but no longer than maxTurnWait or until ctx ends, and
// returns what ends it.
func (t *turns) take(ctx context.Context, id string) (end func()) {
	l := t.join(id)
	timer := time.NewTimer(maxTurnWait)
	defer timer.Stop()
	select {
	case l.turn <- struct{}{}:
		return func() {
			<-l.turn
			t.leave(id, l)
		}
	case <-timer.C:
	case <-ctx.Done():
	}
	t.leave(id, l)
	return func() {}
}

func (t *turns) join(id string) *line {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lines[id]
	if l == nil {
		l = &line{turn: make(chan struct{}, 1)}
		if t.lines == nil {
			t.lines = map[string]*line{}
		}
		t.lines[id] = l
	}
	l.people++
	return l
}

func (t *turns) leave(id string, l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.people--; l.people == 0 {
		delete(t.lines, id)
	}
}
