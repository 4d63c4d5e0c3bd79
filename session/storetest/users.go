package storetest

import (
	"crypto/rand"
	"iter"
	"strings"
	"unicode"

	"github.com/echosession/echosession/session"
)

// aBatch is more than a store is likely to read, or to delete, at once.
const aBatch = 150

// newUserCase is about an optional ability.
func newUserCase(name, clause string, run func(c *check, us session.UserStore)) Case {
	return newCase(name, clause, func(c *check) {
		if us, ok := c.s.(session.UserStore); ok {
			run(c, us)
		}
	})
}

// newUser returns a user that no other record has.
func newUser() string { return "user-" + rand.Text() }

// recordOf returns a live record of the user, of one kind for all in this run.
func (c *check) recordOf(user string) session.Record {
	c.t.Helper()
	r := c.record()
	r.Name, r.User = "sid", user
	return r
}

// createOf stores n records of user.
func (c *check) createOf(user string, n int) []session.Record {
	c.t.Helper()
	rs := make([]session.Record, n)
	for i := range rs {
		rs[i] = c.create(c.recordOf(user))
	}
	return rs
}

// strangers stores records that are almost those of "sid" and user, and returns
// them by what makes the difference.
func (c *check) strangers(user string) map[string]session.Record {
	c.t.Helper()
	rs := map[string]session.Record{}
	for how, of := range map[string]struct{ name, user string }{
		"of another user":                   {"sid", newUser()},
		"of a user that begins like it":     {"sid", user + "2"},
		"of a user that it begins like":     {"sid", user[:len(user)-1]},
		"of a user that ends like it":       {"sid", "a" + user},
		"of a user in another case":         {"sid", swapCase(user)},
		"of a user with a space behind":     {"sid", user + " "},
		"of nobody":                         {"sid", ""},
		"of another name":                   {"sid2", user},
		"of a name that it begins like":     {"si", user},
		"of a name in another case":         {"SID", user},
		"of no name":                        {"", user},
		"of a user and name that are mixed": {user, "sid"},
	} {
		r := c.record()
		r.Name, r.User = of.name, of.user
		rs[how] = c.create(r)
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

// strangeUsers look like something else to one store or another.
func strangeUsers() []string {
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

// list returns what the list of user has, by id. It reports an id that comes
// twice, and ends the case at an error.
func (c *check) list(us session.UserStore, when, user string) map[string]session.Record {
	c.t.Helper()
	return c.collect(when, us.ListUser(c.ctx, "sid", user), nil)
}

// collect calls also, if it is not nil, for each record before the next one.
func (c *check) collect(when string, seq iter.Seq2[session.Record, error], also func(r session.Record)) map[string]session.Record {
	c.t.Helper()
	got := map[string]session.Record{}
	for r, err := range seq {
		c.done("ListUser "+when, err)
		if _, ok := got[r.ID]; ok {
			c.errorf("ListUser %s: got the id %q twice", when, r.ID)
		}
		got[r.ID] = r
		if also != nil {
			also(r)
		}
	}
	return got
}

// lists reports how the list of user differs from want.
func (c *check) lists(us session.UserStore, when, user string, want ...session.Record) {
	c.t.Helper()
	got := c.list(us, when, user)
	c.hasAll(when, got, want)
	for id, r := range got {
		c.errorf("ListUser %s: got also %q of name %.40q and user %.40q", when, id, r.Name, r.User)
	}
}

// hasAll takes want out of got, and reports what was not there or not equal.
func (c *check) hasAll(when string, got map[string]session.Record, want []session.Record) {
	c.t.Helper()
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
}

// deletes reports a DeleteUser that does not return want.
func (c *check) deletes(us session.UserStore, when, user, exceptID string, want int) {
	c.t.Helper()
	n, err := us.DeleteUser(c.ctx, "sid", user, exceptID)
	c.done("DeleteUser "+when, err)
	if n != int64(want) {
		c.errorf("DeleteUser %s: got %d, want %d", when, n, want)
	}
}
