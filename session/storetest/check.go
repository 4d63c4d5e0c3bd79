package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/echosession/echosession/session"
)

// check is one run of a case: the test, the store, and what is asked of it.
// Every message it reports ends with the clause.
type check struct {
	t      T
	s      session.Store
	ctx    context.Context // of this run: it begins and ends with it
	clause string
	now    time.Time // when the run began; UTC, whole milliseconds
	filled int       // values that were made up so far; no two are equal
}

func newCase(name, clause string, run func(c *check)) Case {
	return Case{Name: name, Clause: clause, Run: func(t T, s session.Store) {
		t.Helper()
		now := time.Now().UTC().Truncate(time.Millisecond)
		run(&check{t: t, s: s, ctx: t.Context(), clause: clause, now: now})
	}}
}

func (c *check) errorf(format string, args ...any) {
	c.t.Helper()
	c.t.Errorf("%s\n\tcontract: %s", fmt.Sprintf(format, args...), c.clause)
}

func (c *check) fatalf(format string, args ...any) {
	c.t.Helper()
	c.t.Fatalf("%s\n\tcontract: %s", fmt.Sprintf(format, args...), c.clause)
}

// newID returns an id that no other record has.
func newID() string { return rand.Text() }

// done ends the case unless err is nil: what follows stands on it.
func (c *check) done(op string, err error) {
	c.t.Helper()
	if err != nil {
		c.fatalf("%s: got error %v, want none", op, err)
	}
}

// outcomes are told apart by callers, so that an error must be exactly one.
var outcomes = []error{
	session.ErrNotFound, session.ErrExists, session.ErrConflict, session.ErrUnavailable,
	session.ErrGone, session.ErrCorrupt, session.ErrTooLarge, session.ErrCommitted,
	session.ErrNoSession, session.ErrDiscard, context.Canceled, context.DeadlineExceeded,
}

// fails reports an err that is not want, or is another outcome as well.
func (c *check) fails(op string, err, want error) {
	c.t.Helper()
	if !errors.Is(err, want) {
		c.errorf("%s: got error %v, want %q", op, err, want)
	}
	for _, other := range outcomes {
		if other != want && errors.Is(err, other) {
			c.errorf("%s: got error %q, which is also %q, want only %q", op, err, other, want)
		}
	}
}

// create stores r and returns it as it must now read.
func (c *check) create(r session.Record) session.Record {
	c.t.Helper()
	c.done("Create", c.s.Create(c.ctx, r))
	r.Version = 1
	return r
}

// update stores r and returns it as it must now read.
func (c *check) update(r session.Record) session.Record {
	c.t.Helper()
	c.done("Update", c.s.Update(c.ctx, r))
	r.Version++
	return r
}

// holds reports what the store has instead of want.
func (c *check) holds(when string, want session.Record) {
	c.t.Helper()
	got, err := c.s.Load(c.ctx, want.ID)
	if err != nil {
		c.errorf("Load %s: got error %v, want the record", when, err)
		return
	}
	for _, d := range diff(got, want) {
		c.errorf("Load %s: %s", when, d)
	}
}

// absent reports an id that can be read.
func (c *check) absent(when, id string) {
	c.t.Helper()
	_, err := c.s.Load(c.ctx, id)
	c.fails("Load "+when, err, session.ErrNotFound)
}

// expired returns records that ended, in both ways in which that comes about
// without waiting. The store may still have them or not.
func (c *check) expired() map[string]session.Record {
	c.t.Helper()
	end := c.now.Add(-time.Hour)
	created := c.record()
	created.ExpiresAt = end
	updated := c.create(c.record())
	updated.ExpiresAt = end
	return map[string]session.Record{
		"created as expired": c.create(created),
		"updated to expired": c.update(updated),
	}
}

// parallel runs f n times at once and returns what each gave.
func parallel(n int, f func(i int) error) []error {
	var wg sync.WaitGroup
	start, errs := make(chan struct{}), make([]error, n)
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}
