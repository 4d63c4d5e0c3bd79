package memstore

import (
	"time"
	"weak"
)

// sweepStep is how many entries a sweep removes before it lets others in.
const sweepStep = 64

// arm starts the timer for the next sweep, unless it is running or there is
// nothing to collect. The timer does not keep the store alive: of one that was
// forgotten only the timer is left, until it fires for the last time.
func (s *Store) arm() {
	if s.count.Load() == 0 || !s.armed.CompareAndSwap(false, true) {
		return
	}
	store := weak.Make(s)
	time.AfterFunc(s.every, func() {
		if s := store.Value(); s != nil {
			s.sweep()
		}
	})
}

// sweep collects what has expired, in turns of sweepStep entries of each shard.
func (s *Store) sweep() {
	now := time.Now().UnixMilli()
	for more := true; more; {
		more = false
		for i := range s.shards {
			freed, _, _ := s.shards[i].collect(now, sweepStep)
			s.count.Add(-freed)
			if freed == sweepStep {
				more = true
			}
		}
	}
	// In this order: a Create that finds the timer armed has been counted.
	s.armed.Store(false)
	s.arm()
}
