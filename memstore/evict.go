package memstore

import (
	"context"
	"fmt"
	"time"
	"weak"

	"github.com/echosession/echosession/session"
)

// maxAttempts is how often addMakingRoom makes room. Another goroutine may
// change or remove the entry that makeRoom has chosen, or take the room.
const maxAttempts = 100

// addMakingRoom adds e to a full store. Only one goroutine at a time makes room,
// so that several goroutines do not choose the same entry again and again.
func (s *Store) addMakingRoom(ctx context.Context, e *entry) error {
	s.makingRoom.Lock()
	defer s.makingRoom.Unlock()
	for range maxAttempts {
		if !s.makeRoom() {
			break
		}
		if err := s.add(ctx, e); err != errFull {
			return err
		}
	}
	return fmt.Errorf("memstore: create: all %d sessions that Options.MaxSessions allows belong to users, "+
		"and a user's session is never removed for a new one: allow more sessions, or let them end earlier: %w",
		s.max, session.ErrUnavailable)
}

// makeRoom removes an expired entry or, if there is none, the anonymous entry
// that ends first. It looks only at the first entries of each shard. It returns
// false if all entries have users.
func (s *Store) makeRoom() bool {
	now := time.Now()
	var first *shard // with the anonymous entry that ends first
	firstEnd := int64(never)
	withUser := int64(0)
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		removed := s.collect(sh, now, 1)
		end := sh.anonymous.firstEnd()
		withUser += int64(len(sh.withUser))
		sh.mu.Unlock()
		if removed > 0 {
			return true
		}
		if end < firstEnd {
			first, firstEnd = sh, end
		}
	}
	if first == nil {
		return withUser < s.max // if less, an entry was removed in the meantime
	}
	s.evict(first, firstEnd)
	return true
}

// evict removes the anonymous entry of sh that ends first, unless it was
// extended or removed, so that none ends by end.
func (s *Store) evict(sh *shard, end int64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.anonymous.firstEnd() <= end {
		s.remove(sh, sh.anonymous[0])
	}
}

// collect removes up to limit expired entries from sh and returns how many it
// removed. Requires sh.mu.
func (s *Store) collect(sh *shard, now time.Time, limit int) (removed int) {
	for _, h := range [...]*expiryHeap{&sh.anonymous, &sh.withUser} {
		for removed < limit && h.firstEnd() <= now.UnixMilli() {
			s.remove(sh, (*h)[0])
			removed++
		}
	}
	if len(sh.entries) == 0 {
		sh.free()
	}
	return removed
}

// sweepStep is how many entries a sweep removes before it unlocks a shard.
const sweepStep = 64

// arm starts the timer for the next sweep, unless it is running already or the
// store is empty. The timer does not keep the store alive: if the store has
// become garbage, the timer fires once more and does nothing.
func (s *Store) arm() {
	if s.Len() == 0 || !s.armed.CompareAndSwap(false, true) {
		return
	}
	store := weak.Make(s)
	time.AfterFunc(s.sweepEvery, func() {
		if s := store.Value(); s != nil {
			s.sweep()
		}
	})
}

// sweep removes all expired entries, in rounds of up to sweepStep entries of
// each shard.
func (s *Store) sweep() {
	now := time.Now()
	for more := true; more; {
		more = false
		for i := range s.shards {
			sh := &s.shards[i]
			sh.mu.Lock()
			more = s.collect(sh, now, sweepStep) == sweepStep || more
			sh.mu.Unlock()
		}
	}
	// The order matters: a Create that still finds the timer armed has counted
	// its entry before, so that the following arm sees it.
	s.armed.Store(false)
	s.arm()
}
