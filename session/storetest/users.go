package storetest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/echosession/echosession/session"
)

const (
	clauseDeleteUser = "DeleteUser deletes the records of the kind name that belong to user, except the record exceptID " +
		"(\"\": no exception), and returns how many live records it deleted."
	clauseDeleteUserFinal = "Records whose Create or Update was acknowledged before the call are gone " +
		"when DeleteUser returns without an error."
)

var deleteUserCases = []Case{
	newAbilityCase("DeleteUser/all", clauseDeleteUser, func(c *check, us session.UserStore) {
		for _, n := range []int{0, 1, 2, 5, manyRecords} {
			user, rs := c.createUser(n)
			c.deletesUser(us, "without an exception", user, "", rs...)
			c.deletesUser(us, "without an exception, again", user, "")
			c.deletesUser(us, "with an exception, but without records", user, newID())
		}
	}),
	newAbilityCase("DeleteUser/all but one", clauseDeleteUser, func(c *check, us session.UserStore) {
		user, rs := c.createUser(4)
		for i, r := range rs {
			rs[i] = c.update(r)
		}
		c.deletesUser(us, "with an exception", user, rs[2].ID, rs...)
		c.deletesUser(us, "with the same exception, again", user, rs[2].ID, rs[2])
		c.deletesUser(us, "with an absent exception", user, rs[0].ID, rs[2])
	}),
	newAbilityCase("DeleteUser/exception of another user", clauseDeleteUser, func(c *check, us session.UserStore) {
		user, rs := c.createUser(2)
		other := c.create(c.recordOf(newUser()))
		c.deletesUser(us, "with an exception of another user", user, other.ID, rs...)
		c.holds("of the exception", other)
	}),
	newAbilityCase("DeleteUser/only theirs", clauseDeleteUser, func(c *check, us session.UserStore) {
		user, rs := c.createUser(3)
		lookalikes := c.lookalikes(user)
		c.deletesUser(us, "among other records", user, "", rs...)
		for _, r := range lookalikes {
			c.holds(fmt.Sprintf("of a record with name %q and user %q, after DeleteUser", r.Name, r.User), r)
		}
	}),
	newAbilityCase("DeleteUser/unusual users", clauseDeleteUser, func(c *check, us session.UserStore) {
		for _, r := range c.createUnusual() {
			c.deletesUser(us, "of an unusual user", r.User, "", r)
		}
	}),
	newAbilityCase("DeleteUser/moved", clauseDeleteUser, func(c *check, us session.UserStore) {
		a, ofA := c.createUser(1)
		b, ofB := c.createUser(1)
		r := c.create(c.recordOf(a))
		r.User = b
		r = c.update(r)
		c.deletesUser(us, "of the former user of a record", a, "", ofA...)
		c.holds("of the record that moved", r)
		r.User = ""
		r = c.update(r)
		c.deletesUser(us, "of the second user of a record", b, "", ofB...)
		c.holds("of the record that is anonymous now", r)
	}),
	newAbilityCase("DeleteUser/expired", "The number may include expired records.", func(c *check, us session.UserStore) {
		user, rs := c.createUser(2)
		for _, r := range c.expired(user) {
			rs = append(rs, r)
		}
		n, err := us.DeleteUser(c.ctx, "sid", user, "")
		c.succeeds("DeleteUser of 2 live and 2 expired records", err)
		if n < 2 || n > 4 {
			c.errorf("DeleteUser of 2 live and 2 expired records: got %d, want 2 to 4", n)
		}
		for _, r := range rs {
			c.absent("after DeleteUser", r.ID)
		}
	}),
	newAbilityCase("DeleteUser/is final", clauseUpdateNever, func(c *check, us session.UserStore) {
		user, rs := c.createUser(3)
		for i := range rs {
			rs[i] = c.update(rs[i])
		}
		c.deletesUser(us, "without an exception", user, "", rs...)
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
			c.deletesUser(us, "right after Create", user, "", r)
			c.lists(us, "after Create of a deleted id", user, c.create(r))
			c.deletesUser(us, "right after Create of a deleted id", user, "", r)
		}
	}),
	newAbilityCase("DeleteUser/canceled", clauseContext, func(c *check, us session.UserStore) {
		user, rs := c.createUser(3)
		for op, user := range map[string]string{"DeleteUser": user, "DeleteUser of a user without records": newUser()} {
			_, err := us.DeleteUser(c.canceled(), "sid", user, "")
			c.fails(op+", canceled", err, context.Canceled)
		}
		c.lists(us, "after DeleteUser, canceled", user, rs...)
	}),
}

// deletesUser calls DeleteUser for the user, whose live records are rs. It
// reports another result than their number without the exception, and a record
// that should be gone or should be left.
func (c *check) deletesUser(us session.UserStore, when, user, exceptID string, rs ...session.Record) {
	c.t.Helper()
	n, err := us.DeleteUser(c.ctx, "sid", user, exceptID)
	c.succeeds("DeleteUser "+when, err)
	var left []session.Record
	for _, r := range rs {
		if r.ID == exceptID {
			left = append(left, r)
			c.holds("of the exception, after DeleteUser "+when, r)
		} else {
			c.absent("after DeleteUser "+when, r.ID)
		}
	}
	if want := len(rs) - len(left); n != int64(want) {
		c.errorf("DeleteUser %s: got %d, want %d", when, n, want)
	}
	c.lists(us, "after DeleteUser "+when, user, left...)
}

// manyRecords is more than a store is likely to read or delete in one step.
const manyRecords = 150

// recordOf is like record, with the kind "sid" and the user.
func (c *check) recordOf(user string) session.Record {
	r := c.record()
	r.Name, r.User = "sid", user
	return r
}

// createUser stores n records of a new user.
func (c *check) createUser(n int) (user string, rs []session.Record) {
	c.t.Helper()
	user = newUser()
	for range n {
		rs = append(rs, c.create(c.recordOf(user)))
	}
	return user, rs
}

// lookalikes stores records that nearly match the kind "sid" and the user.
func (c *check) lookalikes(user string) (rs []session.Record) {
	c.t.Helper()
	for _, of := range []struct{ name, user string }{
		{"sid", newUser()}, {"sid", ""}, {"", user}, {user, "sid"}, {"sid2", user}, {"si", user}, {"SID", user},
		{"sid", user + "2"}, {"sid", user[:len(user)-1]}, {"sid", "a" + user}, {"sid", user + " "}, {"sid", strings.ToLower(user)},
	} {
		r := c.record()
		r.Name, r.User = of.name, of.user
		rs = append(rs, c.create(r))
	}
	return rs
}

// createUnusual stores a record of each of several users that may mean
// something else to a store, such as a pattern, a separator or a number.
func (c *check) createUnusual() (rs []session.Record) {
	c.t.Helper()
	end := newID()
	for _, begin := range []string{
		" ", "\u00e9", "e\u0301", "\u65e5\u672c\u8a9e", "\U0001F36A", ".", "..", "*", "?", ".*", "[a-z]", "^", "$", "$ne", "{}", "null",
		"%", "_", "%s", `"`, "'", "`", `\`, "/", ":", "a:b", "two\nlines", "<b>", "0", "00", "-1", strings.Repeat("long ", 200),
	} {
		rs = append(rs, c.create(c.recordOf(begin+end)))
	}
	return rs
}
