package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// change is one change of a record, which is made again after a conflict: a save
// of a request, its touch, or an Update of the Manager. It is a struct of
// functions, and rows are passed by value, so that nothing of it is allocated.
type change struct {
	isTouch bool // it stores only the times of the row
	// next returns the row to write, whose version is the one that it replaces. It
	// is called at every try. With nothing there is nothing to write.
	next func(ctx context.Context) (r row, nothing bool, err error)
	// conflict decides after another write came first. latest is the record as it
	// is now; err is that of its load.
	conflict func(ctx context.Context, next, latest row, err error) (verdict, error)
	// unanswered, if there is one, takes a write of which it is not known whether
	// the store made it. looked: a look found the record as it was before, so the
	// write can only come later.
	unanswered func(next row, looked bool)
}

// isMade reports whether latest, the record as it is now, shows that the store
// made next. A touch has no nonce of its own; another touch serves as well.
func (c *change) isMade(next, latest *row) bool {
	if c.isTouch {
		return latest.version == next.version && latest.seen >= next.seen
	}
	return latest.nonce == next.nonce
}

// verdict is what follows from a conflict.
type verdict uint8

const (
	tryAgain  verdict = iota
	giveUp            // the record was ended, or has become the session of somebody else
	notNeeded         // another write made this one superfluous
)

// writeResult is what became of a change.
type writeResult uint8

const (
	writeFailed    writeResult = iota // not known to be stored
	writeMade                         // the store has it
	writeGone                         // the record is gone, or is not this session any more
	writeNotNeeded                    // another write made it superfluous
)

// A change is tried maxTries times in all, after pauses that grow and are random,
// so that writers in several processes get apart.
const (
	maxTries   = 32
	firstPause = time.Millisecond
	maxPause   = 128 * time.Millisecond
)

// commit makes a change, again and again until no other write comes first. It is
// the one loop that writes records. It returns the row that was stored.
func (b *backend) commit(ctx context.Context, c change, t *meter) (row, writeResult, error) {
	if c.unanswered == nil {
		c.unanswered = func(row, bool) {}
	}
	var release func()
	defer func() {
		if release != nil {
			release()
		}
	}()
	for try := range maxTries {
		next, nothing, err := c.next(ctx)
		if err != nil || nothing {
			return row{}, writeFailed, err
		}
		if c.isTouch {
			err = b.touch(ctx, &next, t)
		} else {
			err = b.write(ctx, &next, t)
		}
		switch {
		case err == nil:
			return next, writeMade, nil
		case errors.Is(err, ErrNotFound):
			return next, writeGone, nil
		case isNotSent(err):
			return next, writeFailed, err
		}
		isRefused := errors.Is(err, ErrConflict) || errors.Is(err, ErrExists)
		if isRefused {
			// Before the look at the record, which must be fresh.
			if release == nil {
				release = b.turns.Take(ctx, next.id)
			}
			if err := pause(ctx, try); err != nil {
				c.unanswered(next, false)
				return next, writeFailed, err
			}
		}
		var latest row
		found, lookErr := b.load(ctx, next.id, &latest, t)
		switch {
		case lookErr != nil:
			// Without a look a refusal shows nothing: the store may refuse the repetition
			// of a write that it has made.
			c.unanswered(next, false)
		case found != absent && c.isMade(&next, &latest):
			return next, writeMade, nil // only the answer was lost
		case found != present && next.isStored():
			return next, writeGone, nil
		case isRefused:
		case next.isStored() && (latest.version == next.version+1 || c.isTouch && latest.version > next.version):
			// Another write made that version, so this one was not made and never will be.
			// A touch can be made once more in any case.
			isRefused = true
		default:
			c.unanswered(next, !next.isStored() || latest.version == next.version)
		}
		if !isRefused {
			return next, writeFailed, err
		}
		switch v, err := c.conflict(ctx, next, latest, lookErr); {
		case err != nil:
			return next, writeFailed, err
		case v == giveUp:
			return next, writeGone, nil
		case v == notNeeded:
			return next, writeNotNeeded, nil
		}
	}
	return row{}, writeFailed, fmt.Errorf("session: save: %w", ErrConflict)
}

// pause waits for a random time before the next try. The limit of the time grows
// with try. It returns an error if ctx ends.
func pause(ctx context.Context, try int) error {
	timer := time.NewTimer(rand.N(min(firstPause<<min(try, 16), maxPause)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("session: after a conflict: %w", ctx.Err())
	}
}
