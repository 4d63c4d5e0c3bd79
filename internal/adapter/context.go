package adapter

import (
	"context"
	"sync/atomic"
	"time"
)

// CommitTimeout is the most time that one commit may take.
const CommitTimeout = 10 * time.Second

// CommitContext is the context of one commit. It has the values of the request's
// context, but does not end when the client goes away. It ends [CommitTimeout]
// after the first call of Done or Deadline, or with Release. A store that calls
// neither of them costs neither a timer nor an allocation.
//
// It needs Init. After that it may be used by several goroutines at once.
type CommitContext struct {
	values context.Context
	timed  atomic.Pointer[timed] // nil until the first call of Done or Deadline
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

// Init makes c the context of a commit for a request with ctx. It must not be
// called again once c was given to a store.
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

// Value implements [context.Context]. If there is a timer, it asks the context
// that has it, so that derived contexts find that one as their parent.
func (c *CommitContext) Value(key any) any {
	if t := c.timed.Load(); t != nil && t != ended {
		return t.Value(key)
	}
	return c.values.Value(key)
}
