// Package memstore keeps sessions in the memory of the process. It is the
// default store of the library, for a program that runs as one process and may
// lose its sessions when it ends.
//
// Expired sessions are never returned, and their memory is freed in the
// background in small steps. The sessions of a user are found by an index. A
// [Store] owns no goroutine: a store that is no longer used becomes garbage,
// even if it was not closed.
package memstore

import (
	"context"
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/echosession/echosession/session"
)

// defaultSweepEvery is the default of Options.SweepEvery.
const defaultSweepEvery = time.Minute

// Options are the settings of a [Store]. The zero value is ready for use.
type Options struct {
	// MaxSessions limits how many sessions the store holds, including expired
	// sessions that are still in memory. The limit is exact, no matter how many
	// goroutines create sessions at once. 0 or less: no limit.
	//
	// When the store is full, Create makes room. It removes an expired session
	// or, if there is none, the anonymous session that ends first. It never
	// removes a live session of a user: if all sessions have users, Create fails
	// with [session.ErrUnavailable].
	MaxSessions int

	// SweepEvery is the time between two sweeps, which free the memory of
	// expired sessions. Expired sessions cannot be read, whether they were swept
	// or not. 0 or less: one minute.
	SweepEvery time.Duration
}

// Store is a [session.Store] in memory, and a [session.UserStore]. Any number
// of goroutines may call its methods at once. Make a Store with [New].
type Store struct {
	seed       maphash.Seed
	max        int64
	sweepEvery time.Duration

	// slots is the number of reserved slots. Each entry needs one: its slot is
	// reserved before the entry is added, and given back after the entry was
	// removed. So slots is never less than the number of entries, and never more
	// than max.
	slots      atomic.Int64
	armed      atomic.Bool // a timer for the next sweep is running
	makingRoom sync.Mutex  // held by the one Create that makes room

	shards [shardCount]shard
}

var (
	_ session.Store     = (*Store)(nil)
	_ session.UserStore = (*Store)(nil)
)

// New returns an empty store.
func New(opts Options) *Store {
	s := &Store{seed: maphash.MakeSeed(), max: math.MaxInt64, sweepEvery: defaultSweepEvery}
	if opts.MaxSessions > 0 {
		s.max = int64(opts.MaxSessions)
	}
	if opts.SweepEvery > 0 {
		s.sweepEvery = opts.SweepEvery
	}
	return s
}

// Len returns how many sessions the store holds, including expired sessions
// that are still in memory.
func (s *Store) Len() int { return int(s.slots.Load()) }

// Close removes all sessions. Every operation that is waiting or that follows
// fails with [session.ErrUnavailable]. Close may be called more than once and
// always returns nil. It is not needed to free the memory of the store.
func (s *Store) Close() error {
	for i := range s.shards {
		s.slots.Add(-s.shards[i].close())
	}
	// A timer that is still running finds nothing to do, and is not started
	// again. Close does not stop it, because a timer that was started inside a
	// testing/synctest bubble must not be touched from outside.
	return nil
}

// Load implements [session.Store]. It allocates nothing: the slices of the
// record are the stored ones.
func (s *Store) Load(ctx context.Context, id string) (session.Record, error) {
	if err := loading.canceled(ctx); err != nil {
		return session.Record{}, err
	}
	now := time.Now().UnixMilli()
	sh := s.shardOf(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e, err := sh.lookup(id, now, &loading)
	if err != nil {
		return session.Record{}, err
	}
	return e.record(), nil
}

// Create implements [session.Store]. It replaces an expired record with the
// same id. If the store is full, it makes room; see Options.MaxSessions.
func (s *Store) Create(ctx context.Context, r session.Record) error {
	if err := creating.canceled(ctx); err != nil {
		return err
	}
	now := time.Now().UnixMilli()
	sh, e := s.shardOf(r.ID), newEntry(r)
	err := sh.add(e, now, s.reserve)
	if err == errFull {
		err = s.addMakingRoom(sh, e, now)
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
	sh := s.shardOf(r.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e, err := sh.lookupVersion(r, now, &updating)
	if err != nil {
		return err
	}
	if seen := time.UnixMilli(e.seen); seen.After(r.SeenAt) { // touched since r was loaded
		r.SeenAt = seen
		if end := time.UnixMilli(e.expires); end.After(r.ExpiresAt) {
			r.ExpiresAt = end
		}
	}
	sh.update(e, r)
	return nil
}

// Touch implements [session.Store].
func (s *Store) Touch(ctx context.Context, r session.Record) error {
	if err := touching.canceled(ctx); err != nil {
		return err
	}
	now := time.Now().UnixMilli()
	sh := s.shardOf(r.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e, err := sh.lookupVersion(r, now, &touching)
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
	if err := s.shardOf(id).delete(id, version); err != nil {
		return err
	}
	s.slots.Add(-1)
	return nil
}

func (s *Store) shardOf(id string) *shard {
	return &s.shards[maphash.String(s.seed, id)%shardCount]
}

// reserve reserves a slot for one more entry. It returns false if the store is
// full.
func (s *Store) reserve() bool {
	for {
		n := s.slots.Load()
		if n >= s.max {
			return false
		}
		if s.slots.CompareAndSwap(n, n+1) {
			return true
		}
	}
}
