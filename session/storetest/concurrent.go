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

	// maxCreates limits how many records one writer creates: a list or a
	// DeleteUser that follows all new records must come to an end.
	maxCreates = 32
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
			c.during("Touch and Update during a Delete", func() {
				c.succeeds("Delete", c.s.Delete(c.ctx, r.ID, 0))
				c.absent("after Delete, during Touch and Update", r.ID)
			}, func(i, n int) error { return c.rewrite(i+n, r.ID) })
			c.absent("after Delete, Touch and Update at once", r.ID)
		}
	}),
	newAbilityCase("Concurrent/DeleteUser", clauseDeleteUserFinal, func(c *check, us session.UserStore) {
		for range rounds {
			user, rs := c.createUser(writers)
			created := make(chan string, writers*maxCreates)
			var before []string // the ids that were created before the call
			template := c.recordOf(user)
			c.during("Create, Touch and Update during a DeleteUser", func() {
				for _, r := range rs {
					before = append(before, r.ID)
				}
				for range len(created) {
					before = append(before, <-created)
				}
				_, err := us.DeleteUser(c.ctx, "sid", user, "")
				c.succeeds("DeleteUser", err)
				for _, id := range before {
					c.absent("after DeleteUser, during Create, Touch and Update", id)
				}
			}, func(i, n int) error {
				if i%2 == 1 {
					return c.rewrite(i+n, rs[i].ID)
				}
				if n >= maxCreates {
					runtime.Gosched()
					return nil
				}
				r := template
				r.ID = newID()
				err := c.s.Create(c.ctx, r)
				created <- r.ID
				return err
			})
			left := c.list(us, "after DeleteUser, Create, Touch and Update", user, func(session.Record) {})
			for _, id := range before {
				c.absent("after DeleteUser, Create, Touch and Update at once", id)
				if _, ok := left[id]; ok {
					c.errorf("ListUser after DeleteUser: got %q, which was created before DeleteUser, want it gone", id)
				}
			}
		}
	}),
	newAbilityCase("Concurrent/ListUser", clauseListUser, func(c *check, us session.UserStore) {
		user, stay := c.createUser(writers)
		template := c.recordOf(user)
		c.during("Create, Update and Delete during a ListUser", func() {
			for range rounds {
				list := c.list(us, "while other records come and go", user, func(session.Record) {})
				for _, r := range stay {
					if _, ok := list[r.ID]; !ok {
						c.errorf("ListUser while other records come and go: got no record %q, which was there all the time", r.ID)
					}
				}
			}
		}, func(i, n int) error {
			if i%2 == 1 {
				return c.rewrite(i+n, stay[i].ID)
			}
			if n >= maxCreates {
				runtime.Gosched()
				return nil
			}
			r := template
			r.ID = newID()
			if err := c.s.Create(c.ctx, r); err != nil {
				return err
			}
			if n%2 == 0 {
				r.Version, r.User = 1, ""
				if err := c.s.Update(c.ctx, r); err != nil {
					return err
				}
			}
			return c.s.Delete(c.ctx, r.ID, 0)
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
			errs := parallel(func(i int) error { return operations[i%len(operations)].call(c.s, c.ctx, next[i]) })()
			winner := slices.Index(errs, nil)
			if winner < 0 || slices.Contains(errs[winner+1:], nil) {
				c.errorf("%s by %d goroutines at once: got the errors %v, want exactly one success", name, writers, errs)
				continue
			}
			won := operations[winner%len(operations)]
			for i, err := range errs {
				if i != winner {
					c.fails(operations[i%len(operations)].name+", when another "+won.name+" succeeds", err, won.rival)
				}
			}
			if won.rival == session.ErrNotFound {
				c.absent("when a "+won.name+" succeeds", r.ID)
				continue
			}
			next[winner].Version++
			c.holds("when one "+won.name+" succeeds", next[winner])
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
		for _, err := range parallel(func(i int) error {
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
		})() {
			c.succeeds("counting with Load and Update", err)
		}
		c.holds("after counting to "+strconv.Itoa(updates), want)
	})
}

// parallel calls f for each writer at once. The function that it returns waits
// for the calls to end and returns their errors.
func parallel(f func(i int) error) (wait func() []error) {
	var wg sync.WaitGroup
	start, errs := make(chan struct{}), make([]error, writers)
	for i := range errs {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	return func() []error {
		wg.Wait()
		return errs
	}
}

// during calls run while every writer i calls write again and again, at least
// once before run and once after it; n counts the calls of a writer. An error of
// a writer ends the case.
func (c *check) during(what string, run func(), write func(i, n int) error) {
	c.t.Helper()
	var begun sync.WaitGroup
	var done atomic.Bool
	begun.Add(writers)
	wait := parallel(func(i int) error {
		err := write(i, 0)
		begun.Done()
		for n, last := 1, false; err == nil && !last; n++ {
			last = done.Load()
			err = write(i, n)
		}
		return err
	})
	defer wait()
	defer done.Store(true) // even if run ends the case
	begun.Wait()
	run()
	done.Store(true)
	for _, err := range wait() {
		c.succeeds(what, err)
	}
}

// rewrite loads the record of id, and updates it if n is even, or else touches
// it. Another writer may change or delete the record in between.
func (c *check) rewrite(n int, id string) error {
	r, err := c.s.Load(c.ctx, id)
	if err != nil {
		runtime.Gosched()
	}
	if err == nil {
		r.ExpiresAt = r.ExpiresAt.Add(time.Millisecond)
		err = []operation{updating, touching}[n%2].call(c.s, c.ctx, r)
	}
	if errors.Is(err, session.ErrConflict) || errors.Is(err, session.ErrNotFound) {
		return nil
	}
	return err
}
