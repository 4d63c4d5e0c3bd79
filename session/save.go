package session

import (
	"context"
	"fmt"

	"github.com/echosession/echosession/internal/token"
)

// save is BeforeSave, the store, and what the response is to say. data is the
// encoded Data. Requires x.op.
func (x *Exchange[T]) save(ctx context.Context, data []byte) error {
	if x.req.HasBeforeSave {
		if err := x.beforeSave(); err != nil {
			return err
		}
		if x.isDestroyed() {
			return x.asDestroy(x.destroy(ctx))
		}
		var err error
		if data, err = x.m.encode(&x.session.Data); err != nil {
			return err
		}
	}
	return x.store(ctx, data, nil)
}

// beforeSave asks the BeforeSave hook, if there is one.
func (x *Exchange[T]) beforeSave() error {
	if !x.req.HasBeforeSave {
		return nil
	}
	h := x.hooks()
	if h == nil {
		return errOver
	}
	return h.BeforeSave(x.session)
}

// store writes, and then says what the response is to say: never a cookie
// without its record, nor a new session beside the one that it replaces, nor a
// secret that the record does not accept any more. Requires x.op.
func (x *Exchange[T]) store(ctx context.Context, data []byte, apply func([]byte) ([]byte, error)) error {
	x.mu.Lock()
	asked := x.asked
	x.mu.Unlock()
	if err := x.write(ctx, data, apply); err != nil {
		return err
	}
	if err := x.destroyReplaced(ctx); err != nil {
		x.takeBack(ctx, asked)
		if err == errGone {
			return x.gone(ctx)
		}
		return x.asDestroy(err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.sendToken(x.rec, x.meta)
	if x.policy == SaveAlways {
		x.policy = SaveAuto
	}
	return nil
}

// takeBack deletes the new record beside the old one, which could not be
// deleted, and makes the session one that is not stored.
func (x *Exchange[T]) takeBack(ctx context.Context, asked asked) {
	w := x.m.start()
	if err := x.m.delete(ctx, x.rec.ID); err != nil {
		x.m.event(ctx, EventError, x.rec, w.elapsed(), err)
		left := x.claim()
		left.rec.Version = 0 // it may have been deleted all the same
		defer func() {       // for the next save or destroy to try again
			x.mu.Lock()
			defer x.mu.Unlock()
			x.orphans = append(x.orphans, left)
		}()
	} else {
		x.m.event(ctx, EventDestroyed, x.rec, w.elapsed(), nil)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.rec, x.meta, x.digest, x.owner, x.asked = Record{}, meta{}, token.Digest{}, "", asked
}

// unsendable reports whether the save needs a cookie that cannot be sent.
func (x *Exchange[T]) unsendable() bool {
	user := x.m.user(&x.session.Data)
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.began && !x.hijacked && (!x.isStored() || x.renewed || user != x.owner)
}

// gone makes the session one that is never saved again, and tells of it.
func (x *Exchange[T]) gone(ctx context.Context) error {
	x.mu.Lock()
	x.inert = errGone
	if x.action == ActionSet { // by an earlier save: that token is dead
		x.action, x.token = ActionNone, ""
	}
	x.mu.Unlock()
	x.m.event(ctx, EventGone, x.rec, 0, errGone)
	return errGone
}

var errGone = fmt.Errorf("session: %w", ErrGone)
