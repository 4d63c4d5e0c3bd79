package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// leftovers are the records that Regenerate leaves behind until a save ends them.
type leftovers struct {
	replaced []owned // records of the sessions before
	orphans  []row   // new records that no client was given, and that could not be deleted
}

// owned is a former record of this session, with the proof that the request may
// delete it.
type owned struct {
	row   row
	claim claim
	tried bool // a delete of it got no answer
}

// touchesToken reports whether a delete or a write that got no answer may have
// ended a token of the id, which is among the sessions before.
func (l *leftovers) touchesToken(id string) bool {
	return l != nil && slices.ContainsFunc(l.replaced, func(o owned) bool {
		return o.row.id == id && (o.tried || o.claim.writes.touchesToken())
	})
}

// isEmpty reports whether nothing is left behind. Orphans do not count: no client
// has their tokens.
func (l *leftovers) isEmpty() bool { return l == nil || len(l.replaced) == 0 }

// ownRecord returns the present record, to be ended. Needs only mu.
func (f *flow) ownRecord() owned {
	o := owned{row: f.row, claim: f.claim()}
	o.tried = o.claim.writes != nil && o.claim.writes.deleting
	return o
}

// destroy deletes the record, and those that Regenerate left behind. The
// response takes the token away, if the client ever had one.
func (f *flow) destroy(ctx context.Context) result {
	if err := f.resolve(ctx); err != nil {
		return result{op: OpDestroy, err: err}
	}
	if f.ending == endingGone {
		return result{}
	}
	hadToken := f.presented || f.action != ActionNone || !f.draft.leftovers.isEmpty()
	if f.row.isStored() {
		hadToken = true
		old := f.ownRecord()
		switch end, err := f.retire(ctx, &old); {
		case err != nil:
			if old.tried {
				f.draft.noteUnresolved().deleting = true
			}
			return result{op: OpDestroy, err: err}
		case end == retiredNot, end == retiredByOther && !old.tried:
			f.setGone(ctx)
			return result{}
		}
	}
	if r := f.endReplaced(ctx); !r.written {
		return r
	}
	data, _ := f.typed.encodeData() // after an error, every later Data counts as changed
	if f.draft.pending.destroyed {
		f.ending = endingDestroyed
		f.draft.base = base{encoded: f.b.own(data)}
	}
	f.row = row{id: f.row.id, created: f.row.created}
	f.draft.unresolved = nil
	if hadToken {
		f.action = ActionClear
	}
	return result{written: true}
}

// retirement is what became of a record that a request was to end.
type retirement int

const (
	retired        retirement = iota // this request deleted it
	retiredByOther                   // somebody else deleted it, or it expired; if a delete got no answer, perhaps this request did
	retiredNot                       // it has become the session of somebody else, and stays
)

// retire deletes the record of old, if it still is the session of this request.
// It deletes one version, so that it cannot end what another request has made of
// the session meanwhile.
func (f *flow) retire(ctx context.Context, old *owned) (retirement, error) {
	t, version := f.b.meter(), old.row.version
	for try := range maxTries {
		err := f.delete(ctx, old.row.id, version, t)
		switch {
		case err == nil:
			f.event(ctx, EventDestroyed, old.row, t, nil)
			return retired, nil
		case errors.Is(err, ErrNotFound):
			return retiredByOther, nil
		case isNotSent(err):
			return retiredNot, err
		}
		isRefused := errors.Is(err, ErrConflict)
		if isRefused {
			f.outside(func() { err = pause(ctx, try) })
			if err != nil {
				return retiredNot, err
			}
		}
		var latest row
		found, lookErr := f.fetch(ctx, old.row.id, &latest, t)
		switch {
		case lookErr == nil && found == absent:
			old.tried = old.tried || !isRefused
			return retiredByOther, nil
		case isRefused, lookErr == nil && old.row.isStored() && latest.version != version:
			// The record has another version.
		default:
			old.tried = true
			return retiredNot, err
		}
		// A record that was damaged since shows by its id that it is the same session.
		isDamaged := errors.Is(lookErr, ErrCorrupt) && latest.id == old.row.id
		if lookErr != nil && !isDamaged {
			return retiredNot, lookErr
		}
		if _, state := f.recognise(&old.claim, &latest); !isDamaged && !state.opens() {
			return retiredNot, nil
		}
		version = latest.version // of a damaged record it holds for this delete only: it may be 0
		if !isDamaged {
			old.row, old.row.data = latest, nil // also its end, which tells a log-out from an expiry
		}
	}
	return retiredNot, fmt.Errorf("session: delete: %w", ErrConflict)
}

func (f *flow) delete(ctx context.Context, id string, version int64, t *meter) (err error) {
	f.outside(func() { err = f.b.delete(ctx, id, version, t) })
	return err
}

// endReplaced ends the records that Regenerate left behind. If another request ended
// one of them, that was a log-out, which must hold for the new session, too.
func (f *flow) endReplaced(ctx context.Context) result {
	l := f.draft.leftovers
	if l == nil {
		return result{written: true}
	}
	for len(l.replaced) > 0 {
		old := &l.replaced[0]
		end, err := f.retire(ctx, old)
		switch {
		case err != nil:
			return result{op: OpDestroy, err: err}
		case end == retiredNot, end == retiredByOther && f.isLoggedOut(old):
			f.setGone(ctx)
			return result{}
		}
		if f.action == ActionSet && f.reply.id == old.row.id {
			f.action = ActionNone // an earlier save wanted this token to be sent
		}
		l.replaced = l.replaced[1:]
	}
	f.endOrphans(ctx)
	return result{written: true}
}

// isLoggedOut reports whether a record that is gone was ended by somebody, so
// that the session which replaces it must not begin. A record that reached its
// end was not. If a delete by this request got no answer, that delete counts as
// the one which removed the record: it is far more likely than a log-out at the
// same moment. Nor does a log-in depend on the anonymous session before it.
func (f *flow) isLoggedOut(old *owned) bool {
	isLogIn := old.row.user == "" && old.claim.user == "" && f.draft.base.user != ""
	return old.row.isStored() && !old.tried && !isLogIn && nowMillis() < f.b.end(&old.row)
}

// endOrphans tries once more to delete new records that no client was given.
func (f *flow) endOrphans(ctx context.Context) {
	if f.draft == nil || f.draft.leftovers == nil {
		return
	}
	l := f.draft.leftovers
	l.orphans = slices.DeleteFunc(l.orphans, func(r row) bool { return f.deleteOrphan(ctx, &r) })
}

// deleteOrphan deletes a record of any version, and reports whether it is gone.
func (f *flow) deleteOrphan(ctx context.Context, r *row) bool {
	t := f.b.meter()
	err := f.delete(ctx, r.id, 0, t)
	switch {
	case err == nil:
		f.event(ctx, EventDestroyed, *r, t, nil)
	case !errors.Is(err, ErrNotFound):
		f.event(ctx, EventError, *r, t, err)
		return false
	}
	return true
}

// cleanUpTimeout bounds a clean-up, which may begin after the deadline of the
// commit that it belongs to.
const cleanUpTimeout = 5 * time.Second

// takeBack deletes the new record beside the old one, which could not be deleted,
// and makes the session one that is not stored. asked is what the application had
// asked for before the record was stored.
func (f *flow) takeBack(ctx context.Context, asked pending) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	if !f.deleteOrphan(ctx, &f.row) {
		f.draft.leftovers.orphans = append(f.draft.leftovers.orphans, f.row)
	}
	f.row = row{id: f.row.id, created: f.row.created}
	f.draft.base = base{} // every Data counts as changed
	f.draft.pending = asked.and(f.draft.pending)
	f.draft.noteUnresolved().spent = true
}

// and adds what was asked for later.
func (p pending) and(later pending) pending {
	if later.renewTo != "" {
		p.renewTo = later.renewTo
	}
	if later.hasAge {
		p.age, p.hasAge = later.age, true
	}
	p.destroyed = p.destroyed || later.destroyed
	p.policy = later.policy
	return p
}

// regenerate makes the session a new one with the id ("": the save makes one),
// whose encoded Data is data. Needs no lock.
func (f *flow) regenerate(id string, data []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ending != endingNone && f.ending != endingDestroyed {
		return false
	}
	d := f.draft
	isOpen := d.unresolved != nil && d.unresolved.open
	if isOpen && f.reply != nil {
		f.reply.made = 0 // nobody resolves that write any more: look before its token is sent
	}
	if f.row.isStored() || isOpen {
		if d.leftovers == nil {
			d.leftovers = new(leftovers)
		}
		d.leftovers.replaced = append(d.leftovers.replaced, f.ownRecord())
	}
	f.ending = endingNone
	f.setNew(id, data)
	f.regenerated++
	if d.pending.policy == SaveNever {
		d.pending.policy = SaveAuto
	}
	return true
}

// undoNew brings back the session before, after an Update failed that had changed
// the id: its function called Regenerate, or the id before must not be created
// again. A new record that may exist is an orphan.
func (f *flow) undoNew(before snapshot) {
	d, asked, orphan := f.draft, f.draft.pending, f.row
	mayExist := orphan.isStored() || d.unresolved != nil && d.unresolved.open
	l := cmp.Or(d.leftovers, new(leftovers))
	*d = before.draft
	d.leftovers, f.row, f.cred = l, before.row, before.cred
	if f.regenerated == before.regenerated {
		d.pending = asked
		d.noteUnresolved().spent = true
	} else {
		d.pending.policy = asked.policy
		d.pending.destroyed = d.pending.destroyed || asked.destroyed // a log-out is never forgotten
	}
	if mayExist {
		l.orphans = append(l.orphans, orphan)
	}
	l.replaced = slices.DeleteFunc(l.replaced, func(o owned) bool {
		isBack := o.row.id == before.row.id
		if isBack && o.tried {
			d.noteUnresolved().deleting = true
		}
		return isBack
	})
}
