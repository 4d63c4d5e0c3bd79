package session

import (
	"context"
	"errors"
	"time"
)

// destroy deletes the record and those that Regenerate left behind. The
// response takes the token away, if the client ever had one. Requires x.op.
func (x *Exchange[T]) destroy(ctx context.Context) error {
	had := x.presented || x.action != ActionNone || len(x.replaced) > 0
	if x.rec.Version > 0 || len(x.attempts) > 0 {
		had = true
		r := x.rec
		r.ID = x.id
		switch err := x.retire(ctx, replaced{r, x.digest}); {
		case err == errGone, err == errNotFound && r.Version > 0:
			return x.gone(ctx)
		case err != nil && err != errNotFound:
			return err
		}
	}
	if err := x.destroyReplaced(ctx); err == errGone {
		return x.gone(ctx)
	} else if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.destroyed {
		x.inert = errDestroyed
	}
	x.rec, x.meta, x.attempts = Record{}, meta{}, nil
	if had {
		x.action, x.token = ActionClear, ""
	}
	return nil
}

var errDestroyed = errors.New("session: it was destroyed; Regenerate makes a new one before that is carried out")

// replaced is a record that is to be destroyed, and the digest of the secret
// with which this request was let in. With Version 0 it is one of which it is
// not known whether it was ever stored.
type replaced struct {
	rec    Record
	digest digest
}

// retire deletes a record, if it is still the session of this request: one that
// a log-in made of it meanwhile is errGone, and stays. errNotFound where another
// request was faster.
func (x *Exchange[T]) retire(ctx context.Context, old replaced) error {
	latest, m, err := x.m.load(ctx, old.rec.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		return errNotFound
	case errors.Is(err, ErrCorrupt):
	case err != nil:
		return err
	case old.digest != digest{} && !m.judge(old.digest).opens(), latest.User != old.rec.User && old.rec.Version > 0:
		return errGone
	}
	w := x.m.start()
	if err := x.m.delete(ctx, old.rec.ID); err != nil {
		// It may have been deleted all the same.
		if _, _, gone := x.m.load(ctx, old.rec.ID); !errors.Is(gone, ErrNotFound) {
			return err
		}
	}
	x.m.event(ctx, EventDestroyed, old.rec, w.elapsed(), nil)
	return nil
}

// destroyReplaced deletes what Regenerate left behind. Where somebody else did
// that, it was a log-out, which must hold for the new session, too: errGone.
// Requires x.op.
func (x *Exchange[T]) destroyReplaced(ctx context.Context) error {
	for {
		x.mu.Lock()
		left := x.replaced
		x.mu.Unlock()
		if len(left) == 0 {
			return nil
		}
		err := x.retire(ctx, left[0])
		switch {
		case err == errNotFound && left[0].rec.Version > 0:
			return errGone
		case err != nil && err != errNotFound:
			return err
		}
		x.mu.Lock()
		x.replaced = left[1:]
		x.mu.Unlock()
	}
}

// touch extends the session. A failure is only told of: the request did not
// depend on it, and the next one tries again. Requires x.op.
func (x *Exchange[T]) touch(ctx context.Context) {
	const tries = 3
	r, m := x.rec, x.meta
	for range tries {
		if !x.m.due(r, m) {
			break // another request did it
		}
		r.SeenAt = stamp(time.Now())
		r.ExpiresAt = x.m.endAfter(r.SeenAt, r.CreatedAt, m)
		w := x.m.start()
		err := x.m.touchRecord(ctx, r)
		if err == nil {
			x.m.event(ctx, EventTouched, r, w.elapsed(), nil)
			break
		}
		if errors.Is(err, ErrConflict) {
			if r, m, err = x.m.load(ctx, r.ID); err == nil && x.admits(r, m) {
				continue
			}
		}
		if err == nil || errors.Is(err, ErrNotFound) {
			x.gone(ctx)
		} else {
			x.m.event(ctx, EventError, x.known(), w.elapsed(), err)
		}
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	// Only the times: Data is still based on the version that was loaded.
	x.rec.SeenAt, x.rec.ExpiresAt = r.SeenAt, r.ExpiresAt
	x.sendToken()
}
