package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/echosession/echosession/session"
)

const clauseAtomic = "Each call is one atomic step: of several Updates and Deletes of the same version exactly one succeeds."

const (
	writers = 8 // goroutines at once
	rounds  = 8 // repetitions of a race that may end well by chance
)

func concurrentCases() []Case {
	return []Case{
		newCase("Concurrent/Create, one wins", clauseAtomic, func(c *check) {
			for range rounds {
				next := c.successors(c.record())
				errs := parallel(writers, func(i int) error { return c.s.Create(c.ctx, next[i]) })
				if i, ok := c.onlyWinner("Create of one id", errs); ok {
					c.losers("Create of one id", errs, i, session.ErrExists)
					next[i].Version = 1
					c.holds("after Creates of one id", next[i])
				}
			}
		}),
		newCase("Concurrent/Update, one wins", clauseAtomic, func(c *check) {
			for range rounds {
				r := c.create(c.record())
				next := c.successors(r)
				errs := parallel(writers, func(i int) error { return c.s.Update(c.ctx, next[i]) })
				if i, ok := c.onlyWinner("Update of one version", errs); ok {
					c.losers("Update of one version", errs, i, session.ErrConflict)
					next[i].Version++
					c.holds("after Updates of one version", next[i])
				}
			}
		}),
		newCase("Concurrent/Delete, one wins", clauseAtomic, func(c *check) {
			for range rounds {
				r := c.createUpdated(1)
				errs := parallel(writers, func(i int) error {
					if i%2 == 0 {
						return c.s.Delete(c.ctx, r.ID, r.Version)
					}
					return c.s.Delete(c.ctx, r.ID, 0)
				})
				if i, ok := c.onlyWinner("Delete of one record", errs); ok {
					c.losers("Delete of one record", errs, i, session.ErrNotFound)
				}
				c.absent("after Deletes of one record", r.ID)
			}
		}),
		newCase("Concurrent/Delete and Update, one wins", clauseAtomic, func(c *check) {
			for range rounds {
				r := c.createUpdated(1)
				next := c.successors(r)
				deletes := func(i int) bool { return i%2 == 0 }
				errs := parallel(writers, func(i int) error {
					if deletes(i) {
						return c.s.Delete(c.ctx, r.ID, r.Version)
					}
					return c.s.Update(c.ctx, next[i])
				})
				switch i, ok := c.onlyWinner("Delete and Update of one version", errs); {
				case !ok:
				case deletes(i):
					c.losers("Delete and Update of one version, when a Delete succeeds", errs, i, session.ErrNotFound)
					c.absent("after both, when a Delete succeeds", r.ID)
				default:
					c.losers("Delete and Update of one version, when an Update succeeds", errs, i, session.ErrConflict)
					next[i].Version++
					c.holds("after both, when an Update succeeds", next[i])
				}
			}
		}),
		newCase("Concurrent/Update, none is lost", clauseAtomic, func(c *check) {
			r := c.record()
			r.Data = []byte("0")
			r = c.create(r)
			for _, err := range parallel(writers, func(int) error { return c.increment(r.ID) }) {
				c.succeeds("counting with Load and Update", err)
			}
			r.Version, r.Data = 1+writers, []byte(strconv.Itoa(writers))
			c.holds("after counting to "+strconv.Itoa(writers), r)
		}),
		newCase("Concurrent/Touch and Update", clauseAtomic, func(c *check) {
			r := c.record()
			r.Data = []byte("0")
			r = c.create(r)
			later := extended(r, time.Minute)
			errs := parallel(writers, func(i int) error {
				if i%2 == 0 {
					return c.increment(r.ID)
				}
				return c.loadAndWrite(r.ID, c.s.Touch, func(r *session.Record) error {
					r.SeenAt, r.ExpiresAt = later.SeenAt, later.ExpiresAt
					r.Data = []byte("data of a Touch")
					return nil
				})
			})
			for _, err := range errs {
				c.succeeds("Touch and Update at once", err)
			}
			later.Version, later.Data = 1+writers/2, []byte(strconv.Itoa(writers/2))
			c.holds("after Touch and Update at once", later)
		}),
		newCase("Concurrent/Delete is final", clauseUpdateNever, func(c *check) {
			for range rounds {
				r := c.create(c.record())
				var deleted atomic.Bool
				errs := parallel(writers, func(i int) error {
					switch i {
					case 0:
						defer deleted.Store(true)
						if err := c.s.Delete(c.ctx, r.ID, 0); err != nil {
							return err
						}
						return c.allAbsent([]string{r.ID})
					case 1:
						return c.writeUntil(&deleted, r.ID, c.s.Touch)
					default:
						return c.writeUntil(&deleted, r.ID, c.s.Update)
					}
				})
				for _, err := range errs {
					c.succeeds("Delete, Touch and Update at once", err)
				}
				c.absent("after Delete, Touch and Update at once", r.ID)
			}
		}),
	}
}

func concurrentUserCases() []Case {
	return []Case{
		newAbilityCase("Concurrent/DeleteUser", clauseDeleteUserFinal, func(c *check, us session.UserStore) {
			for range rounds {
				user := newUser()
				var created idList
				for _, r := range c.createOf(user, 2*writers) {
					created.add(r.ID)
				}
				first := created.all()
				var before []string // the ids that were created before the call
				unstored := c.unstoredOf(user)
				var deleted atomic.Bool
				errs := parallel(writers, func(i int) error {
					switch {
					case i == 0:
						defer deleted.Store(true)
						before = created.all()
						if _, err := us.DeleteUser(c.ctx, "sid", user, ""); err != nil {
							return err
						}
						return c.allAbsent(before)
					case i == 1:
						return c.writeUntil(&deleted, first[i], c.s.Touch)
					case i%2 == 0:
						return c.createUntil(&deleted, unstored[i], &created)
					default:
						return c.writeUntil(&deleted, first[i], c.s.Update)
					}
				})
				for _, err := range errs {
					c.succeeds("DeleteUser, Create, Touch and Update at once", err)
				}
				c.succeeds("after DeleteUser, Create, Touch and Update at once", c.allAbsent(before))
				left := c.list(us, "after DeleteUser, Create, Touch and Update at once", user)
				for _, id := range before {
					if _, ok := left[id]; ok {
						c.errorf("ListUser after DeleteUser: got %q, which was created before DeleteUser, want it gone", id)
					}
				}
			}
		}),
		newAbilityCase("Concurrent/ListUser", clauseListUser, func(c *check, us session.UserStore) {
			user := newUser()
			stay := c.createOf(user, writers)
			unstored := c.unstoredOf(user)
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
					return c.createAndDeleteUntil(&listed, unstored[i])
				default:
					return c.writeUntil(&listed, stay[i].ID, c.s.Update)
				}
			})
			for _, err := range errs {
				c.succeeds("ListUser, Create, Update and Delete at once", err)
			}
			for _, list := range lists {
				for _, r := range stay {
					if _, ok := list[r.ID]; !ok {
						c.errorf("ListUser while other records come and go: got no record %q, which was there all the time", r.ID)
					}
				}
			}
		}),
	}
}

// onlyWinner returns the index of the only call that succeeded. It reports any
// other number of successes.
func (c *check) onlyWinner(op string, errs []error) (winner int, ok bool) {
	c.t.Helper()
	var won int
	for i, err := range errs {
		if err == nil {
			winner = i
			won++
		}
	}
	if won != 1 {
		c.errorf("%s by %d goroutines at once: got %d successes, want 1; the errors are %v", op, len(errs), won, errs)
	}
	return winner, won == 1
}

// losers reports each call, except the winner, that failed with another error
// than want.
func (c *check) losers(op string, errs []error, winner int, want error) {
	c.t.Helper()
	for i, err := range errs {
		if i != winner {
			c.fails(op, err, want)
		}
	}
}

// allAbsent returns an error if one of the ids can be loaded.
func (c *check) allAbsent(ids []string) error {
	for _, id := range ids {
		if _, err := c.s.Load(c.ctx, id); !errors.Is(err, session.ErrNotFound) {
			return fmt.Errorf("load of the deleted id %q: got error %v, want %w", id, err, session.ErrNotFound)
		}
	}
	return nil
}

type writeFunc = func(ctx context.Context, r session.Record) error

// loadAndWrite loads the record of id, changes it and writes it, until there is
// no conflict.
func (c *check) loadAndWrite(id string, write writeFunc, change func(r *session.Record) error) error {
	// Each conflict means that another writer has finished, so that there are
	// never more conflicts than writers.
	for range writers + 1 {
		r, err := c.s.Load(c.ctx, id)
		if err != nil {
			return err
		}
		if err := change(&r); err != nil {
			return err
		}
		if err := write(c.ctx, r); !errors.Is(err, session.ErrConflict) {
			return err
		}
	}
	return errors.New("got more conflicts than there are other writers")
}

// increment adds one to the number in Data.
func (c *check) increment(id string) error {
	return c.loadAndWrite(id, c.s.Update, func(r *session.Record) error {
		n, err := strconv.Atoi(string(r.Data))
		r.Data = []byte(strconv.Itoa(n + 1))
		return err
	})
}

// writeUntil loads and writes the record of id again and again until done is
// set, and once after that.
func (c *check) writeUntil(done *atomic.Bool, id string, write writeFunc) error {
	for last := false; !last; {
		last = done.Load()
		r, err := c.s.Load(c.ctx, id)
		if err == nil {
			r.ExpiresAt = r.ExpiresAt.Add(time.Millisecond)
			err = write(c.ctx, r)
		}
		if err != nil && !errors.Is(err, session.ErrConflict) && !errors.Is(err, session.ErrNotFound) {
			return err
		}
	}
	return nil
}

// createUntil stores the records, and adds their ids to created, until none is
// left or done is set.
func (c *check) createUntil(done *atomic.Bool, rs []session.Record, created *idList) error {
	for _, r := range rs {
		if done.Load() {
			break
		}
		if err := c.s.Create(c.ctx, r); err != nil {
			return err
		}
		created.add(r.ID)
	}
	return nil
}

// createAndDeleteUntil stores and deletes one record after the other, until
// none is left or done is set. Half of them lose their user before they are
// deleted.
func (c *check) createAndDeleteUntil(done *atomic.Bool, rs []session.Record) error {
	for i, r := range rs {
		if done.Load() {
			break
		}
		if err := c.s.Create(c.ctx, r); err != nil {
			return err
		}
		if i%2 == 0 {
			r.Version, r.User = 1, ""
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

// successors returns one successor of r for each writer.
func (c *check) successors(r session.Record) []session.Record {
	c.t.Helper()
	next := make([]session.Record, writers)
	for i := range next {
		next[i] = c.successor(r)
	}
	return next
}

// unstoredOf returns several records of user for each writer. None is stored.
func (c *check) unstoredOf(user string) [][]session.Record {
	c.t.Helper()
	rs := make([][]session.Record, writers)
	for i := range rs {
		for range 4 * writers {
			rs[i] = append(rs[i], c.recordOf(user))
		}
	}
	return rs
}

// idList is a list of ids that several goroutines add to.
type idList struct {
	mu  sync.Mutex
	ids []string
}

func (l *idList) add(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids = append(l.ids, id)
}

// all returns the ids that were added so far.
func (l *idList) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ids[:len(l.ids):len(l.ids)]
}
