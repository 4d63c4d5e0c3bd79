package memstore

import (
	"slices"
	"strings"
	"time"
	"unique"

	"github.com/echosession/echosession/session"
)

// entry is a record as it is kept, in a class of 128 bytes of the allocator: of
// a user one more of 48 bytes, for nobody nothing. Its id is also the key in the
// map; times are Unix milliseconds.
type entry struct {
	id                     string
	owned                  *owned // nil for nobody
	kind                   unique.Handle[kind]
	meta, data             []byte
	version                int64
	created, seen, expires int64
	index                  int32 // in its queue
}

// kind is what nearly all records have in common, and so is kept once.
type kind struct{ name, format string }

func newEntry(r session.Record) *entry {
	// The strings may be parts of longer ones: an id is cut out of a token,
	// which must not stay in memory for as long as the session.
	e := &entry{id: strings.Clone(r.ID)}
	e.own(r.User)
	e.set(r)
	e.version = 1
	return e
}

// set takes over all of r but the ID and the user. Requires sh.mu, if e is in a
// shard.
func (e *entry) set(r session.Record) {
	e.kind = unique.Make(kind{r.Name, r.Format})
	e.meta, e.data = slices.Clip(r.Meta), slices.Clip(r.Data)
	e.version = r.Version + 1
	e.created, e.seen, e.expires = r.CreatedAt.UnixMilli(), r.SeenAt.UnixMilli(), r.ExpiresAt.UnixMilli()
}

// record requires sh.mu.
func (e *entry) record() session.Record {
	k := e.kind.Value()
	return session.Record{
		ID:        e.id,
		Name:      k.name,
		User:      e.user(),
		Version:   e.version,
		CreatedAt: time.UnixMilli(e.created).UTC(),
		SeenAt:    time.UnixMilli(e.seen).UTC(),
		ExpiresAt: time.UnixMilli(e.expires).UTC(),
		Format:    k.format,
		Meta:      e.meta,
		Data:      e.data,
	}
}
