package memstore

import (
	"cmp"
	"container/heap"
	"math"
)

// queue has the entries of one sort in one shard, the one that is nearest to
// its end first: a heap, in which every entry knows its place.
type queue []*entry

// never is the end of an entry that is not there.
const never = math.MaxInt64

// next is the end of the first entry, or never.
func (q queue) next() int64 {
	if len(q) == 0 {
		return never
	}
	return q[0].expires
}

func (q *queue) add(e *entry)    { heap.Push(q, e) }
func (q *queue) remove(e *entry) { heap.Remove(q, int(e.index)) }
func (q *queue) moved(e *entry)  { heap.Fix(q, int(e.index)) }

// The rest is for package heap.

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return cmp.Less(q[i].expires, q[j].expires) }

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = int32(i), int32(j)
}

func (q *queue) Push(x any) {
	e := x.(*entry)
	e.index = int32(len(*q))
	*q = append(*q, e)
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil // or it would stay in memory
	*q = (*q)[:last]
	return e
}
