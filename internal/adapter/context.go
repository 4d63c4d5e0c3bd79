// Package adapter has what adapters of web frameworks do alike around an
// exchange.
package adapter

import (
	"context"
	"sync"
	"time"
)

// CommitTimeout bounds one commit, whatever the store makes of it.
const CommitTimeout = 10 * time.Second

// CommitContext is the context of one commit: it has the values of the
// request's, does not end when the client goes away, and ends by itself
// [CommitTimeout] after it was first asked for its end. A store that never
// asks costs neither timer nor allocation.
//
// Its zero value needs Init. It may be used by several goroutines at once.
type CommitContext struct {
	mu       sync.Mutex // guards the rest
	values   context.Context
	timed    context.Context // nil until somebody asks
	cancel   context.CancelFunc
	released bool
}

// Init makes c the context of a commit for a request with ctx. After Release it
// may be made that of another one.
func (c *CommitContext) Init(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.values, c.timed, c.cancel, c.released = ctx, nil, nil, false
}

// Release ends c and frees its timer.
func (c *CommitContext) Release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.released = true
	if c.cancel != nil {
		c.cancel()
	}
}

func (c *CommitContext) materialize() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		c.timed, c.cancel = context.WithTimeout(context.WithoutCancel(c.values), CommitTimeout)
		if c.released {
			c.cancel()
		}
	}
	return c.timed
}

// Deadline implements [context.Context].
func (c *CommitContext) Deadline() (time.Time, bool) { return c.materialize().Deadline() }

// Done implements [context.Context].
func (c *CommitContext) Done() <-chan struct{} { return c.materialize().Done() }

// Err implements [context.Context].
func (c *CommitContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.timed != nil:
		return c.timed.Err()
	case c.released:
		return context.Canceled
	}
	return nil
}

// Value implements [context.Context]. Once there is a timer it asks the timed
// context, so that derived contexts find it as their parent.
func (c *CommitContext) Value(key any) any {
	c.mu.Lock()
	ctx := c.timed
	if ctx == nil {
		ctx = c.values
	}
	c.mu.Unlock()
	return ctx.Value(key)
}
