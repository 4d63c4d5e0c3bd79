package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/echosession/echosession/internal/outage"
	"github.com/echosession/echosession/internal/seal"
	"github.com/echosession/echosession/internal/token"
	"github.com/echosession/echosession/internal/typeinfo"
)

// Manager keeps the sessions of one kind: those of one cookie name, whose Data
// is a T. All its methods may be called from several goroutines at once.
//
// To all of them the id of another kind of session is [ErrNotFound]. Delete
// leaves such a session alone.
type Manager[T any] struct {
	backend
	cfg    Config[T]
	blank  []byte                  // the encoding of Data as New makes it, if that is always the zero value
	atomic func(reflect.Type) bool // a value of the type is merged as one
	stop   func()                  // ends the watch of the store's status; nil if the store has none
}

// Info is what a session looks like from outside a request.
type Info[T any] struct {
	ID, User string
	Data     T

	CreatedAt, AuthenticatedAt, SeenAt, ExpiresAt time.Time
}

// New checks cfg and makes a Manager of it. The error joins all problems of cfg,
// each a [*ConfigError]. If the store reports its status, it is watched until
// Close.
func New[T any](cfg Config[T]) (*Manager[T], error) {
	alwaysZero := cfg.New == nil
	cfg, err := cfg.compile()
	if err != nil {
		return nil, err
	}
	t, rules := reflect.TypeFor[T](), typeRulesOf(cfg.Codec)
	m := &Manager[T]{
		backend: backend{
			lifetimes: lifetimes{
				maxAge:     cfg.MaxAge,
				rolling:    cfg.Rolling,
				touchAfter: cfg.TouchAfter,
				absolute:   cfg.AbsoluteTimeout,
			},
			store:      cfg.Store,
			gate:       outage.NewGate(cfg.ReconnectTimeout),
			cookie:     cfg.Cookie,
			tokens:     token.NewFormat(cfg.Cookie.Name, cfg.SigningKeys),
			sealer:     seal.New(cfg.EncryptionKeys),
			format:     cfg.Codec.Name(),
			shape:      typeinfo.Hash(t, cfg.Codec.Name()),
			exact:      rules.Exact(t),
			schema:     int32(cfg.SchemaVersion),
			maxBytes:   cfg.MaxBytes,
			allowEmpty: cfg.AllowEmpty,
			hasUser:    cfg.User != nil,
			grace:      cfg.RenewGrace,
			renewAfter: cfg.RenewAfter,
			newID:      cfg.NewID,
			observe:    cfg.Observe,
		},
		cfg:    cfg,
		atomic: rules.Atomic,
	}
	if alwaysZero {
		if m.blank, err = m.encode(new(T)); err != nil {
			return nil, err
		}
	}
	m.users, _ = cfg.Store.(UserStore)
	if s, ok := cfg.Store.(StatusStore); ok {
		m.stop = s.Watch(m.setStatus)
	}
	return m, nil
}

// Store returns the configured store.
func (m *Manager[T]) Store() Store { return m.store }

// StoresEmpty reports whether a request that never asks for its session is
// stored all the same, see Config.AllowEmpty. It is for adapters, which make no
// [Exchange] for a request that needs none.
func (m *Manager[T]) StoresEmpty() bool { return m.allowEmpty }

// Close ends what New started. It may be called more than once. The store stays
// the caller's, and requests under way are not disturbed. Observe must not call
// Close, which waits while Observe is called about the store's status.
func (m *Manager[T]) Close() error {
	if m.stop != nil {
		m.stop()
	}
	return nil
}

// Start makes a new session outside of a request. Save stores it, and Token is
// what the client must be given.
func (m *Manager[T]) Start(ctx context.Context) (*Session[T], error) {
	x := m.Begin(nil, BeginOptions[T]{})
	x.lock()
	defer x.unlock()
	if err := x.newSession(ctx); err != nil {
		return nil, err
	}
	x.stage = stageReady
	return &x.s.session, nil
}

// Open returns the session of a token outside of a request. The error is
// ErrNotFound if the token is malformed or its session is not live.
func (m *Manager[T]) Open(ctx context.Context, text string) (*Session[T], error) {
	id, secret, fault := m.tokens.Parse(text)
	if fault != nil {
		return nil, fmt.Errorf("session: open: %w", ErrNotFound)
	}
	x := m.Begin(nil, BeginOptions[T]{})
	x.lock()
	defer x.unlock()
	if state, err := x.openToken(ctx, id, secret); err != nil {
		return nil, err
	} else if !state.opens() {
		return nil, fmt.Errorf("session: open: %w", ErrNotFound)
	}
	if err := x.decodeRow(); err != nil {
		return nil, err
	}
	x.stage = stageReady
	return &x.s.session, nil
}

// Find returns the session of an id. The error is ErrNotFound if it is not live.
func (m *Manager[T]) Find(ctx context.Context, id string) (Info[T], error) {
	var r row
	found, err := m.lookUp(ctx, id, &r)
	if err != nil {
		return Info[T]{}, err
	}
	if found != present {
		return Info[T]{}, errNotFound
	}
	return m.info(&r)
}

// info returns r as it is seen from outside. All but Data is there in spite of an
// error.
func (m *Manager[T]) info(r *row) (Info[T], error) {
	info := Info[T]{
		ID: r.id, User: r.user,
		CreatedAt: fromMillis(r.created), AuthenticatedAt: r.authenticatedAt(), SeenAt: fromMillis(r.seen), ExpiresAt: fromMillis(m.end(r)),
	}
	var v T
	if err := m.decodeRow(r, &v); err != nil {
		return info, err
	}
	info.Data = v
	return info, nil
}

// lookUp loads the record of id. What cannot be an id, such as a whole token,
// reaches neither the store nor an error.
func (m *Manager[T]) lookUp(ctx context.Context, id string, r *row) (presence, error) {
	if !token.ValidID(id) {
		return absent, nil
	}
	t := m.meter()
	return m.load(ctx, id, r, t)
}

// Update changes the stored Data of a session from outside of its requests,
// atomically: fn gets the stored value, and runs again if another change came
// in between. Update is no use of the session: its expiry and its token stay. An
// error of fn is returned, and nothing is stored. Nothing is stored either if fn
// changes nothing. fn must not change User.
func (m *Manager[T]) Update(ctx context.Context, id string, fn func(*T) error) error {
	j := job[T]{m: m, fn: fn}
	found, err := m.lookUp(ctx, id, &j.row)
	if err != nil {
		return err
	}
	if found != present {
		return errNotFound
	}
	t := m.meter()
	stored, outcome, err := m.commit(ctx, change{next: j.next, conflict: j.conflict}, t)
	switch outcome {
	case writeGone:
		return errNotFound
	case writeMade:
		m.event(ctx, EventSaved, &stored, t, nil)
	}
	return err
}

// job is the change that Manager.Update makes.
type job[T any] struct {
	m   *Manager[T]
	fn  func(*T) error
	row row // as it was last loaded
}

var errUserChanged = errors.New("session: update: User would change: only a request of the session itself can do that, since it renews the token")

// next runs fn on what was loaded. There is nothing to write if fn changes
// nothing.
func (j *job[T]) next(context.Context) (r row, nothing bool, err error) {
	m := j.m
	r = j.row
	var value T
	if err := errors.Join(m.decodeRow(&r, &value), m.writable(&r.meta)); err != nil {
		return r, false, err
	}
	before, err := m.encode(&value)
	if err != nil {
		return r, false, err
	}
	user := m.user(&value)
	if err := j.fn(&value); err != nil {
		return r, false, err
	}
	if m.user(&value) != user {
		return r, false, errUserChanged
	}
	r.data, err = m.encode(&value)
	if err != nil || bytes.Equal(before, r.data) {
		return r, true, err
	}
	if m.hasUser {
		r.user = user // it may have been out of date
	}
	r.nonce, r.shape, r.schema, r.form = newNonce(), m.shape, m.schema, formPlain
	return r, false, m.bounded(r.data)
}

func (j *job[T]) conflict(_ context.Context, _, latest row, err error) (verdict, error) {
	j.row = latest
	return tryAgain, err
}

// Delete ends a session, as an administrator does. An absent session is not an
// error. The error is ErrNotFound if another request ended the session at the same
// moment: it may have been a Regenerate, whose new session lives on.
func (m *Manager[T]) Delete(ctx context.Context, id string) error {
	var r row
	switch found, err := m.lookUp(ctx, id, &r); {
	case found != absent: // also a record that is damaged
	case err != nil:
		return err
	default:
		return nil
	}
	return m.revoke(ctx, &r, 0)
}

// revoke deletes the record r, of the version (0: any), and observes it.
func (m *Manager[T]) revoke(ctx context.Context, r *row, version int64) error {
	t := m.meter()
	if err := m.delete(ctx, r.id, version, t); err != nil {
		return err
	}
	m.event(ctx, EventRevoked, r, t, nil)
	return nil
}
