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
	// next returns the row to write, whose version is the one that it replaces. It
	// is called at every try. With nothing there is nothing to write.
	next func(ctx context.Context) (r row, nothing bool, err error)
	// send asks the store to make next.
	send func(ctx context.Context, next row, t *meter) error
	// isMade reports whether latest, the record as it is now, shows that the store
	// made next.
	isMade func(next, latest row) bool
	// conflict decides after another write came first. latest is the record as it
	// is now; found and err are those of its load.
	conflict func(ctx context.Context, next, latest row, found presence, err error) (verdict, error)
	// unanswered takes a write of which it is not known whether the store made it.
	// looked: a look found that it is not there, so far.
	unanswered func(next row, looked bool)
}

// ignore is for changes whose caller does not write again.
func ignore(row, bool) {}

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
	writeFailed    writeResult = iota // nothing was stored
	writeMade                         // the store has it
	writeGone                         // there is no record of this session any more
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
		err = c.send(ctx, next, t)
		switch {
		case err == nil:
			return next, writeMade, nil
		case errors.Is(err, ErrNotFound):
			return next, writeGone, nil
		case isNotSent(err):
			return next, writeFailed, err
		}
		isConflict := errors.Is(err, ErrConflict) || errors.Is(err, ErrExists)
		if isConflict {
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
		case lookErr == nil && found != absent && c.isMade(next, latest):
			return next, writeMade, nil // only the answer was lost
		case lookErr == nil && found != present && next.isStored():
			return next, writeGone, nil
		}
		// If another write made the next version, this one was not made and never will
		// be. A refusal alone does not show that: the store may refuse the repetition
		// of a write that it has made.
		isConflict = isConflict || lookErr == nil && next.isStored() && latest.version == next.version+1
		if !isConflict || lookErr != nil {
			c.unanswered(next, lookErr == nil)
		}
		if !isConflict {
			return next, writeFailed, err
		}
		switch v, err := c.conflict(ctx, next, latest, found, lookErr); {
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

// hasNonceOf reports whether latest was made by the very write of next.
func hasNonceOf(next, latest row) bool { return latest.nonce == next.nonce }

// pause waits after the try of that number, which met a conflict.
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
