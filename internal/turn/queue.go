// Package turn lets writers of one thing take turns.
//
// It is for speed only: n writers that retry after conflicts need about 2n writes
// if they go one after the other, and n²/2 if they all try at once. Nothing may
// depend on a writer being alone, since a turn ends early when a wait does.
package turn

import (
	"context"
	"sync"
	"time"
)

// MaxWait bounds how long a writer waits for its turn: the writer before it may
// itself be waiting for it, as when one update calls another.
const MaxWait = 5 * time.Second

// Queue gives turns in the order of arrival, separately for each key. The zero
// value is ready. It keeps nothing of a key without writers. Its methods may be
// called from several goroutines at once.
type Queue struct {
	mu    sync.Mutex
	lines map[string]*line // by key
}

// line is the queue of the writers of one key.
type line struct {
	turn    chan struct{} // has an element while a writer has the turn
	writers int           // that wait or have the turn; guarded by Queue.mu
}

// Take waits for the turn of a writer of key, but no longer than MaxWait or until
// ctx ends. It does not say whether the writer has the turn. release ends the turn
// and must be called once in any case.
func (q *Queue) Take(ctx context.Context, key string) (release func()) {
	l := q.join(key)
	timer := time.NewTimer(MaxWait)
	defer timer.Stop()
	select {
	case l.turn <- struct{}{}:
		return func() {
			<-l.turn
			q.leave(key, l)
		}
	case <-timer.C:
	case <-ctx.Done():
	}
	q.leave(key, l)
	return func() {}
}

func (q *Queue) join(key string) *line {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[key]
	if l == nil {
		l = &line{turn: make(chan struct{}, 1)}
		if q.lines == nil {
			q.lines = map[string]*line{}
		}
		q.lines[key] = l
	}
	l.writers++
	return l
}

func (q *Queue) leave(key string, l *line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l.writers--; l.writers == 0 {
		delete(q.lines, key)
	}
}
