package memstore

import (
	"context"
	"iter"
	"strings"

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

// linkNode adds n to the list of its user.
func (sh *shard) linkNode(n *userNode) {
	if sh.users == nil {
		sh.users = make(map[string]*userNode)
	}
	if first := sh.users[n.user]; first != nil {
		n.user = first.user // all nodes of a list share one string
		n.next, first.prev = first, n
	}
	sh.users[n.user] = n
}

// unlinkNode removes n from the list of its user.
func (sh *shard) unlinkNode(n *userNode) {
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

// walk visits the entries of a user, in steps. Between two steps no shard is
// locked, so that others can use it. A walk visits each entry that stays linked
// exactly once, and no entry that is linked after the walk came to its shard:
// new nodes are added in front of everything that the walk has yet to visit,
// and an unlinked node still points to the nodes that were added before it.
type walk struct {
	user   string
	shards []shard   // that the walk has yet to finish
	next   *userNode // in the first of the shards; nil: the first node of the list
}

// step calls visit for up to stepSize entries; visit may remove its entry. It
// reports whether there are more steps.
func (w *walk) step(ctx context.Context, op *operation, visit func(sh *shard, e *entry)) (more bool, err error) {
	sh := &w.shards[0]
	if err := sh.lock(ctx, op); err != nil {
		return false, err
	}
	defer sh.mu.Unlock()
	if w.next == nil {
		w.next = sh.users[w.user]
	}
	for n := 0; n < stepSize && w.next != nil; n++ {
		e := w.next.e
		w.next = w.next.next
		if e != nil {
			visit(sh, e)
		}
	}
	if w.next == nil {
		w.shards = w.shards[1:]
	}
	return len(w.shards) > 0, nil
}

// ListUser implements [session.UserStore]. It holds no lock while it yields, so
// that the caller may use every method of the store. Its cost grows with the
// number of sessions that the user has, of any kind.
func (s *Store) ListUser(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		var batch [stepSize]session.Record
		w := walk{user: user, shards: s.shards[:]}
		for more := true; more; {
			n := 0
			var err error
			more, err = w.step(ctx, &listing, func(_ *shard, e *entry) {
				if e.kind.Value().name == name && e.live() {
					batch[n] = e.record()
					n++
				}
			})
			for i := 0; i < n && err == nil; i++ {
				if !yield(batch[i], nil) {
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

// DeleteUser implements [session.UserStore]. It also deletes expired sessions,
// but does not count them. If it fails, it returns how many it has deleted.
func (s *Store) DeleteUser(ctx context.Context, name, user, exceptID string) (deleted int64, err error) {
	w := walk{user: user, shards: s.shards[:]}
	for more := true; more && err == nil; {
		more, err = w.step(ctx, &deletingUser, func(sh *shard, e *entry) {
			if e.id == exceptID || e.kind.Value().name != name {
				return
			}
			if e.live() {
				deleted++
			}
			s.remove(sh, e)
		})
	}
	return deleted, err
}
