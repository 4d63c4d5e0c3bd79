package session

import (
	"bytes"
	"context"
	"errors"
)

// step is what a commit does with the session.
type step int

const (
	stepNothing step = iota
	stepDrop         // nothing; changes are observed as dropped
	stepDecode       // decode the record first, and plan again
	stepBegin        // make a new session first, and plan again
	stepCompare      // find out first whether Data changed, and plan again
	stepDestroy      // delete the record, and what Regenerate left behind
	stepSave
	stepRefresh // save what only the library wants saved
	stepTouch
)

// facts are what the plan of a commit depends on.
type facts struct {
	closed      bool // the session is never saved: it is gone, destroyed, or was not loaded
	policy      SavePolicy
	destroyed   bool // Destroy was called
	stored      bool // there is a record
	opened      bool // Data exists
	writable    bool // the record is not of a newer SchemaVersion
	changed     tri  // Data differs from its base
	asked       bool // Renew or SetMaxAge was called
	left        bool // Regenerate left a record behind
	renewal     bool // RenewAfter asks for a new token, or its confirmation
	outdated    bool // User or the seal of the record is not as it would be now, or may not be
	due         bool // Rolling extends the session now
	allowEmpty  bool
	decodeFails bool // Data of the record cannot be decoded
}

// tri is a fact that costs something to find out.
type tri uint8

const (
	unknown tri = iota
	no
	yes
)

// plan decides what a commit does. It is the flowchart of docs/design.md.
func plan(f facts) step {
	switch {
	case f.closed:
		return stepDrop
	case f.policy == SaveNever:
		return stepNothing
	case f.destroyed:
		return stepDestroy
	case !f.opened && !f.stored && f.allowEmpty:
		return stepBegin
	case !f.opened && !f.stored:
		return stepNothing
	case !f.opened:
		return planUnopened(f)
	case f.policy == SaveAlways, f.stored && f.asked, !f.stored && f.allowEmpty:
		return stepSave
	case f.changed == unknown:
		return stepCompare
	case f.changed == yes:
		return stepSave
	case f.left:
		return stepDestroy
	case f.renewal && f.writable:
		return stepRefresh
	case f.due && f.writable && f.outdated:
		return stepRefresh
	case f.due:
		return stepTouch
	}
	return stepNothing
}

// planUnopened decides about a record that was loaded, but whose Data nobody
// asked for.
func planUnopened(f facts) step {
	refresh := f.writable && (f.renewal || f.due && f.outdated)
	switch {
	case refresh && !f.decodeFails:
		return stepDecode
	case f.due:
		return stepTouch
	}
	return stepNothing
}

// facts gathers what is known without decoding or encoding. Requires f.op.
func (f *flow) facts() facts {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, m := f.b, &f.row.meta
	v := facts{
		closed:     f.closing != endingNone,
		stored:     f.row.isStored(),
		allowEmpty: b.allowEmpty,
		writable:   b.writable(m) == nil,
	}
	if v.stored {
		v.renewal = f.isRenewalDue(m) || f.cred.presented && !f.cred.old && m.isUnconfirmed()
		v.due = b.isDue(&f.row)
	}
	d := f.draft
	if d == nil {
		v.outdated = b.hasUser || b.sealer != nil // that is not known before Data is decoded
		return v
	}
	v.opened = true
	v.policy, v.destroyed = d.pending.policy, d.pending.destroyed
	v.asked = d.pending.renewTo != "" || d.pending.hasAge
	v.left = !d.left.isEmpty()
	v.outdated = d.base.user != f.row.user || d.base.needsSeal
	return v
}

// Commit stores what the request leaves behind and returns what the response
// says. An adapter calls it right before the first byte of the response leaves,
// or after the handler if that wrote nothing; hijacked means that no header will
// be sent. Only the first call commits and has an Outcome. The error is the
// answer of the ErrorHandler to one of the store.
//
// The caller's ctx should not end with the client's connection.
func (f *flow) Commit(ctx context.Context, hijacked bool) (out Outcome, err error) {
	if f.respondsInFailed() {
		return f.outcome(ctx), nil
	}
	err = f.exclusive(func() error {
		out, err = f.commit(ctx, hijacked)
		f.setResponse(responseBegun)
		return err
	})
	return out, err
}

// respondsInFailed reports whether the ErrorHandler runs, which may write a
// response of its own. Then that is the response, and nothing can be committed
// any more.
func (f *flow) respondsInFailed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running != hookFailed {
		return false
	}
	f.response = max(f.response, responseBegun)
	return true
}

func (f *flow) setResponse(r response) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.response = max(f.response, r)
}

// commit makes the commit, unless one was made. Requires f.op.
func (f *flow) commit(ctx context.Context, hijacked bool) (Outcome, error) {
	if f.response >= responseCommits {
		return Outcome{}, nil
	}
	f.setResponse(responseCommits)
	if hijacked {
		f.setResponse(responseBegun)
	}
	if f.stage == stageNew || f.stage == stageLoaded && !f.row.isStored() && !f.b.allowEmpty {
		return Outcome{Read: f.read}, nil // nobody asked for the session
	}
	err := f.carryOut(ctx)
	f.recheckReply(ctx)
	return f.outcome(ctx), err
}

// carryOut plans the commit and makes it. Requires f.op.
func (f *flow) carryOut(ctx context.Context) error {
	var data []byte
	v := f.facts()
	for {
		next := plan(v)
		var err error
		switch next {
		case stepDecode:
			err = f.decodeRow()
			decodeFails := err != nil
			v = f.facts()
			v.decodeFails, err = decodeFails, nil // the error is for the first one who asks for Data
		case stepBegin:
			err = f.begin(ctx)
			v = f.facts()
		case stepCompare:
			data, v.changed, err = f.compare()
		default:
			if u := f.unresolved(); u == nil || !u.open || next == stepDrop {
				return f.make(ctx, next, data)
			}
			if err = f.resolveFor(ctx, next); err == nil {
				data, v = nil, f.facts()
			}
		}
		if err != nil {
			return f.settle(ctx, result{op: OpSave, err: err})
		}
	}
}

// resolveFor finds out what became of an earlier write before a step is made.
// For a step that asks the store nothing, a failure is only observed.
func (f *flow) resolveFor(ctx context.Context, next step) error {
	end, err := f.resolve(ctx)
	if end == gone {
		f.setGone(ctx)
	}
	if err != nil && next == stepNothing {
		f.b.event(ctx, EventError, f.eventRecord(), nil, err)
		f.draft.unresolved.open = false
		return nil
	}
	return err
}

// make makes one step. data is the encoding of Data, if the plan needed it.
func (f *flow) make(ctx context.Context, next step, data []byte) error {
	if data == nil && (next == stepSave || next == stepRefresh) {
		var err error
		if data, err = f.typed.encodeData(); err != nil {
			return f.settle(ctx, result{op: OpSave, err: err})
		}
	}
	switch next {
	case stepDrop:
		f.observeDropped(ctx)
	case stepDestroy:
		return f.settle(ctx, f.destroy(ctx))
	case stepTouch:
		f.touch(ctx)
	case stepRefresh:
		return f.refresh(ctx, data)
	case stepSave:
		return f.save(ctx, data)
	}
	return nil
}

// compare encodes Data and finds out whether it differs from its base.
func (f *flow) compare() (data []byte, changed tri, err error) {
	if data, err = f.typed.encodeData(); err != nil {
		return nil, unknown, err
	}
	differs, err := f.differs(data)
	switch {
	case err != nil:
		return nil, unknown, err
	case differs:
		return data, yes, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	// The same value, as it is encoded now.
	f.draft.base.data, f.draft.base.schema, f.draft.base.isComparable = data, f.b.schema, f.b.exact
	return data, no, nil
}

// differs reports whether data is another value than the base. Other bytes are
// another value if the same exact type wrote the base; if not, they may be
// the same value in another encoding.
func (f *flow) differs(data []byte) (bool, error) {
	base := f.draft.base.encoded
	if bytes.Equal(base.data, data) {
		return false, nil
	}
	if base.isComparable || base.data == nil {
		return true, nil
	}
	again, err := f.typed.recode(base)
	return !bytes.Equal(again, data), err
}

// save makes the save of a commit. Requires f.op.
func (f *flow) save(ctx context.Context, data []byte) error {
	r := f.prepareAndWrite(ctx, data, false)
	if errors.Is(r.err, ErrCommitted) {
		f.observeLost(ctx, errHijacked)
		f.mu.Lock()
		f.failed = failedSave
		f.mu.Unlock()
		return f.settle(ctx, f.endLeft(ctx))
	}
	if r.err == nil && r.fate == alive && f.isDestroyed() { // by another goroutine meanwhile, and no cookie has left yet
		r = f.destroy(ctx)
	}
	return f.settle(ctx, r)
}

// refresh saves what only the library wants saved. The request does not depend
// on it, so a failure is only observed.
func (f *flow) refresh(ctx context.Context, data []byte) error {
	r := f.prepareAndWrite(ctx, data, true)
	switch {
	case r.err != nil && r.op == OpDestroy: // BeforeSave destroyed the session
		return f.settle(ctx, r)
	case r.err != nil:
		f.b.event(ctx, EventError, f.eventRecord(), nil, r.err)
	case r.written || r.fate == gone:
		return nil
	}
	if f.closing == endingNone && f.b.isDue(&f.row) { // the session is in use all the same
		f.touch(ctx)
	}
	return nil
}

// observeDropped observes a change that was made with a superseded token.
func (f *flow) observeDropped(ctx context.Context) {
	if f.closing != endingSuperseded || f.draft.base.data == nil {
		return
	}
	if data, err := f.typed.encodeData(); err == nil && !bytes.Equal(data, f.draft.base.data) {
		f.b.event(ctx, EventGone, f.eventRecord(), nil, errGone)
	}
}
