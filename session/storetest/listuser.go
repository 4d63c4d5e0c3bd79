package storetest

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/echosession/echosession/session"
)

const (
	clauseListUser       = "ListUser yields the live records of the kind name that belong to user, each once, in any order."
	clauseListUserDuring = "A record that is created, or that ends, during the list may or may not be yielded."
	clauseListUserError  = "Any other error ends the list."
)

func listUserCases() []Case {
	return []Case{
		newAbilityCase("ListUser/no records", clauseListUser, func(c *check, us session.UserStore) {
			c.lists(us, "of a user without records", newUser())
		}),
		newAbilityCase("ListUser/every field", clauseListUser, func(c *check, us session.UserStore) {
			user := newUser()
			created, touched := c.create(c.recordOf(user)), c.create(c.recordOf(user))
			updated := c.create(c.record())
			next := c.recordOf(user)
			next.ID, next.Version = updated.ID, updated.Version
			updated = c.update(next)
			touched = extended(touched, time.Minute)
			c.succeeds("Touch", c.s.Touch(c.ctx, touched))
			empty := session.Record{ID: newID(), Name: "sid", User: user, ExpiresAt: c.record().ExpiresAt}
			c.lists(us, "of records created, updated and touched", user, created, updated, touched, c.create(empty))
		}),
		newAbilityCase("ListUser/only theirs", clauseListUser, func(c *check, us session.UserStore) {
			user := newUser()
			lookalikes := c.lookalikes(user)
			theirs := c.createOf(user, 3)
			c.lists(us, "among other records", user, theirs...)
			for what, r := range lookalikes {
				if r.Name == "sid" && r.User != "" {
					c.lists(us, "of a record with "+what, r.User, r)
				}
			}
		}),
		newAbilityCase("ListUser/unusual users", clauseListUser, func(c *check, us session.UserStore) {
			stored := map[string]session.Record{}
			for _, user := range unusualUsers() {
				stored[user] = c.create(c.recordOf(user))
			}
			for user, r := range stored {
				c.lists(us, "of an unusual user", user, r)
			}
		}),
		newAbilityCase("ListUser/expired", clauseListUser, func(c *check, us session.UserStore) {
			user, end := newUser(), c.now.Add(-time.Hour)
			live := c.createOf(user, 2)
			created, updated := c.recordOf(user), c.create(c.recordOf(user))
			created.ExpiresAt, updated.ExpiresAt = end, end
			c.create(created)
			c.update(updated)
			c.lists(us, "of live and expired records", user, live...)
		}),
		newAbilityCase("ListUser/deleted", clauseListUser, func(c *check, us session.UserStore) {
			user := newUser()
			rs := c.createOf(user, 5)
			left := map[string]session.Record{}
			for _, r := range rs {
				left[r.ID] = r
			}
			for _, i := range []int{2, 0, 4, 3, 1} { // from the middle, and from both ends
				c.succeeds("Delete", c.s.Delete(c.ctx, rs[i].ID, 1))
				delete(left, rs[i].ID)
				c.lists(us, "after Delete", user, values(left)...)
			}
			again := rs[0]
			again.ID = newID()
			c.lists(us, "after Create", user, c.create(again))
		}),
		newAbilityCase("ListUser/moved", clauseListUser, func(c *check, us session.UserStore) {
			a, b := newUser(), newUser()
			stay := map[string][]session.Record{a: c.createOf(a, 2), b: c.createOf(b, 2)}
			r := c.create(c.recordOf(""))
			for _, user := range []string{a, b, b, "", b, a} {
				r.User = user
				r = c.update(r)
				for _, other := range []string{a, b} {
					want := append([]session.Record(nil), stay[other]...)
					if other == user {
						want = append(want, r)
					}
					c.lists(us, "after an Update of the user", other, want...)
				}
			}
			r.Name = "another"
			c.update(r)
			c.lists(us, "after an Update of the name", a, stay[a]...)
		}),
		newAbilityCase("ListUser/not moved", clauseListUser, func(c *check, us session.UserStore) {
			a, b := newUser(), newUser()
			r := c.update(c.create(c.recordOf(a)))
			stale := r
			stale.User, stale.Version = b, r.Version-1
			c.fails("Update of another version", c.s.Update(c.ctx, stale), session.ErrConflict)
			c.fails("Create of the same id", c.s.Create(c.ctx, stale), session.ErrExists)
			stale.Version = r.Version
			c.succeeds("Touch", c.s.Touch(c.ctx, stale))
			c.lists(us, "of the stored user", a, r)
			c.lists(us, "of the user in writes that were refused", b)
		}),
		newAbilityCase("ListUser/many", clauseListUser, func(c *check, us session.UserStore) {
			user := newUser()
			c.lists(us, "of many records", user, c.createOf(user, manyRecords)...)
		}),
		newAbilityCase("ListUser/stopped", clauseListUser, func(c *check, us session.UserStore) {
			user := newUser()
			rs := c.createOf(user, 3)
			for stop := 1; stop <= len(rs); stop++ {
				var yields int
				us.ListUser(c.ctx, "sid", user)(func(session.Record, error) bool {
					yields++
					return yields < stop
				})
				if yields != stop {
					c.errorf("ListUser that is stopped at record %d: got %d records", stop, yields)
				}
			}
			c.lists(us, "after a list that was stopped", user, rs...)
		}),
		newAbilityCase("ListUser/canceled", clauseContext, func(c *check, us session.UserStore) {
			user := newUser()
			c.createOf(user, 3)
			c.onlyCanceled("ListUser", us.ListUser(c.canceled(), "sid", user))
			c.onlyCanceled("ListUser of a user without records", us.ListUser(c.canceled(), "sid", newUser()))
		}),
		newAbilityCase("ListUser/canceled during the list", clauseContext, func(c *check, us session.UserStore) {
			user := newUser()
			c.createOf(user, manyRecords)
			ctx, cancel := context.WithCancel(c.ctx)
			defer cancel()
			var last error
			for _, err := range us.ListUser(ctx, "sid", user) {
				last = err
				cancel()
			}
			// Records that the store had read before may still be yielded.
			c.fails("ListUser of many records, canceled at the first one: at the end", last, context.Canceled)
		}),
		newAbilityCase("ListUser/error", clauseListUserError, func(c *check, us session.UserStore) {
			user := newUser()
			c.createOf(user, 3)
			c.onlyCanceled("ListUser", us.ListUser(c.canceled(), "sid", user))
		}),
	}
}

// listUserDuringWritesCases write while a list is under way. A store that holds
// a lock while it yields never returns.
func listUserDuringWritesCases() []Case {
	return []Case{
		newAbilityCase("ListUser/delete during the list", clauseListUser, func(c *check, us session.UserStore) {
			c.listWhile(us, "while each record is deleted", func(_ *listing, r session.Record) {
				c.succeeds("Delete", c.s.Delete(c.ctx, r.ID, 0))
			})
			c.listWhile(us, "while another record is deleted", func(l *listing, _ session.Record) {
				for id := range l.missing {
					c.succeeds("Delete", c.s.Delete(c.ctx, id, 0))
					delete(l.missing, id) // it may be yielded or not
					break
				}
			})
		}),
		newAbilityCase("ListUser/create during the list", clauseListUserDuring, func(c *check, us session.UserStore) {
			created := 0
			c.listWhile(us, "while records are created", func(l *listing, _ session.Record) {
				if created < manyRecords { // or the list need not end
					c.create(c.recordOf(l.user))
					created++
				}
			})
		}),
		newAbilityCase("ListUser/delete all during the list", clauseListUserDuring, func(c *check, us session.UserStore) {
			user := newUser()
			c.createOf(user, manyRecords)
			c.collect("while all records are deleted", us.ListUser(c.ctx, "sid", user), func(session.Record) {
				_, err := us.DeleteUser(c.ctx, "sid", user, "")
				c.succeeds("DeleteUser", err)
			})
			c.lists(us, "after all records were deleted", user)
		}),
		newAbilityCase("ListUser/write during the list", clauseListUser, func(c *check, us session.UserStore) {
			c.listWhile(us, "while each record is updated and touched", func(_ *listing, r session.Record) {
				r.ExpiresAt = r.ExpiresAt.Add(time.Hour)
				r = c.update(r)
				r.SeenAt = r.SeenAt.Add(time.Hour)
				c.succeeds("Touch", c.s.Touch(c.ctx, r))
			})
			c.listWhile(us, "while each record gets another user and then its own again", func(l *listing, r session.Record) {
				r.User = newUser()
				r = c.update(r)
				r.User = l.user
				c.update(r)
			})
		}),
	}
}

// listing is a list that is under way.
type listing struct {
	user    string
	missing map[string]bool // ids of the records that the list must yet yield
}

// listWhile lists many records of one user and calls write after each of them.
// It reports a record that is yielded twice, and a record that is never yielded.
func (c *check) listWhile(us session.UserStore, when string, write func(l *listing, r session.Record)) {
	c.t.Helper()
	l := &listing{user: newUser(), missing: map[string]bool{}}
	for _, r := range c.createOf(l.user, manyRecords) {
		l.missing[r.ID] = true
	}
	c.collect(when, us.ListUser(c.ctx, "sid", l.user), func(r session.Record) {
		delete(l.missing, r.ID)
		write(l, r)
	})
	for id := range l.missing {
		c.errorf("ListUser %s: got no record %q, which was there all the time", when, id)
	}
}

// list returns the records that ListUser yields, by id. It reports an id that is
// yielded twice, and ends the case at an error.
func (c *check) list(us session.UserStore, when, user string) map[string]session.Record {
	c.t.Helper()
	return c.collect(when, us.ListUser(c.ctx, "sid", user), func(session.Record) {})
}

// collect does the work of list. It calls each for every record before it takes
// the next one.
func (c *check) collect(when string, seq iter.Seq2[session.Record, error], each func(r session.Record)) map[string]session.Record {
	c.t.Helper()
	got := map[string]session.Record{}
	for r, err := range seq {
		c.succeeds("ListUser "+when, err)
		if _, ok := got[r.ID]; ok {
			c.errorf("ListUser %s: got the id %q twice", when, r.ID)
		}
		got[r.ID] = r
		each(r)
	}
	return got
}

// lists reports how the list of user differs from want.
func (c *check) lists(us session.UserStore, when, user string, want ...session.Record) {
	c.t.Helper()
	got := c.list(us, when, user)
	for _, w := range want {
		g, ok := got[w.ID]
		if !ok {
			c.errorf("ListUser %s: got %d records without %q, want it among them", when, len(got), w.ID)
			continue
		}
		delete(got, w.ID)
		for _, d := range diff(g, w) {
			c.errorf("ListUser %s: %s", when, d)
		}
	}
	for id, r := range got {
		c.errorf("ListUser %s: got also %q with name %.40q and user %.40q", when, id, r.Name, r.User)
	}
}

// onlyCanceled reports a list that yields anything but one context.Canceled.
func (c *check) onlyCanceled(op string, seq iter.Seq2[session.Record, error]) {
	c.t.Helper()
	yields, first := 0, errors.New("the list is empty")
	for _, err := range seq {
		if yields++; yields == 1 {
			first = err
		}
	}
	c.fails(op+", canceled", first, context.Canceled)
	if yields > 1 {
		c.errorf("%s, canceled: got %d more after the first error, want none", op, yields-1)
	}
}

func values(rs map[string]session.Record) []session.Record { return slices.Collect(maps.Values(rs)) }
