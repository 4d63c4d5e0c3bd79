package session

import (
	"context"
	"errors"
	"strings"
)

// What the application asks for itself, instead of leaving it to the commit.

// saveNow is Session.Save.
func (x *Exchange[T]) saveNow(ctx context.Context) error {
	if err := x.enter(); err != nil {
		return err
	}
	defer x.op.Unlock()
	if err := x.usable(); err != nil {
		return err
	}
	if x.isDestroyed() {
		return x.tell(ctx, x.destroy(ctx))
	}
	data, err := x.m.encode(&x.session.Data)
	if err != nil {
		return err
	}
	return x.tell(ctx, x.save(ctx, data))
}

// update is Session.Update.
func (x *Exchange[T]) update(ctx context.Context, fn func(*T) error) (err error) {
	if err := x.enter(); err != nil {
		return err
	}
	defer x.op.Unlock()
	if err := x.usable(); err != nil {
		return err
	}
	if x.isDestroyed() {
		return errDestroyed
	}
	pending, err := x.m.encode(&x.session.Data)
	if err != nil {
		return err
	}
	before, done := x.snapshot(), false
	defer func() {
		if !done { // because of an error, or a panic in fn
			x.restore(before)
		}
	}()
	err = x.store(ctx, pending, func(stored []byte) ([]byte, error) { return x.apply(stored, fn) })
	done = err == nil
	return x.tell(ctx, err)
}

func (x *Exchange[T]) snapshot() held[T] {
	x.mu.Lock()
	defer x.mu.Unlock()
	return *x.held
}

// restore takes back all but that a write may have landed.
func (x *Exchange[T]) restore(before held[T]) {
	x.mu.Lock()
	defer x.mu.Unlock()
	before.attempts, before.next = x.attempts, x.next
	*x.held = before
}

// apply makes Data of what is stored and runs fn, and BeforeSave, on it.
func (x *Exchange[T]) apply(stored []byte, fn func(*T) error) ([]byte, error) {
	var v T
	if err := x.m.decodeOwn(x.id, stored, &v); err != nil {
		return nil, err
	}
	x.session.Data = v
	if err := inHook(func() error { return fn(&x.session.Data) }); err != nil {
		return nil, err
	}
	if err := x.beforeSave(); err != nil {
		return nil, err
	}
	if x.isDestroyed() {
		return nil, errDestroyed
	}
	return x.m.encode(&x.session.Data)
}

// reload is Session.Reload.
func (x *Exchange[T]) reload(ctx context.Context) (err error) {
	if err := x.enter(); err != nil {
		return err
	}
	defer x.op.Unlock()
	if err := x.usable(); err != nil {
		return err
	}
	if x.rec.Version == 0 {
		x.session.Data = x.m.cfg.New()
		x.baseline, err = x.m.first(&x.session.Data)
		return err
	}
	r, m, err := x.m.load(ctx, x.rec.ID)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && !x.admits(r, m):
		return x.gone(ctx)
	case err != nil:
		return x.tell(ctx, err)
	}
	var v T
	if err := x.m.decode(&r, m, &v); err != nil {
		return x.tell(ctx, err)
	}
	x.session.Data = v
	x.setRecord(r, m)
	x.own(x.m.user(&v))
	return nil
}

func (x *Exchange[T]) usable() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.inert != nil:
		return x.inert
	case x.over:
		return errOver
	}
	return nil
}

func (x *Exchange[T]) isDestroyed() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.destroyed
}

// tell tells of an error that goes to the application itself.
func (x *Exchange[T]) tell(ctx context.Context, err error) error {
	if f, ok := errors.AsType[*failure](err); ok {
		err = f.err
	}
	if err != nil && !errors.Is(err, ErrGone) {
		x.m.event(ctx, EventError, x.known(), 0, err)
	}
	return err
}

// mergeConflict names the fields that both sides changed, but not their values.
type mergeConflict struct{ paths []string }

func (e *mergeConflict) Error() string {
	return "session: changed by two requests at once, the later one won: " + strings.Join(e.paths, ", ")
}
