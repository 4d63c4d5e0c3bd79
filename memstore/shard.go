package memstore

import (
	"container/heap"
	"context"
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

// shard holds the entries whose ids have the same hash. All its methods except
// lock require mu, and so do the methods of an entry in the shard. How long a
// goroutine holds mu does not depend on the number of entries. No goroutine
// holds the mu of two shards; one that holds Store.makingRoom may lock one.
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

// entry is a stored record. Times are Unix milliseconds. An entry needs
// 128 bytes, a size class of the allocator. If it has a user, that needs 48 more.
type entry struct {
	id                     string
	node                   *userNode // nil if the entry is anonymous
	kind                   unique.Handle[kind]
	meta, data             []byte
	version                int64
	created, seen, expires int64
	heapIndex              int
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
// version.
func (e *entry) setRecord(r session.Record) {
	e.kind = unique.Make(kind{r.Name, r.Format})
	e.meta, e.data = slices.Clip(r.Meta), slices.Clip(r.Data)
	e.version = r.Version + 1
	e.created, e.seen, e.expires = r.CreatedAt.UnixMilli(), r.SeenAt.UnixMilli(), r.ExpiresAt.UnixMilli()
}

// live reports whether e has not expired.
func (e *entry) live() bool { return time.Now().UnixMilli() < e.expires }

// record returns the record of e.
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

// lock locks mu for op. It fails if ctx is canceled or the store is closed.
func (sh *shard) lock(ctx context.Context, op *operation) error {
	if err := op.canceled(ctx); err != nil {
		return err
	}
	sh.mu.Lock()
	if sh.closed {
		sh.mu.Unlock()
		return op.closed
	}
	return nil
}

// lookup returns the live entry of id.
func (sh *shard) lookup(id string, op *operation) (*entry, error) {
	if e, ok := sh.entries[id]; ok && e.live() {
		return e, nil
	}
	return nil, op.notFound
}

// update replaces the record of e by r, as the next version. It keeps the times
// of a Touch that came after r was loaded.
func (sh *shard) update(e *entry, r session.Record) {
	sameUser := e.user() == r.User
	if !sameUser {
		sh.unlink(e)
		e.setUser(r.User)
	}
	seen, expires := e.seen, e.expires
	e.setRecord(r)
	if seen > e.seen {
		e.seen, e.expires = seen, max(expires, e.expires)
	}
	if sameUser {
		heap.Fix(sh.heapOf(e), e.heapIndex)
	} else {
		sh.link(e)
	}
}

// touch moves the times of e forward to the times of r.
func (sh *shard) touch(e *entry, r session.Record) {
	e.seen, e.expires = max(e.seen, r.SeenAt.UnixMilli()), max(e.expires, r.ExpiresAt.UnixMilli())
	heap.Fix(sh.heapOf(e), e.heapIndex)
}

// free drops the maps and heaps, which keep their memory even when they are
// empty.
func (sh *shard) free() {
	sh.entries, sh.anonymous, sh.withUser, sh.users = nil, nil, nil, nil
}

// link adds e to its heap and to the list of its user.
func (sh *shard) link(e *entry) {
	heap.Push(sh.heapOf(e), e)
	if e.node != nil {
		sh.linkNode(e.node)
	}
}

// unlink removes e from its heap and from the list of its user.
func (sh *shard) unlink(e *entry) {
	heap.Remove(sh.heapOf(e), e.heapIndex)
	if e.node != nil {
		sh.unlinkNode(e.node)
	}
}

// heapOf returns the heap that e belongs to.
func (sh *shard) heapOf(e *entry) *expiryHeap {
	if e.node == nil {
		return &sh.anonymous
	}
	return &sh.withUser
}

// expiryHeap implements [heap.Interface]. The first entry is the one that ends
// first. Every entry knows its index.
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

func (h expiryHeap) Len() int           { return len(h) }
func (h expiryHeap) Less(i, j int) bool { return h[i].expires < h[j].expires }

func (h expiryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].heapIndex, h[j].heapIndex = i, j
}

func (h *expiryHeap) Push(x any) {
	e := x.(*entry)
	e.heapIndex = len(*h)
	*h = append(*h, e)
}

func (h *expiryHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil // so that the entry can be freed
	*h = (*h)[:last]
	return e
}
