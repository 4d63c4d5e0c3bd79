package storetest

import (
	"context"
	"errors"
	"time"
)

const clauseContext = "Every method honours ctx: a canceled one gives an error that is [context.Canceled] and nothing else."

// contextCases call every method with a context that is already canceled, for
// a reason that is not the caller's answer.
func contextCases() []Case {
	canceled := func(c *check) context.Context {
		ctx, cancel := context.WithCancelCause(c.ctx)
		cancel(errors.New("the client went away"))
		return ctx
	}
	return []Case{
		newCase("Context/Load", clauseContext, func(c *check) {
			r := c.create(c.record())
			_, err := c.s.Load(canceled(c), r.ID)
			c.fails("Load, canceled", err, context.Canceled)
			_, err = c.s.Load(canceled(c), newID())
			c.fails("Load of an absent id, canceled", err, context.Canceled)
		}),
		newCase("Context/Create", clauseContext, func(c *check) {
			r := c.record()
			c.fails("Create, canceled", c.s.Create(canceled(c), r), context.Canceled)
			c.absent("after it", r.ID)
		}),
		newCase("Context/Update", clauseContext, func(c *check) {
			r := c.create(c.record())
			c.fails("Update, canceled", c.s.Update(canceled(c), c.successor(r)), context.Canceled)
			c.holds("after it", r)
		}),
		newCase("Context/Touch", clauseContext, func(c *check) {
			r := c.create(c.record())
			touch := r
			touch.SeenAt, touch.ExpiresAt = r.SeenAt.Add(time.Minute), r.ExpiresAt.Add(time.Minute)
			c.fails("Touch, canceled", c.s.Touch(canceled(c), touch), context.Canceled)
			c.holds("after it", r)
		}),
		newCase("Context/Delete", clauseContext, func(c *check) {
			r := c.create(c.record())
			c.fails("Delete, canceled", c.s.Delete(canceled(c), r.ID), context.Canceled)
			c.holds("after it", r)
		}),
	}
}
