package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/echosession/echosession/internal/merge"
)

// catchUp finds out why the write of r was refused, and returns the data to go
// on with. landed: it was not refused at all, only its acknowledgement was lost.
func (x *Exchange[T]) catchUp(ctx context.Context, r Record, m meta, data []byte) (merged []byte, landed bool, err error) {
	latest, now, err := x.m.load(ctx, r.ID)
	if err == nil && now.nonce == m.nonce {
		return nil, true, nil
	}
	// What an earlier write of this request stored, without a word of it, counts
	// for nothing: that write was told to have failed. What it was based on does.
	earlier := -1
	if err == nil {
		earlier = slices.IndexFunc(x.attempts, func(a attempt) bool { return a.nonce == now.nonce })
	}
	switch {
	case r.Version == 0 && earlier < 0:
		// The id is taken, by whomever, or by a record that expired.
		if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrCorrupt) {
			return nil, false, err
		}
		id, secret, err := x.m.mint(ctx)
		if err != nil {
			return nil, false, err
		}
		x.setToken(id, secret)
		return data, false, nil
	case errors.Is(err, ErrNotFound):
		return nil, false, x.gone(ctx)
	case err != nil:
		return nil, false, err
	case earlier >= 0:
		if a := x.attempts[earlier]; a.version != x.rec.Version {
			base := Record{ID: x.id, Format: x.m.format, Data: a.data}
			if data, _, err = x.merge(&base, meta{schema: x.m.schema}, data); err != nil {
				return nil, false, err
			}
		}
		now.authenticated = x.meta.authenticated // a log-in that may have been taken back since
		x.setRecord(latest, now)
		return data, false, nil
	case !x.admits(latest, now):
		return nil, false, x.gone(ctx)
	}
	merged, conflicts, err := x.merge(&latest, now, data)
	if err != nil {
		return nil, false, err
	}
	if len(conflicts) > 0 {
		x.m.event(ctx, EventConflict, latest, 0, &mergeConflict{conflicts})
	}
	x.setRecord(latest, now)
	return merged, false, nil
}

// merge reconciles data with what is stored by now, and makes Data the result.
// Requires x.op.
func (x *Exchange[T]) merge(latest *Record, by meta, data []byte) (merged []byte, conflicts []string, err error) {
	var from, mine, theirs T
	if x.rec.Version == 0 {
		err = x.m.decodeOwn(latest.ID, x.baseline, &from)
	} else {
		base := x.rec
		err = x.m.decode(&base, x.meta, &from)
	}
	if err := errors.Join(err, x.m.decodeOwn(latest.ID, data, &mine), x.m.decode(latest, by, &theirs)); err != nil {
		return nil, nil, err
	}
	var v T
	if x.m.cfg.Merge == nil {
		v, conflicts = merge.Fields(&from, &mine, &theirs, typeRulesOf(x.m.cfg.Codec).Atomic)
	} else if v, err = x.m.cfg.Merge(&from, &mine, &theirs); err != nil {
		return nil, nil, fmt.Errorf("session: Config.Merge: %w", err)
	}
	if merged, err = x.m.encode(&v); err != nil {
		return nil, nil, err
	}
	x.session.Data = v
	return merged, conflicts, nil
}

// own notes whose session it is by the Data that is in the store.
func (x *Exchange[T]) own(user string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.owner = user
}

// mergeConflict names the fields that both sides changed, but not their values.
type mergeConflict struct{ paths []string }

func (e *mergeConflict) Error() string {
	return "session: changed by two requests at once, the later one won: " + strings.Join(e.paths, ", ")
}
