package storetest

import (
	"context"
	"time"

	"github.com/echosession/echosession/session"
)

const (
	clauseDeleteUser      = "DeleteUser deletes the records of the kind name that belong to user, except the record exceptID (\"\": no exception), and returns how many live records it deleted."
	clauseDeleteUserFinal = "Records whose Create or Update was acknowledged before the call are gone when DeleteUser returns without an error."
)

func deleteUserCases() []Case {
	return []Case{
		newUserCase("DeleteUser/all", clauseDeleteUser, func(c *check, us session.UserStore) {
			for _, n := range []int{1, 2, 5, aBatch} {
				user := newUser()
				rs := c.createOf(user, n)
				c.deletes(us, "of all", user, "", n)
				for _, r := range rs {
					c.absent("after DeleteUser", r.ID)
				}
				c.lists(us, "after DeleteUser", user)
				c.deletes(us, "of all, again", user, "", 0)
			}
		}),
		newUserCase("DeleteUser/all but one", clauseDeleteUser, func(c *check, us session.UserStore) {
			user := newUser()
			rs := c.createOf(user, 4)
			for i, r := range rs {
				rs[i] = c.update(r)
			}
			c.deletes(us, "of all but one", user, rs[2].ID, 3)
			c.lists(us, "after DeleteUser of all but one", user, rs[2])
			c.holds("of the one", rs[2])
			for _, i := range []int{0, 1, 3} {
				c.absent("of another", rs[i].ID)
			}
			c.deletes(us, "of all but one, again", user, rs[2].ID, 0)
			c.deletes(us, "of all but one that is absent", user, rs[0].ID, 1)
			c.lists(us, "after DeleteUser of all but one that is absent", user)
		}),
		newUserCase("DeleteUser/but one of another user", clauseDeleteUser, func(c *check, us session.UserStore) {
			user := newUser()
			c.createOf(user, 2)
			other := c.create(c.recordOf(newUser()))
			c.deletes(us, "of all but one of another user", user, other.ID, 2)
			c.lists(us, "after it", user)
			c.holds("of the other user", other)
		}),
		newUserCase("DeleteUser/only theirs", clauseDeleteUser, func(c *check, us session.UserStore) {
			user := newUser()
			strangers := c.strangers(user)
			c.createOf(user, 3)
			c.deletes(us, "among others", user, "", 3)
			for how, r := range strangers {
				c.holds("of one "+how, r)
			}
		}),
		newUserCase("DeleteUser/strange users", clauseDeleteUser, func(c *check, us session.UserStore) {
			users := strangeUsers()
			for _, user := range users {
				c.create(c.recordOf(user))
			}
			for _, user := range users {
				c.deletes(us, "of a strange user", user, "", 1)
			}
		}),
		newUserCase("DeleteUser/absent", clauseDeleteUser, func(c *check, us session.UserStore) {
			c.deletes(us, "of a user without records", newUser(), "", 0)
			c.deletes(us, "of a user without records, but one", newUser(), newID(), 0)
		}),
		newUserCase("DeleteUser/moved", clauseDeleteUser, func(c *check, us session.UserStore) {
			a, b := newUser(), newUser()
			kept, gone, r := c.create(c.recordOf(b)), c.create(c.recordOf(a)), c.create(c.recordOf(a))
			r.User = b
			r = c.update(r)
			c.deletes(us, "of the user that one had", a, "", 1)
			c.absent("of the one that stayed", gone.ID)
			c.holds("of the one that moved", r)
			r.User = ""
			r = c.update(r)
			c.deletes(us, "of the user that it had then", b, "", 1)
			c.absent("of the one that stayed", kept.ID)
			c.holds("of the one that is nobody's now", r)
		}),
		newUserCase("DeleteUser/expired", clauseDeleteUser, func(c *check, us session.UserStore) {
			user, end := newUser(), c.now.Add(-time.Hour)
			live := c.createOf(user, 2)
			created, updated := c.recordOf(user), c.create(c.recordOf(user))
			created.ExpiresAt, updated.ExpiresAt = end, end
			c.create(created)
			c.update(updated)
			n, err := us.DeleteUser(c.ctx, "sid", user, "")
			c.done("DeleteUser of whom some have expired", err)
			// An expired one may be there or not.
			if n < 2 || n > 4 {
				c.errorf("DeleteUser of 2 that live and 2 that have expired: got %d, want 2 to 4", n)
			}
			for _, r := range append(live, created, updated) {
				c.absent("after it", r.ID)
			}
		}),
		newUserCase("DeleteUser/is final", clauseUpdateNever, func(c *check, us session.UserStore) {
			user := newUser()
			rs := c.createOf(user, 3)
			for i := range rs {
				rs[i] = c.update(rs[i])
			}
			c.deletes(us, "of all", user, "", 3)
			for i, r := range rs {
				r.Version += int64(i) - 1
				r.ExpiresAt = r.ExpiresAt.Add(time.Minute)
				c.fails("Touch after DeleteUser", c.s.Touch(c.ctx, r), session.ErrNotFound)
				c.fails("Update after DeleteUser", c.s.Update(c.ctx, r), session.ErrNotFound)
				c.absent("after both", r.ID)
			}
			c.lists(us, "after both", user)
		}),
		newUserCase("DeleteUser/of new ones", clauseDeleteUserFinal, func(c *check, us session.UserStore) {
			user := newUser()
			for range 3 {
				r := c.create(c.recordOf(user))
				c.deletes(us, "right after Create", user, "", 1)
				c.absent("after it", r.ID)
				c.lists(us, "after Create of a deleted id", user, c.create(r))
				c.deletes(us, "of an id created again", user, "", 1)
			}
		}),
		newUserCase("DeleteUser/canceled", clauseContext, func(c *check, us session.UserStore) {
			user := newUser()
			rs := c.createOf(user, 3)
			for what, user := range map[string]string{"": user, " of a user without records": newUser()} {
				_, err := us.DeleteUser(c.canceled(), "sid", user, "")
				c.fails("DeleteUser"+what+", canceled", err, context.Canceled)
			}
			c.lists(us, "after DeleteUser, canceled", user, rs...)
		}),
	}
}
