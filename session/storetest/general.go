package storetest

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/echosession/echosession/session"
)

// The clauses that hold for every method of a store.
const (
	clauseContext = "Every method honours ctx: if ctx is canceled, it returns an error that is [context.Canceled] and matches no other error of the contract."
	clauseSlices  = "The byte slices are immutable once they have been handed over, in both directions"
)

// canceled returns a context that is canceled. Its cause must not be returned.
func (c *check) canceled() context.Context {
	ctx, cancel := context.WithCancelCause(c.ctx)
	cancel(errors.New("the client went away"))
	return ctx
}

func contextCases() []Case {
	return []Case{
		newCase("Context/Load", clauseContext, func(c *check) {
			r := c.create(c.record())
			_, err := c.s.Load(c.canceled(), r.ID)
			c.fails("Load, canceled", err, context.Canceled)
			_, err = c.s.Load(c.canceled(), newID())
			c.fails("Load of an absent id, canceled", err, context.Canceled)
		}),
		newCase("Context/Create", clauseContext, func(c *check) {
			r := c.record()
			c.fails("Create, canceled", c.s.Create(c.canceled(), r), context.Canceled)
			c.absent("after Create, canceled", r.ID)
		}),
		newCase("Context/Update", clauseContext, func(c *check) {
			r := c.create(c.record())
			c.fails("Update, canceled", c.s.Update(c.canceled(), c.successor(r)), context.Canceled)
			c.holds("after Update, canceled", r)
		}),
		newCase("Context/Touch", clauseContext, func(c *check) {
			r := c.create(c.record())
			c.fails("Touch, canceled", c.s.Touch(c.canceled(), extended(r, time.Minute)), context.Canceled)
			c.holds("after Touch, canceled", r)
		}),
		newCase("Context/Delete", clauseContext, func(c *check) {
			r := c.create(c.record())
			for _, version := range []int64{0, r.Version, r.Version + 1} {
				c.fails("Delete, canceled", c.s.Delete(c.canceled(), r.ID, version), context.Canceled)
				c.holds("after Delete, canceled", r)
				c.fails("Delete of an absent id, canceled", c.s.Delete(c.canceled(), newID(), version), context.Canceled)
			}
		}),
	}
}

// withSpareCapacity gives the slices of r spare capacity, as an encoder's
// buffer has it, and returns them with it. A store must not write there either.
func withSpareCapacity(r *session.Record) (whole [][]byte) {
	for _, p := range []*[]byte{&r.Meta, &r.Data} {
		b := append(bytes.Clone(*p), "spare spare spare"...)
		whole = append(whole, b)
		*p = b[:len(*p)]
	}
	return whole
}

func cloneAll(all [][]byte) [][]byte {
	clones := make([][]byte, len(all))
	for i, b := range all {
		clones[i] = bytes.Clone(b)
	}
	return clones
}

func sliceCases() []Case {
	return []Case{
		newCase("Slices/given", clauseSlices, func(c *check) {
			r := c.record()
			created := withSpareCapacity(&r)
			createdBefore := cloneAll(created)
			r = c.create(r)

			next := c.successor(r)
			updated := withSpareCapacity(&next)
			updatedBefore := cloneAll(updated)
			next = c.update(next)

			last := c.successor(next)
			last.Data = last.Data[:3] // short enough to fit into the old slice
			last = extended(c.update(last), time.Minute)
			c.succeeds("Touch", c.s.Touch(c.ctx, last))
			c.succeeds("Delete", c.s.Delete(c.ctx, last.ID, 0))
			c.create(c.record())

			for i := range created {
				if !bytes.Equal(created[i], createdBefore[i]) {
					c.errorf("bytes given to Create: got %q afterwards, want %q", created[i], createdBefore[i])
				}
				if !bytes.Equal(updated[i], updatedBefore[i]) {
					c.errorf("bytes given to Update: got %q afterwards, want %q", updated[i], updatedBefore[i])
				}
			}
		}),
		newCase("Slices/returned", clauseSlices, func(c *check) {
			r := c.create(c.record())
			got, err := c.s.Load(c.ctx, r.ID)
			c.succeeds("Load", err)
			data, meta := bytes.Clone(got.Data), bytes.Clone(got.Meta)
			unchanged := func(after string) {
				c.t.Helper()
				if !bytes.Equal(got.Data, data) || !bytes.Equal(got.Meta, meta) {
					c.errorf("bytes returned by Load, after %s: got %q and %q, want %q and %q", after, got.Meta, got.Data, meta, data)
				}
			}
			next := c.successor(r)
			next.Meta, next.Data = bytes.Repeat([]byte("m"), len(meta)), bytes.Repeat([]byte("d"), len(data))
			next = c.update(next)
			unchanged("Update")
			c.succeeds("Touch", c.s.Touch(c.ctx, extended(next, time.Minute)))
			unchanged("Touch")
			_, err = c.s.Load(c.ctx, r.ID)
			c.succeeds("Load", err)
			unchanged("another Load")
			c.succeeds("Delete", c.s.Delete(c.ctx, r.ID, 0))
			unchanged("Delete")
			c.create(c.successor(r))
			unchanged("Create of the same id")
		}),
	}
}
