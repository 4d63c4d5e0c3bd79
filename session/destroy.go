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
		old := x.claim()
		switch err := x.retire(ctx, old); {
		case err == errGone, err == errNotFound && old.rec.Version > 0:
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

// retire deletes a record, if it is still the session of this request: one that
// a log-in made of it meanwhile is errGone, and stays. errNotFound where another
// request was faster, or where it never was this one's.
func (x *Exchange[T]) retire(ctx context.Context, old claim) error {
	latest, m, err := x.m.load(ctx, old.rec.ID)
	switch {
	case errors.Is(err, ErrCorrupt) && old.rec.Version > 0:
	case err != nil && err != errExpired: // what ended by this configuration may live on by another
		return err
	case x.m.judge(old, latest, m).opens():
	case old.rec.Version == 0:
		return errNotFound
	default:
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
	for _, list := range []*[]claim{&x.replaced, &x.orphans} {
		for len(*list) > 0 {
			old := &(*list)[0]
			err := x.retire(ctx, *old)
			switch {
			case err == errNotFound && x.loggedOut(*old):
				return errGone
			case err != nil && err != errNotFound && list == &x.orphans:
				// No client has its token: that is no reason to give up what replaced it.
				x.m.event(ctx, EventError, old.rec, 0, err)
				return nil
			case err != nil && err != errNotFound:
				old.tried = true
				return err
			}
			x.mu.Lock()
			old.tried = true // an Update that fails brings it back
			*list = (*list)[1:]
			x.mu.Unlock()
		}
	}
	return nil
}

// loggedOut reports whether a record that is gone was ended by somebody, so that
// the session that replaces it must not begin: not one that has reached its end,
// or that this request tried to delete. Nor does a log-in over a session of
// nobody depend on that.
func (x *Exchange[T]) loggedOut(old claim) bool {
	logIn := old.rec.User == "" && old.owner == "" && x.owner != ""
	return old.rec.Version > 0 && !old.tried && !logIn && time.Now().Before(x.m.end(old.rec, old.meta))
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
	x.sendToken(r, m)
}
