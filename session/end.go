package session

import (
	"context"
	"errors"
)

// End ends the exchange when the handler is done. It commits if nothing did, and
// only then there is an Outcome. If there was a commit, it carries out a Destroy
// that came later, and looks for changes that came too late. Afterwards the
// hooks are not called any more.
func (f *flow) End(ctx context.Context) (out Outcome, err error) {
	f.lock()
	defer f.unlock()
	defer f.close()
	switch {
	case f.response == responseOver:
		return Outcome{}, nil
	case f.response < responseCommits:
		out, err = f.commit(ctx, false)
	case f.stage == stageReady:
		err = f.late(ctx)
	}
	f.endOrphans(ctx)
	return out, err
}

// Abandon ends the exchange of a handler that panicked: nothing is committed.
// The Outcome is that of a Save that the handler made before.
func (f *flow) Abandon(ctx context.Context) Outcome {
	f.lock()
	defer f.unlock()
	defer f.close()
	f.recheckReply(ctx)
	return f.outcome(ctx)
}

// Hijacked notes that the handler has the connection, after a commit with or
// without a header. It may be given a new token again, which it can send itself.
func (f *flow) Hijacked() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hijacked = true
}

// close ends the exchange.
func (f *flow) close() {
	f.response, f.lines = responseOver, nil
	f.request = nil // the adapter may serve another request with it by now
}

// late does what can still be done after the response has begun.
func (f *flow) late(ctx context.Context) error {
	d, p := f.draft, f.draft.pending
	switch {
	case f.ending != endingNone:
		if p.destroyed && f.b.inspects() {
			f.observeDropped(ctx)
		}
		return nil
	case p.policy == SaveNever:
		return nil
	case p.destroyed && !f.destroyFailed:
		return f.settle(ctx, f.destroy(ctx))
	case f.failed: // the failed commit has reported what is pending
		return nil
	case !d.leftovers.isEmpty(), f.row.isStored() && (p.renewTo != "" || p.hasAge):
		f.observeLost(ctx, errLate)
		return f.settle(ctx, f.endReplaced(ctx))
	case !f.b.inspects():
		return nil
	}
	data, err := f.typed.encodeData()
	if err != nil {
		return nil // nothing that could be stored was lost
	}
	changed, _ := f.differs(data)
	if changed {
		f.observeLost(ctx, errLate)
	}
	return nil
}

// observeLost observes changes that will not be stored.
func (f *flow) observeLost(ctx context.Context, why error) {
	f.event(ctx, EventLost, f.row, nil, why)
}

var (
	errHijacked = errors.New("session: a change that needs a cookie was made before the connection was hijacked: call Save before Hijack and send the Token, or commit with a header first")
	errLate     = errors.New("session: a change was made after the response had begun: make it before, or call Save or Update")
)
