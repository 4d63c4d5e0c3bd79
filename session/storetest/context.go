package storetest

import (
	"context"
	"errors"
	"time"
)

const clauseContext = "Every method honours ctx: if ctx is canceled, it returns an error that is [context.Canceled] and matches no other error of the contract."

// canceled is a context that is so already, for a reason that is not the
// caller's answer.
func (c *check) canceled() context.Context {
	ctx, cancel := context.WithCancelCause(c.ctx)
	cancel(errors.New("the client went away"))
	return ctx
}

func contextCases() []Case {
	return []Case{
		newCase("Context/Load", clauseContext, func(c *check) {
			r := c.create(c.record())
			_, err := c.s.Load(c.canceled(), r.ID)
			c.fails("Load, canceled", err, context.Canceled)
			_, err = c.s.Load(c.canceled(), newID())
			c.fails("Load of an absent id, canceled", err, context.Canceled)
		}),
		newCase("Context/Create", clauseContext, func(c *check) {
			r := c.record()
			c.fails("Create, canceled", c.s.Create(c.canceled(), r), context.Canceled)
			c.absent("after it", r.ID)
		}),
		newCase("Context/Update", clauseContext, func(c *check) {
			r := c.create(c.record())
			c.fails("Update, canceled", c.s.Update(c.canceled(), c.successor(r)), context.Canceled)
			c.holds("after it", r)
		}),
		newCase("Context/Touch", clauseContext, func(c *check) {
			r := c.create(c.record())
			touch := r
			touch.SeenAt, touch.ExpiresAt = r.SeenAt.Add(time.Minute), r.ExpiresAt.Add(time.Minute)
			c.fails("Touch, canceled", c.s.Touch(c.canceled(), touch), context.Canceled)
			c.holds("after it", r)
		}),
		newCase("Context/Delete", clauseContext, func(c *check) {
			r := c.create(c.record())
			for _, version := range []int64{0, r.Version, r.Version + 1} {
				c.fails("Delete, canceled", c.s.Delete(c.canceled(), r.ID, version), context.Canceled)
				c.holds("after it", r)
				c.fails("Delete of an absent id, canceled", c.s.Delete(c.canceled(), newID(), version), context.Canceled)
			}
		}),
	}
}
