package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
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

// pause waits after a try that met a conflict; the first is number 0.
func pause(ctx context.Context, try int) error {
	limit := min(firstPause<<min(try, 16), maxPause)
	timer := time.NewTimer(rand.N(limit))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("session: after a conflict: %w", ctx.Err())
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
	return h.BeforeSave(x.session)
}

// store writes, and then says what the response is to say: never a cookie
// without its record, nor a new session beside the one that it replaces, nor a
// secret that the record does not accept any more. Requires x.op.
func (x *Exchange[T]) store(ctx context.Context, data []byte, apply func([]byte) ([]byte, error)) error {
	asked := x.asked
	if err := x.write(ctx, data, apply); err != nil {
		return err
	}
	if err := x.destroyReplaced(ctx); err != nil {
		x.takeBack(ctx, asked)
		if err == errGone {
			return x.gone(ctx)
		}
		return x.asDestroy(err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.sendToken()
	if x.policy == SaveAlways {
		x.policy = SaveAuto
	}
	return nil
}

// takeBack deletes the new record beside the old one, which could not be
// deleted, and makes the session one that is not stored.
func (x *Exchange[T]) takeBack(ctx context.Context, asked asked) {
	w := x.m.start()
	if err := x.m.delete(ctx, x.rec.ID); err != nil {
		x.m.event(ctx, EventError, x.rec, w.elapsed(), err)
	} else {
		x.m.event(ctx, EventDestroyed, x.rec, w.elapsed(), nil)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.rec, x.meta, x.digest, x.owner, x.asked = Record{}, meta{}, digest{}, "", asked
}

// sendToken has the response carry the token, unless the client has been sent
// a newer one that this request does not know. Requires x.mu.
func (x *Exchange[T]) sendToken() {
	if !x.former {
		x.action, x.token = ActionSet, x.m.signer.sign(x.id+"."+x.secret)
	}
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
		value := data
		if apply != nil {
			var err error
			if value, err = apply(data); err != nil {
				return err
			}
		}
		if err := errors.Join(x.m.bound(value), x.m.writable(x.meta)); err != nil {
			return err
		}
		if x.unsendable() {
			return fmt.Errorf("session: save: %w", ErrCommitted)
		}
		r, m, asked, err := x.successor(ctx, value)
		if err != nil {
			return err
		}
		sealed := x.m.sealer.seal(r, r.Version+1)
		if r.Version == 0 {
			err = x.m.create(ctx, sealed)
		} else {
			err = x.m.update(ctx, sealed)
		}
		switch {
		case errors.Is(err, ErrExists), errors.Is(err, ErrConflict):
			if r.Version == 0 {
				taken++
			}
			// Before the look at what is there, which must be fresh.
			if err := pause(ctx, try); err != nil {
				return err
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
			// It may have landed all the same.
			if _, now, e := x.m.load(ctx, r.ID); e != nil || now.nonce != m.nonce {
				x.mu.Lock()
				x.attempts = append(x.attempts, attempt{m.nonce, x.rec, x.meta})
				x.mu.Unlock()
				return err
			}
		}
		x.adopt(ctx, r, m, asked, w)
		return nil
	}
	return fmt.Errorf("session: save: %w", ErrConflict)
}

// asked is what the application asked for besides a change of Data.
type asked struct {
	renewed bool           // by Renew
	age     *time.Duration // by SetMaxAge
}

// successor is the record that a write with data is to leave in the store, but
// for its Version, which is the one to be replaced; and what was asked for that
// it carries out. Requires x.op.
func (x *Exchange[T]) successor(ctx context.Context, data []byte) (Record, meta, asked, error) {
	if x.id == "" { // Regenerate could not make one
		id, secret, err := x.m.mint(ctx)
		if err != nil {
			return Record{}, meta{}, asked{}, err
		}
		x.setToken(id, secret)
	}
	user := x.m.user(&x.session.Data)
	x.mu.Lock()
	defer x.mu.Unlock()
	now := stamp(time.Now())
	r, m := x.rec, x.meta
	m.nonce, m.shape, m.schema = newNonce(), x.m.shape, x.m.schema
	if r.Version == 0 {
		r = Record{ID: x.id, Name: x.m.cookie.Name, CreatedAt: x.created}
		m.digest, m.issued = digestOf(r.Name, x.secret), now.UnixMilli()
	} else {
		x.renewToken(&m, now.UnixMilli(), user)
	}
	if user != "" && user != x.owner {
		m.authenticated = now.UnixMilli()
	}
	r.User = user
	if x.age != nil {
		m.age = *x.age
	}
	if r.SeenAt.Before(now) { // a slow clock never moves the end backwards
		r.SeenAt = now
	}
	r.ExpiresAt = x.m.endAfter(r.SeenAt, r.CreatedAt, m)
	r.Format, r.Meta, r.Data = x.m.format, m.encode(), data
	return r, m, x.asked, nil
}

// renewToken puts the next secret into m where there is to be one. Requires x.mu.
func (x *Exchange[T]) renewToken(m *meta, now int64, user string) {
	forGood := x.renewed || user != x.owner
	if !forGood && !x.renewalDue() {
		if !x.former { // the client has the latest token
			m.former = m.confirmed(now, x.m.grace)
		}
		return
	}
	if x.next == "" {
		x.next = mint()
	}
	if d := digestOf(x.rec.Name, x.next); d != m.digest {
		m.replace(d, now, x.m.grace, forGood)
	}
}

// renewalDue reports whether the token is to be replaced by the way. Requires
// x.op or x.mu.
func (x *Exchange[T]) renewalDue() bool {
	if x.m.renew == 0 || x.former || x.began || x.req.Hooks == nil {
		return false
	}
	return time.Now().UnixMilli()-x.meta.issued >= x.m.renew.Milliseconds()
}

// adopt takes over what was stored. What was asked for since stays pending.
func (x *Exchange[T]) adopt(ctx context.Context, r Record, m meta, done asked, w stopwatch) {
	kind := EventSaved
	if r.Version == 0 {
		kind = EventCreated
	}
	r.Version++
	owner := x.m.user(&x.session.Data)
	x.mu.Lock()
	if x.next != "" && m.digest == digestOf(r.Name, x.next) {
		kind, x.secret, x.next, x.former = EventRenewed, x.next, "", false
	}
	x.rec, x.meta, x.final, x.owner, x.reseal = r, m, r.Data, owner, false
	x.digest = digestOf(r.Name, x.secret)
	x.attempts = nil
	if done.renewed {
		x.renewed = false
	}
	if x.renewed && x.next == "" {
		x.next = mint()
	}
	if x.age == done.age {
		x.age = nil
	}
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
		if a := x.attempts[earlier]; a.base.Version != x.rec.Version {
			if data, _, err = x.merge(&a.base, a.by, data); err != nil {
				return nil, false, err
			}
		}
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

// admits reports whether the record still is the session of this request: it
// accepts the request's token, or the next one, which a write whose
// acknowledgement was lost may have given it, and has the same user.
func (x *Exchange[T]) admits(r Record, m meta) bool {
	if r.User != x.rec.User && r.User != x.owner {
		return false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.attempts) > 0 && x.next != "" && m.judge(digestOf(r.Name, x.next)) == standingCurrent {
		return true
	}
	s := m.judge(x.digest)
	x.former = s == standingFormer
	return s.opens()
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
		v, conflicts = mergeFields(&from, &mine, &theirs)
	} else if v, err = x.m.cfg.Merge(&from, &mine, &theirs); err != nil {
		return nil, nil, fmt.Errorf("session: Config.Merge: %w", err)
	}
	if merged, err = x.m.encode(&v); err != nil {
		return nil, nil, err
	}
	x.session.Data = v
	return merged, conflicts, nil
}

// currentToken is Session.Token. Requires x.mu.
func (x *Exchange[T]) currentToken() string {
	switch {
	case x.id == "":
		return ""
	case x.renewed:
		return x.m.signer.sign(x.id + "." + x.next)
	}
	return x.m.signer.sign(x.id + "." + x.secret)
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

// own notes whose session it is by the Data that is in the store.
func (x *Exchange[T]) own(user string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.owner = user
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
	if x.action == ActionSet { // by an earlier save: that token is dead
		x.action, x.token = ActionNone, ""
	}
	x.mu.Unlock()
	x.m.event(ctx, EventGone, x.rec, 0, errGone)
	return errGone
}

var errGone = fmt.Errorf("session: %w", ErrGone)
