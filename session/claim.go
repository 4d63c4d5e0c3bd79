package session

import (
	"slices"

	"github.com/echosession/echosession/internal/token"
)

// claim is by what a record is known to be the session of a request, whatever
// others made of it since it was loaded.
type claim struct {
	rec      Record // Version 0: it is not known whether it was ever stored
	meta     meta
	digest   token.Digest // of the secret with which the request was let in
	owner    string       // User of the Data that it started from
	attempts []attempt
	tried    bool // it may be this request that deleted it
}

// claim returns that of the present record. Requires x.op or x.mu.
func (x *Exchange[T]) claim() claim {
	r := x.rec
	r.ID = x.id
	return claim{rec: r, meta: x.meta, digest: token.DigestOf(x.m.cookie.Name, x.secret), owner: x.owner, attempts: x.attempts}
}

// judge tells what the request with the claim is to the record as it is now: it
// is let in where it wrote that itself, or where the record accepts its token
// and has the same user.
func (m *Manager[T]) judge(c claim, latest Record, by meta) standing {
	if slices.ContainsFunc(c.attempts, func(a attempt) bool { return a.nonce == by.nonce }) {
		return standingCurrent
	}
	s := by.judge(c.digest)
	if s.opens() && !m.sameUser(c, latest, by) {
		return standingSuperseded
	}
	return s
}

// sameUser compares by Data where Record.User is another: that may be out of
// date, or have been written by a process that does not know of users. Where
// Data cannot be read, it is the token that tells.
func (m *Manager[T]) sameUser(c claim, latest Record, by meta) bool {
	if latest.User == c.rec.User || latest.User == c.owner {
		return true
	}
	if m.cfg.User == nil {
		return false
	}
	var v T
	return m.decode(&latest, by, &v) != nil || m.cfg.User(&v) == c.owner
}

// admits reports whether the record still is the session of this request. It
// may have become so by a write of the request whose acknowledgement was lost,
// and which others have changed since. Requires x.op.
func (x *Exchange[T]) admits(r Record, by meta) bool {
	x.mu.Lock()
	c, next := x.claim(), x.next
	x.mu.Unlock()
	s := x.m.judge(c, r, by)
	if len(c.attempts) > 0 && next != "" && by.judge(token.DigestOf(r.Name, next)) == standingCurrent {
		s = standingCurrent
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.former = s == standingFormer; x.former && x.action == ActionSet {
		x.action, x.token = ActionNone, "" // the client has been sent a newer one
	}
	return s.opens()
}
