package session

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/echosession/echosession/internal/token"
)

// maxIDs is how many ids are tried for a new session.
const maxIDs = 4

// write brings data into the store, merged with what others stored in between.
// apply, if any, makes what is written of data, anew at each try. Requires x.op.
func (x *Exchange[T]) write(ctx context.Context, data []byte, apply func([]byte) ([]byte, error)) error {
	w := x.m.start()
	again := retry{turns: &x.m.turns}
	defer again.done()
	taken := 0
	for try := range maxTries {
		value := data
		if apply != nil {
			var err error
			if value, err = apply(data); err != nil {
				return err
			}
		}
		if err := errors.Join(x.m.bound(value), x.m.writable(x.meta)); err != nil {
			return err
		}
		if x.unsendable() {
			return fmt.Errorf("session: save: %w", ErrCommitted)
		}
		r, m, asked, err := x.successor(ctx, value)
		if err != nil {
			return err
		}
		sealed := x.m.seal(r, r.Version+1)
		if r.Version == 0 {
			err = x.m.create(ctx, sealed)
		} else {
			err = x.m.update(ctx, sealed)
		}
		switch {
		case errors.Is(err, ErrExists), errors.Is(err, ErrConflict):
			if r.Version == 0 {
				taken++
			}
			if x.refreshing {
				if err := x.outdone(ctx); err != nil {
					return err
				}
			}
			// Before the look at what is there, which must be fresh.
			if err := again.wait(ctx, r.ID, try); err != nil {
				return err
			}
			var landed bool
			if data, landed, err = x.catchUp(ctx, r, m, data); err != nil {
				return err
			}
			if taken == maxIDs && !landed {
				return fmt.Errorf("session: save: %w", ErrExists)
			}
			if !landed {
				continue
			}
		case errors.Is(err, ErrNotFound):
			return x.gone(ctx)
		case err != nil:
			if _, ok := errors.AsType[*notAsked](err); ok {
				return err
			}
			// It may have landed all the same.
			if _, now, e := x.m.load(ctx, r.ID); e != nil || now.nonce != m.nonce {
				x.remember(attempt{m.nonce, x.rec.Version, data})
				return err
			}
		}
		x.adopt(ctx, r, m, asked, w)
		return nil
	}
	return fmt.Errorf("session: save: %w", ErrConflict)
}

// maxAttempts bounds how many are remembered.
const maxAttempts = 8

// remember keeps a, of which it is not known whether it landed. Where there are
// too many of one session, as of a stream that saves through a long outage, the
// first, before which the store answered, and the latest ones stay.
func (x *Exchange[T]) remember(a attempt) {
	x.mu.Lock()
	defer x.mu.Unlock()
	kept := slices.Clone(x.attempts) // others have the slice
	if len(kept) == maxAttempts {
		kept = slices.Delete(kept, 1, 2)
	}
	x.attempts = append(kept, a)
}

// errOutdone is of a refresh that another request made superfluous.
var errOutdone = errors.New("session: another request saved it")

// outdone looks after a conflict whether a refresh still is to be made: one by
// each of many requests that come at once with a token that is due would be
// many writes, of which only the first means something.
func (x *Exchange[T]) outdone(ctx context.Context) error {
	latest, m, err := x.m.load(ctx, x.rec.ID)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && !x.admits(latest, m):
		return x.gone(ctx)
	case err != nil:
		return err
	case !x.former && (x.shown == m.digest && m.unconfirmed() || x.renewalDueBy(m)):
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.rec.SeenAt, x.rec.ExpiresAt = latest.SeenAt, latest.ExpiresAt
	return errOutdone
}

// adopt takes over what was stored. What was asked for since stays pending.
func (x *Exchange[T]) adopt(ctx context.Context, r Record, m meta, done asked, w stopwatch) {
	kind := EventSaved
	if r.Version == 0 {
		kind = EventCreated
	}
	r.Version++
	owner := x.m.user(&x.session.Data)
	x.mu.Lock()
	if x.takeNext(m) {
		kind = EventRenewed
	}
	x.rec, x.meta, x.final, x.owner, x.reseal = r, m, r.Data, owner, false
	x.digest = m.digest
	x.attempts = nil
	if done.renewed {
		x.renewed = false
	}
	if x.renewed && x.next == "" {
		x.next = token.New()
	}
	if x.age == done.age {
		x.age = nil
	}
	x.mu.Unlock()
	x.m.event(ctx, kind, r, w.elapsed(), nil)
}

func (x *Exchange[T]) setRecord(r Record, m meta) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.rec, x.meta = r, m
}
