package storetest_test

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/echosession/echosession/session"
)

// reference is a store that keeps the contract: small and obviously right,
// and what the broken ones are made of.
type reference struct {
	mu      sync.Mutex
	records map[string]session.Record
}

func newReference() *reference { return &reference{records: map[string]session.Record{}} }

// live requires s.mu.
func (s *reference) live(id string) (session.Record, bool) {
	r, ok := s.records[id]
	return r, ok && time.Now().Before(r.ExpiresAt)
}

// version requires s.mu. It returns the stored record of r.ID if that has r's version.
func (s *reference) version(r session.Record) (session.Record, error) {
	stored, ok := s.live(r.ID)
	if !ok {
		return stored, session.ErrNotFound
	}
	if stored.Version != r.Version {
		return stored, session.ErrConflict
	}
	return stored, nil
}

func (s *reference) Load(ctx context.Context, id string) (session.Record, error) {
	if err := ctx.Err(); err != nil {
		return session.Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.live(id); ok {
		return r, nil
	}
	return session.Record{}, session.ErrNotFound
}

func (s *reference) Create(ctx context.Context, r session.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.live(r.ID); ok {
		return session.ErrExists
	}
	r.Version = 1
	s.records[r.ID] = r
	return nil
}

func (s *reference) Update(ctx context.Context, r session.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, err := s.version(r)
	if err != nil {
		return err
	}
	if stored.SeenAt.After(r.SeenAt) {
		r.SeenAt, r.ExpiresAt = stored.SeenAt, later(stored.ExpiresAt, r.ExpiresAt)
	}
	r.Version++
	s.records[r.ID] = r
	return nil
}

func (s *reference) Touch(ctx context.Context, r session.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, err := s.version(r)
	if err != nil {
		return err
	}
	stored.SeenAt = later(stored.SeenAt, r.SeenAt)
	stored.ExpiresAt = later(stored.ExpiresAt, r.ExpiresAt)
	s.records[r.ID] = stored
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (s *reference) Delete(ctx context.Context, id string, version int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, ok := s.records[id]
	switch {
	case !ok:
		return session.ErrNotFound
	case version != 0 && stored.Version != version:
		return session.ErrConflict
	}
	delete(s.records, id)
	return nil
}

// peek and put go around the contract.
func (s *reference) peek(id string) (session.Record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[id]
	return r, ok
}

func (s *reference) put(r session.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[r.ID] = r
}

// watched is a reference with the ability to tell its status, which is always
// the same.
type watched struct{ *reference }

func (watched) Watch(f func(session.Status)) (stop func()) {
	f(session.StatusConnected)
	return func() {}
}

// Broken status stores.
type (
	silent   struct{ *reference } // does not call at once
	strange  struct{ *reference } // a status that there is not
	single   struct{ *reference } // a second watcher gets nothing
	unending struct {             // calls after stop
		*reference
		watchers []func(session.Status)
	}
)

func (silent) Watch(func(session.Status)) (stop func()) { return func() {} }

func (strange) Watch(f func(session.Status)) (stop func()) {
	f(7)
	return func() {}
}

var singleTaken atomic.Bool

func (single) Watch(f func(session.Status)) (stop func()) {
	if singleTaken.CompareAndSwap(false, true) {
		f(session.StatusConnected)
	}
	return func() {}
}

func (s *unending) Watch(f func(session.Status)) (stop func()) {
	f(session.StatusConnecting)
	s.watchers = append(s.watchers, f)
	return func() {}
}

func (s *unending) Create(ctx context.Context, r session.Record) error {
	for _, f := range s.watchers {
		f(session.StatusConnected)
	}
	return s.reference.Create(ctx, r)
}
