package session

import (
	"context"
	"errors"
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

// restore takes back what an Update, or what it called, made of the session and
// its Data; not that a write may have landed, nor what was asked for, such as a
// Destroy.
func (x *Exchange[T]) restore(before held[T]) {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := *x.held
	*x.held = before
	x.attempts, x.orphans, x.final = now.attempts, now.orphans, now.final
	x.policy, x.destroyed, x.asked, x.next = now.policy, now.destroyed, now.asked, now.next
}

// apply makes Data of what is stored and runs fn, and BeforeSave, on it.
func (x *Exchange[T]) apply(stored []byte, fn func(*T) error) ([]byte, error) {
	var v T
	if err := x.m.decodeOwn(x.id, stored, &v); err != nil {
		return nil, err
	}
	x.session.Data = v
	if err := fn(&x.session.Data); err != nil {
		return nil, &failure{err: err}
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
		x.session.Data, x.final = x.m.cfg.New(), nil
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
	x.session.Data, x.final = v, nil
	x.setRecord(r, m)
	x.own(x.m.user(&v))
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.takeNext(m) { // a write that nobody acknowledged stored it
		x.renewed = false
		x.sendToken(r, m)
	}
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
