package session

import (
	"bytes"
	"context"
	"errors"
	"time"
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
		return x.commitWhileAnswering(err)
	}
	defer x.op.Unlock()
	todo, out := x.beginCommit(hijacked)
	if !todo {
		return out, nil
	}
	err := x.commit(ctx)
	x.mu.Lock()
	x.began, x.hijacked = true, x.hijacked || hijacked
	x.mu.Unlock()
	return x.outcome(ctx), err
}

// Hijacked tells that the handler has the connection, after a commit with or
// without a header: it may be given a new token again, which it can send itself.
func (x *Exchange[T]) Hijacked() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.hijacked = true
}

// commitWhileAnswering lets the response of a Failed hook pass, which ends what
// can still be committed. Other hooks have no response of their own: err.
func (x *Exchange[T]) commitWhileAnswering(err error) (Outcome, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.answering {
		return Outcome{}, err
	}
	x.committed, x.began = true, true
	return Outcome{Read: x.read}, nil
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
		x.began, x.hijacked = true, hijacked
		return false, Outcome{Read: x.read}
	}
	x.began = hijacked
	return true, Outcome{}
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
		if err := x.save(ctx, data); err != nil && err != errGone {
			x.m.event(ctx, EventError, x.known(), 0, err)
		}
	case stepSave:
		err := x.save(ctx, data)
		if errors.Is(err, ErrCommitted) {
			x.lose(ctx, errHijacked)
			x.failed = OpSave
			return x.settle(ctx, OpDestroy, x.destroyReplaced(ctx))
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
	refresh := !skip && stored && x.m.schema >= x.meta.schema && (x.renewalDue() || !x.former && x.meta.unconfirmed())
	switch {
	case skip:
		x.dropChanges(ctx)
		return stepNothing, nil, nil
	case destroyed:
		return stepDestroy, nil, nil
	case s == nil && stored:
		due := x.m.due(x.rec, x.meta)
		if refresh || due && (x.m.cfg.User != nil || x.m.sealer != nil) { // which may be new
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
		if x.owner != x.rec.User || x.reseal {
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

// settle turns the error of a step into the answer. A session that is gone is
// no error: its changes are dropped.
func (x *Exchange[T]) settle(ctx context.Context, op Op, err error) error {
	if err == nil || err == errGone {
		return nil
	}
	if f, ok := errors.AsType[*failure](err); ok {
		op, err = f.op, f.err
	}
	x.mu.Lock()
	x.failed = op
	x.mu.Unlock()
	return x.answer(ctx, op, err)
}

// failure is an error of another operation than the one that met it, or of none.
type failure struct {
	op  Op
	err error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// unsendable reports whether the save needs a cookie that cannot be sent.
func (x *Exchange[T]) unsendable() bool {
	user := x.m.user(&x.session.Data)
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.began && !x.hijacked && (!x.isStored() || x.renewed || user != x.owner)
}

// lose tells of changes that will not be stored.
func (x *Exchange[T]) lose(ctx context.Context, why error) {
	x.m.event(ctx, EventLost, x.known(), 0, why)
}

var (
	errHijacked = errors.New("session: a change that needs a cookie was made before the connection was hijacked: call Save before Hijack and send the Token, or commit with a header first")
	errLate     = errors.New("session: a change was made after the response had begun: make it before, or call Save or Update")
)

// outcome is what the response is to say so far.
func (x *Exchange[T]) outcome(ctx context.Context) Outcome {
	x.mu.Lock()
	out := Outcome{Action: x.action, Token: x.token, Read: x.read}
	hooks := x.req.Hooks
	var age time.Duration
	if out.Action == ActionSet && (x.meta.age > 0 || !x.m.cookie.BrowserSession) {
		if age = time.Until(x.m.end(x.rec, x.meta)); age <= 0 {
			out.Action, out.Token = ActionNone, "" // it was saved long ago, and is over
		}
	}
	x.mu.Unlock()
	if out.Action == ActionNone || hooks == nil {
		return out
	}
	if x.req.Plain {
		return out
	}
	scheme, host := hooks.Origin()
	secure := x.m.cookie.secure(scheme, host)
	if out.Action == ActionClear {
		out.Cookie = x.m.cookie.clear(secure)
		return out
	}
	out.Cookie = x.m.cookie.set(out.Token, age, secure)
	if secure && scheme != "https" && !loopback(host) {
		x.m.warnInsecure(ctx, host)
	}
	return out
}

// End ends the exchange when the handler is done. It commits if nothing did,
// and only then there is an Outcome; otherwise it carries out a Destroy that
// came after the commit, and looks for changes that came too late. Afterwards
// the hooks are not called any more.
func (x *Exchange[T]) End(ctx context.Context) (out Outcome, err error) {
	x.op.Lock()
	defer x.op.Unlock()
	x.mu.Lock()
	first := !x.committed
	if x.over || !first && x.session == nil { // there is nothing left to do
		x.close()
		x.mu.Unlock()
		return Outcome{}, nil
	}
	x.mu.Unlock()
	defer func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.close()
	}()
	if !first {
		return Outcome{}, x.late(ctx)
	}
	todo, out := x.beginCommit(false)
	if todo {
		err = x.commit(ctx)
		out = x.outcome(ctx)
	}
	return out, err
}

// late does what can still be done once the response has begun. Requires x.op.
func (x *Exchange[T]) late(ctx context.Context) error {
	x.mu.Lock()
	s := x.session
	if x.inert != nil || x.policy == SaveNever {
		x.mu.Unlock()
		return nil
	}
	destroyed, failed := x.destroyed, x.failed
	lost := len(x.replaced) > 0 || x.isStored() && (x.renewed || x.age != nil)
	x.mu.Unlock()
	switch {
	case destroyed && failed != OpDestroy:
		return x.settle(ctx, OpDestroy, x.destroy(ctx))
	case failed != "": // all that is pending was told of
		return nil
	case lost:
		x.lose(ctx, errLate)
		return x.settle(ctx, OpDestroy, x.destroyReplaced(ctx))
	case !x.m.inspect():
		return nil
	}
	data, err := x.m.encode(&s.Data)
	if err != nil {
		return nil // nothing that could be stored was lost
	}
	changed := !bytes.Equal(data, x.final)
	if x.final == nil {
		changed, _ = x.differs(data)
	}
	if changed {
		x.lose(ctx, errLate)
	}
	return nil
}

// Looking for late changes costs an encoding. A mistake in a program shows
// soon, in the first requests, or now and then.
const (
	inspectFirst = 100
	inspectEvery = 64
)

func (m *Manager[T]) inspect() bool {
	n := m.late.Add(1)
	return n <= inspectFirst || n%inspectEvery == 0
}

// Abandon ends the exchange of a handler that panicked: nothing is committed.
// The Outcome is that of a Save that the handler made before.
func (x *Exchange[T]) Abandon(ctx context.Context) Outcome {
	x.op.Lock()
	defer x.op.Unlock()
	out := x.outcome(ctx)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.close()
	return out
}

// close ends the exchange. Requires x.mu.
func (x *Exchange[T]) close() {
	x.over = true
	x.req.Hooks, x.req.Lines = nil, nil
}
