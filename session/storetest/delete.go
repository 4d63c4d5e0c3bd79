package storetest

import (
	"errors"

	"github.com/echosession/echosession/session"
)

const (
	clauseDelete       = "Delete removes the record of id, only while the stored version is version; 0 stands for any version."
	clauseDeleteAbsent = "ErrConflict if the version is another one, ErrNotFound if there is no record."
)

func deleteCases() []Case {
	return []Case{
		newCase("Delete/removes", clauseDelete, func(c *check) {
			r := c.create(c.record())
			c.done("Delete", c.s.Delete(c.ctx, r.ID, 0))
			c.absent("after Delete", r.ID)
		}),
		newCase("Delete/any version", clauseDelete, func(c *check) {
			r := c.create(c.record())
			for range 3 {
				r = c.update(c.successor(r))
			}
			c.done("Delete", c.s.Delete(c.ctx, r.ID, 0))
			c.absent("after Delete", r.ID)
		}),
		newCase("Delete/its version", clauseDelete, func(c *check) {
			r := c.update(c.successor(c.create(c.record())))
			for _, version := range []int64{r.Version - 1, r.Version + 1} {
				c.fails("Delete of another version", c.s.Delete(c.ctx, r.ID, version), session.ErrConflict)
				c.holds("after Delete of another version", r)
			}
			c.done("Delete of its version", c.s.Delete(c.ctx, r.ID, r.Version))
			c.absent("after Delete", r.ID)
		}),
		newCase("Delete/only its own", clauseDelete, func(c *check) {
			r, other := c.create(c.record()), c.create(c.record())
			c.done("Delete", c.s.Delete(c.ctx, r.ID, 0))
			c.holds("of another record", other)
		}),
		newCase("Delete/absent", clauseDeleteAbsent, func(c *check) {
			c.fails("Delete of an id that was never stored", c.s.Delete(c.ctx, newID(), 0), session.ErrNotFound)
			r := c.create(c.record())
			c.done("Delete", c.s.Delete(c.ctx, r.ID, 0))
			c.fails("Delete, again", c.s.Delete(c.ctx, r.ID, 0), session.ErrNotFound)
			c.fails("Delete of the version that was deleted", c.s.Delete(c.ctx, r.ID, r.Version), session.ErrNotFound)
		}),
		newCase("Delete/expired", clauseDeleteAbsent, func(c *check) {
			for how, r := range c.expired() {
				if err := c.s.Delete(c.ctx, r.ID, 0); !errors.Is(err, session.ErrNotFound) {
					c.done("Delete of a record "+how, err)
				}
				c.holds("after Create of its id", c.create(c.successor(r)))
			}
		}),
	}
}
