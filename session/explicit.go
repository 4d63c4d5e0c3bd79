package session

import (
	"cmp"
	"context"
)

// What the application asks for itself, instead of leaving it to the commit.

// saveNow is Session.Save.
func (f *flow) saveNow(ctx context.Context) error {
	return f.explicitly(ctx, func() result {
		if f.draft.pending.destroyed {
			return f.destroy(ctx)
		}
		return f.prepareAndWrite(ctx, nil, false)
	})
}

// explicitly runs an operation that the application asks for, if the session can
// be saved. Before, it finds out what became of an earlier write.
func (f *flow) explicitly(ctx context.Context, do func() result) error {
	if err := f.tryLock(); err != nil {
		return err
	}
	defer f.unlock()
	if err := f.changeable(); err != nil {
		return err
	}
	if err := f.resolve(ctx); err != nil || f.ending != endingNone {
		return f.report(ctx, result{err: err})
	}
	return f.report(ctx, do())
}

// update is Session.Update. It applies a function to what is stored and saves the
// result. If that fails, or apply panics, everything is as before.
func (f *flow) update(ctx context.Context, apply func() error) error {
	var failure error // of apply: the application's own, which is not observed
	err := f.explicitly(ctx, func() (r result) {
		if f.draft.pending.destroyed {
			return result{err: errDestroyed}
		}
		data, err := f.typed.encodeData()
		if err != nil {
			return result{err: err}
		}
		before := f.snapshot()
		defer func() {
			if !r.written {
				f.restore(before)
			}
		}()
		s := save{f: f, data: data}
		s.update = func(data []byte) ([]byte, error) {
			if err := f.typed.decodeData(f.b.own(data)); err != nil {
				return nil, err
			}
			if failure = f.callHook(hookUpdate, apply); failure != nil {
				return nil, failure
			}
			if err := f.callBeforeSave(); err != nil {
				return nil, err
			}
			if f.draft.pending.destroyed {
				return nil, errDestroyed
			}
			return f.typed.encodeData()
		}
		if r = f.writeAndReply(ctx, s); failure != nil {
			r.err = nil
		}
		return r
	})
	return cmp.Or(failure, err)
}

// snapshot is what an Update brings back if it fails.
type snapshot struct {
	row         row
	cred        credential
	draft       draft
	data        any
	regenerated uint8
}

func (f *flow) snapshot() snapshot {
	return snapshot{f.row, f.cred, *f.draft, f.typed.copyData(), f.regenerated}
}

// restore takes back what an Update, or what it called, made of the session and
// its Data. It keeps what is known about writes that may have landed, and what
// the application asked for in the meantime.
func (f *flow) restore(before snapshot) {
	f.typed.setData(before.data)
	switch {
	case f.row.id != before.row.id:
		f.undoNew(before)
	case f.row.isStored() == before.row.isStored():
		f.draft.base, f.row = before.draft.base, before.row
	default: // the record was taken back
		f.draft.base = before.draft.base
	}
}

// reload is Session.Reload.
func (f *flow) reload(ctx context.Context) error {
	return f.explicitly(ctx, func() result {
		if !f.row.isStored() {
			return result{err: f.resetData()}
		}
		var latest row
		found, err := f.fetch(ctx, f.row.id, &latest, nil)
		switch {
		case err != nil:
			return result{err: err}
		case found != present, !f.reclaim(&latest):
			f.setGone(ctx)
			return result{}
		}
		return result{err: f.reopen(&latest)}
	})
}

// resetData makes Data of a session that is not stored as New makes it.
func (f *flow) resetData() error {
	data, err := f.typed.freshData()
	f.draft.base = base{encoded: f.b.own(data)}
	return err
}

// reopen makes Data of latest, the record as it is now.
func (f *flow) reopen(latest *row) error {
	e, err := f.b.open(latest)
	if err != nil {
		return err
	}
	before := f.typed.copyData()
	if err := f.typed.decodeData(e); err != nil {
		f.typed.setData(before)
		return err
	}
	f.rebase(latest, e)
	f.draft.base.user = f.typed.userOfData()
	if f.draft.pending.renewTo == f.cred.secret {
		f.draft.pending.renewTo = "" // a write without an answer carried it out
	}
	return nil
}
