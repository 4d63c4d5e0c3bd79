package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"time"
)

// Manager keeps the sessions of one kind: those of one cookie name, whose Data
// is a T. All its methods may be called from several goroutines at once.
//
// An id of another kind of session is [ErrNotFound] to all of them, and Delete
// leaves it alone.
type Manager[T any] struct {
	engine
	cfg   Config[T]
	blank []byte        // Data as New makes it, where that is always the zero value
	users UserStore     // nil where the store is none
	stop  func()        // ends the watch of the store's status; nil where it has none
	late  atomic.Uint64 // how many requests could have changed Data too late
}

// Info is what a session looks like from outside a request.
type Info[T any] struct {
	ID, User string
	Data     T

	CreatedAt, AuthenticatedAt, SeenAt, ExpiresAt time.Time
}

// New checks cfg and makes a Manager of it. The error joins all that is wrong,
// each a [*ConfigError]. A store that tells its status is watched until Close.
func New[T any](cfg Config[T]) (*Manager[T], error) {
	constantNew := cfg.New == nil
	cfg, err := cfg.compile()
	if err != nil {
		return nil, err
	}
	m := &Manager[T]{
		engine: engine{
			store:   cfg.Store,
			gate:    newGate(cfg.ReconnectTimeout),
			cookie:  cfg.Cookie,
			format:  cfg.Codec.Name(),
			shape:   shapeHash(reflect.TypeFor[T](), cfg.Codec.Name()),
			exact:   isExact(reflect.TypeFor[T](), cfg.Codec.Name()),
			maxAge:  cfg.MaxAge,
			rolling: cfg.Rolling,
			touch:   cfg.TouchAfter,
			observe: cfg.Observe,
			total:   cfg.AbsoluteTimeout,
			grace:   cfg.RenewGrace,
			renew:   cfg.RenewAfter,
			schema:  cfg.SchemaVersion,
			signer:  newSigner(cfg.Cookie.Name, cfg.SigningKeys),
			sealer:  newSealer(cfg.EncryptionKeys),
		},
		cfg: cfg,
	}
	if constantNew {
		if m.blank, err = m.encode(new(T)); err != nil {
			return nil, err
		}
	}
	m.users, _ = cfg.Store.(UserStore)
	if s, ok := cfg.Store.(StatusStore); ok {
		m.stop = s.Watch(m.watch)
	}
	return m, nil
}

// Store returns the configured one.
func (m *Manager[T]) Store() Store { return m.store }

// StoresEmpty reports whether a request without a token leaves a session in the
// store even if nobody asks for it. It is for adapters: any other request
// without a token needs no [Exchange] until then.
func (m *Manager[T]) StoresEmpty() bool { return m.cfg.AllowEmpty }

// Close ends what New started. It may be called more than once; the store
// stays the caller's. Requests under way are not disturbed. Observe must not
// call it: while that is told of the store's status, Close waits for it.
func (m *Manager[T]) Close() error {
	if m.stop != nil {
		m.stop()
	}
	return nil
}

// Start makes a new session outside of a request. Save stores it; Token is
// what the client is to be given.
func (m *Manager[T]) Start(ctx context.Context) (*Session[T], error) {
	x := m.Begin(nil, BeginOptions[T]{})
	x.op.Lock()
	defer x.op.Unlock()
	return x.fresh(ctx)
}

// Open returns the session of a token outside of a request. ErrNotFound where
// the token is malformed or its session is not live.
func (m *Manager[T]) Open(ctx context.Context, token string) (*Session[T], error) {
	id, secret, ok := m.parse(token)
	if !ok {
		return nil, fmt.Errorf("session: open: %w", ErrNotFound)
	}
	x := m.Begin(nil, BeginOptions[T]{})
	x.op.Lock()
	defer x.op.Unlock()
	if s, err := x.try(ctx, id, secret); err != nil {
		return nil, err
	} else if !s.opens() {
		return nil, fmt.Errorf("session: open: %w", ErrNotFound)
	}
	return x.stored()
}

// Find returns the session of an id. ErrNotFound where it is not live.
func (m *Manager[T]) Find(ctx context.Context, id string) (Info[T], error) {
	r, meta, err := m.lookUp(ctx, id)
	if err != nil {
		return Info[T]{}, err
	}
	return m.info(r, meta)
}

// info is r as seen from outside; all but Data is there in spite of an error.
func (m *Manager[T]) info(r Record, by meta) (Info[T], error) {
	info := Info[T]{
		ID: r.ID, User: r.User,
		CreatedAt: r.CreatedAt, AuthenticatedAt: authenticatedAt(r, by), SeenAt: r.SeenAt, ExpiresAt: m.end(r, by),
	}
	var v T
	if err := m.decode(&r, by, &v); err != nil {
		return info, err
	}
	info.Data = v
	return info, nil
}

// authenticatedAt is when the user of r, if there is one, was let in.
func authenticatedAt(r Record, by meta) time.Time {
	if r.User == "" || by.authenticated == 0 {
		return time.Time{}
	}
	return time.UnixMilli(by.authenticated).UTC()
}

// lookUp keeps what cannot be an id, such as a whole token, from the store and
// from every error.
func (m *Manager[T]) lookUp(ctx context.Context, id string) (Record, meta, error) {
	if !validID(id) {
		return Record{}, meta{}, errNotFound
	}
	return m.load(ctx, id)
}

// Update changes the stored Data of a session from outside of its requests,
// atomically: fn gets the stored value and runs again where another change
// came in between. It counts as no use: expiry and token stay. An error of fn
// is returned and nothing is stored; nor is anything where fn changes nothing.
func (m *Manager[T]) Update(ctx context.Context, id string, fn func(*T) error) error {
	again := retry{turns: &m.turns}
	defer again.done()
	for try := range maxTries {
		r, meta, err := m.lookUp(ctx, id)
		if err != nil {
			return err
		}
		var value T
		if err := errors.Join(m.decode(&r, meta, &value), m.writable(meta)); err != nil {
			return err
		}
		before, err := m.encode(&value)
		if err != nil {
			return err
		}
		user := m.user(&value)
		if err := fn(&value); err != nil {
			return err
		}
		if m.user(&value) != user {
			return errUserChanged
		}
		if r.Data, err = m.encode(&value); err != nil || bytes.Equal(before, r.Data) {
			return err
		}
		if err := m.bound(r.Data); err != nil {
			return err
		}
		if m.cfg.User != nil {
			r.User = user // it may have been out of date
		}
		meta.nonce, meta.shape, meta.schema = newNonce(), m.shape, m.schema
		r.Meta, r.Format = meta.encode(), m.format
		w := m.start()
		err = m.update(ctx, m.sealer.seal(r, r.Version+1))
		if err != nil && !errors.Is(err, ErrNotFound) {
			// It may have landed all the same.
			if _, now, e := m.load(ctx, id); e == nil && now.nonce == meta.nonce {
				err = nil
			}
		}
		switch {
		case err == nil:
			m.event(ctx, EventSaved, r, w.elapsed(), nil)
			return nil
		case !errors.Is(err, ErrConflict):
			return err
		}
		if err := again.wait(ctx, id, try); err != nil {
			return err
		}
	}
	return fmt.Errorf("session: update: %w", ErrConflict)
}

var errUserChanged = errors.New("session: update: User would change: only a request of the session itself can do that, since it renews the token")

// Delete ends a session, as an administrator does. One that is absent is not
// an error.
func (m *Manager[T]) Delete(ctx context.Context, id string) error {
	r, _, err := m.lookUp(ctx, id)
	switch {
	case r.ID != "": // also one that is damaged, or has only by this configuration ended
	case errors.Is(err, ErrNotFound):
		return nil
	default:
		return err
	}
	return m.revoke(ctx, r)
}

func (m *Manager[T]) revoke(ctx context.Context, r Record) error {
	w := m.start()
	if err := m.delete(ctx, r.ID); err != nil {
		return err
	}
	m.event(ctx, EventRevoked, r, w.elapsed(), nil)
	return nil
}
