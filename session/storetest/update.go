package storetest

import (
	"time"

	"github.com/echosession/echosession/session"
)

const (
	clauseUpdate         = "Update replaces the record of r.ID, but only while the stored version is r.Version, and stores it as r.Version+1."
	clauseUpdateTouched  = "If the stored SeenAt is after r.SeenAt, then a Touch came in between, which does not change the version: SeenAt stays as it is stored, and ExpiresAt becomes the later of the two."
	clauseUpdateConflict = "Update returns ErrConflict if the stored version is another one."
	clauseUpdateAbsent   = "It returns ErrNotFound if there is no record, or if the record has expired."
	clauseUpdateNever    = "It never creates a record: what was deleted stays deleted."
)

func updateCases() []Case {
	return []Case{
		newCase("Update/every field", clauseUpdate, func(c *check) {
			r := c.create(c.record())
			c.holds("after Update", c.update(c.successor(r)))
		}),
		newCase("Update/version", clauseUpdate, func(c *check) {
			r := c.create(c.record())
			for range 4 {
				r = c.update(c.successor(r))
				c.holds("after Update", r)
			}
		}),
		newCase("Update/empties fields", clauseUpdate, func(c *check) {
			r := c.create(c.record())
			empty := session.Record{ID: r.ID, Version: r.Version, SeenAt: r.SeenAt, ExpiresAt: r.ExpiresAt}
			empty = c.update(empty)
			c.holds("after Update to empty fields", empty)
			c.holds("after Update from empty fields", c.update(c.successor(empty)))
		}),
		newCase("Update/times backward", clauseUpdate, func(c *check) {
			r := c.create(c.record())
			r.CreatedAt = r.CreatedAt.Add(-time.Minute)
			r.ExpiresAt = r.ExpiresAt.Add(-time.Minute)
			c.holds("after Update to an earlier end", c.update(r))
		}),
		newCase("Update/after a touch", clauseUpdateTouched, func(c *check) {
			r := c.create(c.record())
			touched := extended(r, time.Minute)
			c.succeeds("Touch", c.s.Touch(c.ctx, touched))

			earlier := c.successor(r)
			earlier.SeenAt, earlier.ExpiresAt = r.SeenAt, r.ExpiresAt
			earlier = c.update(earlier)
			earlier.SeenAt, earlier.ExpiresAt = touched.SeenAt, touched.ExpiresAt
			c.holds("after Touch, and an Update with the times before the Touch", earlier)

			longer := c.successor(earlier)
			longer.SeenAt, longer.ExpiresAt = r.SeenAt, touched.ExpiresAt.Add(time.Hour)
			longer = c.update(longer)
			longer.SeenAt = touched.SeenAt
			c.holds("after Touch, and an Update with an earlier SeenAt and a later end", longer)
		}),
		newCase("Update/leaves other records", clauseUpdate, func(c *check) {
			r, other := c.create(c.record()), c.create(c.record())
			c.update(c.successor(r))
			c.holds("of another record, after Update", other)
		}),
		newCase("Update/conflict", clauseUpdateConflict, func(c *check) {
			r := c.create(c.record())
			r = c.update(c.successor(r))
			r = c.update(c.successor(r))
			for _, version := range []int64{r.Version - 1, r.Version + 1, 1, 0, -1, 1 << 40} {
				stale := c.successor(r)
				stale.Version = version
				c.fails("Update of another version", c.s.Update(c.ctx, stale), session.ErrConflict)
				c.holds("after Update of another version", r)
			}
		}),
		newCase("Update/absent", clauseUpdateNever, func(c *check) {
			for _, version := range []int64{0, 1, 2} {
				r := c.record()
				r.Version = version
				c.fails("Update of an id that was never stored", c.s.Update(c.ctx, r), session.ErrNotFound)
				c.absent("after Update of an id that was never stored", r.ID)
			}
		}),
		newCase("Update/deleted", clauseUpdateNever, func(c *check) {
			r := c.create(c.record())
			r = c.update(c.successor(r))
			c.succeeds("Delete", c.s.Delete(c.ctx, r.ID, 0))
			for _, version := range []int64{0, 1, 2, 3} {
				late := c.successor(r)
				late.Version = version
				c.fails("Update of a deleted id", c.s.Update(c.ctx, late), session.ErrNotFound)
				c.absent("after Update of a deleted id", r.ID)
			}
		}),
		newCase("Update/expired", clauseUpdateAbsent, func(c *check) {
			for how, r := range c.expired() {
				c.fails("Update of a record "+how, c.s.Update(c.ctx, c.successor(r)), session.ErrNotFound)
				c.absent("after Update of a record "+how, r.ID)
			}
		}),
	}
}
