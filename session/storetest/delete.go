package storetest

import (
	"errors"
	"time"

	"github.com/echosession/echosession/session"
)

const (
	clauseDelete         = "Delete removes the record of id, but only while the stored version is version; version 0 stands for any version."
	clauseDeleteConflict = "It returns ErrConflict if the stored version is another one, and ErrNotFound if there is no record."
	clauseDeleteExpired  = "For an expired record that was not collected yet, it may also return ErrNotFound; the id is free afterwards in any case."
)

func deleteCases() []Case {
	return []Case{
		newCase("Delete/any version", clauseDelete, func(c *check) {
			for updates := range 4 {
				r := c.createUpdated(updates)
				c.succeeds("Delete with version 0", c.s.Delete(c.ctx, r.ID, 0))
				c.absent("after Delete", r.ID)
			}
		}),
		newCase("Delete/its version", clauseDelete, func(c *check) {
			for updates := range 4 {
				r := c.createUpdated(updates)
				c.succeeds("Delete of the stored version", c.s.Delete(c.ctx, r.ID, r.Version))
				c.absent("after Delete", r.ID)
			}
		}),
		newCase("Delete/its version, touched", clauseDelete, func(c *check) {
			r := extended(c.createUpdated(1), time.Minute)
			c.succeeds("Touch", c.s.Touch(c.ctx, r))
			c.succeeds("Delete of the version that was touched", c.s.Delete(c.ctx, r.ID, r.Version))
			c.absent("after Delete", r.ID)
		}),
		newCase("Delete/conflict", clauseDeleteConflict, func(c *check) {
			r := c.createUpdated(1)
			for _, version := range []int64{r.Version - 1, r.Version + 1, -1, 1 << 40} {
				c.fails("Delete of another version", c.s.Delete(c.ctx, r.ID, version), session.ErrConflict)
				c.holds("after Delete of another version", r)
			}
			c.succeeds("Delete of the stored version, after the conflicts", c.s.Delete(c.ctx, r.ID, r.Version))
			c.absent("after Delete", r.ID)
		}),
		newCase("Delete/absent", clauseDeleteConflict, func(c *check) {
			deleted := c.createUpdated(1)
			c.succeeds("Delete", c.s.Delete(c.ctx, deleted.ID, deleted.Version))
			for _, version := range []int64{0, 1, 2, 3} {
				c.fails("Delete of an id that was never stored", c.s.Delete(c.ctx, newID(), version), session.ErrNotFound)
				c.fails("Delete of a deleted id", c.s.Delete(c.ctx, deleted.ID, version), session.ErrNotFound)
			}
		}),
		newCase("Delete/leaves other records", clauseDelete, func(c *check) {
			first, second, other := c.create(c.record()), c.create(c.record()), c.create(c.record())
			c.succeeds("Delete with version 0", c.s.Delete(c.ctx, first.ID, 0))
			c.succeeds("Delete of the stored version", c.s.Delete(c.ctx, second.ID, second.Version))
			c.holds("of another record, after Delete", other)
		}),
		newCase("Delete/expired", clauseDeleteExpired, func(c *check) {
			for _, anyVersion := range []bool{true, false} {
				for how, r := range c.expired() {
					version := r.Version
					if anyVersion {
						version = 0
					}
					if err := c.s.Delete(c.ctx, r.ID, version); !errors.Is(err, session.ErrNotFound) {
						c.succeeds("Delete of a record "+how, err)
					}
					c.holds("after Create of the deleted id", c.create(c.successor(r)))
				}
			}
		}),
	}
}

// createUpdated stores a record and updates it as often as given.
func (c *check) createUpdated(updates int) session.Record {
	c.t.Helper()
	r := c.create(c.record())
	for range updates {
		r = c.update(c.successor(r))
	}
	return r
}
