package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/echosession/echosession/internal/outage"
	"github.com/echosession/echosession/internal/seal"
	"github.com/echosession/echosession/internal/token"
	"github.com/echosession/echosession/internal/turn"
)

// engine is the part of a Manager that does not depend on T: it asks the store
// and reads and writes what the core itself keeps with a record.
type engine struct {
	store   Store
	gate    *outage.Gate
	cookie  Cookie
	format  string // the codec's name
	shape   uint64
	exact   bool // of the codec for T
	maxAge  time.Duration
	rolling bool
	touch   time.Duration // extend at most this often; negative: always
	total   time.Duration // AbsoluteTimeout
	grace   time.Duration // RenewGrace
	renew   time.Duration // RenewAfter
	schema  int
	tokens  *token.Format
	sealer  *seal.Sealer
	observe func(context.Context, Event)

	insecure atomic.Bool // whether the warning was given
	turns    turn.Queue
}

// stopwatch measures time in the store, and costs nothing where nobody observes.
type stopwatch time.Time

func (e *engine) start() stopwatch {
	if e.observe == nil {
		return stopwatch{}
	}
	return stopwatch(time.Now())
}

func (w stopwatch) elapsed() time.Duration {
	if t := time.Time(w); !t.IsZero() {
		return time.Since(t)
	}
	return 0
}

func (e *engine) event(ctx context.Context, kind EventKind, r Record, took time.Duration, err error) {
	if e.observe != nil {
		e.observe(ctx, Event{Kind: kind, ID: r.ID, User: r.User, Duration: took, Err: err})
	}
}

// watch takes the status of a store that tells one.
func (e *engine) watch(s Status) {
	if e.gate.Set(s == StatusConnected) {
		e.statusEvent(context.Background(), s == StatusConnected)
	}
}

func (e *engine) statusEvent(ctx context.Context, up bool) {
	kind := EventStoreDown
	if up {
		kind = EventStoreUp
	}
	e.event(ctx, kind, Record{}, 0, nil)
}

// ask is around every operation of the store.
func (e *engine) ask(ctx context.Context, op string, do func() error) error {
	probe, err := e.enter(ctx)
	if err != nil {
		return &notAsked{fmt.Errorf("session: %s: %w", op, err)}
	}
	if probe.Active() {
		err = e.try(ctx, probe, do)
	} else {
		err = do()
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotFound):
		return errNotFound // often, and its details help nobody
	}
	return fmt.Errorf("session: %s: %w", op, err)
}

// enter waits until the store may be asked.
func (e *engine) enter(ctx context.Context) (outage.Probe, error) {
	probe, err := e.gate.Enter(ctx)
	if errors.Is(err, outage.ErrDown) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return probe, err
}

// notAsked is the error of an operation that did not reach the store.
type notAsked struct{ error }

func (e *notAsked) Unwrap() error { return e.error }

// try does what is a probe, whose end is told even where a store panics.
func (e *engine) try(ctx context.Context, probe outage.Probe, do func() error) (err error) {
	err = ErrUnavailable
	defer func() { e.answered(ctx, probe, err) }()
	err = do()
	return err
}

// answered takes the outcome of an operation that was a probe, if it was.
func (e *engine) answered(ctx context.Context, probe outage.Probe, err error) {
	if e.gate.Answered(probe, isAnswer(err)) {
		e.statusEvent(ctx, true)
	}
}

// isAnswer reports whether err comes from the store itself, which shows that it
// can be reached.
func isAnswer(err error) bool {
	return err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrConflict) || errors.Is(err, ErrExists) || errors.Is(err, ErrCorrupt)
}

var (
	errNotFound = fmt.Errorf("session: %w", ErrNotFound)
	errExpired  = fmt.Errorf("session: %w: it expired", ErrNotFound)
)

// load returns the live record of id, if it is of this kind of session. The
// meta data of a record of another kind is not looked at. With errExpired, and
// where it is damaged, the record is returned all the same, as far as it could
// be read.
func (e *engine) load(ctx context.Context, id string) (r Record, m meta, err error) {
	err = e.loadInto(ctx, id, &r, &m)
	return r, m, err
}

// loadInto is load into what the caller has: a record is too large to be passed
// on from hand to hand at every request.
func (e *engine) loadInto(ctx context.Context, id string, r *Record, m *meta) error {
	err := e.ask(ctx, "load", func() (err error) {
		*r, err = e.store.Load(ctx, id)
		return err
	})
	switch {
	case errors.Is(err, ErrCorrupt) && r.ID == id && r.Name == e.cookie.Name:
		return err
	case err != nil:
		*r = Record{}
		return err
	case r.Name != e.cookie.Name:
		*r = Record{}
		return errNotFound
	}
	if err := m.decode(r.Meta); err != nil {
		return fmt.Errorf("session: load %s: %w", id, err)
	}
	if e.over(r, m) {
		return errExpired
	}
	return nil
}

// over reports whether a record that is live to the store has ended by this
// configuration, or an age of its own.
func (e *engine) over(r *Record, m *meta) bool {
	end := e.end(*r, *m)
	return end.Before(r.ExpiresAt) && !time.Now().Before(end)
}

// end is when the session of r is over: an age that the configuration or the
// session itself has since shortened holds for records written before, too.
func (e *engine) end(r Record, m meta) time.Time {
	return earlier(e.endAfter(r.SeenAt, r.CreatedAt, m), r.ExpiresAt)
}

// endAfter is when a session that was used at seen ends.
func (e *engine) endAfter(seen, created time.Time, m meta) time.Time {
	end := seen.Add(e.age(m))
	if e.total == 0 {
		return end
	}
	if m.authenticated != 0 {
		created = time.UnixMilli(m.authenticated).UTC()
	}
	return earlier(end, created.Add(e.total))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (e *engine) age(m meta) time.Duration {
	if m.age > 0 {
		return m.age
	}
	return e.maxAge
}

// due reports whether use is to extend the session of r by now.
func (e *engine) due(r Record, m meta) bool {
	if !e.rolling {
		return false
	}
	wait := e.touch
	if m.age > 0 && m.age < e.maxAge && wait > 0 { // as often in a shorter life
		wait = time.Duration(float64(wait) * float64(m.age) / float64(e.maxAge))
	}
	now := stamp(time.Now())
	return now.Sub(r.SeenAt) >= wait && e.endAfter(now, r.CreatedAt, m).After(r.ExpiresAt)
}

func (e *engine) create(ctx context.Context, r Record) error {
	return e.ask(ctx, "create", func() error { return e.store.Create(ctx, r) })
}

func (e *engine) update(ctx context.Context, r Record) error {
	return e.ask(ctx, "update", func() error { return e.store.Update(ctx, r) })
}

func (e *engine) touchRecord(ctx context.Context, r Record) error {
	return e.ask(ctx, "touch", func() error { return e.store.Touch(ctx, r) })
}

func (e *engine) delete(ctx context.Context, id string) error {
	err := e.ask(ctx, "delete", func() error { return e.store.Delete(ctx, id, 0) })
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// warnInsecure tells once of a cookie that browsers will drop.
func (e *engine) warnInsecure(ctx context.Context, host string) {
	if e.insecure.Swap(true) {
		return
	}
	err := fmt.Errorf("session: cookie %s is Secure, but the request came by plain http to %q, where browsers drop it: "+
		"serve https; behind a proxy that does, have it send X-Forwarded-Proto; for a network without https set Cookie.Secure to SecureNever", e.cookie.Name, host)
	if e.observe == nil {
		slog.WarnContext(ctx, err.Error())
		return
	}
	e.event(ctx, EventInsecure, Record{}, 0, err)
}

// stamp is a time as records keep it: UTC, whole milliseconds.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
