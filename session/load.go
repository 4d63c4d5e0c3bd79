package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/echosession/echosession/internal/token"
)

// load finds the record of the request's token, once. The error is the answer of
// the ErrorHandler.
func (f *flow) load(ctx context.Context) error {
	if f.stage != stageNew {
		return f.refusal()
	}
	if f.response == responseOver {
		return errOver
	}
	if len(f.lines) > 0 {
		if err := f.openPresented(ctx); err != nil {
			if ctx.Err() != nil && !f.requestIsCanceled() {
				return err // only the caller's own time ran out: the next caller may load
			}
			return f.failLoad(ctx, OpLoad, err)
		}
	}
	f.stage = max(f.stage, stageLoaded)
	return nil
}

func (f *flow) requestIsCanceled() (is bool) {
	f.outside(func() { is = f.requestContext().Err() != nil })
	return is
}

// refusal is the error of Get, if the session could not be loaded.
func (f *flow) refusal() error {
	if f.failure != nil && f.failure.refused {
		return f.failure.err
	}
	return nil
}

// loadAndValidate loads the session. If there is a Valid hook, it also decodes the
// session and calls the hook.
func (f *flow) loadAndValidate(ctx context.Context) error {
	err := f.load(ctx)
	if err == nil && f.options.hasValid && f.row.isStored() {
		err = f.ready(ctx)
	}
	return err
}

// ready brings the exchange to where Get has its answer: loaded, decoded and
// validated. The error is the answer.
func (f *flow) ready(ctx context.Context) error {
	if err := f.load(ctx); err != nil || f.stage == stageReady {
		return err
	}
	var err error
	if !f.row.isStored() {
		err = f.newSession(ctx)
	} else if err = f.decodeRow(); err == nil && f.options.hasValid {
		err = f.validate(ctx)
	}
	if err != nil {
		return f.failLoad(ctx, OpLoad, err)
	}
	f.stage = stageReady
	return f.refusal()
}

// maxTokens bounds for how many tokens of one request the store is asked.
const maxTokens = 4

// openPresented tries the well-formed tokens of the request in the order sent.
// The first one that is live is the session; a further token of it is used if that
// has the current secret, and one of another live session is observed. If none is
// live, but one of them was superseded, the session is gone. A damaged record is
// the error only if no token is live or superseded.
func (f *flow) openPresented(ctx context.Context) error {
	p := f.presentedTokens()
	f.presented = p.n > 0 || p.fault != nil
	if p.fault != nil {
		f.event(ctx, EventRejected, row{}, nil, fmt.Errorf("session: %w", p.fault))
	}
	live, superseded := false, ""
	var damage error
	for _, t := range p.tokens[:p.n] {
		if live {
			if t.id == f.row.id {
				f.preferCurrent(t.secret)
			} else if f.b.observe != nil && f.isDuplicate(ctx, t.id, t.secret) {
				break
			}
			continue
		}
		state, err := f.openToken(ctx, t.id, t.secret)
		switch {
		case errors.Is(err, ErrCorrupt):
			damage = err // another token may be live
		case err != nil:
			return err
		case state.opens():
			live = true
		case state == credentialSuperseded:
			superseded = t.id
		}
	}
	switch {
	case live:
	case superseded != "":
		f.makeEmpty(endingSuperseded, errGone, superseded)
	default:
		return damage
	}
	return nil
}

// presentedTokens collects the tokens of the request that may open a session,
// each once.
func (f *flow) presentedTokens() (p presentedTokens) {
	add := func(text string) (more bool) { return p.add(f.b.tokens, text) }
	if !f.options.inHeader {
		token.EachCookie(f.lines, f.b.cookie.Name, add)
		return p
	}
	for _, text := range f.lines {
		if !add(text) {
			break
		}
	}
	return p
}

type presentedTokens struct {
	tokens [maxTokens]struct{ id, secret string }
	n      int
	fault  error // why the last malformed token was refused
}

// add takes a token, and reports whether there is room for more.
func (p *presentedTokens) add(format *token.Format, text string) (more bool) {
	id, secret, fault := format.Parse(text)
	if fault != nil {
		p.fault = fault
		return true
	}
	for _, t := range p.tokens[:p.n] {
		if t.id == id && t.secret == secret {
			return true
		}
	}
	p.tokens[p.n].id, p.tokens[p.n].secret = id, secret
	p.n++
	return p.n < len(p.tokens)
}

var (
	errWrongSecret = errors.New("session: wrong secret")
	errSuperseded  = errors.New("session: superseded token")
)

// openToken takes the record of id if the secret opens it, and returns what the
// secret is to it.
func (f *flow) openToken(ctx context.Context, id, secret string) (credentialState, error) {
	t := f.b.meter()
	found, err := f.fetch(ctx, id, &f.row, t)
	state := credentialUnknown
	if err == nil && found == present {
		state = f.row.check(token.DigestOf(f.b.cookie.Name, secret))
	}
	if state.opens() {
		f.cred = credential{secret: secret, presented: true, old: state == credentialOld}
		return state, nil
	}
	r := f.row
	f.row = row{}
	switch {
	case err != nil:
	case found == absent:
		f.event(ctx, EventRejected, row{id: id}, t, errNotFound)
	case found == expired:
		f.event(ctx, EventExpired, r, t, nil)
	case state == credentialSuperseded:
		f.event(ctx, EventRejected, row{id: id}, t, errSuperseded)
	default:
		f.event(ctx, EventRejected, row{id: id}, t, errWrongSecret)
	}
	return state, err
}

// preferCurrent takes the other of two secrets of one session if that is the
// current one.
func (f *flow) preferCurrent(secret string) {
	if f.cred.old && f.row.check(token.DigestOf(f.b.cookie.Name, secret)) == credentialCurrent {
		f.cred = credential{secret: secret, presented: true}
	}
}

// isDuplicate reports whether a further token of the request is live, and
// observes it.
func (f *flow) isDuplicate(ctx context.Context, id, secret string) bool {
	var r row
	t := f.b.meter()
	found, err := f.fetch(ctx, id, &r, t)
	if err != nil || found != present || !r.check(token.DigestOf(f.b.cookie.Name, secret)).opens() {
		return false
	}
	f.event(ctx, EventDuplicate, r, t, nil)
	return true
}

// decodeRow makes Data of the record that was loaded.
func (f *flow) decodeRow() error {
	e, err := f.b.open(&f.row)
	if err != nil {
		return err
	}
	d := f.typed.newDraft()
	if err := f.typed.decodeData(e); err != nil {
		return err
	}
	d.base = base{encoded: e, version: f.row.version, user: f.typed.userOfData(), authenticated: f.row.authenticated}
	f.draft = d
	f.row.data = nil // the base has it
	return nil
}

// newSession makes a session that is not in the store.
func (f *flow) newSession(ctx context.Context) error {
	id, err := f.makeID(ctx)
	if err != nil {
		return err
	}
	d := f.typed.newDraft()
	data, err := f.typed.freshData()
	if err != nil {
		return err
	}
	f.draft = d
	f.setNew(id, data)
	return nil
}

func (f *flow) makeID(ctx context.Context) (id string, err error) {
	f.outside(func() { id, err = f.b.makeID(ctx) })
	return id, err
}

// setNew makes the session a new one with the id, whose encoded Data is data.
// What the application asked of the one before does not hold for it, except a
// SavePolicy. Needs only mu.
func (f *flow) setNew(id string, data []byte) {
	f.row = row{id: id, created: nowMillis()}
	f.cred = credential{secret: token.New()}
	d := f.draft
	*d = draft{base: base{encoded: f.b.own(data)}, pending: pending{policy: d.pending.policy}, leftovers: d.leftovers}
}
