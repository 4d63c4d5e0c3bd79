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
	// maxSends bounds how often the store sends one write. What the driver
	// repeats by itself does not count.
	maxSends = 3

	// sendShare: a sending leaves one part in sendShare of the remaining time for
	// finding out what became of it.
	sendShare = 4

	firstPause = 20 * time.Millisecond // before the second sending; it doubles
)

// A write can be sent again, because it applies at most once: Create needs the
// id to be free, Update and Delete need a version. A Touch is sent once.
type write struct {
	op     operation
	record session.Record // what it stores; of a Delete the ID and Version alone
	size   int            // of the document or the change; 0: it is small
	send   sending
}

// sending sends a write once. It reports whether the server applied it.
type sending func(ctx context.Context) (applied bool, err error)

// progress is what the answers to earlier sendings of a write leave open.
type progress struct {
	lost        bool // an answer was lost, so that sending may have applied
	unconfirmed bool // a server applied one, but no majority confirmed it
}

func (p progress) mayHaveApplied() bool { return p.lost || p.unconfirmed }

// note adds what the error of a sending says.
func (p *progress) note(err error) {
	n, unconfirmed := unconfirmedCount(err)
	switch {
	case unconfirmed && n > 0:
		p.unconfirmed = true
	case !unconfirmed && !isUnreached(err):
		p.lost = true
	}
}

// perform makes a write. If an answer is lost, or no majority confirms the write,
// it finds out whether the write was made.
//
// For that, the store sends the write again. If it was not made before, it is made
// now. If it was, the server refuses it now, and a look at the document shows whose
// it is: Meta has a nonce of this very write. The look sees what a majority has,
// because what one member has can still be lost.
//
// If the first answer is a refusal, nothing is open, even if the driver sent the
// write twice: the server answers the driver's repetition as it did the first time.
func (s *Store) perform(ctx context.Context, w write) error {
	if w.size > maxDocument {
		return w.op.errorf("%w: the document has %d bytes, MongoDB takes %d", session.ErrTooLarge, w.size, maxDocument)
	}
	if err := s.ready(ctx, w.op); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var p progress
	for sends := 1; ; sends++ {
		again := false
		applied, err := s.sendOnce(limited, w)
		switch {
		case err == nil && applied:
			return nil
		case err == nil && w.op == creating && !p.mayHaveApplied():
			return w.op.wrap(session.ErrExists) // no matter what has the id
		case err == nil:
			stored, lookErr := s.find(limited, w.op, w.record.ID)
			again, err = w.verdict(p, stored, lookErr, time.Now())
		default:
			p.note(err)
			again = w.op != touching && isUnavailable(err) && !driverGaveUp(err)
			err = w.op.translate(ctx, err)
		}
		if !again || sends == maxSends || s.closed.Load() {
			return err
		}
		select {
		case <-time.After(firstPause << (sends - 1)):
		case <-limited.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return w.op.wrap(context.Canceled)
			}
			return err
		}
	}
}

func (s *Store) sendOnce(ctx context.Context, w write) (applied bool, err error) {
	deadline, _ := ctx.Deadline()
	limited, cancel := context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/sendShare))
	defer cancel()
	inSession, end := s.causal.begin(limited)
	applied, err = w.send(inSession)
	end(err)
	return applied, err
}

// driverGaveUp reports whether the driver stopped before the deadline for a reason
// that also holds for the store: a setting of the client gives it less time to
// find a server, or it has asked an overloaded server as often as that allows.
func driverGaveUp(err error) bool {
	return isOverloaded(err) || isUnreached(err) && !errors.Is(err, context.DeadlineExceeded)
}

var errOverwritten = fmt.Errorf("%w: an answer was lost, and another write came after it: "+
	"whether this one was made is unknown", session.ErrUnavailable)

// verdict says what it means that the server did not apply w: nil if an earlier
// sending was applied, otherwise the error of w. If again is true, w should be
// sent once more, and the error counts only if that is not possible. A look at the
// document found stored, or failed with lookErr.
func (w write) verdict(p progress, stored session.Record, lookErr error, now time.Time) (again bool, err error) {
	if w.op == deleting {
		return w.deleteVerdict(p, stored, lookErr)
	}
	// A Create comes here only if an earlier sending may have applied.
	next, refusal := w.record.Version+1, session.ErrConflict
	if w.op == creating {
		next, refusal = 1, session.ErrExists
	}
	switch {
	case w.op == creating && errors.Is(lookErr, session.ErrNotFound):
		refusal = errOverwritten // what had the id has ended: this session or another
	case lookErr != nil:
		return false, lookErr
	case p.mayHaveApplied() && stored.Version == next && bytes.Equal(stored.Meta, w.record.Meta):
		return false, nil // Meta has a nonce of w
	case w.op != creating && expired(stored, now):
		refusal = session.ErrNotFound
	case p.mayHaveApplied() && stored.Version > next:
		refusal = errOverwritten
	}
	return false, w.op.wrap(refusal)
}

// deleteVerdict needs no more of the document than its version.
func (w write) deleteVerdict(p progress, stored session.Record, lookErr error) (again bool, err error) {
	absent := errors.Is(lookErr, session.ErrNotFound)
	switch {
	case absent && p.unconfirmed:
		return false, nil
	case absent && p.lost:
		return false, w.op.errorf("%w: an answer was lost, and the session is gone: "+
			"whether this delete removed it is unknown", session.ErrUnavailable)
	case lookErr != nil && !errors.Is(lookErr, session.ErrCorrupt):
		return false, lookErr
	case w.record.Version == 0 || w.record.Version == stored.Version:
		return true, w.op.errorf("%w: the session is still there", session.ErrUnavailable)
	}
	return false, w.op.wrap(session.ErrConflict)
}
