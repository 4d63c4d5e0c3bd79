package storetest

const (
	clauseDelete       = "Delete removes the record of id, whatever its version."
	clauseDeleteAbsent = "An id that is absent is not an error."
)

func deleteCases() []Case {
	return []Case{
		newCase("Delete/removes", clauseDelete, func(c *check) {
			r := c.create(c.record())
			c.done("Delete", c.s.Delete(c.ctx, r.ID))
			c.absent("after Delete", r.ID)
		}),
		newCase("Delete/any version", clauseDelete, func(c *check) {
			r := c.create(c.record())
			for range 3 {
				r = c.update(c.successor(r))
			}
			c.done("Delete", c.s.Delete(c.ctx, r.ID))
			c.absent("after Delete", r.ID)
		}),
		newCase("Delete/only its own", clauseDelete, func(c *check) {
			r, other := c.create(c.record()), c.create(c.record())
			c.done("Delete", c.s.Delete(c.ctx, r.ID))
			c.holds("of another record", other)
		}),
		newCase("Delete/absent", clauseDeleteAbsent, func(c *check) {
			c.done("Delete of an id that was never stored", c.s.Delete(c.ctx, newID()))
			r := c.create(c.record())
			c.done("Delete", c.s.Delete(c.ctx, r.ID))
			c.done("Delete, again", c.s.Delete(c.ctx, r.ID))
		}),
		newCase("Delete/expired", clauseDeleteAbsent, func(c *check) {
			for how, r := range c.expired() {
				c.done("Delete of a record "+how, c.s.Delete(c.ctx, r.ID))
				c.holds("after Create of its id", c.create(c.successor(r)))
			}
		}),
	}
}
