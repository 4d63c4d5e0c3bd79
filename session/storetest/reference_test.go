package storetest_test

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/echosession/echosession/session"
)

// reference is a small store that keeps the contract and has both abilities.
// The broken stores are made of it.
type reference struct {
	mu      sync.Mutex
	records map[string]session.Record
}

func newReference() *reference { return &reference{records: map[string]session.Record{}} }

// bare hides the abilities of a store.
type bare struct{ session.Store }

// live returns the record of id if it has not expired. Requires s.mu.
func (s *reference) live(id string) (session.Record, bool) {
	r, ok := s.records[id]
	return r, ok && time.Now().Before(r.ExpiresAt)
}

// current returns the live record of r.ID if it has the version of r. Requires
// s.mu.
func (s *reference) current(r session.Record) (session.Record, error) {
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
	stored, err := s.current(r)
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
	stored, err := s.current(r)
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

func (s *reference) ListUser(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
	return s.yield(ctx, func() []session.Record { return s.of(name, user) })
}

// yield yields the records that list returns, until ctx is canceled.
func (s *reference) yield(ctx context.Context, list func() []session.Record) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		for _, r := range append(list(), session.Record{}) {
			if err := ctx.Err(); err != nil {
				yield(session.Record{}, err)
				return
			}
			if r.ID == "" || !yield(r, nil) {
				return
			}
		}
	}
}

func (s *reference) DeleteUser(ctx context.Context, name, user, exceptID string) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return s.deleteAll(s.of(name, user), func(r session.Record) bool {
		return r.Name == name && r.User == user && r.ID != exceptID
	}), nil
}

// Watch reports a status that never changes.
func (s *reference) Watch(f func(session.Status)) (stop func()) {
	f(session.StatusConnected)
	return func() {}
}

// The other methods bypass the contract, for the broken stores.

// peek returns the record of id, expired or not.
func (s *reference) peek(id string) (session.Record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[id]
	return r, ok
}

// put stores r as it is.
func (s *reference) put(r session.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[r.ID] = r
}

// all returns every record, expired or not.
func (s *reference) all() (rs []session.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		rs = append(rs, r)
	}
	return rs
}

// filter returns every record that matches, expired or not.
func (s *reference) filter(match func(r session.Record) bool) []session.Record {
	return slices.DeleteFunc(s.all(), func(r session.Record) bool { return !match(r) })
}

// of returns the live records of a kind and a user.
func (s *reference) of(name, user string) []session.Record {
	return s.filter(func(r session.Record) bool {
		return r.Name == name && r.User == user && time.Now().Before(r.ExpiresAt)
	})
}

// deleteAll deletes the records among rs that are still stored and that match
// as they are stored now. It returns how many it deleted.
func (s *reference) deleteAll(rs []session.Record, match func(r session.Record) bool) (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rs {
		if stored, ok := s.records[r.ID]; ok && match(stored) {
			delete(s.records, r.ID)
			n++
		}
	}
	return n
}
