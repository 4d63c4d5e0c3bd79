package storetest

import (
	"time"

	"github.com/echosession/echosession/session"
)

// listMeanwhileCases write between two records of a list. A store that holds a
// lock while it yields does not come back.
func listMeanwhileCases() []Case {
	// during lists aBatch records and calls write for each, with those of them
	// that did not come yet and that it may write to. It checks that no id comes
	// twice, and that all come but those that write returned.
	during := func(c *check, us session.UserStore, when string, write func(r session.Record, user string, next func() (session.Record, bool)) (ended string)) {
		c.t.Helper()
		user := newUser()
		rs := c.createOf(user, aBatch)
		coming, ended := map[string]session.Record{}, map[string]bool{}
		for _, r := range rs {
			coming[r.ID] = r
		}
		next := func() (session.Record, bool) {
			for _, r := range coming {
				return r, true
			}
			return session.Record{}, false
		}
		got := c.collect(when, us.ListUser(c.ctx, "sid", user), func(r session.Record) {
			delete(coming, r.ID)
			if id := write(r, user, next); id != "" {
				ended[id] = true
				delete(coming, id)
			}
		})
		for _, r := range rs {
			if _, ok := got[r.ID]; !ok && !ended[r.ID] {
				c.errorf("ListUser %s: %q was there all the time, and did not come", when, r.ID)
			}
		}
	}
	type picker = func() (session.Record, bool)
	return []Case{
		newUserCase("ListUser/deleting meanwhile", clauseListUser, func(c *check, us session.UserStore) {
			during(c, us, "while each is deleted", func(r session.Record, _ string, _ picker) string {
				c.done("Delete", c.s.Delete(c.ctx, r.ID, 0))
				return ""
			})
			during(c, us, "while another is deleted", func(_ session.Record, _ string, next picker) string {
				r, ok := next()
				if ok {
					c.done("Delete", c.s.Delete(c.ctx, r.ID, 0))
				}
				return r.ID
			})
		}),
		newUserCase("ListUser/creating meanwhile", clauseListMeanwhile, func(c *check, us session.UserStore) {
			made := 0
			during(c, us, "while others are created", func(_ session.Record, user string, _ picker) string {
				if made < aBatch { // or it need not end
					c.create(c.recordOf(user))
					made++
				}
				return ""
			})
		}),
		newUserCase("ListUser/deleting all meanwhile", clauseListMeanwhile, func(c *check, us session.UserStore) {
			user := newUser()
			c.createOf(user, aBatch)
			c.collect("while all are deleted", us.ListUser(c.ctx, "sid", user), func(session.Record) {
				_, err := us.DeleteUser(c.ctx, "sid", user, "")
				c.done("DeleteUser", err)
			})
			c.lists(us, "after all were deleted", user)
		}),
		newUserCase("ListUser/writing meanwhile", clauseListUser, func(c *check, us session.UserStore) {
			during(c, us, "while each is updated and touched", func(r session.Record, _ string, _ picker) string {
				r.ExpiresAt = r.ExpiresAt.Add(time.Hour)
				r = c.update(r)
				r.SeenAt = r.SeenAt.Add(time.Hour)
				c.done("Touch", c.s.Touch(c.ctx, r))
				return ""
			})
			during(c, us, "while each gets another user, and its own again", func(r session.Record, user string, _ picker) string {
				r.User = newUser()
				r = c.update(r)
				r.User = user
				c.update(r)
				return ""
			})
		}),
	}
}
