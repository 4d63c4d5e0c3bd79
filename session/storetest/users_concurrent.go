package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/echosession/echosession/session"
)

func userConcurrentCases() []Case {
	return []Case{
		newUserCase("Concurrent/DeleteUser", clauseDeleteUserFinal, func(c *check, us session.UserStore) {
			for range rounds {
				user := newUser()
				var known acknowledged
				for _, r := range c.createOf(user, 2*writers) {
					known.add(r.ID)
				}
				first := known.all()
				var before []string // first, and what was created until the call
				fresh := c.plenty(user)
				var deleted atomic.Bool
				errs := parallel(writers, func(i int) error {
					switch {
					case i == 0:
						defer deleted.Store(true)
						before = known.all()
						if _, err := us.DeleteUser(c.ctx, "sid", user, ""); err != nil {
							return err
						}
						return c.allGone(before)
					case i == 1:
						return c.until(&deleted, first[i], c.s.Touch)
					case i%2 == 0:
						return c.createUntil(&deleted, fresh[i], &known)
					default:
						return c.until(&deleted, first[i], c.s.Update)
					}
				})
				for _, err := range errs {
					c.done("DeleteUser, Create, Touch and Update at once", err)
				}
				c.done("after all of them", c.allGone(before))
				left := c.list(us, "after all of them", user)
				for _, id := range before {
					if _, ok := left[id]; ok {
						c.errorf("ListUser after DeleteUser and what ran beside it: got %q, want it gone", id)
					}
				}
			}
		}),
		newUserCase("Concurrent/ListUser", clauseListUser, func(c *check, us session.UserStore) {
			user := newUser()
			stay := c.createOf(user, writers)
			fresh := c.plenty(user)
			var listed atomic.Bool
			lists := make([]map[string]session.Record, rounds)
			errs := parallel(writers, func(i int) error {
				switch {
				case i == 0:
					defer listed.Store(true)
					for n := range lists {
						lists[n] = map[string]session.Record{}
						for r, err := range us.ListUser(c.ctx, "sid", user) {
							if err != nil {
								return err
							}
							if _, twice := lists[n][r.ID]; twice {
								return fmt.Errorf("got the id %q twice", r.ID)
							}
							lists[n][r.ID] = r
						}
					}
					return nil
				case i%2 == 0:
					return c.comeAndGo(&listed, fresh[i])
				default:
					return c.until(&listed, stay[i].ID, c.s.Update)
				}
			})
			for _, err := range errs {
				c.done("ListUser, Create, Update and Delete at once", err)
			}
			for _, list := range lists {
				for _, r := range stay {
					if _, ok := list[r.ID]; !ok {
						c.errorf("ListUser while others are created and deleted: got none of the id %q, which was there all the time", r.ID)
					}
				}
			}
		}),
	}
}

// acknowledged are the ids of which a Create has succeeded.
type acknowledged struct {
	mu  sync.Mutex
	ids []string
}

func (a *acknowledged) add(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ids = append(a.ids, id)
}

func (a *acknowledged) all() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ids[:len(a.ids):len(a.ids)]
}

// plenty returns records of user for each writer, none of them stored.
func (c *check) plenty(user string) [][]session.Record {
	c.t.Helper()
	rs := make([][]session.Record, writers)
	for i := range rs {
		for range 4 * writers {
			rs[i] = append(rs[i], c.recordOf(user))
		}
	}
	return rs
}

// createUntil stores fresh ones until there are none or done.
func (c *check) createUntil(done *atomic.Bool, fresh []session.Record, known *acknowledged) error {
	for _, r := range fresh {
		if done.Load() {
			break
		}
		if err := c.s.Create(c.ctx, r); err != nil {
			return err
		}
		known.add(r.ID)
	}
	return nil
}

// comeAndGo stores and deletes fresh ones until there are none or done.
func (c *check) comeAndGo(done *atomic.Bool, fresh []session.Record) error {
	for i, r := range fresh {
		if done.Load() {
			break
		}
		if err := c.s.Create(c.ctx, r); err != nil {
			return err
		}
		if i%2 == 0 {
			r.Version = 1
			r.User = "" // leaves the list in another way
			if err := c.s.Update(c.ctx, r); err != nil {
				return err
			}
		}
		if err := c.s.Delete(c.ctx, r.ID, 0); err != nil {
			return err
		}
	}
	return nil
}

func (c *check) allGone(ids []string) error {
	for _, id := range ids {
		if _, err := c.s.Load(c.ctx, id); !errors.Is(err, session.ErrNotFound) {
			return fmt.Errorf("load of %q, which was stored before DeleteUser: got error %v, want %w", id, err, session.ErrNotFound)
		}
	}
	return nil
}
