package memstore

import (
	"context"
	"strings"
	"time"
)

// userStep is how many entries of a user are looked at before others are let
// in.
const userStep = 16

// owned is what an entry has because it has a user: whose it is, and its place
// in the list of those that this user has in this shard. The list begins with
// the one that joined it last.
type owned struct {
	user       string
	e          *entry // nil once it left the list
	next, prev *owned
}

// own makes e one of user, in no list yet; "" is nobody. The string may be part
// of a longer one, as an id may.
func (e *entry) own(user string) {
	e.owned = nil
	if user != "" {
		e.owned = &owned{user: strings.Clone(user), e: e}
	}
}

// user returns "" for nobody.
func (e *entry) user() string {
	if e.owned == nil {
		return ""
	}
	return e.owned.user
}

// join puts e first in the list of its user. Requires sh.mu.
func (sh *shard) join(e *entry) {
	o := e.owned
	if o == nil {
		return
	}
	if sh.users == nil {
		sh.users = make(map[string]*owned)
	}
	if first := sh.users[o.user]; first != nil {
		o.user = first.user // the bytes once for all of a list
		o.next, first.prev = first, o
	}
	sh.users[o.user] = o
}

// leave takes e out of the list of its user. Requires sh.mu.
func (sh *shard) leave(e *entry) {
	o := e.owned
	if o == nil {
		return
	}
	switch {
	case o.prev != nil:
		o.prev.next = o.next
	case o.next != nil:
		sh.users[o.user] = o.next
	default:
		delete(sh.users, o.user)
	}
	if o.next != nil {
		o.next.prev = o.prev
	}
	// A walk that is here goes on by next, which therefore stays.
	o.e, o.prev = nil, nil
}

// walk goes through the entries of a user in one shard. It lets others in
// between its steps and still meets each that stays once, and none that joins
// after it has begun: what joins comes before everything that a walk has yet to
// meet, and what has left still points on, to what joined before it.
type walk struct {
	sh    *shard
	user  string
	begun bool
	next  *owned
}

// step calls f, which may remove it, for each of the next entries, up to
// userStep. It reports whether there are more.
func (w *walk) step(ctx context.Context, op *operation, f func(e *entry, now int64)) (more bool, err error) {
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
	for n := 0; n < userStep && w.next != nil; n++ {
		e := w.next.e
		w.next = w.next.next
		if e != nil {
			f(e, now)
		}
	}
	return w.next != nil, nil
}
