package storetest

import (
	"time"

	"github.com/echosession/echosession/session"
)

const (
	clauseTouch       = "Touch moves SeenAt and ExpiresAt of the record r.ID to r.SeenAt and r.ExpiresAt, each only forward, and only while the stored version is r.Version."
	clauseTouchOnly   = "It uses no other field of r, and the version stays."
	clauseTouchErrors = "It returns ErrConflict and ErrNotFound like Update."
)

func touchCases() []Case {
	return []Case{
		newCase("Touch/only forward", clauseTouch, func(c *check) {
			const back, same, on = -time.Minute, 0, time.Minute
			for _, move := range []struct {
				name          string
				seen, expires time.Duration
			}{
				{"both forward", on, on},
				{"only SeenAt forward", on, same},
				{"only ExpiresAt forward", same, on},
				{"neither moves", same, same},
				{"both back", back, back},
				{"SeenAt forward, ExpiresAt back", on, back},
				{"SeenAt back, ExpiresAt forward", back, on},
				{"by a millisecond", time.Millisecond, time.Millisecond},
			} {
				r := c.create(c.record())
				touch := r
				touch.SeenAt, touch.ExpiresAt = r.SeenAt.Add(move.seen), r.ExpiresAt.Add(move.expires)
				c.succeeds("Touch, "+move.name, c.s.Touch(c.ctx, touch))
				r.SeenAt, r.ExpiresAt = r.SeenAt.Add(max(0, move.seen)), r.ExpiresAt.Add(max(0, move.expires))
				c.holds("after Touch, "+move.name, r)
			}
		}),
		newCase("Touch/end in the past", clauseTouch, func(c *check) {
			r := c.create(c.record())
			touch := r
			touch.ExpiresAt = c.now.Add(-time.Hour)
			c.succeeds("Touch with an end in the past", c.s.Touch(c.ctx, touch))
			c.holds("after Touch with an end in the past", r)
		}),
		newCase("Touch/keeps the rest", clauseTouchOnly, func(c *check) {
			r := c.create(c.record())
			r = c.update(c.successor(r))
			for range 2 {
				touch := c.successor(r)
				touch.SeenAt, touch.ExpiresAt = r.SeenAt.Add(time.Second), r.ExpiresAt.Add(time.Second)
				c.succeeds("Touch", c.s.Touch(c.ctx, touch))
				r.SeenAt, r.ExpiresAt = touch.SeenAt, touch.ExpiresAt
				c.holds("after Touch with other values in the other fields", r)
			}
			r = extended(r, time.Second)
			bare := session.Record{ID: r.ID, Version: r.Version, SeenAt: r.SeenAt, ExpiresAt: r.ExpiresAt}
			c.succeeds("Touch", c.s.Touch(c.ctx, bare))
			c.holds("after Touch with no values in the other fields", r)
			next := c.successor(r)
			next.SeenAt, next.ExpiresAt = r.SeenAt.Add(time.Second), r.ExpiresAt.Add(time.Second)
			c.holds("after Update of the version that was touched", c.update(next))
		}),
		newCase("Touch/conflict", clauseTouchErrors, func(c *check) {
			r := c.create(c.record())
			r = c.update(c.successor(r))
			r = c.update(c.successor(r))
			for _, version := range []int64{r.Version - 1, r.Version + 1, 1, 0, -1} {
				touch := extended(r, time.Minute)
				touch.Version = version
				c.fails("Touch of another version", c.s.Touch(c.ctx, touch), session.ErrConflict)
				c.holds("after Touch of another version", r)
			}
		}),
		newCase("Touch/absent", clauseTouchErrors, func(c *check) {
			r := c.record()
			c.fails("Touch of an id that was never stored", c.s.Touch(c.ctx, r), session.ErrNotFound)
			c.absent("after Touch of an id that was never stored", r.ID)
			r = c.create(c.record())
			c.succeeds("Delete", c.s.Delete(c.ctx, r.ID, 0))
			c.fails("Touch of a deleted id", c.s.Touch(c.ctx, extended(r, time.Minute)), session.ErrNotFound)
			c.absent("after Touch of a deleted id", r.ID)
		}),
		newCase("Touch/expired", clauseTouchErrors, func(c *check) {
			for how, r := range c.expired() {
				r.SeenAt, r.ExpiresAt = c.now, c.now.Add(time.Hour)
				c.fails("Touch of a record "+how, c.s.Touch(c.ctx, r), session.ErrNotFound)
				c.absent("after Touch of a record "+how, r.ID)
			}
		}),
		newCase("Touch/leaves other records", clauseTouch, func(c *check) {
			r, other := c.create(c.record()), c.create(c.record())
			c.succeeds("Touch", c.s.Touch(c.ctx, extended(r, time.Minute)))
			c.holds("of another record, after Touch", other)
		}),
	}
}
