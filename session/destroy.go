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
	if x.rec.Version > 0 || x.attempt != 0 {
		had = true
		w := x.m.start()
		if err := x.m.delete(ctx, x.id); err != nil {
			return err
		}
		x.m.event(ctx, EventDestroyed, x.rec, w.elapsed(), nil)
	}
	if err := x.destroyReplaced(ctx); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.destroyed {
		x.inert = errDestroyed
	}
	x.rec, x.attempt = Record{}, 0
	if had {
		x.action, x.token = ActionClear, ""
	}
	return nil
}

var errDestroyed = errors.New("session: it was destroyed; Regenerate makes a new one before that is carried out")

// destroyReplaced deletes what Regenerate left behind. Requires x.op.
func (x *Exchange[T]) destroyReplaced(ctx context.Context) error {
	for {
		x.mu.Lock()
		ids := x.replaced
		x.mu.Unlock()
		if len(ids) == 0 {
			return nil
		}
		w := x.m.start()
		if err := x.m.delete(ctx, ids[0]); err != nil {
			return err
		}
		x.m.event(ctx, EventDestroyed, Record{ID: ids[0]}, w.elapsed(), nil)
		x.mu.Lock()
		x.replaced = ids[1:]
		x.mu.Unlock()
	}
}

// touch extends the session. A failure is only told of: the request did not
// depend on it, and the next one tries again. Requires x.op.
func (x *Exchange[T]) touch(ctx context.Context) {
	const tries = 3
	for range tries {
		r := x.rec
		if !x.m.due(r, x.meta) {
			break // another request did it
		}
		r.SeenAt = stamp(time.Now())
		r.ExpiresAt = r.SeenAt.Add(x.m.age(x.meta))
		w := x.m.start()
		err := x.m.touchRecord(ctx, r)
		if err == nil {
			x.setRecord(r, x.meta)
			x.m.event(ctx, EventTouched, r, w.elapsed(), nil)
			break
		}
		if errors.Is(err, ErrConflict) {
			var m meta
			if r, m, err = x.m.load(ctx, r.ID); err == nil && x.admits(r, m) {
				x.setRecord(r, m)
				continue
			}
		}
		if err == nil || errors.Is(err, ErrNotFound) {
			x.gone(ctx)
		} else {
			x.m.event(ctx, EventError, x.rec, w.elapsed(), err)
		}
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.action, x.token = ActionSet, x.currentToken()
}
