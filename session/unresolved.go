package session

import (
	"context"
	"slices"

	"github.com/echosession/echosession/internal/token"
)

// unresolved knows the writes of one exchange that ended without an answer: the
// store may have made them, and it may still make them. Their nonces tell them
// from the writes of other requests.
type unresolved struct {
	open     bool // of the last write nothing is known yet: one load resolves it before the next operation
	creating bool // the last write was a Create
	deleting bool // the record was to be deleted, and no answer came
	attempts []attempt
}

// attempt is a write without an answer.
type attempt struct {
	nonce uint64
	base  base // of the Data that was written
}

// maxAttempts bounds how many are known. An older one that lands later counts as
// a write of another request.
const maxAttempts = 8

// has reports whether a write of the exchange has the nonce.
func (u *unresolved) has(nonce uint64) bool {
	return u != nil && slices.ContainsFunc(u.attempts, func(a attempt) bool { return a.nonce == nonce })
}

// baseOf returns the base of the write with the nonce.
func (u *unresolved) baseOf(nonce uint64) (b base, ok bool) {
	if u == nil {
		return base{}, false
	}
	i := slices.IndexFunc(u.attempts, func(a attempt) bool { return a.nonce == nonce })
	if i < 0 {
		return base{}, false
	}
	return u.attempts[i].base, true
}

// missed notes that the write of next got no answer. looked reports whether a
// look found that it has not landed, so far.
func (f *flow) missed(ctx context.Context, next *row, looked bool) {
	u := f.draft.unresolved
	if u == nil {
		u = new(unresolved)
	}
	if len(u.attempts) == maxAttempts {
		// The first one stays: it is based on what the store last answered.
		u.attempts = slices.Delete(u.attempts, 1, 2)
	}
	u.attempts = append(u.attempts, attempt{next.nonce, f.draft.base})
	u.open, u.creating = !looked, !next.isStored()
	f.mu.Lock()
	f.draft.unresolved = u
	f.mu.Unlock()
	if looked && u.creating {
		_ = f.changeID(ctx) // after an error the next save tries again
	}
}

// changeID gives a session that is not stored another id and secret. It gives up
// the id of a record that a Create without an answer may have made, and may
// still make: an id is created once, because somebody could have ended the
// session in between, and a second Create would bring it back.
func (f *flow) changeID(ctx context.Context) error {
	id, err := f.b.makeID(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.row = row{id: id, created: f.row.created}
	f.cred = credential{secret: token.New()}
	return err
}

// resolve finds out what became of the last write, if that is not known. It asks
// the store once. Requires f.op.
func (f *flow) resolve(ctx context.Context) (fate, error) {
	u := f.unresolved()
	if u == nil || !u.open {
		return alive, nil
	}
	var latest row
	t := f.b.meter()
	found, err := f.b.load(ctx, f.row.id, &latest, t)
	switch {
	case err != nil:
		return alive, err
	case found == absent && u.creating:
		u.open = false
		return alive, f.changeID(ctx)
	case found == absent:
		return gone, nil
	case !f.isStillOurs(&latest):
		return gone, nil
	}
	u.open = false
	if !u.has(latest.nonce) {
		return alive, nil // the next write meets a conflict
	}
	data, err := f.typed.encodeData()
	if err == nil {
		_, err = f.takeOwn(&latest, data)
	}
	return alive, err
}

func (f *flow) unresolved() *unresolved {
	if f.draft == nil {
		return nil
	}
	return f.draft.unresolved
}

// takeOwn makes latest, which an earlier write of this exchange left in the
// store, the version to replace. That write counts as failed, so it is no change
// by the application: Data, whose encoding is data, and its base stay. If the
// earlier write had merged what others stored, this merges it again. It returns
// the encoding of Data.
func (f *flow) takeOwn(latest *row, data []byte) ([]byte, error) {
	from, ok := f.unresolved().baseOf(latest.nonce)
	if ok && from.version != f.draft.base.version {
		var err error
		if data, _, err = f.typed.mergeData(f.draft.base.encoded, f.b.own(data), from.encoded); err != nil {
			return nil, err
		}
	} else {
		from = f.draft.base
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.draft.base, f.row = from, *latest
	f.row.data = nil
	return data, nil
}
