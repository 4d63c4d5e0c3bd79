package storetest

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/echosession/echosession/session"
)

const (
	clauseListUser       = "ListUser yields the live records of the kind name that belong to user, each once, in any order."
	clauseListUserDuring = "A record that is created, or that ends, during the list may or may not be yielded."
)

var listUserCases = []Case{
	newAbilityCase("ListUser/all", clauseListUser, func(c *check, us session.UserStore) {
		for _, n := range []int{0, 1, 2, manyRecords} {
			user, rs := c.createUser(n)
			c.lists(us, "of "+strconv.Itoa(n)+" records", user, rs...)
		}
	}),
	newAbilityCase("ListUser/every field", clauseListUser, func(c *check, us session.UserStore) {
		user, rs := c.createUser(2)
		rs[1] = c.touch(rs[1])
		moved := c.successor(c.create(c.record()))
		moved.Name, moved.User = "sid", user
		empty := session.Record{ID: newID(), Name: "sid", User: user, ExpiresAt: moved.ExpiresAt}
		c.lists(us, "of records created, updated and touched", user, append(rs, c.update(moved), c.create(empty))...)
	}),
	newAbilityCase("ListUser/only theirs", clauseListUser, func(c *check, us session.UserStore) {
		user, rs := c.createUser(3)
		lookalikes := c.lookalikes(user)
		c.lists(us, "among other records", user, rs...)
		for _, r := range lookalikes {
			if r.Name == "sid" && r.User != "" {
				c.lists(us, "of a similar user", r.User, r)
			}
		}
	}),
	newAbilityCase("ListUser/unusual users", clauseListUser, func(c *check, us session.UserStore) {
		for _, r := range c.createUnusual() {
			c.lists(us, "of an unusual user", r.User, r)
		}
	}),
	newAbilityCase("ListUser/expired", clauseListUser, func(c *check, us session.UserStore) {
		user, live := c.createUser(2)
		c.expired(user)
		c.lists(us, "of live and expired records", user, live...)
	}),
	newAbilityCase("ListUser/deleted", clauseListUser, func(c *check, us session.UserStore) {
		user, rs := c.createUser(5)
		again := rs[0]
		for _, i := range []int{2, 0, 2, 1, 0} { // from the middle, and from both ends
			c.succeeds("Delete", c.s.Delete(c.ctx, rs[i].ID, 1))
			rs = slices.Delete(rs, i, i+1)
			c.lists(us, "after Delete", user, rs...)
		}
		again.ID = newID()
		c.lists(us, "after Create", user, c.create(again))
	}),
	newAbilityCase("ListUser/moved", clauseListUser, func(c *check, us session.UserStore) {
		a, ofA := c.createUser(2)
		b, ofB := c.createUser(2)
		r := c.create(c.recordOf(""))
		for _, user := range []string{a, b, b, "", b, a} {
			r.User = user
			r = c.update(r)
			for other, want := range map[string][]session.Record{a: slices.Clip(ofA), b: slices.Clip(ofB)} {
				if other == user {
					want = append(want, r)
				}
				c.lists(us, "after an Update of the user", other, want...)
			}
		}
		r.Name = "another"
		c.update(r)
		c.lists(us, "after an Update of the name", a, ofA...)
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
	newAbilityCase("ListUser/stopped", clauseListUser, func(c *check, us session.UserStore) {
		user, rs := c.createUser(3)
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
	canceledListCase("ListUser/canceled", clauseContext),
	newAbilityCase("ListUser/canceled during the list", clauseContext, func(c *check, us session.UserStore) {
		user, _ := c.createUser(manyRecords)
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
	canceledListCase("ListUser/error", "Any other error ends the list."),

	// These cases write during a list. A store that holds a lock while it yields
	// never returns.
	newAbilityCase("ListUser/delete during the list", clauseListUser, func(c *check, us session.UserStore) {
		c.listWhile(us, "while each record is deleted", func(r session.Record, _ map[string]bool) {
			c.succeeds("Delete", c.s.Delete(c.ctx, r.ID, 0))
		})
		c.listWhile(us, "while another record is deleted", func(_ session.Record, missing map[string]bool) {
			for id := range missing {
				c.succeeds("Delete", c.s.Delete(c.ctx, id, 0))
				delete(missing, id) // it may be yielded or not
				break
			}
		})
	}),
	newAbilityCase("ListUser/create during the list", clauseListUserDuring, func(c *check, us session.UserStore) {
		created := 0
		c.listWhile(us, "while records are created", func(r session.Record, _ map[string]bool) {
			if created < manyRecords { // or the list need not end
				c.create(c.recordOf(r.User))
				created++
			}
		})
	}),
	newAbilityCase("ListUser/delete all during the list", clauseListUserDuring, func(c *check, us session.UserStore) {
		c.listWhile(us, "while all records are deleted", func(r session.Record, missing map[string]bool) {
			_, err := us.DeleteUser(c.ctx, "sid", r.User, "")
			c.succeeds("DeleteUser", err)
			c.lists(us, "after all records were deleted", r.User)
			clear(missing) // they may be yielded or not
		})
	}),
	newAbilityCase("ListUser/write during the list", clauseListUser, func(c *check, us session.UserStore) {
		c.listWhile(us, "while each record is updated and touched", func(r session.Record, _ map[string]bool) {
			r.ExpiresAt = r.ExpiresAt.Add(time.Hour)
			c.touch(c.update(r))
		})
		c.listWhile(us, "while each record gets another user and then its own again", func(r session.Record, _ map[string]bool) {
			user := r.User
			r.User = newUser()
			r = c.update(r)
			r.User = user
			c.update(r)
		})
	}),
}

// listWhile lists many records of one user and calls write after each of them,
// with the ids that the list must yet yield. It reports a record that is yielded
// twice, and a record that is never yielded.
func (c *check) listWhile(us session.UserStore, when string, write func(r session.Record, missing map[string]bool)) {
	c.t.Helper()
	user, rs := c.createUser(manyRecords)
	missing := map[string]bool{}
	for _, r := range rs {
		missing[r.ID] = true
	}
	c.list(us, when, user, func(r session.Record) {
		delete(missing, r.ID)
		write(r, missing)
	})
	for id := range missing {
		c.errorf("ListUser %s: got no record %q, which was there all the time", when, id)
	}
}

// list returns the records that ListUser yields, by id. It calls each for every
// record before it takes the next one. It reports an id that is yielded twice,
// and ends the case at an error.
func (c *check) list(us session.UserStore, when, user string, each func(r session.Record)) map[string]session.Record {
	c.t.Helper()
	got := map[string]session.Record{}
	for r, err := range us.ListUser(c.ctx, "sid", user) {
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
	got := c.list(us, when, user, func(session.Record) {})
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

// canceledListCase checks that a canceled list yields one context.Canceled and
// nothing else.
func canceledListCase(name, clause string) Case {
	return newAbilityCase(name, clause, func(c *check, us session.UserStore) {
		some, _ := c.createUser(3)
		for what, user := range map[string]string{"some records": some, "no records": newUser()} {
			var errs []error
			for _, err := range us.ListUser(c.canceled(), "sid", user) {
				errs = append(errs, err)
			}
			if len(errs) != 1 {
				c.fatalf("ListUser of %s, canceled: got the errors %v, want exactly one", what, errs)
			}
			c.fails("ListUser of "+what+", canceled", errs[0], context.Canceled)
		}
	})
}
