package session

import (
	"context"
	"fmt"
	"time"

	"github.com/echosession/echosession/internal/token"
)

// load finds the record of the request's token. Requires x.op. The error is
// the hook's answer to what went wrong.
func (x *Exchange[T]) load(ctx context.Context) error {
	x.mu.Lock()
	idle, over := x.phase == phaseIdle, x.over
	if idle && !over && len(x.req.lines()) == 0 {
		x.phase, idle = phaseLoaded, false
	}
	x.mu.Unlock()
	switch {
	case !idle:
		return x.failure
	case over:
		return errOver
	}
	if err := x.find(ctx); err != nil {
		if ctx.Err() != nil && x.context().Err() == nil {
			return err // it was the caller's own time that ran out: the next one may load
		}
		return x.fail(ctx, OpLoad, err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.phase == phaseIdle {
		x.phase = phaseLoaded
	}
	return nil
}

// ready brings the exchange to where Session can answer: loaded, decoded,
// validated. Requires x.op.
func (x *Exchange[T]) ready(ctx context.Context) (*Session[T], error) {
	if x.phase == phaseReady {
		return x.session, x.failure
	}
	if err := x.load(ctx); err != nil {
		return nil, err
	}
	if x.phase == phaseReady { // the load ended with a session of its own kind
		return x.session, nil
	}
	if x.held == nil {
		s, err := x.fresh(ctx)
		if err != nil {
			err = x.fail(ctx, OpLoad, err)
			return x.session, err
		}
		return s, nil
	}
	s, err := x.stored()
	if err == nil && x.req.HasValid {
		err = x.validate(ctx, s)
	}
	if err != nil {
		err = x.fail(ctx, OpLoad, err)
		return x.session, err
	}
	x.mu.Lock()
	x.phase = phaseReady
	x.mu.Unlock()
	return x.session, x.failure
}

// stored makes the session of the loaded record.
func (x *Exchange[T]) stored() (*Session[T], error) {
	s, r := &x.self, x.rec
	current, err := x.m.open(&r, x.meta, &s.Data)
	if err != nil {
		return nil, err
	}
	owner := x.m.user(&s.Data)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.session, x.rec, x.owner, x.reseal = s, r, owner, !current
	if !x.req.HasValid {
		x.phase = phaseReady
	}
	return s, nil
}

// fresh makes a session that is not in the store.
func (x *Exchange[T]) fresh(ctx context.Context) (*Session[T], error) {
	id, secret, err := x.m.mint(ctx)
	if err != nil {
		return nil, err
	}
	h := &held[T]{id: id, secret: secret, created: stamp(time.Now())}
	h.back, h.self = x, Session[T]{at: &h.back, Data: x.m.cfg.New()}
	if h.baseline, err = x.m.first(&h.self.Data); err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.held, x.session, x.phase = h, &h.self, phaseReady
	return x.session, nil
}

// first returns the encoding of a value that New just made.
func (m *Manager[T]) first(v *T) ([]byte, error) {
	if m.blank != nil {
		return m.blank, nil
	}
	return m.encode(v)
}

// mint makes the token of a new session.
func (m *Manager[T]) mint(ctx context.Context) (id, secret string, err error) {
	if m.cfg.NewID == nil {
		return token.New(), token.New(), nil
	}
	id, err = m.cfg.NewID(ctx)
	if err != nil {
		return "", "", fmt.Errorf("session: Config.NewID: %w", err)
	}
	if !token.ValidID(id) {
		return "", "", fmt.Errorf("session: Config.NewID: an id is 1 to %d of A-Za-z0-9_-, this one has %d bytes", token.MaxIDLen, len(id))
	}
	return id, token.New(), nil
}

// validate asks the Valid hook. A session that it refuses is destroyed at once,
// whatever the handler does, and the request gets a new one.
func (x *Exchange[T]) validate(ctx context.Context, s *Session[T]) error {
	old := x.claim()
	x.mu.Lock()
	x.validating, x.read = true, true
	x.mu.Unlock()
	defer func() {
		x.mu.Lock()
		x.validating = false
		x.mu.Unlock()
	}()
	valid, err := x.req.Hooks.Valid(s)
	if err != nil || valid {
		return err
	}
	switch err := x.retire(ctx, old); {
	case err == errNotFound:
		// Somebody else ended it, and may have given the client another one.
		_, err := x.fresh(ctx)
		return err
	case err == errGone:
		// It has become another's in the meantime: nobody's to refuse.
		x.m.event(ctx, EventGone, old.rec, 0, errGone)
		x.makeInert(errGone, old.rec.ID)
		return nil
	case err != nil:
		// Not a failed load: ask for what failed, and go on by the answer.
		x.fail(ctx, OpDestroy, err)
		return nil
	}
	if _, err := x.fresh(ctx); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.action = ActionClear
	return nil
}
