package storetest

import (
	"fmt"
	"time"

	"github.com/echosession/echosession/session"
)

const (
	clauseCreateExists = "It returns ErrExists if the id is taken."
	clauseUpdate       = "Update replaces the record of r.ID, but only while the stored version is r.Version, and stores it as r.Version+1."
	clauseUpdateNever  = "It never creates a record: what was deleted stays deleted."
	clauseTouch        = "Touch moves SeenAt and ExpiresAt of the record r.ID to r.SeenAt and r.ExpiresAt, " +
		"each only forward, and only while the stored version is r.Version."
	clauseTouchErrors = "It returns ErrConflict and ErrNotFound like Update."
	clauseDelete      = "Delete removes the record of id, but only while the stored version is version; " +
		"version 0 stands for any version."
	clauseDeleteErrors = "It returns ErrConflict if the stored version is another one, and ErrNotFound if there is no record."
)

var createCases = []Case{
	newCase("Create/version", "Create stores r as version 1, no matter what r.Version is.", func(c *check) {
		for _, version := range []int64{0, 1, 2, -1, 1 << 40} {
			r := c.record()
			r.Version = version
			c.holds("after Create", c.create(r))
		}
	}),
	newCase("Create/leaves other records", clauseCreateExists, func(c *check) {
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
	newCase("Create/keeps the live record", "It never replaces a live record.", func(c *check) {
		r := c.create(c.record())
		for _, version := range []int64{0, 1, 2} {
			other := c.successor(r)
			other.Version = version
			c.fails("Create of a taken id", c.s.Create(c.ctx, other), session.ErrExists)
			c.holds("after Create of a taken id", r)
		}
	}),
	newCase("Create/of an expired id", "It may also return ErrExists for an expired record that was not collected yet.", func(c *check) {
		for how, r := range c.expired(newUser()) {
			next := c.successor(r)
			if err := c.s.Create(c.ctx, next); err == nil {
				next.Version = 1
				c.holds("after Create over a record "+how, next)
			} else {
				c.fails("Create over a record "+how, err, session.ErrExists)
				c.absent("after Create was refused for a record "+how, r.ID)
			}
		}
	}),
}

var updateCases = []Case{
	newCase("Update/every field", clauseUpdate, func(c *check) {
		r := c.create(c.record())
		for range 4 {
			r = c.update(c.successor(r))
			c.holds("after Update", r)
		}
	}),
	newCase("Update/empties fields", clauseUpdate, func(c *check) {
		r := c.create(c.record())
		empty := c.update(session.Record{ID: r.ID, Version: r.Version, SeenAt: r.SeenAt, ExpiresAt: r.ExpiresAt})
		c.holds("after Update to empty fields", empty)
		c.holds("after Update from empty fields", c.update(c.successor(empty)))
	}),
	newCase("Update/times backward", clauseUpdate, func(c *check) {
		r := c.create(c.record())
		r.CreatedAt, r.ExpiresAt = r.CreatedAt.Add(-time.Minute), r.ExpiresAt.Add(-time.Minute)
		c.holds("after Update to an earlier end", c.update(r))
	}),
	newCase("Update/after a touch", "If the stored SeenAt is after r.SeenAt, then a Touch came in between, "+
		"which does not change the version: SeenAt stays as it is stored, and ExpiresAt becomes the later of the two.", func(c *check) {
		r := c.touch(c.create(c.record()))
		for _, move := range []time.Duration{-time.Minute, time.Hour} {
			next := c.successor(r)
			next.SeenAt, next.ExpiresAt = r.SeenAt.Add(-time.Minute), r.ExpiresAt.Add(move)
			next = c.update(next)
			next.SeenAt, next.ExpiresAt = r.SeenAt, r.ExpiresAt.Add(max(0, move))
			c.holds(fmt.Sprintf("after Touch, and an Update with an earlier SeenAt that moves the end by %v", move), next)
			r = next
		}
	}),
	othersCase(clauseUpdate, updating),
	conflictCase(updating, "Update returns ErrConflict if the stored version is another one."),
	absentCase(updating, clauseUpdateNever),
	expiredCase(updating, "It returns ErrNotFound if there is no record, or if the record has expired."),
}

var touchCases = []Case{
	newCase("Touch/only forward", clauseTouch, func(c *check) {
		for _, seen := range []time.Duration{-time.Minute, 0, time.Millisecond, time.Minute} {
			for _, end := range []time.Duration{-2 * time.Hour, -time.Minute, 0, time.Millisecond, time.Minute} {
				r := c.create(c.record())
				touch := r
				touch.SeenAt, touch.ExpiresAt = r.SeenAt.Add(seen), r.ExpiresAt.Add(end)
				op := fmt.Sprintf("Touch that moves SeenAt by %v and ExpiresAt by %v", seen, end)
				c.succeeds(op, c.s.Touch(c.ctx, touch))
				r.SeenAt, r.ExpiresAt = r.SeenAt.Add(max(0, seen)), r.ExpiresAt.Add(max(0, end))
				c.holds("after "+op, r)
			}
		}
	}),
	newCase("Touch/keeps the rest", "It uses no other field of r, and the version stays.", func(c *check) {
		r := c.createUpdated(1)
		for _, what := range []string{"other values", "other values", "no values"} {
			touch := c.successor(r) // both times are later than in r
			if what == "no values" {
				touch = session.Record{ID: r.ID, Version: r.Version, SeenAt: touch.SeenAt, ExpiresAt: touch.ExpiresAt}
			}
			c.succeeds("Touch", c.s.Touch(c.ctx, touch))
			r.SeenAt, r.ExpiresAt = touch.SeenAt, touch.ExpiresAt
			c.holds("after Touch with "+what+" in the other fields", r)
		}
		c.holds("after Update of the version that was touched", c.update(c.successor(r)))
	}),
	conflictCase(touching, clauseTouchErrors),
	absentCase(touching, clauseTouchErrors),
	expiredCase(touching, clauseTouchErrors),
	othersCase(clauseTouch, touching),
}

var deleteCases = []Case{
	deletedCase("Delete/any version", deletingAny),
	deletedCase("Delete/its version", deleting),
	conflictCase(deleting, clauseDeleteErrors),
	absentCase(deleting, clauseDeleteErrors),
	othersCase(clauseDelete, deleting, deletingAny),
	newCase("Delete/expired", "For an expired record that was not collected yet, it may also return ErrNotFound; "+
		"the id is free afterwards in any case.", func(c *check) {
		for _, o := range []operation{deleting, deletingAny} {
			for how, r := range c.expired(newUser()) {
				if err := o.call(c.s, c.ctx, r); err != nil {
					c.fails(o.name+" of a record "+how, err, session.ErrNotFound)
				}
				c.holds("after Create of the deleted id", c.create(c.successor(r)))
			}
		}
	}),
}

func deletedCase(name string, o operation) Case {
	return newCase(name, clauseDelete, func(c *check) {
		for updates := range 4 {
			for _, r := range []session.Record{c.createUpdated(updates), c.touch(c.createUpdated(updates))} {
				c.succeeds(o.name, o.call(c.s, c.ctx, r))
				c.absent("after "+o.name, r.ID)
				c.holds("after Create of the deleted id", c.create(c.successor(r)))
			}
		}
	})
}

// othersCase checks that operations on one record leave another one alone.
func othersCase(clause string, operations ...operation) Case {
	return newCase(operations[0].name+"/leaves other records", clause, func(c *check) {
		other := c.create(c.record())
		for _, o := range operations {
			r := c.create(c.record())
			c.succeeds(o.name, o.call(c.s, c.ctx, c.successor(r)))
			c.holds("of another record, after "+o.name, other)
		}
	})
}

func conflictCase(o operation, clause string) Case {
	return newCase(o.name+"/conflict", clause, func(c *check) {
		r := c.createUpdated(2)
		next := c.successor(r)
		for _, version := range []int64{r.Version - 1, r.Version + 1, 1, 0, -1, 1 << 40} {
			if version == 0 && o.name == deleting.name {
				continue // 0 stands for any version
			}
			next.Version = version
			c.fails(o.name+" of another version", o.call(c.s, c.ctx, next), session.ErrConflict)
			c.holds("after "+o.name+" of another version", r)
		}
		next.Version = r.Version
		c.succeeds(o.name+" of the stored version, after the conflicts", o.call(c.s, c.ctx, next))
	})
}

func absentCase(o operation, clause string) Case {
	return newCase(o.name+"/absent", clause, func(c *check) {
		deleted := c.createUpdated(1)
		c.succeeds("Delete", c.s.Delete(c.ctx, deleted.ID, deleted.Version))
		for _, version := range []int64{0, 1, 2, 3} {
			for what, id := range map[string]string{"an id that was never stored": newID(), "a deleted id": deleted.ID} {
				r := c.record()
				r.ID, r.Version = id, version
				c.fails(o.name+" of "+what, o.call(c.s, c.ctx, r), session.ErrNotFound)
				c.absent("after "+o.name+" of "+what, id)
			}
		}
	})
}

func expiredCase(o operation, clause string) Case {
	return newCase(o.name+"/expired", clause, func(c *check) {
		for how, r := range c.expired(newUser()) {
			c.fails(o.name+" of a record "+how, o.call(c.s, c.ctx, c.successor(r)), session.ErrNotFound)
			c.absent("after "+o.name+" of a record "+how, r.ID)
		}
	})
}
