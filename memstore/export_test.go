package memstore

import (
	"context"
	"time"
	"unsafe"

	"github.com/echosession/echosession/session"
)

const (
	Shards    = shards
	SweepStep = sweepStep

	UserStep = userStep

	EntrySize = unsafe.Sizeof(entry{})
	OwnedSize = unsafe.Sizeof(owned{})
	ShardSize = unsafe.Sizeof(shard{})
)

// Armed reports whether a timer for the next sweep is running.
func (s *Store) Armed() bool { return s.armed.Load() }

// Check returns how many entries there are, and whether every one is where it
// belongs: in the map, once in the right queue, which is in order, and once in
// the list of its user. It stops all others meanwhile, so that it is exact.
func (s *Store) Check() (n int, ok bool) {
	ok = true
	for i := range s.shards {
		s.shards[i].mu.Lock()
		defer s.shards[i].mu.Unlock()
	}
	for i := range s.shards {
		sh := &s.shards[i]
		n += len(sh.entries)
		ok = ok && len(sh.entries) == len(sh.anonymous)+len(sh.owned)
		ok = ok && sh.listed() == len(sh.owned)
		for _, q := range []queue{sh.anonymous, sh.owned} {
			for j, e := range q {
				ok = ok && sh.entries[e.id] == e && int(e.index) == j && s.shard(e.id) == sh &&
					(e.user() == "") == (&q[0] == first(sh.anonymous)) && q[0].expires <= e.expires
				if j > 0 {
					ok = ok && q[(j-1)/2].expires <= e.expires
				}
			}
			for _, e := range q[len(q):cap(q)] {
				ok = ok && e == nil // or it could not be freed
			}
		}
	}
	return n, ok
}

func first(q queue) **entry {
	if len(q) == 0 {
		return nil
	}
	return &q[0]
}

// listed returns how many entries the users have, or -1 if a list is not right.
func (sh *shard) listed() (n int) {
	for user, first := range sh.users {
		if first == nil || user == "" {
			return -1
		}
		var last *owned
		for o := first; o != nil; last, o = o, o.next {
			if o.prev != last || o.user != user || o.e == nil || o.e.owned != o || sh.entries[o.e.id] != o.e {
				return -1
			}
			n++
		}
	}
	return n
}

// Users returns how many lists there are.
func (s *Store) Users() (n int) {
	for i := range s.shards {
		s.shards[i].mu.Lock()
		n += len(s.shards[i].users)
		s.shards[i].mu.Unlock()
	}
	return n
}

// SameShard reports whether both ids are in one shard.
func (s *Store) SameShard(a, b string) bool { return s.shard(a) == s.shard(b) }

// Steps returns how many entries of user are met in each step of a walk
// through the shard of id.
func (s *Store) Steps(ctx context.Context, id, user string) (steps []int) {
	w := walk{sh: s.shard(id), user: user}
	for more := true; more; {
		n := 0
		more, _ = w.step(ctx, &listing, func(*entry, int64) { n++ })
		steps = append(steps, n)
	}
	return steps
}

// Replace is the second half of a Create that found the store full.
func (s *Store) Replace(r session.Record) error {
	return s.replace(s.shard(r.ID), newEntry(r), time.Now().UnixMilli())
}

// Evict is the end of making room, in the shard of id.
func (s *Store) Evict(id string, end time.Time) bool {
	evicted := s.shard(id).evict(end.UnixMilli())
	if evicted {
		s.count.Add(-1)
	}
	return evicted
}

// Hold takes a place and does not give it back.
func (s *Store) Hold() { s.take() }
