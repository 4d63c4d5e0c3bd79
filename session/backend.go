package session

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/echosession/echosession/internal/outage"
	"github.com/echosession/echosession/internal/seal"
	"github.com/echosession/echosession/internal/token"
	"github.com/echosession/echosession/internal/turn"
)

// backend is the part of a Manager that does not depend on T: the settings, and
// all access to the store.
type backend struct {
	lifetimes
	store      Store
	users      UserStore // nil if the store is none
	gate       *outage.Gate
	turns      turn.Queue
	cookie     Cookie
	tokens     *token.Format
	sealer     *seal.Sealer // nil without keys
	format     string       // the codec's name
	shape      uint64       // of T and the codec
	exact      bool         // other bytes of the same shape are another value
	schema     int32
	maxBytes   int
	allowEmpty bool
	hasUser    bool
	grace      time.Duration // RenewGrace
	renewAfter time.Duration
	newID      func(context.Context) (string, error) // nil: random
	observe    func(context.Context, Event)

	insecure  atomic.Bool   // the warning was given
	inspected atomic.Uint64 // how many requests could have changed Data too late
}

// meter adds up the time that one operation spends in the store. It is nil, and
// measures nothing, if nobody observes.
type meter struct{ total time.Duration }

func (b *backend) meter() *meter {
	if b.observe == nil {
		return nil
	}
	return new(meter)
}

// event observes what happened to the session of r.
func (b *backend) event(ctx context.Context, kind EventKind, r *row, t *meter, err error) {
	if b.observe == nil {
		return
	}
	e := Event{Kind: kind, ID: r.id, User: r.user, Err: err}
	if t != nil {
		e.Duration = t.total
	}
	b.observe(withoutSession(ctx), e)
}

// setStatus takes the status of a StatusStore.
func (b *backend) setStatus(s Status) {
	if b.gate.Set(s == StatusConnected) {
		kind := EventStoreDown
		if s == StatusConnected {
			kind = EventStoreUp
		}
		b.event(context.Background(), kind, new(row), nil, nil)
	}
}

// ask is around every call of the store. op names it in errors.
func (b *backend) ask(ctx context.Context, op string, t *meter, do func() error) error {
	probe, err := b.gate.Enter(ctx)
	switch {
	case errors.Is(err, outage.ErrDown):
		return &notSent{fmt.Errorf("session: %s: %w: %w", op, ErrUnavailable, err)}
	case err != nil:
		return &notSent{fmt.Errorf("session: %s: %w", op, err)}
	}
	if t != nil {
		begin := time.Now()
		defer func() { t.total += time.Since(begin) }()
	}
	if probe.Active() {
		err = b.probe(ctx, probe, do)
	} else {
		err = do()
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotFound):
		return errNotFound // it is frequent, and details help nobody
	}
	return fmt.Errorf("session: %s: %w", op, err)
}

// probe makes a call that tries out a store that counts as down. The gate learns
// its end even if the store panics.
func (b *backend) probe(ctx context.Context, p outage.Probe, do func() error) (err error) {
	err = ErrUnavailable
	defer func() {
		if b.gate.Answered(p, isAnswer(err)) {
			b.event(ctx, EventStoreUp, new(row), nil, nil)
		}
	}()
	err = do()
	return err
}

// isAnswer reports whether err shows that the store was reached.
func isAnswer(err error) bool {
	answers := []error{nil, ErrNotFound, ErrConflict, ErrExists, ErrCorrupt}
	return slices.ContainsFunc(answers, func(answer error) bool { return errors.Is(err, answer) })
}

// notSent is the error of a call that did not reach the store.
type notSent struct{ error }

func (e *notSent) Unwrap() error { return e.error }

// isNotSent reports whether a write that ended in err was certainly not made.
func isNotSent(err error) bool {
	_, ok := errors.AsType[*notSent](err)
	return ok
}

// presence is what a load found.
type presence uint8

const (
	absent  presence = iota // no record, or one of another kind of session
	present                 // a live record
	expired                 // a record that is live to the store, but has ended by this configuration
)

// load fills r with the record of id. The meta data of another kind's record is
// not looked at. If the record is damaged, the error is ErrCorrupt and the
// presence is present; r then has what could be read.
func (b *backend) load(ctx context.Context, id string, r *row, t *meter) (presence, error) {
	var rec Record
	err := b.ask(ctx, "load", t, func() (err error) {
		rec, err = b.store.Load(ctx, id)
		return err
	})
	switch {
	case errors.Is(err, ErrCorrupt) && rec.ID == id && rec.Name == b.cookie.Name:
		_ = r.fill(&rec, b.format)
		return present, err
	case errors.Is(err, ErrNotFound):
		return absent, nil
	case err != nil:
		return absent, err
	case rec.Name != b.cookie.Name:
		return absent, nil
	}
	if err := r.fill(&rec, b.format); err != nil {
		return present, fmt.Errorf("session: load %s: %w", id, err)
	}
	if b.hasEnded(r) {
		return expired, nil
	}
	return present, nil
}

// write stores the next version of r, whose version is the one to replace.
func (b *backend) write(ctx context.Context, r *row, t *meter) error {
	rec := r.record(b.cookie.Name, b.format)
	if b.sealer != nil {
		rec.Data = b.sealer.Seal(rec.Data, associated(&rec, r.version+1))
		rec.Format = formatSealed
	}
	if r.version == 0 {
		return b.ask(ctx, "create", t, func() error { return b.store.Create(ctx, rec) })
	}
	return b.ask(ctx, "update", t, func() error { return b.store.Update(ctx, rec) })
}

// touch stores the times of r, whose version is the one that must be stored.
func (b *backend) touch(ctx context.Context, r *row, t *meter) error {
	rec := r.record(b.cookie.Name, b.format)
	return b.ask(ctx, "touch", t, func() error { return b.store.Touch(ctx, rec) })
}

func (b *backend) delete(ctx context.Context, id string, version int64, t *meter) error {
	return b.ask(ctx, "delete", t, func() error { return b.store.Delete(ctx, id, version) })
}

// formatSealed is the Format of a record whose Data is sealed.
const formatSealed = "sealed"

// open returns the encoded Data of r.
func (b *backend) open(r *row) (encoded, error) {
	e := encoded{
		data:         r.data,
		schema:       r.schema,
		isComparable: b.exact && r.shape == b.shape && r.schema == b.schema,
		needsSeal:    b.sealer != nil,
	}
	switch {
	case r.form == formForeign:
		return e, fmt.Errorf("session: decode %s: %w: its format is not %q, the codec's", r.id, ErrCorrupt, b.format)
	case r.form == formPlain:
		return e, nil
	case b.sealer == nil:
		return e, fmt.Errorf("session: open %s: %w: it is sealed, and Config.EncryptionKeys is empty", r.id, ErrCorrupt)
	}
	rec := r.record(b.cookie.Name, b.format)
	plain, newest, ok := b.sealer.Open(r.data, associated(&rec, r.version))
	if !ok {
		return e, fmt.Errorf("session: open %s: %w: no key opens it, or it was altered", r.id, ErrCorrupt)
	}
	e.data, e.needsSeal = plain, !newest
	return e, nil
}

// own is Data that this process encoded.
func (b *backend) own(data []byte) encoded {
	return encoded{data: data, schema: b.schema, isComparable: b.exact}
}

// associated is what the seal binds besides Data: everything that identifies the
// version of the record, and the format of the plain Data. So no part of a record
// can be exchanged with that of another one, or put back to an earlier value.
// SeenAt and ExpiresAt are left out, because a touch moves them alone.
func associated(rec *Record, version int64) []byte {
	ad := make([]byte, 0, 256)
	for _, part := range []string{rec.ID, rec.Name, rec.User, rec.Format} {
		ad = binary.BigEndian.AppendUint32(ad, uint32(len(part)))
		ad = append(ad, part...)
	}
	ad = binary.BigEndian.AppendUint64(ad, uint64(version))
	ad = binary.BigEndian.AppendUint64(ad, uint64(rec.CreatedAt.UnixMilli()))
	return append(ad, rec.Meta...)
}

// makeID returns a new id.
func (b *backend) makeID(ctx context.Context) (string, error) {
	if b.newID == nil {
		return token.New(), nil
	}
	id, err := b.newID(withoutSession(ctx))
	if err != nil {
		return "", fmt.Errorf("session: Config.NewID: %w", err)
	}
	if !token.ValidID(id) {
		return "", fmt.Errorf("session: Config.NewID: an id is 1 to %d of A-Za-z0-9_-, this one has %d bytes", token.MaxIDLen, len(id))
	}
	return id, nil
}

// writable refuses to write over what a newer SchemaVersion stored, because this
// T may not know all of it.
func (b *backend) writable(m *meta) error {
	if m.schema > b.schema {
		return fmt.Errorf("session: save: %w", b.tooNew(m.schema))
	}
	return nil
}

func (b *backend) tooNew(schema int32) error {
	return fmt.Errorf("%w: its SchemaVersion is %d, and this one is %d", ErrSchema, schema, b.schema)
}

// bounded refuses Data that is too large.
func (b *backend) bounded(data []byte) error {
	if len(data) > b.maxBytes {
		return fmt.Errorf("session: %w: %d bytes, Config.MaxBytes allows %d", ErrTooLarge, len(data), b.maxBytes)
	}
	return nil
}

// warnInsecure observes once that browsers will drop the cookie.
func (b *backend) warnInsecure(ctx context.Context, host string) {
	if b.insecure.Swap(true) {
		return
	}
	err := fmt.Errorf("session: cookie %s is Secure, but the request came by plain http to %q, where browsers drop it: "+
		"serve https; behind a proxy that does, have it send X-Forwarded-Proto; for a network without https set Cookie.Secure to SecureNever", b.cookie.Name, host)
	if b.observe == nil {
		slog.WarnContext(ctx, err.Error())
		return
	}
	b.event(ctx, EventInsecure, new(row), nil, err)
}

// Looking for late changes costs an encoding. A mistake in a program shows soon,
// in the first requests, or in one of many later ones.
const (
	inspectFirst = 100
	inspectEvery = 64
)

// inspects counts this request, and reports whether late changes are looked for
// in it.
func (b *backend) inspects() bool {
	n := b.inspected.Add(1)
	return n <= inspectFirst || n%inspectEvery == 0
}
