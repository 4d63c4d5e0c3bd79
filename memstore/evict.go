package memstore

import (
	"time"
	"weak"
)

// addMakingRoom adds e to sh when the store is full: it removes another entry
// and uses its slot. The slot stays reserved in between, so that no other
// goroutine can take it. Only one goroutine at a time makes room: otherwise, in
// a small store, every slot could be between two entries, and a Create that
// looks for an entry to remove would find none.
func (s *Store) addMakingRoom(sh *shard, e *entry, now int64) error {
	s.makingRoom.Lock()
	defer s.makingRoom.Unlock()
	if !s.makeRoom(now) {
		return s.allHaveUsers()
	}
	used := false
	err := sh.add(e, now, func() bool {
		used = true
		return true
	})
	if !used {
		s.slots.Add(-1)
	}
	return err
}

// maxAttempts is how often makeRoom looks for an entry. Another goroutine may
// change or remove the entry before makeRoom can remove it.
const maxAttempts = 100

// makeRoom reserves a slot for its caller. It removes an expired entry or, if
// there is none, the anonymous entry that ends first. It returns false if all
// entries have users. It looks only at the first entries of each shard. Requires
// s.makingRoom.
func (s *Store) makeRoom(now int64) bool {
	for range maxAttempts {
		var first *shard // with the anonymous entry that ends first
		var withUsers int64
		firstEnd := int64(never)
		for i := range s.shards {
			removed, end, withUser := s.shards[i].collect(now, 1)
			if removed > 0 {
				return true
			}
			if end < firstEnd {
				first, firstEnd = &s.shards[i], end
			}
			withUsers += withUser
		}
		if first != nil {
			if first.evict(firstEnd) {
				return true
			}
			continue // the entry was extended or removed in the meantime
		}
		if withUsers == s.max {
			return false
		}
		if s.reserve() { // an entry was removed in the meantime
			return true
		}
	}
	return false
}

// collect removes up to limit expired entries and returns how many it removed.
// The caller must give back their slots. It also returns when the first
// anonymous entry ends, and how many entries with a user are left.
func (sh *shard) collect(now, limit int64) (removed, end, withUser int64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, h := range [...]*expiryHeap{&sh.anonymous, &sh.withUser} {
		for removed < limit && h.firstEnd() <= now {
			sh.remove((*h)[0])
			removed++
		}
	}
	if len(sh.entries) == 0 {
		sh.free()
	}
	return removed, sh.anonymous.firstEnd(), int64(len(sh.withUser))
}

// evict removes the anonymous entry that ends first, unless that is after end.
// It reports whether it removed the entry; then the slot is the caller's.
func (sh *shard) evict(end int64) bool {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.anonymous.firstEnd() > end {
		return false
	}
	sh.remove(sh.anonymous[0])
	return true
}

// sweepStep is how many entries a sweep removes before it unlocks a shard.
const sweepStep = 64

// arm starts the timer for the next sweep, unless it is running already or the
// store is empty. The timer does not keep the store alive: if the store has
// become garbage, the timer fires once more and does nothing.
func (s *Store) arm() {
	if s.slots.Load() == 0 || !s.armed.CompareAndSwap(false, true) {
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
	now := time.Now().UnixMilli()
	for more := true; more; {
		more = false
		for i := range s.shards {
			removed, _, _ := s.shards[i].collect(now, sweepStep)
			s.slots.Add(-removed)
			if removed == sweepStep {
				more = true
			}
		}
	}
	// The order matters: a Create that still finds the timer armed has reserved
	// its slot before, so that the following arm sees it.
	s.armed.Store(false)
	s.arm()
}
