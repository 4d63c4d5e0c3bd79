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
	length     atomic.Int64 // number of entries; changes with them, under the lock of their shard
	armed      atomic.Bool  // a timer for the next sweep is running
	makingRoom sync.Mutex   // held by the one Create that makes room
	shards     [shardCount]shard
}

var _ session.Store = (*Store)(nil)
var _ session.UserStore = (*Store)(nil)

// New returns an empty store.
func New(opts Options) *Store {
	s := &Store{seed: maphash.MakeSeed(), max: math.MaxInt64, sweepEvery: time.Minute}
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
func (s *Store) Len() int { return int(s.length.Load()) }

// Close removes all sessions. Every operation that is waiting or that follows
// fails with [session.ErrUnavailable]. Close may be called more than once and
// always returns nil. It is not needed to free the memory of the store.
func (s *Store) Close() error {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		s.length.Add(-int64(len(sh.entries)))
		sh.closed = true
		sh.free()
		sh.mu.Unlock()
	}
	// A timer that is still running finds nothing to do, and is not started
	// again. Close does not stop it, because a timer that was started inside a
	// testing/synctest bubble must not be touched from outside.
	return nil
}

// Load implements [session.Store]. It allocates nothing: the slices of the
// record are the stored ones.
func (s *Store) Load(ctx context.Context, id string) (session.Record, error) {
	sh := s.shardOf(id)
	if err := sh.lock(ctx, &loading); err != nil {
		return session.Record{}, err
	}
	defer sh.mu.Unlock()
	e, err := sh.lookup(id, &loading)
	if err != nil {
		return session.Record{}, err
	}
	return e.record(), nil
}

// Create implements [session.Store]. It replaces an expired record with the
// same id. If the store is full, it makes room; see Options.MaxSessions.
func (s *Store) Create(ctx context.Context, r session.Record) error {
	e := newEntry(r)
	err := s.add(ctx, e)
	if err == errFull {
		err = s.addMakingRoom(ctx, e)
	}
	s.arm()
	return err
}

// Update implements [session.Store].
func (s *Store) Update(ctx context.Context, r session.Record) error {
	return s.change(ctx, &updating, r, (*shard).update)
}

// Touch implements [session.Store].
func (s *Store) Touch(ctx context.Context, r session.Record) error {
	return s.change(ctx, &touching, r, (*shard).touch)
}

// change calls write for the live entry of r.ID if its version is r.Version.
func (s *Store) change(ctx context.Context, op *operation, r session.Record, write func(*shard, *entry, session.Record)) error {
	sh := s.shardOf(r.ID)
	if err := sh.lock(ctx, op); err != nil {
		return err
	}
	defer sh.mu.Unlock()
	e, err := sh.lookup(r.ID, op)
	if err != nil {
		return err
	}
	if e.version != r.Version {
		return op.conflict
	}
	write(sh, e, r)
	return nil
}

// Delete implements [session.Store].
func (s *Store) Delete(ctx context.Context, id string, version int64) error {
	sh := s.shardOf(id)
	if err := sh.lock(ctx, &deleting); err != nil {
		return err
	}
	defer sh.mu.Unlock()
	e, ok := sh.entries[id]
	if !ok {
		return deleting.notFound
	}
	if version != 0 && e.version != version {
		return deleting.conflict
	}
	s.remove(sh, e)
	return nil
}

func (s *Store) shardOf(id string) *shard {
	return &s.shards[maphash.String(s.seed, id)%shardCount]
}

// add adds e, in place of an expired entry with the same id. It returns errFull
// if the store is full.
func (s *Store) add(ctx context.Context, e *entry) error {
	sh := s.shardOf(e.id)
	if err := sh.lock(ctx, &creating); err != nil {
		return err
	}
	defer sh.mu.Unlock()
	if old, ok := sh.entries[e.id]; ok {
		if old.live() {
			return creating.exists
		}
		s.remove(sh, old)
	}
	if !s.grow() {
		return errFull
	}
	if sh.entries == nil {
		sh.entries = make(map[string]*entry)
	}
	sh.entries[e.id] = e
	sh.link(e)
	return nil
}

// remove removes e from sh. Requires sh.mu.
func (s *Store) remove(sh *shard, e *entry) {
	sh.unlink(e)
	delete(sh.entries, e.id)
	s.length.Add(-1)
}

// grow counts one more entry. It returns false if the store is full.
func (s *Store) grow() bool {
	for {
		n := s.length.Load()
		if n >= s.max {
			return false
		}
		if s.length.CompareAndSwap(n, n+1) {
			return true
		}
	}
}
