package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/echosession/echosession/internal/token"
)

// prepareAndWrite is a save: BeforeSave, the store, and then what the response
// says. data is the encoding of Data, or nil. isRefresh: only the library wants
// the save.
func (f *flow) prepareAndWrite(ctx context.Context, data []byte, isRefresh bool) result {
	if f.options.hasBeforeSave {
		if err := f.callBeforeSave(); err != nil {
			return result{op: OpSave, err: err}
		}
		if f.draft.pending.destroyed {
			return f.destroy(ctx)
		}
	}
	if data == nil || f.options.hasBeforeSave {
		var err error
		if data, err = f.typed.encodeData(); err != nil {
			return result{op: OpSave, err: err}
		}
		if isRefresh { // unless the hook made more of it
			changed, err := f.differs(data)
			isRefresh = err == nil && !changed && !f.facts().asked
		}
	}
	return f.writeAndReply(ctx, save{f: f, data: data, isRefresh: isRefresh})
}

// callBeforeSave calls the BeforeSave hook, if there is one.
func (f *flow) callBeforeSave() error {
	if !f.options.hasBeforeSave {
		return nil
	}
	if f.request == nil {
		return errOver
	}
	return f.callHook(hookBeforeSave, f.typed.askBeforeSave)
}

// writeAndReply writes, ends what Regenerate left behind, and then sets what the
// response says: never a cookie without its record, nor a new session beside the
// one that it replaces, nor a secret that the record does not accept any more.
func (f *flow) writeAndReply(ctx context.Context, s save) result {
	t := f.b.meter()
	next, outcome, err := f.change(ctx, change{next: s.next, conflict: s.conflict, unanswered: s.unanswered}, t)
	switch {
	case err != nil:
		return result{op: OpSave, err: err}
	case outcome == writeGone:
		f.setGone(ctx)
		return result{}
	case outcome == writeNotNeeded:
		return result{}
	}
	f.adopt(&s, next)
	f.event(ctx, s.event(next), f.row, t, nil)
	if r := f.endReplaced(ctx); !r.written {
		f.takeBack(ctx, s.asked)
		return r
	}
	f.setReply(&f.row)
	if f.draft.pending.policy == SaveAlways {
		f.draft.pending.policy = SaveAuto
	}
	return result{written: true}
}

// save is the change that brings the Data of a request into the store.
type save struct {
	f         *flow
	data      []byte // the encoding of Data, with what others stored merged in
	isRefresh bool
	update    func(data []byte) ([]byte, error) // makes what is written of data, at every try; nil: data itself

	// Of the last try:
	asked  pending // what it carries out of what the application asked for
	user   string
	kind   renewal
	secret string // the new secret, if the kind makes one, or ""

	taken int // how many ids of a new session were taken
}

// change makes a change outside of mu. Its functions take mu again.
func (f *flow) change(ctx context.Context, c change, t *meter) (r row, w writeResult, err error) {
	f.outside(func() { r, w, err = f.b.commit(ctx, c, t) })
	return r, w, err
}

// event returns what happened to the session when the store made next.
func (s *save) event(next row) EventKind {
	switch {
	case !next.isStored():
		return EventCreated
	case s.kind > renewalConfirm:
		return EventRenewed
	}
	return EventSaved
}

// maxIDs is how many ids are tried for a new session.
const maxIDs = 4

// next builds the record. Its version is the one to replace.
func (s *save) next(ctx context.Context) (r row, nothing bool, err error) {
	f, b := s.f, s.f.b
	f.mu.Lock()
	defer f.mu.Unlock()
	value := s.data
	if s.update != nil {
		var err error
		if value, err = s.update(value); err != nil {
			return r, false, err
		}
	}
	if err := errors.Join(b.bounded(value), b.writable(&f.row.meta)); err != nil {
		return r, false, err
	}
	if f.needsID() {
		if err := f.changeID(ctx); err != nil {
			return r, false, err
		}
	}
	s.user = f.typed.userOfData()
	if f.needsCookie(s.user) && f.cannotSendCookie() {
		return r, false, fmt.Errorf("session: save: %w", ErrCommitted)
	}
	s.asked = f.draft.pending
	return s.build(value, nowMillis()), false, nil
}

// build makes the row of the encoded Data.
func (s *save) build(value []byte, now int64) row {
	f, b := s.f, s.f.b
	r := f.row
	r.nonce, r.shape, r.schema = newNonce(), b.shape, b.schema
	s.secret = ""
	if !r.isStored() {
		s.kind = renewalNone
		r.digest, r.issued = token.DigestOf(b.cookie.Name, f.cred.secret), now
	} else if s.kind = f.renewal(s.user); s.kind > renewalConfirm {
		s.secret = f.nextSecret(s.kind)
		r.renew(s.kind, token.DigestOf(b.cookie.Name, s.secret), now, b.grace)
	} else {
		r.renew(s.kind, r.digest, now, b.grace)
	}
	r.authenticated = f.draft.base.authenticated
	if s.user != "" && s.user != f.draft.base.user {
		r.authenticated = now
	}
	if b.hasUser { // otherwise only other processes know it
		r.user = s.user
	}
	if s.asked.hasAge {
		r.age = time.Duration(s.asked.age) * time.Millisecond
	}
	// A slow clock never moves the end backwards, and what only the library wants
	// saved is no use of the session.
	if r.seen < now && (!s.isRefresh || b.rolling) {
		r.seen = now
	}
	r.expires = b.endAfter(&r, r.seen)
	r.data, r.form = value, formPlain
	return r
}

func (s *save) unanswered(next row, looked bool) {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	s.f.missed(&next, s.kind, s.secret, looked)
}

// conflict finds out why the write was refused, and merges what another request
// stored. If a stored record is gone, backend.commit has found that out.
func (s *save) conflict(ctx context.Context, next, latest row, err error) (verdict, error) {
	f := s.f
	f.mu.Lock()
	defer f.mu.Unlock()
	isOwn := err == nil && f.draft.unresolved.attempt(latest.nonce) != nil
	switch {
	case !next.isStored() && !isOwn && (err == nil || errors.Is(err, ErrCorrupt)):
		return tryAgain, s.takeAnotherID(ctx)
	case err != nil:
		return giveUp, err
	case !f.reclaim(&latest):
		return giveUp, nil
	case isOwn:
		s.data, err = f.takeOwn(&latest, s.data)
		return tryAgain, err
	case s.isRefresh && !f.needsRefresh(&latest):
		return notNeeded, nil
	}
	return tryAgain, s.merge(ctx, &latest)
}

// takeAnotherID follows after another record, perhaps an expired one, has the id
// of a new session.
func (s *save) takeAnotherID(ctx context.Context) error {
	if s.taken++; s.taken == maxIDs {
		return fmt.Errorf("session: save: %w", ErrExists)
	}
	return s.f.changeID(ctx)
}

// needsRefresh reports whether a refresh is still needed after another request
// saved the session as latest. Without this, of many requests that come at once
// with a token that is due each would write. If not, it takes the times of
// latest.
func (f *flow) needsRefresh(latest *row) bool {
	if f.cred.presented && !f.cred.old && latest.isUnconfirmed() || f.isRenewalDue(&latest.meta) {
		return true
	}
	f.row.seen, f.row.expires = latest.seen, latest.expires
	return false
}

// merge reconciles Data with what is stored by now.
func (s *save) merge(ctx context.Context, latest *row) error {
	f := s.f
	theirs, err := f.b.open(latest)
	if err != nil {
		return err
	}
	merged, conflicts, err := f.typed.mergeData(f.draft.base.encoded, f.b.own(s.data), theirs)
	if err != nil {
		return err
	}
	if len(conflicts) > 0 {
		f.event(ctx, EventConflict, *latest, nil, &mergeConflict{conflicts})
	}
	s.data = merged
	f.rebase(latest, theirs)
	return nil
}

// rebase makes latest, whose Data is e, the base of the present Data and the
// version to replace. Its user is that of the base before.
func (f *flow) rebase(latest *row, e encoded) {
	f.draft.base = base{encoded: e, version: latest.version, user: f.draft.base.user, authenticated: latest.authenticated}
	f.row = *latest
	f.row.data = nil
	f.draft.forget(latest.version)
}

// mergeConflict names the fields that both sides changed, but not their values.
type mergeConflict struct{ paths []string }

func (e *mergeConflict) Error() string {
	return "session: changed by two requests at once, the later one won: " + strings.Join(e.paths, ", ")
}

// adopt takes over the row that was stored. What the application asked for since
// the write was built stays pending.
func (f *flow) adopt(s *save, stored row) {
	user := f.typed.userOfData()
	stored.version++
	d := f.draft
	if s.kind > renewalConfirm {
		f.cred = credential{secret: s.secret}
	}
	d.base = base{encoded: f.b.own(stored.data), version: stored.version, user: user, authenticated: stored.authenticated}
	d.unresolved = nil
	if d.pending.renewTo == s.asked.renewTo {
		d.pending.renewTo = ""
	}
	if d.pending.hasAge && d.pending.age == s.asked.age {
		d.pending.hasAge, d.pending.age = false, 0
	}
	f.row = stored
	f.row.data = nil // the base has it
}

// needsCookie reports whether a save changes what the client must present.
func (f *flow) needsCookie(user string) bool {
	return !f.row.isStored() || f.draft.pending.renewTo != "" || user != f.draft.base.user
}

// cannotSendCookie reports whether the response has begun, so that the client
// cannot be given a token.
func (f *flow) cannotSendCookie() bool { return f.response >= responseBegun && !f.hijacked }
