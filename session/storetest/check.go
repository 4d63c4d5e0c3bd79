package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/echosession/echosession/session"
)

// check is one run of a case. Every failure that it reports ends with the
// clause of the case.
type check struct {
	t      T
	s      session.Store
	ctx    context.Context // the parent of the contexts of this run
	clause string
	now    time.Time // when the run began; UTC, whole milliseconds
	filled int       // number of field values made so far; no two are equal
}

func newCase(name, clause string, run func(c *check)) Case {
	return Case{Name: name, Clause: clause, Run: func(t T, s session.Store) {
		t.Helper()
		now := time.Now().UTC().Truncate(time.Millisecond)
		run(&check{t: t, s: s, ctx: t.Context(), clause: clause, now: now})
	}}
}

// newAbilityCase returns a case about the optional ability A of a store. The
// case is skipped if the store does not have it.
func newAbilityCase[A any](name, clause string, run func(c *check, ability A)) Case {
	return newCase(name, clause, func(c *check) {
		c.t.Helper()
		ability, ok := c.s.(A)
		if !ok {
			if t, ok := c.t.(interface{ Skip(args ...any) }); ok {
				t.Skip("the store does not implement " + reflect.TypeFor[A]().String())
			}
			return
		}
		run(c, ability)
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

// expired returns two records that ended in the past, keyed by how they came to
// be. The store may have collected them or not.
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

// newID returns an id that no other record has.
func newID() string { return rand.Text() }

// record returns a live record that is not stored. Each of its fields has a
// value that no other record has. It finds the fields by reflection, so that
// the cases also cover a field that is added to [session.Record] later.
func (c *check) record() session.Record {
	c.t.Helper()
	var r session.Record
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		c.fill(v.Type().Field(i).Name, v.Field(i))
	}
	r.ID = newID()
	r.ExpiresAt = c.now.Add(time.Hour + time.Duration(c.filled)*time.Millisecond)
	return r
}

// successor returns a record that an Update of r may store: it has the ID and
// the Version of r, and every other field differs.
func (c *check) successor(r session.Record) session.Record {
	c.t.Helper()
	next := c.record()
	next.ID, next.Version = r.ID, r.Version
	return next
}

// extended returns r with SeenAt and ExpiresAt later by d.
func extended(r session.Record, d time.Duration) session.Record {
	r.SeenAt, r.ExpiresAt = r.SeenAt.Add(d), r.ExpiresAt.Add(d)
	return r
}

// fill sets the field v to a new value.
func (c *check) fill(name string, v reflect.Value) {
	c.t.Helper()
	c.filled++
	text := fmt.Sprintf("%s %d", name, c.filled)
	switch v.Interface().(type) {
	case time.Time:
		past := c.now.Add(-time.Hour + time.Duration(c.filled)*time.Millisecond)
		v.Set(reflect.ValueOf(past))
		return
	case []byte:
		v.SetBytes([]byte(text))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(1000 + c.filled))
	case reflect.Uint, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(1000 + c.filled))
	case reflect.Float64:
		v.SetFloat(1000.5 + float64(c.filled))
	default:
		c.fatalf("storetest cannot make a value of type %s for field %s: add one to fill", v.Type(), name)
	}
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

// parallel calls f n times at once, with 0 to n-1, and returns the errors.
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
