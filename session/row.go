package session

import (
	"fmt"
	"time"
)

// row is one record as this process knows it: what a store has, with the meta
// data decoded. Times are Unix milliseconds, the precision of a record.
type row struct {
	id, user               string
	version                int64 // 0: not stored
	created, seen, expires int64
	data                   []byte // as stored, perhaps sealed
	form                   form   // of data
	meta
}

// form is the form in which a store has Data.
type form uint8

const (
	formPlain   form = iota // as the codec encodes it
	formSealed              // encrypted
	formForeign             // of another codec
)

// fill takes rec, which a store returned; codec is the name of the Manager's
// codec. On an error r has what could be read.
func (r *row) fill(rec *Record, codec string) error {
	r.id, r.user, r.version = rec.ID, rec.User, rec.Version
	r.created, r.seen, r.expires = rec.CreatedAt.UnixMilli(), rec.SeenAt.UnixMilli(), rec.ExpiresAt.UnixMilli()
	r.data, r.form = rec.Data, formForeign
	switch rec.Format {
	case codec:
		r.form = formPlain
	case formatSealed:
		r.form = formSealed
	}
	if r.version < 1 {
		return fmt.Errorf("%w: its version is %d, and versions begin with 1", ErrCorrupt, r.version)
	}
	return r.meta.decode(rec.Meta)
}

// record returns r as a store takes it, with Data in plain form. name is the kind
// of session, codec the name of the codec.
func (r *row) record(name, codec string) Record {
	return Record{
		ID: r.id, Name: name, User: r.user, Version: r.version,
		CreatedAt: fromMillis(r.created), SeenAt: fromMillis(r.seen), ExpiresAt: fromMillis(r.expires),
		Format: codec, Meta: r.meta.encode(), Data: r.data,
	}
}

// isStored reports whether the store has the row, as far as this process knows.
func (r *row) isStored() bool { return r.version > 0 }

// authenticatedAt returns when the user of r, if there is one, was let in.
func (r *row) authenticatedAt() time.Time {
	if r.user == "" || r.authenticated == 0 {
		return time.Time{}
	}
	return fromMillis(r.authenticated)
}

// lifetimes are the settings that decide how long a session lives.
type lifetimes struct {
	maxAge     time.Duration
	rolling    bool
	touchAfter time.Duration // with rolling: extend at most this often; negative: always
	absolute   time.Duration // AbsoluteTimeout; 0: none
}

// end returns when the session of r is over. An age that the configuration or
// the session itself has since shortened holds for older records, too.
func (l *lifetimes) end(r *row) int64 { return min(l.endAfter(r, r.seen), r.expires) }

// endAfter returns when the session of r ends if it was last used at seen.
func (l *lifetimes) endAfter(r *row, seen int64) int64 {
	age := l.maxAge
	if r.age > 0 {
		age = r.age
	}
	end := seen + age.Milliseconds()
	if l.absolute == 0 {
		return end
	}
	began := r.created
	if r.authenticated != 0 {
		began = r.authenticated
	}
	return min(end, began+l.absolute.Milliseconds())
}

// hasEnded reports whether r, which is live to the store, has ended by this
// configuration or by an age of its own.
func (l *lifetimes) hasEnded(r *row) bool {
	end := l.end(r)
	return end < r.expires && nowMillis() >= end
}

// isDue reports whether use at the present time extends the session of r.
func (l *lifetimes) isDue(r *row) bool {
	if !l.rolling {
		return false
	}
	wait := l.touchAfter
	if r.age > 0 && r.age < l.maxAge && wait > 0 { // as often in a shorter life
		wait = time.Duration(float64(wait) * float64(r.age) / float64(l.maxAge))
	}
	now := nowMillis()
	return now-r.seen >= ceilMillis(wait) && l.endAfter(r, now) > r.expires
}

func nowMillis() int64 { return time.Now().UnixMilli() }

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// ceilMillis converts d to milliseconds and rounds up, so that no deadline is too
// early.
func ceilMillis(d time.Duration) int64 {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond).Milliseconds()
}
