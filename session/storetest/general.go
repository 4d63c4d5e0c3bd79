package storetest

import (
	"bytes"
	"context"
	"errors"

	"github.com/echosession/echosession/session"
)

// The clauses that hold for every method of a store.
const (
	clauseContext = "Every method honours ctx: if ctx is canceled, it returns an error that is [context.Canceled] " +
		"and matches no other error of the contract."
	clauseSlices = "The byte slices are immutable once they have been handed over, in both directions"
)

var generalCases = []Case{
	contextCase(loading), contextCase(creating), contextCase(updating), contextCase(touching), contextCase(deleting),
	newCase("Slices/given", clauseSlices, func(c *check) {
		var given, before [][]byte
		// spacious gives the slices of r spare capacity, as an encoder's buffer
		// has it. A store must not write there either.
		spacious := func(r session.Record) session.Record {
			for _, p := range []*[]byte{&r.Meta, &r.Data} {
				whole := append(bytes.Clone(*p), "spare spare spare"...)
				given, before = append(given, whole), append(before, bytes.Clone(whole))
				*p = whole[:len(*p)]
			}
			return r
		}
		r := c.create(spacious(c.record()))
		r = c.update(spacious(c.successor(r)))
		r = c.successor(r)
		r.Data = r.Data[:3] // short enough to fit into the old slice
		r = c.touch(c.update(r))
		c.succeeds("Delete", c.s.Delete(c.ctx, r.ID, 0))
		c.create(c.record())
		for i := range given {
			if !bytes.Equal(given[i], before[i]) {
				c.errorf("bytes given to Create or Update: got %q afterwards, want %q", given[i], before[i])
			}
		}
	}),
	newCase("Slices/returned", clauseSlices, func(c *check) {
		r := c.create(c.record())
		got, err := c.s.Load(c.ctx, r.ID)
		c.succeeds("Load", err)
		before := got
		before.Meta, before.Data = bytes.Clone(got.Meta), bytes.Clone(got.Data)
		unchanged := func(after string) {
			c.t.Helper()
			for _, d := range diff(got, before) {
				c.errorf("the record that Load returned, after %s: %s", after, d)
			}
		}
		next := c.successor(r)
		next.Meta, next.Data = bytes.Repeat([]byte("m"), len(got.Meta)), bytes.Repeat([]byte("d"), len(got.Data))
		next = c.update(next)
		unchanged("Update")
		next = c.touch(next)
		unchanged("Touch")
		c.holds("of the record that was updated and touched", next)
		unchanged("another Load")
		c.succeeds("Delete", c.s.Delete(c.ctx, r.ID, 0))
		unchanged("Delete")
		c.create(c.successor(r))
		unchanged("Create of the same id")
	}),
}

func contextCase(o operation) Case {
	return newCase("Context/"+o.name, clauseContext, func(c *check) {
		stored := c.create(c.record())
		for _, version := range []int64{0, stored.Version, stored.Version + 1} {
			r, absent := c.successor(stored), c.record()
			r.Version, absent.Version = version, version
			c.fails(o.name+", canceled", o.call(c.s, c.canceled(), r), context.Canceled)
			c.holds("after "+o.name+", canceled", stored)
			c.fails(o.name+" of an absent id, canceled", o.call(c.s, c.canceled(), absent), context.Canceled)
			c.absent("after "+o.name+" of an absent id, canceled", absent.ID)
		}
	})
}

// canceled returns a context that is canceled. Its cause must not be returned.
func (c *check) canceled() context.Context {
	ctx, cancel := context.WithCancelCause(c.ctx)
	cancel(errors.New("the client went away"))
	return ctx
}
