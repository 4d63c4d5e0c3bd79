package session

import (
	"context"
	"errors"
)

// fail asks the hook what is to become of an error that kept the session from
// being loaded, and goes on by its answer: an error is the answer from then on;
// nil is a session that reads as empty and is never saved, which leaves the
// client's cookie alone; ErrDiscard makes the record count as unknown.
func (x *Exchange[T]) fail(ctx context.Context, op Op, err error) error {
	answer := x.answer(ctx, op, err)
	if errors.Is(answer, ErrDiscard) {
		if _, err := x.fresh(ctx); err == nil {
			return nil
		} else {
			answer = err
		}
	}
	x.makeInert(err, "")
	if answer != nil {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.failure, x.session = answer, nil
	}
	return answer
}

// makeInert makes the session one that reads as empty and is never saved. id is
// that of the record, where there is one, for events.
func (x *Exchange[T]) makeInert(why error, id string) {
	h := &held[T]{back: x, rec: Record{ID: id}}
	h.self = Session[T]{at: &h.back, Data: x.m.cfg.New()}
	h.baseline, _ = x.m.first(&h.self.Data)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.phase, x.inert = phaseReady, why
	x.held, x.session = h, &h.self
}

// answer tells of an error and returns what the hook makes of it.
func (x *Exchange[T]) answer(ctx context.Context, op Op, err error) error {
	x.m.event(ctx, EventError, x.known(), 0, err)
	h := x.hooks()
	if h == nil {
		return err
	}
	x.setAnswering(true)
	defer x.setAnswering(false)
	return h.Failed(op, err)
}

// setAnswering says whether the Failed hook runs, which may write a response of
// its own.
func (x *Exchange[T]) setAnswering(now bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.answering = now
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

func (x *Exchange[T]) asDestroy(err error) error {
	if err == nil {
		return nil
	}
	return &failure{OpDestroy, err}
}

// tell tells of an error that goes to the application itself.
func (x *Exchange[T]) tell(ctx context.Context, err error) error {
	if f, ok := errors.AsType[*failure](err); ok {
		if f.op == "" { // the application's own
			return f.err
		}
		err = f.err
	}
	if err != nil && err != errGone {
		x.m.event(ctx, EventError, x.known(), 0, err)
	}
	return err
}
