package session

import (
	"context"
	"errors"

	"github.com/echosession/echosession/internal/token"
)

// maxCandidates bounds how many cookies of the name one request can make the
// store be asked for.
const maxCandidates = 4

// find tries the well-formed candidates in the order sent. The first that is
// live is the session; a second one is only told of. A superseded token among
// them, where none is live, makes the session inert.
func (x *Exchange[T]) find(ctx context.Context) error {
	c := candidates{engine: &x.m.engine}
	if x.req.Tokens != nil {
		for _, token := range x.req.Tokens {
			if !c.add(token) {
				break
			}
		}
	} else {
		token.EachCookie(x.req.Cookies, x.m.cookie.Name, c.add)
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
		if live && t.id == x.id {
			x.latest(t.secret)
			continue
		}
		if live {
			if r, m, err := x.m.load(ctx, t.id); err == nil && m.judge(token.DigestOf(r.Name, t.secret)).opens() {
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

// latest takes the other of two secrets of one session, if that is the newer.
func (x *Exchange[T]) latest(secret string) {
	d := token.DigestOf(x.rec.Name, secret)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.former && x.meta.judge(d) == standingCurrent {
		x.secret, x.digest, x.shown, x.former = secret, d, d, false
	}
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
	id, secret, fault := c.engine.tokens.Parse(token)
	if fault != nil {
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
	h.digest = token.DigestOf(h.rec.Name, secret)
	s := h.meta.judge(h.digest)
	if !s.opens() {
		why := errWrongSecret
		if s == standingSuperseded {
			why = errSuperseded
		}
		x.m.event(ctx, EventRejected, Record{ID: id}, 0, why)
		return s, nil
	}
	h.back, h.self.at = x, &h.back
	h.id, h.secret, h.shown = id, secret, h.digest
	h.former, h.created = s == standingFormer, h.rec.CreatedAt
	x.mu.Lock()
	defer x.mu.Unlock()
	x.held = h
	return s, nil
}
