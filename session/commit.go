package session

import (
	"bytes"
	"context"
	"errors"
)

// Commit stores what the request leaves behind and returns what the response
// says. An adapter calls it right before the first byte of the response leaves,
// or after the handler if that wrote nothing; hijacked means that no header will
// be sent. Only the first call commits and has an Outcome. The error is the
// answer of the ErrorHandler to one of the store.
//
// The caller's ctx should not end with the client's connection.
func (f *flow) Commit(ctx context.Context, hijacked bool) (Outcome, error) {
	if out, responds := f.respondInFailed(ctx); responds {
		return out, nil
	}
	if err := f.tryLock(); err != nil {
		return Outcome{}, err
	}
	defer f.unlock()
	out, err := f.commit(ctx, hijacked)
	f.response = max(f.response, responseBegun)
	return out, err
}

// respondInFailed is the Commit of a response that the ErrorHandler writes while
// it runs. Nothing can be committed any more then. Needs no lock.
func (f *flow) respondInFailed(ctx context.Context) (out Outcome, responds bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running != hookFailed {
		return out, false
	}
	f.response = max(f.response, responseBegun)
	return f.outcome(ctx), true
}

// commit makes the commit, unless one was made.
func (f *flow) commit(ctx context.Context, hijacked bool) (Outcome, error) {
	if f.response >= responseCommits {
		return Outcome{}, nil
	}
	f.response = responseCommits
	if hijacked {
		f.response = responseBegun
	}
	if f.stage == stageNew || f.stage == stageLoaded && !f.row.isStored() && !f.b.allowEmpty {
		return f.outcome(ctx), nil // nobody asked for the session
	}
	err := f.carryOut(ctx)
	f.recheckReply(ctx)
	if f.stage == stageLoaded && f.ending != endingNone { // nobody asked for the session, and it has ended
		f.makeEmpty(endingSuperseded, errGone, f.row.id)
	}
	return f.outcome(ctx), err
}

// carryOut plans the commit and makes it.
func (f *flow) carryOut(ctx context.Context) error {
	var data []byte // the encoding of Data, once the plan needed it
	v := f.facts()
	for {
		var err error
		switch next := plan(v); next {
		case stepDecode:
			damage := f.decodeRow()
			if v = f.facts(); damage != nil {
				v.data = dataDamaged // the first one who asks for Data gets the error
			}
		case stepBegin:
			err = f.newSession(ctx)
			v = f.facts()
		case stepCompare:
			data, v.data, err = f.compare()
		default:
			if u := f.unresolved(); u == nil || !u.open || next == stepDrop {
				return f.make(ctx, next, data)
			}
			if err = f.resolve(ctx); err != nil && next == stepNothing {
				f.event(ctx, EventError, f.row, nil, err)
				return nil
			}
			data, v = nil, f.facts()
		}
		if err != nil {
			return f.settle(ctx, result{op: OpSave, err: err})
		}
	}
}

// make makes one step. data is the encoding of Data, if the plan needed it.
func (f *flow) make(ctx context.Context, next step, data []byte) error {
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

// compare encodes Data and compares it with its base. If they are equal, the new
// encoding becomes the base.
func (f *flow) compare() (data []byte, state dataState, err error) {
	if data, err = f.typed.encodeData(); err != nil {
		return nil, dataOpened, err
	}
	differs, err := f.differs(data)
	switch {
	case err != nil:
		return nil, dataOpened, err
	case differs:
		return data, dataChanged, nil
	}
	// The same value, as it is encoded now.
	f.draft.base.data, f.draft.base.schema, f.draft.base.isComparable = data, f.b.schema, f.b.exact
	return data, dataSame, nil
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
	again, _, err := f.typed.reread(base)
	return !bytes.Equal(again, data), err
}

// save makes the save of a commit.
func (f *flow) save(ctx context.Context, data []byte) error {
	r := f.prepareAndWrite(ctx, data, false)
	if errors.Is(r.err, ErrCommitted) {
		f.observeLost(ctx, errHijacked)
		f.failed = true
		return f.settle(ctx, f.endReplaced(ctx))
	}
	if r.written && f.draft.pending.destroyed { // by another goroutine meanwhile, and no cookie has left yet
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
		f.event(ctx, EventError, f.row, nil, r.err)
	case r.written || f.ending != endingNone:
		return nil
	}
	if f.b.isDue(&f.row) { // the session is in use all the same
		f.touch(ctx)
	}
	return nil
}

// observeDropped observes a change that was made with a superseded token, or after
// a Destroy was carried out.
func (f *flow) observeDropped(ctx context.Context) {
	if f.ending != endingSuperseded && f.ending != endingDestroyed || f.draft.base.data == nil {
		return
	}
	data, err := f.typed.encodeData()
	switch {
	case err != nil || bytes.Equal(data, f.draft.base.data):
	case f.ending == endingDestroyed:
		f.observeLost(ctx, errDestroyed)
	default:
		f.event(ctx, EventGone, f.row, nil, errGone)
	}
}
