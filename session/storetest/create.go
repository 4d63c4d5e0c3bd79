package storetest

import (
	"errors"

	"github.com/echosession/echosession/session"
)

const (
	clauseCreate        = "Create stores r as version 1, no matter what r.Version is."
	clauseCreateExists  = "It returns ErrExists if the id is taken."
	clauseCreateExpired = "It may also return ErrExists for an expired record that was not collected yet."
	clauseCreateLive    = "It never replaces a live record."
)

func createCases() []Case {
	return []Case{
		newCase("Create/version", clauseCreate, func(c *check) {
			for _, version := range []int64{0, 1, 2, -1, 1 << 40} {
				r := c.record()
				r.Version = version
				c.holds("after Create", c.create(r))
			}
		}),
		newCase("Create/leaves other records", clauseCreate, func(c *check) {
			r := c.create(c.record())
			other := r
			other.ID = newID() // and every other field is equal
			c.absent("of an id that was not stored", other.ID)
			c.holds("of the second record", c.create(other))
			c.holds("of the first record", r)
		}),
		newCase("Create/taken", clauseCreateExists, func(c *check) {
			r := c.create(c.record())
			c.fails("Create of the same record", c.s.Create(c.ctx, r), session.ErrExists)
			r = c.update(c.successor(r))
			c.fails("Create of the id of an updated record", c.s.Create(c.ctx, c.successor(r)), session.ErrExists)
		}),
		newCase("Create/keeps the live record", clauseCreateLive, func(c *check) {
			r := c.create(c.record())
			for _, version := range []int64{0, 1, 2} {
				other := c.successor(r)
				other.Version = version
				c.fails("Create of a taken id", c.s.Create(c.ctx, other), session.ErrExists)
				c.holds("after Create of a taken id", r)
			}
		}),
		newCase("Create/of an expired id", clauseCreateExpired, func(c *check) {
			for how, r := range c.expired() {
				next := c.successor(r)
				if err := c.s.Create(c.ctx, next); err == nil {
					next.Version = 1
					c.holds("after Create over a record "+how, next)
				} else if errors.Is(err, session.ErrExists) {
					c.absent("after Create was refused for a record "+how, r.ID)
				} else {
					c.errorf("Create over a record %s: got error %v, want %q or none", how, err, session.ErrExists)
				}
			}
		}),
		newCase("Create/of a deleted id", clauseCreateExists, func(c *check) {
			r := c.create(c.record())
			c.succeeds("Delete", c.s.Delete(c.ctx, r.ID, 0))
			c.holds("after Create of a deleted id", c.create(c.successor(r)))
		}),
	}
}
