package storetest

import (
	"errors"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/echosession/echosession/session"
)

const (
	clauseAtomic = "Each call is one atomic step: of several Updates and Deletes of the same version exactly one succeeds."

	writers = 8 // goroutines at once
	rounds  = 8 // repetitions of a race that may end well by chance

	// maxWrites limits the calls of one writer: a list or a DeleteUser that
	// follows all new records must come to an end.
	maxWrites = 100
)

var concurrentCases = []Case{
	raceCase("Concurrent/Create, one wins", creating),
	raceCase("Concurrent/Update, one wins", updating),
	raceCase("Concurrent/Delete, one wins", deleting, deletingAny),
	raceCase("Concurrent/Delete and Update, one wins", deleting, updating),
	countCase("Concurrent/Update, none is lost", writers),
	countCase("Concurrent/Touch and Update", writers/2),
	newCase("Concurrent/Delete is final", clauseUpdateNever, func(c *check) {
		for range rounds {
			r := c.create(c.record())
			loaded := slices.Repeat([]session.Record{r}, writers)
			c.during("Touch and Update during a Delete", func(i, n int) error {
				return c.rewrite(i+n, &loaded[i])
			}, func() {
				c.succeeds("Delete", c.s.Delete(c.ctx, r.ID, 0))
				c.absent("after Delete, during Touch and Update", r.ID)
			})
			c.absent("after Delete, Touch and Update at once", r.ID)
		}
	}),
	newAbilityCase("Concurrent/DeleteUser", clauseDeleteUserFinal, func(c *check, us session.UserStore) {
		for range rounds {
			user, rs := c.createUser(writers)
			template := c.recordOf(user)
			created := make(chan string, writers*maxWrites)
			for _, r := range rs {
				created <- r.ID
			}
			var before []string // the ids that were created before DeleteUser
			c.during("Create, Touch and Update during a DeleteUser", func(i, n int) error {
				if i%2 == 1 {
					return c.rewrite(i+n, &rs[i])
				}
				r := template
				r.ID = newID()
				err := c.s.Create(c.ctx, r)
				created <- r.ID
				return err
			}, func() {
				for range len(created) {
					before = append(before, <-created)
				}
				_, err := us.DeleteUser(c.ctx, "sid", user, "")
				c.succeeds("DeleteUser", err)
				for _, id := range before {
					c.absent("after DeleteUser, during Create, Touch and Update", id)
				}
			})
			for _, id := range before {
				c.absent("after DeleteUser, Create, Touch and Update at once", id)
			}
			c.list(us, "after DeleteUser, Create, Touch and Update at once", user, func(r session.Record) {
				if slices.Contains(before, r.ID) {
					c.errorf("ListUser after DeleteUser: got %q, which was created before DeleteUser, want it gone", r.ID)
				}
			})
		}
	}),
	newAbilityCase("Concurrent/ListUser", clauseListUser, func(c *check, us session.UserStore) {
		user, stay := c.createUser(writers)
		loaded := slices.Clone(stay)
		template := c.recordOf(user)
		c.during("Create, Update and Delete during a ListUser", func(i, n int) error {
			if i%2 == 1 {
				return c.rewrite(i+n, &loaded[i])
			}
			r := template
			r.ID = newID()
			err := c.s.Create(c.ctx, r)
			if err == nil && n%2 == 0 {
				r.Version, r.User = 1, ""
				err = c.s.Update(c.ctx, r)
			}
			if err == nil {
				err = c.s.Delete(c.ctx, r.ID, 0)
			}
			return err
		}, func() {
			for range rounds {
				list := c.list(us, "while other records come and go", user, func(session.Record) {})
				for _, r := range stay {
					if _, ok := list[r.ID]; !ok {
						c.errorf("ListUser while other records come and go: got no record %q, which was there all the time", r.ID)
					}
				}
			}
		})
	}),
}

// raceCase checks that of several calls for one version exactly one succeeds.
// The writers take turns with the operations.
func raceCase(name string, operations ...operation) Case {
	return newCase(name, clauseAtomic, func(c *check) {
		for range rounds {
			r := session.Record{ID: newID()}
			if operations[0].name != creating.name {
				r = c.createUpdated(1)
			}
			next := make([]session.Record, writers)
			for i := range next {
				next[i] = c.successor(r)
			}
			operation := func(i int) operation { return operations[i%len(operations)] }
			errs := parallel(func(i int) error { return operation(i).call(c.s, c.ctx, next[i]) })
			winner := slices.Index(errs, nil)
			if winner < 0 || slices.Contains(errs[winner+1:], nil) {
				c.errorf("%s by %d goroutines at once: got the errors %v, want exactly one success", name, writers, errs)
				continue
			}
			won := operation(winner)
			for i, err := range errs {
				if i != winner {
					c.fails(operation(i).name+", when another "+won.name+" succeeds", err, won.rival)
				}
			}
			if won.rival == session.ErrNotFound {
				c.absent("when one "+won.name+" succeeds", r.ID)
			} else {
				next[winner].Version++
				c.holds("when one "+won.name+" succeeds", next[winner])
			}
		}
	})
}

// countCase lets writers count in Data with Load and Update. The writers from
// updates on touch the record instead.
func countCase(name string, updates int) Case {
	return newCase(name, clauseAtomic, func(c *check) {
		r := c.record()
		r.Data = []byte("0")
		r = c.create(r)
		want := r
		want.Version, want.Data = int64(1+updates), []byte(strconv.Itoa(updates))
		if updates < writers {
			want.SeenAt, want.ExpiresAt = r.SeenAt.Add(time.Minute), r.ExpiresAt.Add(time.Minute)
		}
		errs := parallel(func(i int) error {
			// Each conflict means that another writer has finished, so that there
			// are never more conflicts than writers.
			for range writers + 1 {
				next, err := c.s.Load(c.ctx, r.ID)
				if err != nil {
					return err
				}
				n, _ := strconv.Atoi(string(next.Data))
				next.Data = []byte(strconv.Itoa(n + 1)) // a Touch must not use it
				write := c.s.Update
				if i >= updates {
					next.SeenAt, next.ExpiresAt, write = want.SeenAt, want.ExpiresAt, c.s.Touch
				}
				if err := write(c.ctx, next); !errors.Is(err, session.ErrConflict) {
					return err
				}
			}
			return errors.New("got more conflicts than there are other writers")
		})
		for _, err := range errs {
			c.succeeds("counting with Load and Update", err)
		}
		c.holds("after counting to "+strconv.Itoa(updates), want)
	})
}

// parallel calls f for each writer at once and returns the errors.
func parallel(f func(i int) error) []error {
	var wg sync.WaitGroup
	start, errs := make(chan struct{}), make([]error, writers)
	for i := range errs {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// during calls run while each writer i calls write again and again, with n = 0,
// 1, 2 and so on. Each makes its first call before run begins, and its last call
// after run has ended. An error of a writer ends the case.
func (c *check) during(what string, write func(i, n int) error, run func()) {
	c.t.Helper()
	var begun, ended sync.WaitGroup
	var done atomic.Bool
	errs := make([]error, writers)
	begun.Add(writers)
	for i := range errs {
		ended.Go(func() {
			errs[i] = write(i, 0)
			begun.Done()
			for n := 1; n < maxWrites && errs[i] == nil && !done.Load(); n++ {
				runtime.Gosched() // so that run need not wait for a processor
				errs[i] = write(i, n)
			}
		})
	}
	stop := func() {
		done.Store(true)
		ended.Wait()
	}
	defer stop() // even if run ends the case
	begun.Wait()
	run()
	stop()
	for i, err := range errs {
		c.succeeds(what, err)
		c.succeeds(what, write(i, maxWrites))
	}
}

// rewrite loads r again and updates it if n is even, or else touches it. If r
// was deleted, it writes r as it was loaded before, which the store must refuse.
func (c *check) rewrite(n int, r *session.Record) error {
	loaded, err := c.s.Load(c.ctx, r.ID)
	if err == nil {
		*r = loaded
	}
	if err == nil || errors.Is(err, session.ErrNotFound) {
		r.ExpiresAt = r.ExpiresAt.Add(time.Millisecond)
		write := c.s.Update
		if n%2 == 1 {
			write = c.s.Touch
		}
		err = write(c.ctx, *r)
	}
	if errors.Is(err, session.ErrConflict) || errors.Is(err, session.ErrNotFound) {
		return nil // another writer has changed or deleted r
	}
	return err
}
