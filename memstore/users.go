package memstore

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/echosession/echosession/session"
)

// Each shard has its own index of users, under the lock of its entries. So an
// entry and its place in the index change in one step, no second lock has to be
// taken in the right order, and the sessions of one user are spread over many
// locks. The price is that a list looks at all shards, even if the user has
// only one session.

// userNode links an entry into the list of its user in one shard. A list begins
// with the node that was added last.
type userNode struct {
	user       string
	e          *entry // nil after the node was unlinked
	next, prev *userNode
}

// setUser gives e a new node, which is in no list; "" stands for no user. The
// string is copied because it may be part of a longer one.
func (e *entry) setUser(user string) {
	e.node = nil
	if user != "" {
		e.node = &userNode{user: strings.Clone(user), e: e}
	}
}

// user returns the user of e, or "" if e is anonymous.
func (e *entry) user() string {
	if e.node == nil {
		return ""
	}
	return e.node.user
}

// linkUser adds e to the list of its user, if it has one. Requires sh.mu.
func (sh *shard) linkUser(e *entry) {
	n := e.node
	if n == nil {
		return
	}
	if sh.users == nil {
		sh.users = make(map[string]*userNode)
	}
	if first := sh.users[n.user]; first != nil {
		n.user = first.user // all nodes of a list share one string
		n.next, first.prev = first, n
	}
	sh.users[n.user] = n
}

// unlinkUser removes e from the list of its user, if it has one. Requires sh.mu.
func (sh *shard) unlinkUser(e *entry) {
	n := e.node
	if n == nil {
		return
	}
	switch {
	case n.prev != nil:
		n.prev.next = n.next
	case n.next != nil:
		sh.users[n.user] = n.next
	default:
		delete(sh.users, n.user)
	}
	if n.next != nil {
		n.next.prev = n.prev
	}
	// n.next stays: a walk that has reached n goes on from there.
	n.e, n.prev = nil, nil
}

// stepSize is how many entries a walk visits before it unlocks the shard.
const stepSize = 16

// walk visits the entries of a user in one shard, in steps. Between two steps
// the shard is unlocked, so that others can use it. A walk visits each entry
// that stays linked exactly once, and no entry that is linked after the walk
// began: new nodes are added in front of everything that the walk has yet to
// visit, and an unlinked node still points to the nodes that were added before
// it.
type walk struct {
	sh    *shard
	user  string
	begun bool
	next  *userNode
}

// step calls visit for up to stepSize entries; visit may remove its entry. It
// reports whether there are more entries.
func (w *walk) step(ctx context.Context, op *operation, visit func(e *entry, now int64)) (more bool, err error) {
	if err := op.canceled(ctx); err != nil {
		return false, err
	}
	w.sh.mu.Lock()
	defer w.sh.mu.Unlock()
	if w.sh.closed {
		return false, op.closed
	}
	if !w.begun {
		w.next, w.begun = w.sh.users[w.user], true
	}
	if w.next == nil {
		return false, nil
	}
	now := time.Now().UnixMilli()
	for n := 0; n < stepSize && w.next != nil; n++ {
		e := w.next.e
		w.next = w.next.next
		if e != nil {
			visit(e, now)
		}
	}
	return w.next != nil, nil
}

// ListUser implements [session.UserStore]. It holds no lock while it yields, so
// that the caller may use every method of the store. Its cost grows with the
// number of sessions that the user has, of any kind.
func (s *Store) ListUser(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		var batch [stepSize]session.Record
		for i := range s.shards {
			w := walk{sh: &s.shards[i], user: user}
			for more := true; more; {
				var n int
				var err error
				n, more, err = w.read(ctx, name, &batch)
				for j := 0; j < n && err == nil; j++ {
					if !yield(batch[j], nil) {
						return
					}
					err = listing.canceled(ctx)
				}
				if err != nil {
					yield(session.Record{}, err)
					return
				}
			}
		}
	}
}

// read makes one step. It puts the live records of the kind name into batch and
// returns their number.
func (w *walk) read(ctx context.Context, name string, batch *[stepSize]session.Record) (n int, more bool, err error) {
	more, err = w.step(ctx, &listing, func(e *entry, now int64) {
		if now < e.expires && e.kind.Value().name == name {
			batch[n] = e.record()
			n++
		}
	})
	return n, more, err
}

// DeleteUser implements [session.UserStore]. It also deletes expired sessions,
// but does not count them. If it fails, it returns how many it has deleted.
func (s *Store) DeleteUser(ctx context.Context, name, user, exceptID string) (int64, error) {
	var deleted int64
	for i := range s.shards {
		w := walk{sh: &s.shards[i], user: user}
		for more := true; more; {
			var removed int64
			var err error
			more, err = w.step(ctx, &deletingUser, func(e *entry, now int64) {
				if e.id == exceptID || e.kind.Value().name != name {
					return
				}
				if now < e.expires {
					deleted++
				}
				w.sh.remove(e)
				removed++
			})
			s.slots.Add(-removed)
			if err != nil {
				return deleted, err
			}
		}
	}
	return deleted, nil
}
