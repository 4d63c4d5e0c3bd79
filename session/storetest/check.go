package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/echosession/echosession/session"
)

// check is one run of a case. Every failure that it reports ends with the
// clause of the case.
type check struct {
	t       T
	s       session.Store
	ctx     context.Context // the parent of the contexts of this run
	clause  string
	now     time.Time // when the run began; UTC, whole milliseconds
	records int       // number of records made so far
}

func newCase(name, clause string, run func(c *check)) Case {
	return Case{Name: name, Clause: clause, Run: func(t T, s session.Store) {
		run(&check{t: t, s: s, ctx: t.Context(), clause: clause, now: time.Now().UTC().Truncate(time.Millisecond)})
	}}
}

// newAbilityCase returns a case about the optional ability A of a store. The
// case is skipped if the store does not have it.
func newAbilityCase[A any](name, clause string, run func(c *check, ability A)) Case {
	return newCase(name, clause, func(c *check) {
		ability, has := c.s.(A)
		skipper, skips := c.t.(interface{ Skip(args ...any) })
		switch {
		case has:
			run(c, ability)
		case skips:
			skipper.Skip("the store does not implement " + reflect.TypeFor[A]().String())
		}
	})
}

func (c *check) errorf(format string, args ...any) {
	c.t.Helper()
	c.t.Errorf("%s\n\tcontract: %s", fmt.Sprintf(format, args...), c.clause)
}

func (c *check) fatalf(format string, args ...any) {
	c.t.Helper()
	c.t.Fatalf("%s\n\tcontract: %s", fmt.Sprintf(format, args...), c.clause)
}

// succeeds ends the case if err is not nil, because the rest of the case
// depends on op.
func (c *check) succeeds(op string, err error) {
	c.t.Helper()
	if err != nil {
		c.fatalf("%s: got error %v, want none", op, err)
	}
}

// distinct lists the errors that callers tell apart. An error of a store must
// not match more than one of them.
var distinct = []error{
	session.ErrNotFound, session.ErrExists, session.ErrConflict, session.ErrUnavailable,
	session.ErrGone, session.ErrCorrupt, session.ErrSchema, session.ErrTooLarge, session.ErrCommitted,
	session.ErrNoSession, session.ErrDiscard, context.Canceled, context.DeadlineExceeded,
}

// fails reports an err that does not match want, or that matches another error
// of distinct as well.
func (c *check) fails(op string, err, want error) {
	c.t.Helper()
	if !errors.Is(err, want) {
		c.errorf("%s: got error %v, want %q", op, err, want)
	}
	for _, other := range distinct {
		if other != want && errors.Is(err, other) {
			c.errorf("%s: got error %q, which also matches %q, want only %q", op, err, other, want)
		}
	}
}

// operation is a method of a store. It takes from r what the method needs.
type operation struct {
	name  string
	call  func(s session.Store, ctx context.Context, r session.Record) error
	rival error // what another call for the same version gets after this one has succeeded
}

var (
	loading = operation{"Load", func(s session.Store, ctx context.Context, r session.Record) error {
		_, err := s.Load(ctx, r.ID)
		return err
	}, nil}
	creating = operation{"Create", session.Store.Create, session.ErrExists}
	updating = operation{"Update", session.Store.Update, session.ErrConflict}
	touching = operation{"Touch", session.Store.Touch, nil}
	deleting = operation{"Delete", func(s session.Store, ctx context.Context, r session.Record) error {
		return s.Delete(ctx, r.ID, r.Version)
	}, session.ErrNotFound}
	deletingAny = operation{"Delete with version 0", func(s session.Store, ctx context.Context, r session.Record) error {
		return s.Delete(ctx, r.ID, 0)
	}, session.ErrNotFound}
)

// create stores r and returns the record that Load must return now.
func (c *check) create(r session.Record) session.Record {
	c.t.Helper()
	c.succeeds("Create", c.s.Create(c.ctx, r))
	r.Version = 1
	return r
}

// update stores r and returns the record that Load must return now.
func (c *check) update(r session.Record) session.Record {
	c.t.Helper()
	c.succeeds("Update", c.s.Update(c.ctx, r))
	r.Version++
	return r
}

// createUpdated stores a record and updates it as often as given.
func (c *check) createUpdated(updates int) session.Record {
	c.t.Helper()
	r := c.create(c.record())
	for range updates {
		r = c.update(c.successor(r))
	}
	return r
}

// touch moves both times of r forward by a minute and returns the record that
// Load must return now.
func (c *check) touch(r session.Record) session.Record {
	c.t.Helper()
	r.SeenAt, r.ExpiresAt = r.SeenAt.Add(time.Minute), r.ExpiresAt.Add(time.Minute)
	c.succeeds("Touch", c.s.Touch(c.ctx, r))
	return r
}

// holds reports how the stored record differs from want.
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

// absent reports a record of id that can be loaded.
func (c *check) absent(when, id string) {
	c.t.Helper()
	_, err := c.s.Load(c.ctx, id)
	c.fails("Load "+when, err, session.ErrNotFound)
}

// expired stores two records of the user that ended in the past, and returns
// them keyed by how they came to be. The store may have collected them or not.
func (c *check) expired(user string) map[string]session.Record {
	c.t.Helper()
	created, updated := c.recordOf(user), c.create(c.recordOf(user))
	created.ExpiresAt = c.now.Add(-time.Hour)
	updated.ExpiresAt = created.ExpiresAt
	return map[string]session.Record{
		"created as expired": c.create(created),
		"updated to expired": c.update(updated),
	}
}

// newID and newUser return values that no other record has.
func newID() string   { return rand.Text() }
func newUser() string { return "user-" + rand.Text() }

// record returns a live record that is not stored. No field is zero, and each
// has a value that no other record has.
func (c *check) record() session.Record {
	c.records++
	n, later := strconv.Itoa(c.records), time.Duration(c.records)*time.Millisecond
	return session.Record{
		ID:        newID(),
		Name:      "name " + n,
		User:      "user " + n,
		Version:   int64(1000 + c.records),
		CreatedAt: c.now.Add(-2*time.Hour + later),
		SeenAt:    c.now.Add(-time.Hour + later),
		ExpiresAt: c.now.Add(time.Hour + later),
		Format:    "format " + n,
		Meta:      []byte("meta " + n),
		Data:      []byte("data " + n),
	}
}

// successor returns a record that an Update of r may store: it has the ID and
// the Version of r, and every other field differs.
func (c *check) successor(r session.Record) session.Record {
	next := c.record()
	next.ID, next.Version = r.ID, r.Version
	return next
}

// diff describes each field in which got differs from want. A time must be the
// same instant, and in UTC. Nil and empty bytes are equal.
func diff(got, want session.Record) []string {
	var ds []string
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		name := g.Type().Field(i).Name
		switch w := w.Field(i).Interface().(type) {
		case time.Time:
			g := g.Field(i).Interface().(time.Time)
			if !g.Equal(w) {
				ds = append(ds, fmt.Sprintf("%s: got %v, want %v", name, g.UTC(), w.UTC()))
			}
			// A local time and a UTC time may have the same text.
			if g.Location() != time.UTC {
				ds = append(ds, fmt.Sprintf("%s: got a time in the location %q, want it in time.UTC", name, g.Location()))
			}
		case []byte:
			g := g.Field(i).Bytes()
			if !bytes.Equal(g, w) {
				ds = append(ds, fmt.Sprintf("%s: got %d bytes %.40q, want %d bytes %.40q", name, len(g), g, len(w), w))
			}
		default:
			if g := g.Field(i).Interface(); !reflect.DeepEqual(g, w) {
				ds = append(ds, fmt.Sprintf("%s: got %#v, want %#v", name, g, w))
			}
		}
	}
	return ds
}
