package mongostore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/echosession/echosession/session"
)

const (
	// maxSends bounds how often one write is sent, beyond what the driver does.
	maxSends = 3

	// Of the time that is left each sending gets three quarters, so that there
	// is some to find out what became of one that was not answered.
	sendShare = 4

	lookPause = 10 * time.Millisecond // the first; it doubles
)

// write is one that may be sent again: what it does to a document it can do
// only once.
type write struct {
	op      operation
	record  session.Record
	version int64 // that it leaves
	refusal error // of the contract, where the document is another than it needs
	explain bool  // what a first refusal means takes a look

	// send makes it. refused: the server answered that it does not apply.
	// touched: the document is the one it needs, but for the times of its use.
	send func(ctx context.Context, touched bool) (refused bool, err error)
}

var errUnknown = fmt.Errorf("%w: a reply was lost, and another write came in between: whether this one was made is not known",
	session.ErrUnavailable)

// errTouched is what settle finds where a touch alone kept an Update from
// being made.
var errTouched = errors.New("mongostore: touched in between")

// write makes w and settles what is not known.
//
// A reply that is lost, or a write that a majority does not confirm, leaves
// open whether it was made. It is sent again: if it was not made it is now, if
// it was it is refused now, and a look at the document tells that the meta data
// in it, with the nonce of this very write, are its own. Like every read that
// look sees what a majority has: what one member has can still be lost. Where somebody
// else wrote after it, or perhaps instead, nothing tells which: that stays
// session.ErrUnavailable. A conflict would have the caller make the change once
// more.
//
// Where the first answer is a refusal nothing was lost, and no look at the meta
// data decides: what the driver sends again by itself the server answers as it
// did the first time.
func (s *Store) write(ctx context.Context, w write) error {
	if err := s.ready(ctx, w.op); err != nil {
		return err
	}
	end := time.Now().Add(s.timeout)
	if d, ok := ctx.Deadline(); ok && d.Before(end) {
		end = d
	}
	touched, again := false, false
	for try := 1; ; try++ {
		refused, err := s.sendOnce(ctx, end, w, touched)
		if err == nil && !refused {
			return nil
		}
		if err == nil {
			verdict := s.settle(ctx, end, w, again)
			if verdict != errTouched {
				return verdict
			}
			if touched {
				return w.op.is(w.refusal)
			}
			touched = true
			continue
		}
		again = again || !isUnreached(err)
		if try >= maxSends || ctx.Err() != nil || s.closed.Load() || !time.Now().Before(end) || !isUnavailable(err) || gaveUp(err) {
			return w.op.failed(ctx, err)
		}
		if pause(ctx, lookPause<<try) != nil {
			return w.op.failed(ctx, err)
		}
	}
}

func (s *Store) sendOnce(ctx context.Context, end time.Time, w write, touched bool) (refused bool, err error) {
	left := time.Until(end)
	limited, cancel := context.WithTimeout(ctx, left-left/sendShare)
	defer cancel()
	inSession, sess := s.causal.begin(limited)
	refused, err = w.send(inSession, touched)
	s.causal.end(sess, err)
	return refused, err
}

// gaveUp reports whether the driver stopped to look for a server earlier than
// it was told to: by a setting of its own, which is then the user's wish. Nor is
// a server that is overloaded asked once more.
func gaveUp(err error) bool {
	return isOverloaded(err) || isUnreached(err) && !errors.Is(err, context.DeadlineExceeded)
}

// settle tells what it means that w was refused. A first Create is refused
// because the id is taken, whatever is there.
func (s *Store) settle(ctx context.Context, end time.Time, w write, again bool) error {
	if !again && !w.explain {
		return w.op.is(w.refusal)
	}
	limited, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	stored, err := s.find(limited, w.record.ID)
	switch {
	case err != nil:
		err = w.op.notLoaded(ctx, err)
		if w.op == creating && errors.Is(err, session.ErrNotFound) {
			return w.op.is(errUnknown) // what had the id has ended: this one, or another's
		}
		if w.op == deleting && again && errors.Is(err, session.ErrNotFound) {
			return nil // it was sent before, and what it was to remove is gone
		}
		return err
	case w.op == deleting:
		if expired(stored, time.Now()) {
			return w.op.is(session.ErrNotFound)
		}
		return w.op.is(w.refusal)
	case again && w.made(stored):
		return nil
	case expired(stored, time.Now()) && !errors.Is(w.refusal, session.ErrExists):
		return w.op.is(session.ErrNotFound)
	case w.explain && stored.Version == w.record.Version && stored.SeenAt.After(w.record.SeenAt):
		return errTouched
	case again && stored.Version > w.version:
		return w.op.is(errUnknown)
	}
	return w.op.is(w.refusal)
}

// made reports whether r is what w leaves.
func (w write) made(r session.Record) bool {
	return r.Version == w.version && bytes.Equal(r.Meta, w.record.Meta)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
