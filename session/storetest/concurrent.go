package storetest

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/echosession/echosession/session"
)

const clauseAtomic = "Each call is one atomic step: of several Updates and Deletes of the same version exactly one succeeds."

const (
	writers = 8 // goroutines at once
	rounds  = 8 // of what a race may hide
)

func concurrentCases() []Case {
	return []Case{
		newCase("Concurrent/Update, one wins", clauseAtomic, func(c *check) {
			for range rounds {
				r := c.create(c.record())
				next := c.successors(r)
				errs := parallel(writers, func(i int) error { return c.s.Update(c.ctx, next[i]) })
				if i, ok := c.onlyWinner("Update of one version", errs); ok {
					c.losers("Update of one version", errs, i, session.ErrConflict)
					next[i].Version++
					c.holds("after it", next[i])
				}
			}
		}),
		newCase("Concurrent/Create, one wins", clauseAtomic, func(c *check) {
			for range rounds {
				next := c.successors(c.record())
				errs := parallel(writers, func(i int) error { return c.s.Create(c.ctx, next[i]) })
				if i, ok := c.onlyWinner("Create of one id", errs); ok {
					c.losers("Create of one id", errs, i, session.ErrExists)
					next[i].Version = 1
					c.holds("after it", next[i])
				}
			}
		}),
		newCase("Concurrent/Delete, one wins", clauseAtomic, func(c *check) {
			for range rounds {
				r := c.update(c.successor(c.create(c.record())))
				errs := parallel(writers, func(i int) error {
					return c.s.Delete(c.ctx, r.ID, []int64{r.Version, 0}[i%2])
				})
				if i, ok := c.onlyWinner("Delete of one record", errs); ok {
					c.losers("Delete of one record", errs, i, session.ErrNotFound)
				}
				c.absent("after it", r.ID)
			}
		}),
		newCase("Concurrent/Delete and Update, one wins", clauseAtomic, func(c *check) {
			for range rounds {
				r := c.update(c.successor(c.create(c.record())))
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
					c.losers("Delete and Update of a version that was deleted", errs, i, session.ErrNotFound)
					c.absent("after both, when a Delete succeeded", r.ID)
				default:
					c.losers("Delete and Update of a version that was updated", errs, i, session.ErrConflict)
					next[i].Version++
					c.holds("after both, when an Update succeeded", next[i])
				}
			}
		}),
		newCase("Concurrent/Update, none is lost", clauseAtomic, func(c *check) {
			r := c.record()
			r.Data = []byte("0")
			r = c.create(r)
			for _, err := range parallel(writers, func(int) error { return c.count(r.ID) }) {
				c.done("counting by Load and Update", err)
			}
			r.Version, r.Data = 1+writers, []byte(strconv.Itoa(writers))
			c.holds("after counting to "+strconv.Itoa(writers), r)
		}),
		newCase("Concurrent/Touch and Update", clauseAtomic, func(c *check) {
			r := c.record()
			r.Data = []byte("0")
			r = c.create(r)
			seen, end := r.SeenAt.Add(time.Minute), r.ExpiresAt.Add(time.Minute)
			errs := parallel(writers, func(i int) error {
				if i%2 == 0 {
					return c.count(r.ID)
				}
				return c.retry(r.ID, c.s.Touch, func(r *session.Record) error {
					r.SeenAt, r.ExpiresAt = seen, end
					r.Data = []byte("of a touch")
					return nil
				})
			})
			for _, err := range errs {
				c.done("Touch and Update", err)
			}
			r.Version, r.Data = 1+writers/2, []byte(strconv.Itoa(writers/2))
			r.SeenAt, r.ExpiresAt = seen, end
			c.holds("after both", r)
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
						if _, err := c.s.Load(c.ctx, r.ID); !errors.Is(err, session.ErrNotFound) {
							return errors.New("readable after Delete was acknowledged")
						}
						return nil
					case 1:
						return c.until(&deleted, r.ID, c.s.Touch)
					default:
						return c.until(&deleted, r.ID, c.s.Update)
					}
				})
				for _, err := range errs {
					c.done("Delete, Touch and Update at once", err)
				}
				c.absent("after Delete and what ran beside it", r.ID)
			}
		}),
	}
}

// successors returns one next version of r for each writer.
func (c *check) successors(r session.Record) []session.Record {
	c.t.Helper()
	next := make([]session.Record, writers)
	for i := range next {
		next[i] = c.successor(r)
	}
	return next
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
		c.errorf("%s by %d goroutines at once: %d succeeded, want 1; got errors %v", op, len(errs), won, errs)
	}
	return winner, won == 1
}

// losers reports the calls beside the winner that failed with another error
// than want.
func (c *check) losers(op string, errs []error, winner int, want error) {
	c.t.Helper()
	for i, err := range errs {
		if i != winner {
			c.fails(op, err, want)
		}
	}
}

type writeFunc = func(ctx context.Context, r session.Record) error

// retry loads, changes and writes until there was no conflict.
func (c *check) retry(id string, write writeFunc, change func(r *session.Record) error) error {
	// Each conflict means that one of the others was done, so that there are
	// never more of them than writers.
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
	return errors.New("more conflicts than there were other writers")
}

// count adds one to the number in Data.
func (c *check) count(id string) error {
	return c.retry(id, c.s.Update, func(r *session.Record) error {
		n, err := strconv.Atoi(string(r.Data))
		r.Data = []byte(strconv.Itoa(n + 1))
		return err
	})
}

// until writes what it loads, over and over, and once more after done.
func (c *check) until(done *atomic.Bool, id string, write writeFunc) error {
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
