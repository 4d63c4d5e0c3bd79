package memstore

import (
	"context"
	"time"
	"unsafe"

	"github.com/echosession/echosession/session"
)

const (
	ShardCount = shardCount
	SweepStep  = sweepStep
	StepSize   = stepSize

	EntrySize = unsafe.Sizeof(entry{})
	NodeSize  = unsafe.Sizeof(userNode{})
	ShardSize = unsafe.Sizeof(shard{})
)

// Armed reports whether a timer for the next sweep is running.
func (s *Store) Armed() bool { return s.armed.Load() }

// Check returns the number of entries, and whether every entry is where it
// belongs: in the map, in the right heap at the right index, and in the list of
// its user. It locks all shards, so that it is exact.
func (s *Store) Check() (n int, ok bool) {
	ok = true
	for i := range s.shards {
		s.shards[i].mu.Lock()
		defer s.shards[i].mu.Unlock()
	}
	for i := range s.shards {
		sh := &s.shards[i]
		n += len(sh.entries)
		ok = ok && len(sh.entries) == len(sh.anonymous)+len(sh.withUser) && sh.countLinked() == len(sh.withUser)
		for _, h := range []*expiryHeap{&sh.anonymous, &sh.withUser} {
			for j, e := range *h {
				ok = ok && sh.entries[e.id] == e && s.shardOf(e.id) == sh && sh.heapOf(e) == h &&
					e.heapIndex == j && (*h)[0].expires <= e.expires
				if j > 0 {
					ok = ok && (*h)[(j-1)/2].expires <= e.expires
				}
			}
			for _, e := range (*h)[len(*h):cap(*h)] {
				ok = ok && e == nil // or it could not be freed
			}
		}
	}
	return n, ok
}

// countLinked returns the number of entries in all lists of users, or -1 if a
// list is broken.
func (sh *shard) countLinked() (n int) {
	for user, first := range sh.users {
		if first == nil || user == "" {
			return -1
		}
		var prev *userNode
		for node := first; node != nil; prev, node = node, node.next {
			if node.prev != prev || node.user != user || node.e == nil || node.e.node != node || sh.entries[node.e.id] != node.e {
				return -1
			}
			n++
		}
	}
	return n
}

// Lists returns the number of lists of users in all shards.
func (s *Store) Lists() (n int) {
	for i := range s.shards {
		s.shards[i].mu.Lock()
		n += len(s.shards[i].users)
		s.shards[i].mu.Unlock()
	}
	return n
}

// Freed reports whether no shard has a map or a heap.
func (s *Store) Freed() bool {
	freed := true
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		freed = freed && sh.entries == nil && sh.anonymous == nil && sh.withUser == nil && sh.users == nil
		sh.mu.Unlock()
	}
	return freed
}

// SameShard reports whether both ids are in one shard.
func (s *Store) SameShard(a, b string) bool { return s.shardOf(a) == s.shardOf(b) }

// Steps returns how many entries of user each step of a walk visits, in the
// shard of id.
func (s *Store) Steps(ctx context.Context, id, user string) (steps []int) {
	w := walk{user: user}
	for i := range s.shards {
		if &s.shards[i] == s.shardOf(id) {
			w.shards = s.shards[i : i+1]
		}
	}
	for more := true; more; {
		n := 0
		more, _ = w.step(ctx, &listing, func(*shard, *entry) { n++ })
		steps = append(steps, n)
	}
	return steps
}

// AddMakingRoom is what Create does when it has found the store full.
func (s *Store) AddMakingRoom(ctx context.Context, r session.Record) error {
	return s.addMakingRoom(ctx, newEntry(r))
}

// MakeRoom is one attempt of AddMakingRoom to make room.
func (s *Store) MakeRoom() bool { return s.makeRoom() }

// Evict evicts an entry from the shard of id.
func (s *Store) Evict(id string, end time.Time) bool {
	before := s.Len()
	s.evict(s.shardOf(id), end.UnixMilli())
	return s.Len() < before
}

// Grow counts an entry that does not exist.
func (s *Store) Grow() bool { return s.grow() }
