package storetest

import (
	"bytes"
	"time"

	"github.com/echosession/echosession/session"
)

const clauseSlices = "The byte slices are immutable once they were handed over, in both directions"

// roomy gives the slices of r spare capacity, as an encoder's buffer has it,
// and returns them in full: what lies behind their end is not the store's
// either.
func roomy(r *session.Record) (all [][]byte) {
	for _, p := range []*[]byte{&r.Meta, &r.Data} {
		b := append(bytes.Clone(*p), "spare spare spare"...)
		all = append(all, b)
		*p = b[:len(*p)]
	}
	return all
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
			created := roomy(&r)
			createdWas := cloneAll(created)
			r = c.create(r)

			next := c.successor(r)
			updated := roomy(&next)
			updatedWas := cloneAll(updated)
			next = c.update(next)

			last := c.successor(next)
			last.Data = last.Data[:3] // shorter, so that it would fit into the old
			last = c.update(last)
			last.ExpiresAt = last.ExpiresAt.Add(time.Minute)
			c.done("Touch", c.s.Touch(c.ctx, last))
			c.done("Delete", c.s.Delete(c.ctx, last.ID, 0))
			c.create(c.record())

			for i := range created {
				if !bytes.Equal(created[i], createdWas[i]) {
					c.errorf("bytes given to Create: became %q, want %q", created[i], createdWas[i])
				}
				if !bytes.Equal(updated[i], updatedWas[i]) {
					c.errorf("bytes given to Update: became %q, want %q", updated[i], updatedWas[i])
				}
			}
		}),
		newCase("Slices/returned", clauseSlices, func(c *check) {
			r := c.create(c.record())
			got, err := c.s.Load(c.ctx, r.ID)
			c.done("Load", err)
			data, meta := bytes.Clone(got.Data), bytes.Clone(got.Meta)
			unchanged := func(after string) {
				c.t.Helper()
				if !bytes.Equal(got.Data, data) || !bytes.Equal(got.Meta, meta) {
					c.errorf("bytes returned by Load, after %s: became %q and %q, want %q and %q", after, got.Meta, got.Data, meta, data)
				}
			}
			next := c.successor(r)
			next.Meta, next.Data = bytes.Repeat([]byte("m"), len(meta)), bytes.Repeat([]byte("d"), len(data))
			next = c.update(next)
			unchanged("Update")
			next.ExpiresAt = next.ExpiresAt.Add(time.Minute)
			c.done("Touch", c.s.Touch(c.ctx, next))
			unchanged("Touch")
			_, err = c.s.Load(c.ctx, r.ID)
			c.done("Load", err)
			unchanged("another Load")
			c.done("Delete", c.s.Delete(c.ctx, r.ID, 0))
			unchanged("Delete")
			c.create(c.successor(r))
			unchanged("Create of the same id")
		}),
	}
}
