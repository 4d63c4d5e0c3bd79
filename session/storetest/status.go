package storetest

import (
	"sync/atomic"

	"github.com/echosession/echosession/session"
)

const clauseWatch = "Watch calls f with the present status before it returns"

// statusCases cannot make a store change its status: the store's own tests must
// check what happens at a change.
var statusCases = []Case{
	newAbilityCase("Watch/at once", clauseWatch, func(c *check, ss session.StatusStore) {
		var got atomic.Int64
		got.Store(-1)
		defer ss.Watch(func(s session.Status) { got.Store(int64(s)) })()
		switch s := session.Status(got.Load()); s {
		case session.StatusConnecting, session.StatusConnected, session.StatusDisconnected:
		default:
			c.errorf("Watch: got status %d before it returned, want one of the three (-1: it made no call)", s)
		}
	}),
	newAbilityCase("Watch/several", clauseWatch, func(c *check, ss session.StatusStore) {
		var first, second atomic.Int64
		stop := ss.Watch(func(session.Status) { first.Add(1) })
		defer ss.Watch(func(session.Status) { second.Add(1) })()
		stop()
		if f, s := first.Load(), second.Load(); f < 1 || s < 1 {
			c.errorf("two watchers: got %d and %d calls, want at least 1 each", f, s)
		}
	}),
	newAbilityCase("Watch/stop", "no call after stop has returned", func(c *check, ss session.StatusStore) {
		var calls atomic.Int64
		stop := ss.Watch(func(session.Status) { calls.Add(1) })
		stop()
		n := calls.Load()
		stop() // may be called more than once
		c.holds("after stop", c.create(c.record()))
		if got := calls.Load(); got != n {
			c.errorf("after stop: got %d more calls, want none", got-n)
		}
	}),
}
