package session

import (
	"bytes"
	"context"
	"errors"
)

// Commit stores what the request is to leave behind and returns what the
// response is to say. An adapter calls it right before the first byte of the
// response leaves, or after the handler where there was none; hijacked means
// that no header will be sent. Only the first call commits and has an Outcome.
// The error is the hook's answer to one of the store.
//
// The caller's ctx should not end with the client's connection.
func (x *Exchange[T]) Commit(ctx context.Context, hijacked bool) (Outcome, error) {
	if err := x.enter(); err != nil {
		return x.commitWhileAnswering(ctx, err)
	}
	defer x.op.Unlock()
	todo, out := x.beginCommit(hijacked)
	if !todo {
		return out, nil
	}
	err := x.commit(ctx)
	x.keepPromise(ctx)
	x.mu.Lock()
	x.began = true
	x.mu.Unlock()
	return x.outcome(ctx), err
}

// commitWhileAnswering lets the response of a Failed hook pass, which ends what
// can still be committed. Other hooks have no response of their own: err.
func (x *Exchange[T]) commitWhileAnswering(ctx context.Context, err error) (Outcome, error) {
	x.mu.Lock()
	answering := x.answering
	if answering {
		x.committed, x.began = true, true
	}
	x.mu.Unlock()
	if !answering {
		return Outcome{}, err
	}
	return x.outcome(ctx), nil
}

// beginCommit takes the commit for the caller. Where there is nothing to do,
// because there was a commit or there is no session, it returns what that
// leaves to say. Requires x.op.
func (x *Exchange[T]) beginCommit(hijacked bool) (todo bool, out Outcome) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.committed || x.over {
		return false, Outcome{}
	}
	x.committed = true
	if x.held == nil && !(x.phase == phaseLoaded && x.m.cfg.AllowEmpty) {
		x.began = true
		return false, Outcome{Read: x.read}
	}
	x.began = hijacked
	return true, Outcome{}
}

// Hijacked tells that the handler has the connection, after a commit with or
// without a header: it may be given a new token again, which it can send itself.
func (x *Exchange[T]) Hijacked() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.hijacked = true
}

// step is what a commit, or a late part of it, is to do.
type step int

const (
	stepNothing step = iota
	stepDestroy      // delete the record, and what Regenerate left behind
	stepSave
	stepTouch
	stepRefresh // save what only the library wants saved
)

// commit carries out one step. Requires x.op.
func (x *Exchange[T]) commit(ctx context.Context) error {
	next, data, err := x.decide(ctx)
	if err != nil {
		return x.settle(ctx, OpSave, err)
	}
	switch next {
	case stepDestroy:
		return x.settle(ctx, OpDestroy, x.destroy(ctx))
	case stepTouch:
		x.touch(ctx)
	case stepRefresh:
		// As with a touch, the request did not depend on it.
		x.refreshing = true
		err := x.save(ctx, data)
		x.refreshing = false
		if _, other := errors.AsType[*failure](err); other { // BeforeSave destroyed it
			return x.settle(ctx, OpDestroy, err)
		}
		if err == nil || err == errGone {
			break
		}
		if err != errOutdone {
			x.m.event(ctx, EventError, x.known(), 0, err)
		}
		if x.m.due(x.rec, x.meta) { // the session is in use all the same
			x.touch(ctx)
		}
	case stepSave:
		err := x.save(ctx, data)
		if errors.Is(err, ErrCommitted) {
			x.lose(ctx, errHijacked)
			x.mu.Lock()
			x.failed = OpSave
			x.mu.Unlock()
			return x.settle(ctx, OpDestroy, x.destroyReplaced(ctx))
		}
		if err == nil && x.isDestroyed() { // by another goroutine meanwhile, and no cookie is out yet
			return x.settle(ctx, OpDestroy, x.destroy(ctx))
		}
		return x.settle(ctx, OpSave, err)
	}
	return nil
}

// decide applies the rules of the commit in their order. data is the encoded
// Data where it was needed. Requires x.op.
func (x *Exchange[T]) decide(ctx context.Context) (next step, data []byte, err error) {
	var destroyed, replaced, forced, asked bool
	x.mu.Lock()
	s, stored, allowEmpty := x.session, x.isStored(), x.m.cfg.AllowEmpty
	skip := x.inert != nil
	if s != nil {
		skip = skip || x.policy == SaveNever
		destroyed, replaced, forced = x.destroyed, len(x.replaced) > 0, x.policy == SaveAlways
		asked = x.renewed || x.age != nil
	}
	x.mu.Unlock()
	writable := !skip && stored && x.m.writable(x.meta) == nil
	refresh := writable && (x.renewalDue() || x.shown == x.meta.digest && x.meta.unconfirmed())
	switch {
	case skip:
		x.dropChanges(ctx)
		return stepNothing, nil, nil
	case destroyed:
		return stepDestroy, nil, nil
	case s == nil && stored:
		due := x.m.due(x.rec, x.meta)
		if refresh || due && writable && (x.m.cfg.User != nil || x.m.sealer != nil) { // which may be new
			s, err = x.stored()
		}
		switch {
		case s != nil && err == nil:
		case due:
			return stepTouch, nil, nil
		default:
			return stepNothing, nil, nil // whoever asks will be told of err
		}
	case s == nil && !allowEmpty:
		return stepNothing, nil, nil
	case s == nil:
		if s, err = x.fresh(ctx); err != nil {
			return stepNothing, nil, err
		}
	}
	if data, err = x.m.encode(&s.Data); err != nil {
		return stepNothing, nil, err
	}
	x.final = data
	changed, err := x.differs(data)
	switch {
	case err != nil:
		return stepNothing, nil, err
	case forced || changed || stored && asked || !stored && allowEmpty:
		return stepSave, data, nil
	case replaced:
		return stepDestroy, nil, nil
	case refresh:
		return stepRefresh, data, nil
	case stored && x.m.due(x.rec, x.meta):
		if writable && (x.owner != x.rec.User || x.reseal) {
			return stepRefresh, data, nil
		}
		return stepTouch, nil, nil
	}
	return stepNothing, nil, nil
}

// dropChanges tells of a change that was made with a superseded token. Requires
// x.op.
func (x *Exchange[T]) dropChanges(ctx context.Context) {
	if x.inert != errGone || x.baseline == nil {
		return
	}
	if data, err := x.m.encode(&x.self.Data); err == nil && !bytes.Equal(data, x.baseline) {
		x.m.event(ctx, EventGone, x.known(), 0, errGone)
	}
}

// differs reports whether data is another value than the session began with.
// Requires x.op.
func (x *Exchange[T]) differs(data []byte) (bool, error) {
	if x.rec.Version == 0 {
		return !bytes.Equal(data, x.baseline), nil
	}
	return x.m.changed(x.rec, x.meta, data)
}
