package memstore

// replace puts e into sh, which is full, in the place of an entry that it
// removes elsewhere. That place stays counted all the while, so that nobody
// else can take it.
func (s *Store) replace(sh *shard, e *entry, now int64) error {
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

// makeRoom removes one entry: any that has expired, else the one without a
// user that is nearest to its end. It reports whether there was one. It looks
// at the first entries of each shard only.
func (s *Store) makeRoom(now int64) bool {
	for {
		var nearest *shard
		end := int64(never)
		for i := range s.shards {
			freed, next := s.shards[i].collect(now, 1)
			if freed > 0 {
				return true
			}
			if next < end {
				nearest, end = &s.shards[i], next
			}
		}
		if nearest == nil {
			return false
		}
		// It may be gone by now; then somebody else got what they needed.
		if nearest.evict(end) {
			return true
		}
	}
}
