package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/echosession/echosession/session"
)

const (
	clauseListUser      = "ListUser yields the live records of the kind name that belong to user, each once, in any order."
	clauseListMeanwhile = "A record that is created, or that ends, during the list may or may not be yielded."
	clauseListError     = "Any other error ends the list."
)

func listUserCases() []Case {
	return []Case{
		newUserCase("ListUser/nobody there", clauseListUser, func(c *check, us session.UserStore) {
			c.lists(us, "of a user without records", newUser())
		}),
		newUserCase("ListUser/every field", clauseListUser, func(c *check, us session.UserStore) {
			user := newUser()
			created, touched := c.create(c.recordOf(user)), c.create(c.recordOf(user))
			updated := c.create(c.record())
			next := c.recordOf(user)
			next.ID, next.Version = updated.ID, updated.Version
			updated = c.update(next)
			touched.SeenAt, touched.ExpiresAt = touched.SeenAt.Add(time.Minute), touched.ExpiresAt.Add(time.Minute)
			c.done("Touch", c.s.Touch(c.ctx, touched))
			empty := session.Record{ID: newID(), Name: "sid", User: user, ExpiresAt: c.record().ExpiresAt}
			c.lists(us, "of records created, updated and touched", user, created, updated, touched, c.create(empty))
		}),
		newUserCase("ListUser/only theirs", clauseListUser, func(c *check, us session.UserStore) {
			user := newUser()
			strangers := c.strangers(user)
			theirs := c.createOf(user, 3)
			c.lists(us, "among others", user, theirs...)
			for how, r := range strangers {
				if r.Name == "sid" && r.User != "" {
					c.lists(us, how, r.User, r)
				}
			}
		}),
		newUserCase("ListUser/strange users", clauseListUser, func(c *check, us session.UserStore) {
			stored := map[string]session.Record{}
			for _, user := range strangeUsers() {
				stored[user] = c.create(c.recordOf(user))
			}
			for user, r := range stored {
				c.lists(us, "of a strange user", user, r)
			}
		}),
		newUserCase("ListUser/expired", clauseListUser, func(c *check, us session.UserStore) {
			user, end := newUser(), c.now.Add(-time.Hour)
			live := c.createOf(user, 2)
			created, updated := c.recordOf(user), c.create(c.recordOf(user))
			created.ExpiresAt, updated.ExpiresAt = end, end
			c.create(created)
			c.update(updated)
			c.lists(us, "of whom some have expired", user, live...)
		}),
		newUserCase("ListUser/deleted", clauseListUser, func(c *check, us session.UserStore) {
			user := newUser()
			rs := c.createOf(user, 5)
			for _, i := range []int{2, 0, 4, 3, 1} { // in the middle, and at both ends
				c.done("Delete", c.s.Delete(c.ctx, rs[i].ID, 0))
				rs[i].ID = ""
				c.lists(us, "after Delete", user, present(rs)...)
			}
			again := rs[0]
			again.ID = newID()
			c.lists(us, "after Create", user, c.create(again))
		}),
		newUserCase("ListUser/moved", clauseListUser, func(c *check, us session.UserStore) {
			a, b := newUser(), newUser()
			ofA, ofB := c.createOf(a, 2), c.createOf(b, 2)
			r := c.create(c.recordOf(""))
			for _, user := range []string{a, b, b, "", b, a} {
				r.User = user
				r = c.update(r)
				wantA, wantB := ofA, ofB
				switch user {
				case a:
					wantA = append(present(ofA), r)
				case b:
					wantB = append(present(ofB), r)
				}
				c.lists(us, "of one, after an Update of the user", a, wantA...)
				c.lists(us, "of the other, after an Update of the user", b, wantB...)
			}
			r.Name = "another"
			c.update(r)
			c.lists(us, "after an Update of the name", a, ofA...)
		}),
		newUserCase("ListUser/not moved", clauseListUser, func(c *check, us session.UserStore) {
			a, b := newUser(), newUser()
			r := c.update(c.create(c.recordOf(a)))
			stale := r
			stale.User, stale.Version = b, r.Version-1
			c.fails("Update of another version", c.s.Update(c.ctx, stale), session.ErrConflict)
			c.fails("Create of the same id", c.s.Create(c.ctx, stale), session.ErrExists)
			stale.Version = r.Version
			c.done("Touch", c.s.Touch(c.ctx, stale))
			c.lists(us, "of the user as it was", a, r)
			c.lists(us, "of the user of writes that were refused", b)
		}),
		newUserCase("ListUser/many", clauseListUser, func(c *check, us session.UserStore) {
			user := newUser()
			c.lists(us, "of many records", user, c.createOf(user, aBatch)...)
		}),
		newUserCase("ListUser/stopped", clauseListUser, func(c *check, us session.UserStore) {
			user := newUser()
			rs := c.createOf(user, 3)
			for stop := 1; stop <= len(rs); stop++ {
				var yields int
				us.ListUser(c.ctx, "sid", user)(func(session.Record, error) bool {
					yields++
					return yields < stop
				})
				if yields != stop {
					c.errorf("ListUser that is stopped at record %d: got %d", stop, yields)
				}
			}
			c.lists(us, "after one that was stopped", user, rs...)
		}),
		newUserCase("ListUser/canceled", clauseContext, func(c *check, us session.UserStore) {
			user := newUser()
			c.createOf(user, 3)
			for what, user := range map[string]string{"": user, " of a user without records": newUser()} {
				c.endsAtOnce("ListUser"+what, us, c.canceled(), user)
			}
		}),
		newUserCase("ListUser/canceled meanwhile", clauseContext, func(c *check, us session.UserStore) {
			user := newUser()
			c.createOf(user, aBatch)
			ctx, cancel := context.WithCancel(c.ctx)
			defer cancel()
			var last error
			for _, err := range us.ListUser(ctx, "sid", user) {
				last = err
				cancel()
			}
			// What it had read already may still come.
			c.fails("ListUser of many records, canceled at the first, at last", last, context.Canceled)
		}),
		newUserCase("ListUser/error", clauseListError, func(c *check, us session.UserStore) {
			user := newUser()
			c.createOf(user, 3)
			c.endsAtOnce("ListUser", us, c.canceled(), user)
		}),
	}
}

// endsAtOnce reports a list that has anything but one error.
func (c *check) endsAtOnce(op string, us session.UserStore, ctx context.Context, user string) {
	c.t.Helper()
	yields, first := 0, errors.New("nothing at all")
	for _, err := range us.ListUser(ctx, "sid", user) {
		if yields++; yields == 1 {
			first = err
		}
	}
	c.fails(op+", canceled", first, context.Canceled)
	if yields > 1 {
		c.errorf("%s, canceled: got %d more after the first error", op, yields-1)
	}
}

// present returns a copy without those that have no id.
func present(rs []session.Record) (left []session.Record) {
	for _, r := range rs {
		if r.ID != "" {
			left = append(left, r)
		}
	}
	return left
}
