package session

import (
	"bytes"
	"context"
	"errors"
)

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
		x.keepPromise(ctx)
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

// lose tells of changes that will not be stored.
func (x *Exchange[T]) lose(ctx context.Context, why error) {
	x.m.event(ctx, EventLost, x.known(), 0, why)
}

var (
	errHijacked = errors.New("session: a change that needs a cookie was made before the connection was hijacked: call Save before Hijack and send the Token, or commit with a header first")
	errLate     = errors.New("session: a change was made after the response had begun: make it before, or call Save or Update")
)

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
	x.keepPromise(ctx)
	out := x.outcome(ctx)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.close()
	return out
}

// close ends the exchange. Requires x.mu.
func (x *Exchange[T]) close() {
	x.over = true
	x.req.Hooks, x.req.Cookies = nil, nil
}
