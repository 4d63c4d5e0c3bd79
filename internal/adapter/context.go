// Package adapter has what adapters of web frameworks do alike around an
// exchange.
package adapter

import (
	"context"
	"sync/atomic"
	"time"
)

// CommitTimeout bounds one commit, whatever the store makes of it.
const CommitTimeout = 10 * time.Second

// CommitContext is the context of one commit: it has the values of the
// request's, does not end when the client goes away, and ends by itself
// [CommitTimeout] after it was first asked for its end, or with Release. A
// store that never asks costs neither a timer nor an allocation.
//
// It needs Init, and then may be used by several goroutines at once.
type CommitContext struct {
	values context.Context
	timed  atomic.Pointer[timed] // nil until somebody asks
}

type timed struct {
	context.Context
	cancel context.CancelFunc
}

var ended = func() *timed {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return &timed{ctx, cancel}
}()

// Init makes c the context of a commit for a request with ctx. One that was
// given away is not to be made another.
func (c *CommitContext) Init(ctx context.Context) {
	c.values = ctx
	c.timed.Store(nil)
}

// Release ends c and frees its timer.
func (c *CommitContext) Release() {
	if !c.timed.CompareAndSwap(nil, ended) {
		c.timed.Load().cancel()
	}
}

// end returns the context that ends as c does.
func (c *CommitContext) end() *timed {
	if t := c.timed.Load(); t != nil {
		return t
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.values), CommitTimeout)
	if t := (&timed{ctx, cancel}); c.timed.CompareAndSwap(nil, t) {
		return t
	}
	cancel() // another goroutine was faster
	return c.timed.Load()
}

// Deadline implements [context.Context].
func (c *CommitContext) Deadline() (time.Time, bool) { return c.end().Deadline() }

// Done implements [context.Context].
func (c *CommitContext) Done() <-chan struct{} { return c.end().Done() }

// Err implements [context.Context].
func (c *CommitContext) Err() error {
	if t := c.timed.Load(); t != nil {
		return t.Err()
	}
	return nil
}

// Value implements [context.Context]. Where there is a timer it is asked of the
// context that has it, for derived contexts to find that as their parent.
func (c *CommitContext) Value(key any) any {
	if t := c.timed.Load(); t != nil && t != ended {
		return t.Value(key)
	}
	return c.values.Value(key)
}
