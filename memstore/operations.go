package memstore

import (
	"context"
	"time"

	"github.com/echosession/echosession/session"
)

// Load implements [session.Store]. It allocates nothing: the slices of the
// record are those that were stored.
func (s *Store) Load(ctx context.Context, id string) (session.Record, error) {
	if err := loading.canceled(ctx); err != nil {
		return session.Record{}, err
	}
	now := time.Now().UnixMilli()
	sh := s.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e, err := sh.find(id, now, &loading)
	if err != nil {
		return session.Record{}, err
	}
	return e.record(), nil
}

// Create implements [session.Store]. It replaces an expired record of the id.
// Where the store is full, see Options.MaxSessions.
func (s *Store) Create(ctx context.Context, r session.Record) error {
	if err := creating.canceled(ctx); err != nil {
		return err
	}
	now := time.Now().UnixMilli()
	sh, e := s.shard(r.ID), newEntry(r)
	err := sh.add(e, now, s.take)
	if err == errFull {
		err = s.replace(sh, e, now)
	}
	if err == nil {
		s.arm()
	}
	return err
}

// Update implements [session.Store].
func (s *Store) Update(ctx context.Context, r session.Record) error {
	if err := updating.canceled(ctx); err != nil {
		return err
	}
	now := time.Now().UnixMilli()
	sh := s.shard(r.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e, err := sh.findVersion(r, now, &updating)
	if err != nil {
		return err
	}
	if seen := time.UnixMilli(e.seen); seen.After(r.SeenAt) { // touched since r was loaded
		r.SeenAt = seen
		if end := time.UnixMilli(e.expires); end.After(r.ExpiresAt) {
			r.ExpiresAt = end
		}
	}
	sh.set(e, r)
	return nil
}

// Touch implements [session.Store].
func (s *Store) Touch(ctx context.Context, r session.Record) error {
	if err := touching.canceled(ctx); err != nil {
		return err
	}
	now := time.Now().UnixMilli()
	sh := s.shard(r.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e, err := sh.findVersion(r, now, &touching)
	if err != nil {
		return err
	}
	sh.touch(e, r.SeenAt.UnixMilli(), r.ExpiresAt.UnixMilli())
	return nil
}

// Delete implements [session.Store].
func (s *Store) Delete(ctx context.Context, id string, version int64) error {
	if err := deleting.canceled(ctx); err != nil {
		return err
	}
	n, err := s.shard(id).delete(id, version)
	s.count.Add(-n)
	return err
}
