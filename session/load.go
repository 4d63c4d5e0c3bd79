package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// maxCandidates bounds how many cookies of the name one request can make the
// store be asked for.
const maxCandidates = 4

// load finds the record of the request's token. Requires x.op. The error is
// the hook's answer to what went wrong.
func (x *Exchange[T]) load(ctx context.Context) error {
	x.mu.Lock()
	idle, over := x.phase == phaseIdle, x.over
	if idle && !over && len(x.req.Lines) == 0 {
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

// find tries the well-formed candidates in the order sent. The first that is
// live is the session; a second one is only told of. A superseded token among
// them, where none is live, makes the session inert.
func (x *Exchange[T]) find(ctx context.Context) error {
	c := candidates{engine: &x.m.engine}
	if x.req.Plain {
		for _, token := range x.req.Lines {
			if !c.add(token) {
				break
			}
		}
	} else {
		eachValue(x.req.Lines, x.m.cookie.Name, c.add)
	}
	x.mu.Lock()
	x.presented = c.n > 0 || c.malformed
	x.mu.Unlock()
	if c.malformed {
		x.m.event(ctx, EventRejected, Record{}, 0, errMalformed)
	}
	live, superseded := false, "" // its id
	var corrupt error
	for _, t := range c.tokens[:c.n] {
		if live {
			if r, m, err := x.m.load(ctx, t.id); err == nil && m.judge(digestOf(r.Name, t.secret)).opens() {
				x.m.event(ctx, EventDuplicate, r, 0, nil)
				break
			}
			continue
		}
		s, err := x.try(ctx, t.id, t.secret)
		if errors.Is(err, ErrCorrupt) {
			corrupt = err // another one may be live
			continue
		}
		if err != nil {
			return err
		}
		live = s.opens()
		if s == standingSuperseded {
			superseded = t.id
		}
	}
	switch {
	case live:
		return nil
	case superseded != "":
		x.makeInert(errGone, superseded)
		return nil
	}
	return corrupt
}

// candidates collects the tokens of a request that may be one, each once.
type candidates struct {
	engine    *engine
	tokens    [maxCandidates]struct{ id, secret string }
	n         int
	malformed bool // there were others
}

// add takes one, and reports whether there is room for more.
func (c *candidates) add(token string) bool {
	id, secret, ok := c.engine.parse(token)
	if !ok {
		c.malformed = true
		return true
	}
	for _, t := range c.tokens[:c.n] {
		if t.id == id && t.secret == secret {
			return true
		}
	}
	c.tokens[c.n].id, c.tokens[c.n].secret = id, secret
	c.n++
	return c.n < len(c.tokens)
}

var (
	errMalformed   = errors.New("session: malformed token")
	errWrongSecret = errors.New("session: wrong secret")
	errSuperseded  = errors.New("session: superseded token")
)

// try tells what the token is, and takes the record that it opens.
func (x *Exchange[T]) try(ctx context.Context, id, secret string) (standing, error) {
	h := new(held[T])
	err := x.m.loadInto(ctx, id, &h.rec, &h.meta)
	switch {
	case err == errExpired:
		x.m.event(ctx, EventExpired, h.rec, 0, nil)
		return standingUnknown, nil
	case errors.Is(err, ErrNotFound):
		x.m.event(ctx, EventRejected, Record{ID: id}, 0, err)
		return standingUnknown, nil
	case err != nil:
		return standingUnknown, err
	}
	h.digest = digestOf(h.rec.Name, secret)
	s := h.meta.judge(h.digest)
	if !s.opens() {
		why := errWrongSecret
		if s == standingSuperseded {
			why = errSuperseded
		}
		x.m.event(ctx, EventRejected, Record{ID: id}, 0, why)
		return s, nil
	}
	h.self.x, h.id, h.secret = x, id, secret
	h.former, h.created = s == standingFormer, h.rec.CreatedAt
	x.mu.Lock()
	defer x.mu.Unlock()
	x.held = h
	return s, nil
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
	if err == nil && x.req.Validates {
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
	if !x.req.Validates {
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
	h.self = Session[T]{x: x, Data: x.m.cfg.New()}
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
		return mint(), mint(), nil
	}
	id, err = m.cfg.NewID(ctx)
	if err != nil {
		return "", "", fmt.Errorf("session: Config.NewID: %w", err)
	}
	if !validID(id) {
		return "", "", fmt.Errorf("session: Config.NewID: an id is 1 to %d of A-Za-z0-9_-, this one has %d bytes", maxIDLen, len(id))
	}
	return id, mint(), nil
}

// validate asks the Valid hook. A session that it refuses is destroyed at once,
// whatever the handler does, and the request gets a new one.
func (x *Exchange[T]) validate(ctx context.Context, s *Session[T]) error {
	old, digest := x.rec, x.digest
	x.mu.Lock()
	x.validating = true
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
	switch err := x.retire(ctx, replaced{old, digest}); {
	case err == errGone, err == errNotFound:
		// It has become another's, or none, in the meantime: nobody's to refuse.
		x.m.event(ctx, EventGone, old, 0, errGone)
		x.makeInert(errGone, old.ID)
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
	h := &held[T]{self: Session[T]{x: x, Data: x.m.cfg.New()}, rec: Record{ID: id}}
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

// hooks returns nil once the request is over: what they belong to may serve
// another request by then.
func (x *Exchange[T]) hooks() Hooks[T] {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over {
		return nil
	}
	return x.req.Hooks
}
