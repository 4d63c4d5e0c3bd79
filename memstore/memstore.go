// Package memstore keeps sessions in the memory of the process: the default of
// the library, for a program that runs as one process and may lose its
// sessions when it ends.
//
// What has expired is never read again, and its memory is collected in the
// background in small steps. The sessions of a user are found by an index. A
// [Store] owns no goroutine: one that is forgotten is garbage, without being
// closed.
package memstore

import (
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/echosession/echosession/session"
)

// DefaultSweepEvery is how often a [Store] collects what has expired, unless
// Options.SweepEvery says otherwise.
const DefaultSweepEvery = time.Minute

// Options are the settings of a [Store]. The zero value is ready for use.
type Options struct {
	// MaxSessions bounds how many sessions the store holds, counting those
	// that expired and were not collected yet. It is exact: there are never
	// more, however many goroutines create some at once. 0 or less: no bound.
	//
	// When the store is full, Create makes room: what has expired goes first,
	// then the session without a user that is nearest to its end. A session of
	// a user is never dropped: if all have one, Create fails with
	// [session.ErrUnavailable].
	MaxSessions int

	// SweepEvery is how long what has expired may stay in memory. It makes no
	// difference to what can be read. 0 or less: DefaultSweepEvery.
	SweepEvery time.Duration
}

// Store is a [session.Store] in memory, and a [session.UserStore]. Its methods
// are safe for use by several goroutines at once. Make one with [New].
type Store struct {
	seed  maphash.Seed
	max   int64
	every time.Duration

	// count is how many entries there are, and how many more may be added by
	// those who have taken a place already: never less than the former, never
	// more than max.
	count atomic.Int64
	armed atomic.Bool // a timer for the next sweep is running
	room  sync.Mutex  // held by the one Create that makes room

	shards [shards]shard
}

var (
	_ session.Store     = (*Store)(nil)
	_ session.UserStore = (*Store)(nil)
)

// New returns an empty store.
func New(opts Options) *Store {
	s := &Store{seed: maphash.MakeSeed(), max: math.MaxInt64, every: DefaultSweepEvery}
	if opts.MaxSessions > 0 {
		s.max = int64(opts.MaxSessions)
	}
	if opts.SweepEvery > 0 {
		s.every = opts.SweepEvery
	}
	return s
}

// Len returns how many sessions the store holds, counting those that expired
// and were not collected yet.
func (s *Store) Len() int { return int(s.count.Load()) }

// Close drops all sessions. Every operation that follows, or that is waiting,
// fails with [session.ErrUnavailable]. It may be called more than once, always
// returns nil, and is not needed for the memory to be freed.
func (s *Store) Close() error {
	for i := range s.shards {
		s.count.Add(-s.shards[i].close())
	}
	// A timer that is still running finds nothing and ends. It is not stopped:
	// one that was started inside a testing/synctest bubble must not be
	// touched from outside.
	return nil
}

func (s *Store) shard(id string) *shard {
	return &s.shards[maphash.String(s.seed, id)%shards]
}

// take reserves a place for one more entry. It reports whether there was one.
func (s *Store) take() bool {
	for {
		n := s.count.Load()
		if n >= s.max {
			return false
		}
		if s.count.CompareAndSwap(n, n+1) {
			return true
		}
	}
}
