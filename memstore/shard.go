package memstore

import (
	"sync"

	"github.com/echosession/echosession/session"
)

// shards is enough that goroutines seldom meet in one, and few enough to look
// at all of them when the store is full.
const shards = 64

// shard has the entries of those ids whose hash is its own. Its methods hold
// mu for a number of entries that does not depend on how many there are. Nobody
// holds that of two shards; who holds Store.room may take one.
type shard struct {
	mu      sync.Mutex
	closed  bool
	entries map[string]*entry // nil while there is none
	// Every entry is in one of these: without a user it can be dropped.
	anonymous, owned queue
	users            map[string]*owned // the first of each user's; nil while there is none

	_ [48]byte // a shard fills two cache lines and shares none with another
}

// queue requires sh.mu.
func (sh *shard) queue(e *entry) *queue {
	if e.owned == nil {
		return &sh.anonymous
	}
	return &sh.owned
}

// find returns the live entry of id. Requires sh.mu.
func (sh *shard) find(id string, now int64, op *operation) (*entry, error) {
	if sh.closed {
		return nil, op.closed
	}
	if e, ok := sh.entries[id]; ok && now < e.expires {
		return e, nil
	}
	return nil, op.notFound
}

// findVersion returns the live entry of r.ID if its version is r.Version.
// Requires sh.mu.
func (sh *shard) findVersion(r session.Record, now int64, op *operation) (*entry, error) {
	e, err := sh.find(r.ID, now, op)
	if err == nil && e.version != r.Version {
		return nil, op.conflict
	}
	return e, err
}

// add puts in e, in the place of an expired entry of the same id or else in
// one of which take says whether it is to be had: errFull if not.
func (sh *shard) add(e *entry, now int64, take func() bool) error {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.closed {
		return creating.closed
	}
	if old, ok := sh.entries[e.id]; ok {
		if now < old.expires {
			return creating.exists
		}
		sh.remove(old)
	} else if !take() {
		return errFull
	}
	if sh.entries == nil {
		sh.entries = make(map[string]*entry)
	}
	sh.entries[e.id] = e
	sh.put(e)
	return nil
}

// set makes e the next version of itself, that of r. Requires sh.mu.
func (sh *shard) set(e *entry, r session.Record) {
	if e.user() == r.User {
		e.set(r)
		sh.queue(e).moved(e)
		return
	}
	sh.take(e)
	e.own(r.User)
	e.set(r)
	sh.put(e)
}

// put gives e its place among those of its sort and of its user, and take takes
// it away. Both require sh.mu.
func (sh *shard) put(e *entry) {
	sh.queue(e).add(e)
	sh.join(e)
}

func (sh *shard) take(e *entry) {
	sh.queue(e).remove(e)
	sh.leave(e)
}

// touch moves the times of e forward. Requires sh.mu.
func (sh *shard) touch(e *entry, seen, expires int64) {
	e.seen = max(e.seen, seen)
	e.expires = max(e.expires, expires)
	sh.queue(e).moved(e)
}

// remove requires sh.mu. The place of e is the caller's to give back or to use.
func (sh *shard) remove(e *entry) {
	sh.take(e)
	delete(sh.entries, e.id)
}

// delete returns how many places it freed.
func (sh *shard) delete(id string, version int64) (freed int64, err error) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.closed {
		return 0, deleting.closed
	}
	e, ok := sh.entries[id]
	if !ok {
		return 0, deleting.notFound
	}
	if version != 0 && e.version != version {
		return 0, deleting.conflict
	}
	sh.remove(e)
	return 1, nil
}

// collect removes up to limit entries that have expired. It returns how many
// places it freed, the end of the first of those without a user, and how many
// with one are left.
func (sh *shard) collect(now int64, limit int64) (freed, next, owned int64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, q := range [...]*queue{&sh.anonymous, &sh.owned} {
		for freed < limit && q.next() <= now {
			sh.remove((*q)[0])
			freed++
		}
	}
	if len(sh.entries) == 0 {
		// Neither a map nor a slice gives back memory while it is in use.
		sh.entries, sh.anonymous, sh.owned, sh.users = nil, nil, nil, nil
	}
	return freed, sh.anonymous.next(), int64(len(sh.owned))
}

// evict removes the first entry without a user, if that ends at end or before.
func (sh *shard) evict(end int64) bool {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.anonymous.next() > end {
		return false
	}
	sh.remove(sh.anonymous[0])
	return true
}

// close returns how many places it freed.
func (sh *shard) close() (freed int64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	freed = int64(len(sh.entries))
	sh.closed = true
	sh.entries, sh.anonymous, sh.owned, sh.users = nil, nil, nil, nil
	return freed
}
