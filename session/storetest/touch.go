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
		newCase("Touch/forward only", clauseTouch, func(c *check) {
			const back, same, on = -time.Minute, 0, time.Minute
			for _, move := range []struct {
				name          string
				seen, expires time.Duration
			}{
				{"both forward", on, on},
				{"seen alone forward", on, same},
				{"end alone forward", same, on},
				{"neither", same, same},
				{"both back", back, back},
				{"seen forward, end back", on, back},
				{"seen back, end forward", back, on},
				{"by a millisecond", time.Millisecond, time.Millisecond},
			} {
				r := c.create(c.record())
				touch := r
				touch.SeenAt, touch.ExpiresAt = r.SeenAt.Add(move.seen), r.ExpiresAt.Add(move.expires)
				c.done("Touch, "+move.name, c.s.Touch(c.ctx, touch))
				r.SeenAt, r.ExpiresAt = r.SeenAt.Add(max(0, move.seen)), r.ExpiresAt.Add(max(0, move.expires))
				c.holds("after Touch, "+move.name, r)
			}
		}),
		newCase("Touch/end in the past", clauseTouch, func(c *check) {
			r := c.create(c.record())
			touch := r
			touch.ExpiresAt = c.now.Add(-time.Hour)
			c.done("Touch with an end in the past", c.s.Touch(c.ctx, touch))
			c.holds("after it", r)
		}),
		newCase("Touch/keeps the rest", clauseTouchOnly, func(c *check) {
			r := c.create(c.record())
			r = c.update(c.successor(r))
			for range 2 {
				touch := c.successor(r)
				touch.SeenAt, touch.ExpiresAt = r.SeenAt.Add(time.Second), r.ExpiresAt.Add(time.Second)
				c.done("Touch", c.s.Touch(c.ctx, touch))
				r.SeenAt, r.ExpiresAt = touch.SeenAt, touch.ExpiresAt
				c.holds("after Touch with other values in the other fields", r)
			}
			bare := session.Record{
				ID: r.ID, Version: r.Version,
				SeenAt: r.SeenAt.Add(time.Second), ExpiresAt: r.ExpiresAt.Add(time.Second),
			}
			c.done("Touch", c.s.Touch(c.ctx, bare))
			r.SeenAt, r.ExpiresAt = bare.SeenAt, bare.ExpiresAt
			c.holds("after Touch with nothing in the other fields", r)
			next := c.successor(r)
			next.SeenAt, next.ExpiresAt = r.SeenAt.Add(time.Second), r.ExpiresAt.Add(time.Second)
			c.holds("after Update of the version that was touched", c.update(next))
		}),
		newCase("Touch/conflict", clauseTouchErrors, func(c *check) {
			r := c.create(c.record())
			r = c.update(c.successor(r))
			r = c.update(c.successor(r))
			for _, version := range []int64{r.Version - 1, r.Version + 1, 1, 0, -1} {
				touch := r
				touch.Version = version
				touch.SeenAt, touch.ExpiresAt = r.SeenAt.Add(time.Minute), r.ExpiresAt.Add(time.Minute)
				c.fails("Touch of another version", c.s.Touch(c.ctx, touch), session.ErrConflict)
				c.holds("after it", r)
			}
		}),
		newCase("Touch/absent", clauseTouchErrors, func(c *check) {
			r := c.record()
			c.fails("Touch of an absent id", c.s.Touch(c.ctx, r), session.ErrNotFound)
			c.absent("after it", r.ID)
			r = c.create(c.record())
			c.done("Delete", c.s.Delete(c.ctx, r.ID, 0))
			r.ExpiresAt = r.ExpiresAt.Add(time.Minute)
			c.fails("Touch of a deleted id", c.s.Touch(c.ctx, r), session.ErrNotFound)
			c.absent("after it", r.ID)
		}),
		newCase("Touch/expired", clauseTouchErrors, func(c *check) {
			for how, r := range c.expired() {
				r.SeenAt, r.ExpiresAt = c.now, c.now.Add(time.Hour)
				c.fails("Touch of a record "+how, c.s.Touch(c.ctx, r), session.ErrNotFound)
				c.absent(how+", after Touch", r.ID)
			}
		}),
		newCase("Touch/only its own", clauseTouch, func(c *check) {
			r, other := c.create(c.record()), c.create(c.record())
			r.SeenAt, r.ExpiresAt = r.SeenAt.Add(time.Minute), r.ExpiresAt.Add(time.Minute)
			c.done("Touch", c.s.Touch(c.ctx, r))
			c.holds("of another record", other)
		}),
	}
}
