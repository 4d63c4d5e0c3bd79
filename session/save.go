package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// A conflict is tried again at most maxTries times in all, after pauses that
// grow and are random, so that many writers of one session get apart.
const (
	maxTries   = 32
	maxIDs     = 4 // how many ids are tried for a new session
	firstPause = time.Millisecond
	maxPause   = 128 * time.Millisecond
)

// pause waits before a further try; before the first it does not.
func pause(ctx context.Context, try int) error {
	if try == 0 {
		return nil
	}
	limit := min(firstPause<<min(try-1, 16), maxPause)
	timer := time.NewTimer(rand.N(limit))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("session: save: %w", ctx.Err())
	}
}

// save is BeforeSave, the store, and what the response is to say. data is the
// encoded Data. Requires x.op.
func (x *Exchange[T]) save(ctx context.Context, data []byte) error {
	if x.req.Prepares {
		if err := x.beforeSave(); err != nil {
			return err
		}
		if x.isDestroyed() {
			return x.asDestroy(x.destroy(ctx))
		}
		var err error
		if data, err = x.m.encode(&x.session.Data); err != nil {
			return err
		}
	}
	return x.store(ctx, data, nil)
}

// beforeSave asks the BeforeSave hook, if there is one.
func (x *Exchange[T]) beforeSave() error {
	if !x.req.Prepares {
		return nil
	}
	h := x.hooks()
	if h == nil {
		return errOver
	}
	return inHook(func() error { return h.BeforeSave(x.session) })
}

// store writes, and then says what the response is to say: never a cookie
// without its record, nor a new session beside the one that it replaces.
// Requires x.op.
func (x *Exchange[T]) store(ctx context.Context, data []byte, apply func([]byte) ([]byte, error)) error {
	if err := x.write(ctx, data, apply); err != nil {
		return err
	}
	if err := x.destroyReplaced(ctx); err != nil {
		x.m.delete(ctx, x.rec.ID)
		x.setRecord(Record{}, meta{})
		return x.asDestroy(err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.action, x.token = ActionSet, x.currentToken()
	if x.policy == SaveAlways {
		x.policy = SaveAuto
	}
	return nil
}

func (x *Exchange[T]) asDestroy(err error) error {
	if err == nil {
		return nil
	}
	return &failure{OpDestroy, err}
}

// write brings data into the store, merged with what others stored in between.
// apply, if any, makes what is written of data, anew at each try. Requires x.op.
func (x *Exchange[T]) write(ctx context.Context, data []byte, apply func([]byte) ([]byte, error)) error {
	w := x.m.start()
	taken := 0
	for try := range maxTries {
		if err := pause(ctx, try); err != nil {
			return err
		}
		value := data
		if apply != nil {
			var err error
			if value, err = apply(data); err != nil {
				return err
			}
		}
		if err := x.m.bound(value); err != nil {
			return err
		}
		r, m, err := x.next(ctx, value)
		if err != nil {
			return err
		}
		if r.Version == 0 {
			err = x.m.create(ctx, r)
		} else {
			err = x.m.update(ctx, r)
		}
		switch {
		case errors.Is(err, ErrExists), errors.Is(err, ErrConflict):
			if r.Version == 0 {
				taken++
			}
			var landed bool
			if data, landed, err = x.catchUp(ctx, r, m, data); err != nil {
				return err
			}
			if taken == maxIDs && !landed {
				return fmt.Errorf("session: save: %w", ErrExists)
			}
			if !landed {
				continue
			}
		case errors.Is(err, ErrNotFound):
			return x.gone(ctx)
		case err != nil:
			x.mu.Lock()
			x.attempt = m.nonce // it may have landed all the same
			x.mu.Unlock()
			return err
		}
		x.adopt(ctx, r, m, w)
		return nil
	}
	return fmt.Errorf("session: save: %w", ErrConflict)
}

// next is the record that a write with data is to leave in the store, but for
// its Version, which is the one to be replaced.
func (x *Exchange[T]) next(ctx context.Context, data []byte) (Record, meta, error) {
	if x.id == "" { // Regenerate could not make one
		id, secret, err := x.m.mint(ctx)
		if err != nil {
			return Record{}, meta{}, err
		}
		x.setToken(id, secret)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	now := stamp(time.Now())
	r, m := x.rec, x.meta
	m.nonce, m.shape = newNonce(), x.m.shape
	switch {
	case r.Version == 0:
		r = Record{ID: x.id, Name: x.m.cookie.Name, CreatedAt: x.created}
		m.digest, m.issued = digestOf(r.Name, x.secret), now.UnixMilli()
	case x.renewed != "":
		m.digest, m.issued = digestOf(r.Name, x.renewed), now.UnixMilli()
	}
	if x.age != nil {
		m.age = *x.age
	}
	if r.SeenAt.Before(now) { // a slow clock never moves the end backwards
		r.SeenAt = now
	}
	r.ExpiresAt = r.SeenAt.Add(x.m.age(m))
	r.Format, r.Meta, r.Data = x.m.format, m.encode(), data
	return r, m, nil
}

// adopt takes over what was stored.
func (x *Exchange[T]) adopt(ctx context.Context, r Record, m meta, w stopwatch) {
	kind := EventSaved
	if r.Version == 0 {
		kind = EventCreated
	}
	r.Version++
	x.mu.Lock()
	if x.renewed != "" {
		kind, x.secret = EventRenewed, x.renewed
	}
	x.rec, x.meta, x.final = r, m, r.Data
	x.renewed, x.age, x.attempt = "", nil, 0
	x.mu.Unlock()
	x.m.event(ctx, kind, r, w.elapsed(), nil)
}

// catchUp finds out why the write of r was refused, and returns the data to go
// on with. landed: it was not refused at all, only its acknowledgement was lost.
func (x *Exchange[T]) catchUp(ctx context.Context, r Record, m meta, data []byte) (merged []byte, landed bool, err error) {
	latest, now, err := x.m.load(ctx, r.ID)
	if err == nil && now.nonce == m.nonce {
		return nil, true, nil
	}
	// What an earlier write of this request stored, without a word of it, is no
	// stranger's, though its token may be the next one already.
	earlier := err == nil && x.attempt != 0 && now.nonce == x.attempt
	switch {
	case r.Version == 0 && !earlier:
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
	case !earlier && !x.admits(latest, now):
		return nil, false, x.gone(ctx)
	}
	merged, conflicts, err := x.merge(latest, data)
	if err != nil {
		return nil, false, err
	}
	if len(conflicts) > 0 && !earlier {
		x.m.event(ctx, EventConflict, latest, 0, &mergeConflict{conflicts})
	}
	x.setRecord(latest, now)
	return merged, false, nil
}

// admits reports whether the record still is the session of this request: it
// accepts the request's token, or the next one, which a write whose
// acknowledgement was lost may have given it, and has the same user.
func (x *Exchange[T]) admits(r Record, m meta) bool {
	if r.User != x.rec.User {
		return false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return m.accepts(x.meta.digest) || x.attempt != 0 && x.renewed != "" && m.accepts(digestOf(r.Name, x.renewed))
}

// merge reconciles data with what is stored by now, and makes Data the result.
// Requires x.op.
func (x *Exchange[T]) merge(latest Record, data []byte) (merged []byte, conflicts []string, err error) {
	base := x.rec
	if base.Version == 0 {
		base = Record{ID: latest.ID, Format: x.m.format, Data: x.baseline}
	}
	var from, mine, theirs T
	if err := errors.Join(
		x.m.decode(base, &from),
		x.m.decode(Record{ID: latest.ID, Format: x.m.format, Data: data}, &mine),
		x.m.decode(latest, &theirs),
	); err != nil {
		return nil, nil, err
	}
	if x.m.cfg.Merge == nil {
		x.session.Data, conflicts = mergeFields(&from, &mine, &theirs)
	} else if x.session.Data, err = x.m.cfg.Merge(&from, &mine, &theirs); err != nil {
		return nil, nil, fmt.Errorf("session: Config.Merge: %w", err)
	}
	merged, err = x.m.encode(&x.session.Data)
	return merged, conflicts, err
}

// currentToken is Session.Token. Requires x.mu.
func (x *Exchange[T]) currentToken() string {
	switch {
	case x.id == "":
		return ""
	case x.renewed != "":
		return x.id + "." + x.renewed
	}
	return x.id + "." + x.secret
}

func (x *Exchange[T]) setToken(id, secret string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.id, x.secret = id, secret
}

func (x *Exchange[T]) setRecord(r Record, m meta) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.rec, x.meta = r, m
}

// wanted is the age that the next save stores. Requires x.mu.
func (x *Exchange[T]) wanted() meta {
	m := x.meta
	if x.age != nil {
		m.age = *x.age
	}
	return m
}

// gone makes the session one that is never saved again, and tells of it.
func (x *Exchange[T]) gone(ctx context.Context) error {
	x.mu.Lock()
	x.inert = errGone
	x.mu.Unlock()
	x.m.event(ctx, EventGone, x.rec, 0, errGone)
	return errGone
}

var errGone = fmt.Errorf("session: %w", ErrGone)
