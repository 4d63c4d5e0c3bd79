package session

import (
	"cmp"
	"context"
	"slices"

	"github.com/echosession/echosession/internal/token"
)

// unresolved knows the writes of one exchange that ended without an answer: the
// store may have made them, and it may still make them. Their nonces tell them
// from the writes of other requests.
type unresolved struct {
	open     bool   // the outcome of the last write is unknown: the next operation must load the record first
	creating bool   // the last write was a Create
	secret   string // that one of the writes puts into force
	revoking bool   // one of the writes ends the token in use
	spent    bool   // the session is not stored, and a Create of its id may still arrive: the id must not be created again
	deleting bool   // the record was to be deleted, and no answer came
	attempts []attempt
}

// attempt is a write without an answer.
type attempt struct {
	nonce   uint64
	version int64 // that it replaces: while the record has it, the write can still land
	base    base  // of the Data that was written
}

// maxAttempts bounds how many are known. An older one that lands later counts as
// a write of another request.
const maxAttempts = 8

// attempt returns the write of the exchange that has the nonce, or nil.
func (u *unresolved) attempt(nonce uint64) *attempt {
	if u != nil {
		for i := range u.attempts {
			if u.attempts[i].nonce == nonce {
				return &u.attempts[i]
			}
		}
	}
	return nil
}

// newSecret returns the secret that one of the writes puts into force, or "".
func (u *unresolved) newSecret() string {
	if u == nil {
		return ""
	}
	return u.secret
}

// touchesToken reports whether one of the writes may have ended the token in use.
func (u *unresolved) touchesToken() bool { return u != nil && (u.revoking || u.deleting) }

// missed notes that the write of next got no answer. It makes a renewal of the
// kind, with the secret. looked reports whether a look found the record as it was
// before the write.
func (f *flow) missed(next *row, kind renewal, secret string, looked bool) {
	u := f.draft.noteUnresolved()
	if len(u.attempts) == maxAttempts {
		// The first one stays: it is based on what the store last answered.
		u.attempts = slices.Delete(u.attempts, 1, 2)
	}
	u.attempts = append(u.attempts, attempt{next.nonce, next.version, f.draft.base})
	u.open, u.creating = !looked, !next.isStored()
	u.secret, u.revoking = cmp.Or(secret, u.secret), u.revoking || kind == renewalDeliberate
	u.spent = looked && u.creating
}

// forget drops the writes that cannot land any more, because the record has got to
// the version.
func (d *draft) forget(version int64) {
	u := d.unresolved
	if u == nil {
		return
	}
	u.open, u.creating, u.secret, u.revoking = false, false, "", false
	u.attempts = slices.DeleteFunc(u.attempts, func(a attempt) bool { return a.version < version })
	if len(u.attempts) == 0 && !u.spent && !u.deleting {
		d.unresolved = nil
	}
}

// noteUnresolved returns the unresolved writes, which it makes if there were
// none.
func (d *draft) noteUnresolved() *unresolved {
	if d.unresolved == nil {
		d.unresolved = new(unresolved)
	}
	return d.unresolved
}

// needsID reports whether the session, which is not stored, needs an id, perhaps
// another one. An id is created once: if a Create of it may still come, somebody
// can have ended the session in between, and a second Create would bring it back.
func (f *flow) needsID() bool {
	u := f.draft.unresolved
	return f.row.id == "" || u != nil && u.spent && !f.row.isStored()
}

// changeID gives a session that is not stored another id and secret.
func (f *flow) changeID(ctx context.Context) error {
	id, err := f.makeID(ctx)
	if err != nil {
		return err
	}
	f.row = row{id: id, created: f.row.created}
	f.cred = credential{secret: token.New()}
	f.draft.unresolved = nil
	return nil
}

// resolve finds out what became of the last write, if that is not known. It asks
// the store once. If the session is gone, f.ending is
// endingGone afterwards.
func (f *flow) resolve(ctx context.Context) error {
	u := f.unresolved()
	if u == nil || !u.open {
		return nil
	}
	var latest row
	found, err := f.fetch(ctx, f.row.id, &latest, f.b.meter())
	switch {
	case err != nil:
		return err
	case found == absent && u.creating:
		u.open, u.spent = false, true
		return nil
	case found == absent, !f.reclaim(&latest):
		f.setGone(ctx)
		return nil
	}
	u.open = false
	if u.attempt(latest.nonce) == nil {
		return nil // the next write meets a conflict
	}
	data, err := f.typed.encodeData()
	if err == nil {
		_, err = f.takeOwn(&latest, data)
	}
	return err
}

func (f *flow) unresolved() *unresolved {
	if f.draft == nil {
		return nil
	}
	return f.draft.unresolved
}

// takeOwn makes latest the version that the next save replaces. An earlier write
// of this exchange stored it, but the application was told that it failed. So
// Data, whose encoding is data, and its base stay, and the next comparison finds
// the change again. If the earlier write had merged what others stored, takeOwn
// merges it again. It returns the encoding of Data.
func (f *flow) takeOwn(latest *row, data []byte) ([]byte, error) {
	base := f.draft.base
	if own := f.unresolved().attempt(latest.nonce); own != nil && own.base.version != base.version {
		var err error
		if data, _, err = f.typed.mergeData(base.encoded, f.b.own(data), own.base.encoded); err != nil {
			return nil, err
		}
		base = own.base
	}
	f.draft.base, f.row = base, *latest
	f.row.data = nil
	f.draft.forget(latest.version)
	return data, nil
}
