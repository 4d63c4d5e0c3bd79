package storetest

import (
	"context"
	"crypto/rand"
	"strings"
	"time"
	"unicode"

	"github.com/echosession/echosession/session"
)

const (
	clauseDeleteUser      = "DeleteUser deletes the records of the kind name that belong to user, except the record exceptID (\"\": no exception), and returns how many live records it deleted."
	clauseDeleteUserCount = "The number may include expired records."
	clauseDeleteUserFinal = "Records whose Create or Update was acknowledged before the call are gone when DeleteUser returns without an error."
)

func deleteUserCases() []Case {
	return []Case{
		newAbilityCase("DeleteUser/all", clauseDeleteUser, func(c *check, us session.UserStore) {
			for _, n := range []int{1, 2, 5, manyRecords} {
				user := newUser()
				rs := c.createOf(user, n)
				c.deletesUser(us, "without an exception", user, "", n)
				for _, r := range rs {
					c.absent("after DeleteUser", r.ID)
				}
				c.lists(us, "after DeleteUser", user)
				c.deletesUser(us, "without an exception, again", user, "", 0)
			}
		}),
		newAbilityCase("DeleteUser/all but one", clauseDeleteUser, func(c *check, us session.UserStore) {
			user := newUser()
			rs := c.createOf(user, 4)
			for i, r := range rs {
				rs[i] = c.update(r)
			}
			c.deletesUser(us, "with an exception", user, rs[2].ID, 3)
			c.lists(us, "after DeleteUser with an exception", user, rs[2])
			c.holds("of the exception", rs[2])
			for _, i := range []int{0, 1, 3} {
				c.absent("after DeleteUser with an exception", rs[i].ID)
			}
			c.deletesUser(us, "with the same exception, again", user, rs[2].ID, 0)
			c.deletesUser(us, "with an absent exception", user, rs[0].ID, 1)
			c.lists(us, "after DeleteUser with an absent exception", user)
		}),
		newAbilityCase("DeleteUser/exception of another user", clauseDeleteUser, func(c *check, us session.UserStore) {
			user := newUser()
			c.createOf(user, 2)
			other := c.create(c.recordOf(newUser()))
			c.deletesUser(us, "with an exception of another user", user, other.ID, 2)
			c.lists(us, "after DeleteUser with an exception of another user", user)
			c.holds("of the exception", other)
		}),
		newAbilityCase("DeleteUser/only theirs", clauseDeleteUser, func(c *check, us session.UserStore) {
			user := newUser()
			lookalikes := c.lookalikes(user)
			c.createOf(user, 3)
			c.deletesUser(us, "among other records", user, "", 3)
			for what, r := range lookalikes {
				c.holds("of a record with "+what+", after DeleteUser", r)
			}
		}),
		newAbilityCase("DeleteUser/unusual users", clauseDeleteUser, func(c *check, us session.UserStore) {
			users := unusualUsers()
			for _, user := range users {
				c.create(c.recordOf(user))
			}
			for _, user := range users {
				c.deletesUser(us, "of an unusual user", user, "", 1)
			}
		}),
		newAbilityCase("DeleteUser/absent", clauseDeleteUser, func(c *check, us session.UserStore) {
			c.deletesUser(us, "of a user without records", newUser(), "", 0)
			c.deletesUser(us, "of a user without records, with an exception", newUser(), newID(), 0)
		}),
		newAbilityCase("DeleteUser/moved", clauseDeleteUser, func(c *check, us session.UserStore) {
			a, b := newUser(), newUser()
			stayedWithB, stayedWithA, r := c.create(c.recordOf(b)), c.create(c.recordOf(a)), c.create(c.recordOf(a))
			r.User = b
			r = c.update(r)
			c.deletesUser(us, "of the former user of a record", a, "", 1)
			c.absent("of the record that stayed with that user", stayedWithA.ID)
			c.holds("of the record that moved", r)
			r.User = ""
			r = c.update(r)
			c.deletesUser(us, "of the second user of a record", b, "", 1)
			c.absent("of the record that stayed with that user", stayedWithB.ID)
			c.holds("of the record that is anonymous now", r)
		}),
		newAbilityCase("DeleteUser/expired", clauseDeleteUserCount, func(c *check, us session.UserStore) {
			user, end := newUser(), c.now.Add(-time.Hour)
			live := c.createOf(user, 2)
			created, updated := c.recordOf(user), c.create(c.recordOf(user))
			created.ExpiresAt, updated.ExpiresAt = end, end
			c.create(created)
			c.update(updated)
			n, err := us.DeleteUser(c.ctx, "sid", user, "")
			c.succeeds("DeleteUser of 2 live and 2 expired records", err)
			if n < 2 || n > 4 {
				c.errorf("DeleteUser of 2 live and 2 expired records: got %d, want 2 to 4", n)
			}
			for _, r := range append(live, created, updated) {
				c.absent("after DeleteUser", r.ID)
			}
		}),
		newAbilityCase("DeleteUser/is final", clauseUpdateNever, func(c *check, us session.UserStore) {
			user := newUser()
			rs := c.createOf(user, 3)
			for i := range rs {
				rs[i] = c.update(rs[i])
			}
			c.deletesUser(us, "without an exception", user, "", 3)
			for i, r := range rs {
				r.Version += int64(i) - 1
				r.ExpiresAt = r.ExpiresAt.Add(time.Minute)
				c.fails("Touch after DeleteUser", c.s.Touch(c.ctx, r), session.ErrNotFound)
				c.fails("Update after DeleteUser", c.s.Update(c.ctx, r), session.ErrNotFound)
				c.absent("after DeleteUser, Touch and Update", r.ID)
			}
			c.lists(us, "after DeleteUser, Touch and Update", user)
		}),
		newAbilityCase("DeleteUser/new records", clauseDeleteUserFinal, func(c *check, us session.UserStore) {
			user := newUser()
			for range 3 {
				r := c.create(c.recordOf(user))
				c.deletesUser(us, "right after Create", user, "", 1)
				c.absent("after DeleteUser", r.ID)
				c.lists(us, "after Create of a deleted id", user, c.create(r))
				c.deletesUser(us, "right after Create of a deleted id", user, "", 1)
			}
		}),
		newAbilityCase("DeleteUser/canceled", clauseContext, func(c *check, us session.UserStore) {
			user := newUser()
			rs := c.createOf(user, 3)
			for op, user := range map[string]string{"DeleteUser": user, "DeleteUser of a user without records": newUser()} {
				_, err := us.DeleteUser(c.canceled(), "sid", user, "")
				c.fails(op+", canceled", err, context.Canceled)
			}
			c.lists(us, "after DeleteUser, canceled", user, rs...)
		}),
	}
}

// deletesUser calls DeleteUser and reports a result that is not want.
func (c *check) deletesUser(us session.UserStore, when, user, exceptID string, want int) {
	c.t.Helper()
	n, err := us.DeleteUser(c.ctx, "sid", user, exceptID)
	c.succeeds("DeleteUser "+when, err)
	if n != int64(want) {
		c.errorf("DeleteUser %s: got %d, want %d", when, n, want)
	}
}

// manyRecords is more records than a store is likely to read or delete in one
// step.
const manyRecords = 150

// newUser returns a user that no other record has.
func newUser() string { return "user-" + rand.Text() }

// recordOf returns a live record of the kind "sid" and the user. It is not
// stored.
func (c *check) recordOf(user string) session.Record {
	c.t.Helper()
	r := c.record()
	r.Name, r.User = "sid", user
	return r
}

// createOf stores n records of the user.
func (c *check) createOf(user string, n int) []session.Record {
	c.t.Helper()
	rs := make([]session.Record, n)
	for i := range rs {
		rs[i] = c.create(c.recordOf(user))
	}
	return rs
}

// lookalikes stores records that nearly match the kind "sid" and the user, and
// returns them keyed by the difference.
func (c *check) lookalikes(user string) map[string]session.Record {
	c.t.Helper()
	rs := map[string]session.Record{}
	for what, of := range map[string]struct{ name, user string }{
		"another user":               {"sid", newUser()},
		"a longer user":              {"sid", user + "2"},
		"a shorter user":             {"sid", user[:len(user)-1]},
		"a longer beginning":         {"sid", "a" + user},
		"a user in another case":     {"sid", swapCase(user)},
		"a user and a space":         {"sid", user + " "},
		"no user":                    {"sid", ""},
		"a longer name":              {"sid2", user},
		"a shorter name":             {"si", user},
		"a name in another case":     {"SID", user},
		"no name":                    {"", user},
		"name and user interchanged": {user, "sid"},
	} {
		r := c.record()
		r.Name, r.User = of.name, of.user
		rs[what] = c.create(r)
	}
	return rs
}

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}

// unusualUsers returns users that may mean something else to a store, such as a
// pattern, a separator or a number.
func unusualUsers() []string {
	end := rand.Text()
	users := []string{
		" ", "\u00e9", "e\u0301", "\u65e5\u672c\u8a9e", "\U0001F36A", ".", "..", "*", "?", ".*", "[a-z]", "^", "$", "$ne", "{}", "null",
		"%", "_", "%s", `"`, "'", "`", `\`, "/", ":", "a:b", "two\nlines", "<b>", "0", "00", "-1", strings.Repeat("long ", 200),
	}
	for i := range users {
		users[i] += end
	}
	return users
}
