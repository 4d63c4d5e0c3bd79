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
// id to be free, Update and Delete need a version.
type write struct {
	op     operation
	record session.Record // what it stores; of a Delete the ID and Version alone

	// send reports whether the server applied the write.
	send func(ctx context.Context) (applied bool, err error)
}

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
	if err := s.ready(ctx, w.op); err != nil {
		return err
	}
	end := time.Now().Add(s.timeout)
	if d, ok := ctx.Deadline(); ok && d.Before(end) {
		end = d
	}
	var p progress
	for sends := 1; ; sends++ {
		applied, err := s.sendOnce(ctx, end, w)
		switch {
		case err == nil && applied:
			return nil
		case err == nil:
			var again bool
			if again, err = s.settle(ctx, end, w, p); !again {
				return err
			}
		default:
			p.note(err)
			again := isUnavailable(err) && !driverGaveUp(err)
			if err = w.op.translate(ctx, err); !again {
				return err
			}
		}
		if sends == maxSends || s.closed.Load() || !time.Now().Before(end) {
			return err
		}
		switch ended := pause(ctx, firstPause<<(sends-1)); {
		case errors.Is(ended, context.Canceled):
			return w.op.wrap(context.Canceled)
		case ended != nil:
			return err
		}
	}
}

func (s *Store) sendOnce(ctx context.Context, end time.Time, w write) (applied bool, err error) {
	left := time.Until(end)
	limited, cancel := context.WithTimeout(ctx, left-left/sendShare)
	defer cancel()
	inSession, sess := s.causal.begin(limited)
	applied, err = w.send(inSession)
	s.causal.end(sess, err)
	return applied, err
}

// driverGaveUp reports whether the driver stopped before the deadline for a reason
// that also holds for the store: a setting of the client gives it less time to
// find a server, or it has asked an overloaded server as often as that allows.
func driverGaveUp(err error) bool {
	return isOverloaded(err) || isUnreached(err) && !errors.Is(err, context.DeadlineExceeded)
}

// settle looks at the document that w did not apply to. See [write.verdict] for
// what it returns.
func (s *Store) settle(ctx context.Context, end time.Time, w write, p progress) (again bool, err error) {
	if w.op == creating && !p.mayHaveApplied() {
		return false, w.op.wrap(session.ErrExists) // no matter what has the id
	}
	limited, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	stored, err := s.find(limited, w.op, w.record.ID)
	return w.verdict(p, stored, err, time.Now())
}

var (
	errOverwritten = fmt.Errorf("%w: an answer was lost, and another write came after it: whether this one was made is unknown", session.ErrUnavailable)
	errRemoved     = fmt.Errorf("%w: an answer was lost, and the session is gone: whether this delete removed it is unknown", session.ErrUnavailable)
	errStillThere  = fmt.Errorf("%w: the session is still there", session.ErrUnavailable)
)

// verdict says what it means that the server did not apply w: nil if an earlier
// sending was applied, otherwise the error of w. If again is true, w should be
// sent once more, and the error counts only if that is not possible. A look at the
// document found stored, or failed with lookErr.
func (w write) verdict(p progress, stored session.Record, lookErr error, now time.Time) (again bool, err error) {
	switch w.op {
	case creating:
		return false, w.createVerdict(p, stored, lookErr)
	case updating:
		return false, w.updateVerdict(p, stored, lookErr, now)
	}
	return w.deleteVerdict(p, stored, lookErr)
}

// createVerdict is asked only if an earlier sending may have applied.
func (w write) createVerdict(p progress, stored session.Record, lookErr error) error {
	switch {
	case errors.Is(lookErr, session.ErrNotFound):
		return w.op.wrap(errOverwritten) // what had the id has ended: this session or another
	case lookErr != nil:
		return lookErr
	case w.made(p, stored, 1):
		return nil
	case stored.Version > 1:
		return w.op.wrap(errOverwritten)
	}
	return w.op.wrap(session.ErrExists)
}

func (w write) updateVerdict(p progress, stored session.Record, lookErr error, now time.Time) error {
	next := w.record.Version + 1
	switch {
	case lookErr != nil:
		return lookErr
	case w.made(p, stored, next):
		return nil
	case expired(stored, now):
		return w.op.wrap(session.ErrNotFound)
	case p.mayHaveApplied() && stored.Version > next:
		return w.op.wrap(errOverwritten)
	}
	return w.op.wrap(session.ErrConflict)
}

// deleteVerdict needs no more of the document than its version.
func (w write) deleteVerdict(p progress, stored session.Record, lookErr error) (again bool, err error) {
	absent := errors.Is(lookErr, session.ErrNotFound)
	switch {
	case absent && p.unconfirmed:
		return false, nil
	case absent && p.lost:
		return false, w.op.wrap(errRemoved)
	case lookErr != nil && !errors.Is(lookErr, session.ErrCorrupt):
		return false, lookErr
	case w.record.Version == 0 || w.record.Version == stored.Version:
		return true, w.op.wrap(errStillThere)
	}
	return false, w.op.wrap(session.ErrConflict)
}

// made reports whether an earlier sending of w left stored, as this version.
func (w write) made(p progress, stored session.Record, version int64) bool {
	return p.mayHaveApplied() && stored.Version == version && bytes.Equal(stored.Meta, w.record.Meta)
}

// pause waits for d, or fails earlier with the error of ctx.
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
