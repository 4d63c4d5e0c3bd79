package session

import (
	"context"
	"errors"
)

// validate asks the Valid hook about the session that was just decoded. A
// session that it refuses is deleted at once, whatever the handler does
// afterwards, and the request gets a new one.
func (f *flow) validate(ctx context.Context) error {
	f.read = true
	valid := false
	err := f.callHook(hookValid, func() (err error) {
		valid, err = f.typed.askValid()
		return err
	})
	if err != nil || valid {
		return err
	}
	f.typed.abandonSession()
	old := f.ownRecord()
	end, err := f.retire(ctx, &old)
	switch {
	case err != nil:
		// This is not a failed load. The hook is asked about what failed, and the
		// request goes on by its answer.
		_ = f.failLoad(ctx, OpDestroy, err)
		return nil
	case end == retiredByOther && !old.tried:
		// Another request ended it, and may have sent the client a new token: keep the
		// cookie.
		return f.newSession(ctx)
	case end == retiredNot:
		// It has become the session of somebody else since it was loaded.
		f.event(ctx, EventGone, old.row, nil, errGone)
		f.makeEmpty(endingSuperseded, errGone, old.row.id)
		return nil
	}
	f.action = ActionClear
	return f.newSession(ctx)
}

// failLoad asks the ErrorHandler what follows from an error that kept the
// session from being loaded. If it answers with an error, that is the answer of
// Get from then on. If it answers nil, the session reads as empty, is never
// saved, and the client's cookie stays. If it answers ErrDiscard, the record
// counts as unknown.
func (f *flow) failLoad(ctx context.Context, op Op, err error) error {
	f.failure = &failure{err: err} // the answer of Get while the ErrorHandler runs
	answer := f.answer(ctx, op, err)
	if errors.Is(answer, ErrDiscard) {
		f.row = row{}
		if answer = f.newSession(ctx); answer == nil {
			f.stage, f.failure = stageReady, nil
			return nil
		}
	}
	f.makeEmpty(endingUnloaded, err, "")
	if answer != nil {
		f.failure = &failure{err: answer, refused: true}
	}
	return answer
}

// makeEmpty makes the session one that reads as empty and is never saved. id is
// that of the record, for events.
func (f *flow) makeEmpty(why ending, cause error, id string) {
	d := f.typed.newDraft()
	data, _ := f.typed.freshData() // after an error, every Data counts as changed, and nothing is saved
	f.stage, f.ending, f.failure = stageReady, why, &failure{err: cause}
	f.row, f.cred = row{id: id}, credential{}
	*d = draft{base: base{encoded: f.b.own(data)}}
	f.draft = d
}

// answer observes an error and returns what the ErrorHandler makes of it.
func (f *flow) answer(ctx context.Context, op Op, err error) error {
	f.event(ctx, EventError, f.row, nil, err)
	if f.request == nil {
		return err
	}
	return f.callHook(hookFailed, func() error { return f.request.Failed(op, err) })
}

// result is what a step that may write came to. If it has neither written nor an
// error, there was nothing to do, or the session is gone: its changes are dropped,
// which is no error of this request.
type result struct {
	written bool // the store has what the step was to write, or has deleted it
	op      Op   // what failed, if err is not nil
	err     error
}

// settle turns the result of a step of the commit into the answer.
func (f *flow) settle(ctx context.Context, r result) error {
	if r.err == nil {
		return nil
	}
	f.failed, f.destroyFailed = true, r.op == OpDestroy
	return f.answer(ctx, r.op, r.err)
}

// report observes the error of what the application itself asked for, and
// returns it.
func (f *flow) report(ctx context.Context, r result) error {
	switch {
	case r.err != nil:
		f.event(ctx, EventError, f.row, nil, r.err)
	case f.ending == endingGone:
		return errGone
	}
	return r.err
}
