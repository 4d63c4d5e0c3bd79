package storetest

import (
	"bytes"
	"errors"
	"strings"

	"github.com/echosession/echosession/session"
)

const (
	clauseLoad       = "Load returns the record of id as it was last written."
	clauseLoadFields = "A store keeps every field and returns it unchanged."
)

var loadCases = []Case{
	newCase("Load/absent", "It returns ErrNotFound if there is no record of id, or if the record has expired.", func(c *check) {
		c.absent("of an id that was never stored", newID())
	}),
	newCase("Load/expired",
		"Expiry is checked at every read, against the store's own clock, no matter when expired records are collected.", func(c *check) {
			for how, r := range c.expired(newUser()) {
				c.absent("of a record "+how, r.ID)
				c.absent("of a record "+how+", again", r.ID)
			}
		}),
	newCase("Load/last written", clauseLoad, func(c *check) {
		first, second := c.create(c.record()), c.create(c.record())
		c.holds("of the first record", first)
		c.holds("of the second record", second)
		second = c.update(c.successor(second))
		c.holds("of the first record, after an Update of the second", first)
		c.holds("of the second record, after its Update", second)
		c.holds("of the second record, again", second)
	}),
	newCase("Load/every field", clauseLoadFields, func(c *check) {
		c.holds("after Create", c.create(c.record()))
	}),
	newCase("Load/empty fields", clauseLoadFields, func(c *check) {
		// CreatedAt and SeenAt may be the zero Time.
		c.holds("of empty fields", c.create(session.Record{ID: newID(), ExpiresAt: c.record().ExpiresAt}))
		c.holdsBytes("empty bytes", []byte{})
		c.holdsBytes("nil bytes", nil)
	}),
	newCase("Load/binary", clauseLoadFields, func(c *check) {
		all := make([]byte, 256)
		for i := range all {
			all[i] = byte(i)
		}
		c.holdsBytes("all 256 bytes", all)
		c.holdsBytes("64 KiB", bytes.Repeat([]byte("64 KiB\xfe\x00"), 64<<10/8))
		c.holdsBytes("a zero byte", []byte{0})
		c.holdsBytes("text that ends with an invalid byte", []byte("valid \u2028 \ufffd \U0001F36A, not valid \xff"))
	}),
	newCase("Load/strings", clauseLoadFields, func(c *check) {
		for _, text := range []string{
			" ", "\u00e9", "e\u0301", "\u65e5\u672c\u8a9e", "\U0001F36A", "\ufffd", "a.b", "$user", "%s%", `"'\`,
			"two\nlines\t", "<b>&", "null", "{}", "Upper", "upper", strings.Repeat("long ", 200),
		} {
			r := c.record()
			r.Name, r.User, r.Format = text, text, text
			c.holds("of a record with the text "+text, c.create(r))
		}
	}),
	newCase("Load/ids", clauseLoad, func(c *check) {
		const letters = "abcdefghijklmnopqrstuvwxyz"
		stored := map[string]session.Record{}
		for _, id := range []string{
			"a", "A", "-", "_", "0", "--", "a-", "a_", "null", "id", "_id",
			letters + strings.ToUpper(letters) + "0123456789-_", strings.Repeat("-", 64),
		} {
			// These ids are fixed: a run that was interrupted may have left some.
			if err := c.s.Delete(c.ctx, id, 0); !errors.Is(err, session.ErrNotFound) {
				c.succeeds("Delete", err)
			}
			defer func() { _ = c.s.Delete(c.ctx, id, 0) }()
			r := c.record()
			r.ID = id
			stored[id] = c.create(r)
		}
		for id, r := range stored {
			c.holds("of the id "+id, r)
		}
	}),
}

// holdsBytes stores a record with the bytes and reports how the stored record
// differs.
func (c *check) holdsBytes(what string, b []byte) {
	c.t.Helper()
	r := c.record()
	r.Meta, r.Data = bytes.Clone(b), b
	c.holds("of "+what, c.create(r))
}
