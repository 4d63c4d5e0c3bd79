package adapter

import (
	"context"
	"sync/atomic"
	"time"
)

// CommitTimeout is the most time that one commit may take.
const CommitTimeout = 10 * time.Second

// CommitContext is the context of the commits of one request. It has the values
// of the request's context, but does not end when the client goes away. It ends
// [CommitTimeout] after the first call of Done or Deadline, or with Release. A
// store that calls neither of them costs neither a timer nor an allocation.
//
// It needs Init. After that it may be used by several goroutines at once.
type CommitContext struct {
	values context.Context       // nil before Init
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

// Init makes c the context of a request with ctx. It must not be called again.
func (c *CommitContext) Init(ctx context.Context) { c.values = ctx }

// Release ends c and frees its timer.
func (c *CommitContext) Release() {
	c.timed.CompareAndSwap(nil, ended)
	c.Pause()
}

// Pause is called after a commit. It ends c if somebody has asked when c ends, and
// otherwise keeps it for Next.
func (c *CommitContext) Pause() {
	if t := c.timed.Load(); t != nil {
		t.cancel()
	}
}

// Next returns the context of the next commit of a request with ctx. It is c,
// unless somebody has asked when c ends. The caller must release both.
func (c *CommitContext) Next(ctx context.Context) *CommitContext {
	if c.timed.Load() != nil {
		c = new(CommitContext)
	}
	if c.values == nil {
		c.Init(ctx)
	}
	return c
}

// end returns the context that ends as c does.
func (c *CommitContext) end() *timed {
	if c.timed.Load() == nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.values), CommitTimeout)
		if !c.timed.CompareAndSwap(nil, &timed{ctx, cancel}) {
			cancel() // another goroutine was faster
		}
	}
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
