package memstore

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
	"unique"

	"github.com/echosession/echosession/session"
)

// shardCount is high enough that goroutines seldom meet in one shard, and low
// enough to look at all shards when the store is full.
const shardCount = 64

// shard holds the entries whose ids have the same hash. How long one of its
// methods holds mu does not depend on the number of entries. No goroutine holds
// the mu of two shards; a goroutine that holds Store.makingRoom may lock one.
type shard struct {
	mu      sync.Mutex
	closed  bool
	entries map[string]*entry // by id; nil while the shard is empty

	// Every entry is in one of these heaps. Only anonymous entries can be
	// evicted.
	anonymous, withUser expiryHeap
	users               map[string]*userNode // the first node of each user; nil while the shard is empty

	_ [48]byte // a shard fills two cache lines, and shares none with another shard
}

// entry is a stored record. Times are Unix milliseconds. An entry has 128
// bytes, which is a size class of the allocator; a user takes 48 more.
type entry struct {
	id                     string
	node                   *userNode // nil if the entry is anonymous
	kind                   unique.Handle[kind]
	meta, data             []byte
	version                int64
	created, seen, expires int64
	heapIndex              int32
}

// kind holds the strings that nearly all records have in common. They are kept
// only once.
type kind struct{ name, format string }

func newEntry(r session.Record) *entry {
	// The ID may be part of a longer string, such as a token, which must not
	// stay in memory as long as the session.
	e := &entry{id: strings.Clone(r.ID)}
	e.setUser(r.User)
	e.setRecord(r)
	e.version = 1
	return e
}

// setRecord copies r into e, except the ID and the User, and sets the next
// version. Requires sh.mu, if e is in a shard.
func (e *entry) setRecord(r session.Record) {
	e.kind = unique.Make(kind{r.Name, r.Format})
	e.meta, e.data = slices.Clip(r.Meta), slices.Clip(r.Data)
	e.version = r.Version + 1
	e.created, e.seen, e.expires = r.CreatedAt.UnixMilli(), r.SeenAt.UnixMilli(), r.ExpiresAt.UnixMilli()
}

// record returns the record of e. Requires sh.mu.
func (e *entry) record() session.Record {
	k := e.kind.Value()
	return session.Record{
		ID:        e.id,
		Name:      k.name,
		User:      e.user(),
		Version:   e.version,
		CreatedAt: time.UnixMilli(e.created).UTC(),
		SeenAt:    time.UnixMilli(e.seen).UTC(),
		ExpiresAt: time.UnixMilli(e.expires).UTC(),
		Format:    k.format,
		Meta:      e.meta,
		Data:      e.data,
	}
}

// lookup returns the live entry of id. Requires sh.mu.
func (sh *shard) lookup(id string, now int64, op *operation) (*entry, error) {
	if sh.closed {
		return nil, op.closed
	}
	if e, ok := sh.entries[id]; ok && now < e.expires {
		return e, nil
	}
	return nil, op.notFound
}

// lookupVersion returns the live entry of r.ID if its version is r.Version.
// Requires sh.mu.
func (sh *shard) lookupVersion(r session.Record, now int64, op *operation) (*entry, error) {
	e, err := sh.lookup(r.ID, now, op)
	if err == nil && e.version != r.Version {
		return nil, op.conflict
	}
	return e, err
}

// add adds e. It uses the slot of an expired entry with the same id. If there
// is none, it calls reserve, and returns errFull if that returns false.
func (sh *shard) add(e *entry, now int64, reserve func() bool) error {
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
	} else if !reserve() {
		return errFull
	}
	if sh.entries == nil {
		sh.entries = make(map[string]*entry)
	}
	sh.entries[e.id] = e
	sh.link(e)
	return nil
}

// update replaces the record of e by r, as the next version. Requires sh.mu.
func (sh *shard) update(e *entry, r session.Record) {
	if e.user() == r.User {
		e.setRecord(r)
		sh.heapOf(e).fix(e)
		return
	}
	sh.unlink(e)
	e.setUser(r.User)
	e.setRecord(r)
	sh.link(e)
}

// touch moves the times of e forward. Requires sh.mu.
func (sh *shard) touch(e *entry, seen, expires int64) {
	e.seen = max(e.seen, seen)
	e.expires = max(e.expires, expires)
	sh.heapOf(e).fix(e)
}

// remove removes e. The caller must give back its slot or use it for another
// entry. Requires sh.mu.
func (sh *shard) remove(e *entry) {
	sh.unlink(e)
	delete(sh.entries, e.id)
}

// delete removes the entry of id if it has the version; version 0 stands for
// any version. The caller must give back the slot.
func (sh *shard) delete(id string, version int64) error {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.closed {
		return deleting.closed
	}
	e, ok := sh.entries[id]
	if !ok {
		return deleting.notFound
	}
	if version != 0 && e.version != version {
		return deleting.conflict
	}
	sh.remove(e)
	return nil
}

// close removes all entries and returns how many there were.
func (sh *shard) close() (removed int64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	removed = int64(len(sh.entries))
	sh.closed = true
	sh.free()
	return removed
}

// free drops the maps and heaps, which keep their memory even when they are
// empty. Requires sh.mu.
func (sh *shard) free() {
	sh.entries, sh.anonymous, sh.withUser, sh.users = nil, nil, nil, nil
}

// link adds e to its heap and to the list of its user. Requires sh.mu.
func (sh *shard) link(e *entry) {
	sh.heapOf(e).add(e)
	sh.linkUser(e)
}

// unlink removes e from its heap and from the list of its user. Requires sh.mu.
func (sh *shard) unlink(e *entry) {
	sh.heapOf(e).remove(e)
	sh.unlinkUser(e)
}

// heapOf returns the heap that e belongs to. Requires sh.mu.
func (sh *shard) heapOf(e *entry) *expiryHeap {
	if e.node == nil {
		return &sh.anonymous
	}
	return &sh.withUser
}

// expiryHeap is a heap of entries. The first entry is the one that ends first.
// Every entry knows its index.
type expiryHeap []*entry

// never is the end of the first entry of an empty heap.
const never = math.MaxInt64

// firstEnd returns the end of the first entry, or never.
func (h expiryHeap) firstEnd() int64 {
	if len(h) == 0 {
		return never
	}
	return h[0].expires
}

func (h *expiryHeap) add(e *entry)    { heap.Push(h, e) }
func (h *expiryHeap) remove(e *entry) { heap.Remove(h, int(e.heapIndex)) }
func (h *expiryHeap) fix(e *entry)    { heap.Fix(h, int(e.heapIndex)) }

// The following methods implement heap.Interface.

func (h expiryHeap) Len() int           { return len(h) }
func (h expiryHeap) Less(i, j int) bool { return cmp.Less(h[i].expires, h[j].expires) }

func (h expiryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].heapIndex, h[j].heapIndex = int32(i), int32(j)
}

func (h *expiryHeap) Push(x any) {
	e := x.(*entry)
	e.heapIndex = int32(len(*h))
	*h = append(*h, e)
}

func (h *expiryHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil // so that the entry can be freed
	*h = (*h)[:last]
	return e
}
