package memstore

// replace puts e into sh, which is full, in the place of an entry that it
// removes elsewhere. That place stays counted all the while, so that nobody
// else can take it. One at a time does this: otherwise, in a small store, all
// places could be on their way from one entry to another, and a Create that
// looks for one would find none.
func (s *Store) replace(sh *shard, e *entry, now int64) error {
	s.room.Lock()
	defer s.room.Unlock()
	if !s.makeRoom(now) {
		return s.allHaveUsers()
	}
	used := false
	err := sh.add(e, now, func() bool {
		used = true
		return true
	})
	if !used {
		s.count.Add(-1)
	}
	return err
}

// tries is how often what was found may be gone before it can be taken.
const tries = 100

// makeRoom removes one entry: any that has expired, else the one without a
// user that is nearest to its end. It reports false if all have a user. It
// looks at the first entries of each shard only. Requires s.room.
func (s *Store) makeRoom(now int64) bool {
	for range tries {
		var nearest *shard
		var owned int64
		end := int64(never)
		for i := range s.shards {
			freed, next, users := s.shards[i].collect(now, 1)
			if freed > 0 {
				return true
			}
			if next < end {
				nearest, end = &s.shards[i], next
			}
			owned += users
		}
		if nearest != nil {
			if nearest.evict(end) {
				return true
			}
			continue // it was extended or deleted since
		}
		if owned == s.max {
			return false
		}
		if s.take() { // some were deleted since
			return true
		}
	}
	return false
}
