package session

import (
	"context"
	"time"

	"github.com/echosession/echosession/internal/token"
)

// asked is what the application asked for besides a change of Data.
type asked struct {
	renewed bool           // by Renew
	age     *time.Duration // by SetMaxAge
}

// successor is the record that a write with data is to leave in the store, but
// for its Version, which is the one to be replaced; and what was asked for that
// it carries out. Requires x.op.
func (x *Exchange[T]) successor(ctx context.Context, data []byte) (Record, meta, asked, error) {
	if x.id == "" { // Regenerate could not make one
		id, secret, err := x.m.mint(ctx)
		if err != nil {
			return Record{}, meta{}, asked{}, err
		}
		x.setToken(id, secret)
	}
	user := x.m.user(&x.session.Data)
	x.mu.Lock()
	defer x.mu.Unlock()
	now := stamp(time.Now())
	r, m := x.rec, x.meta
	m.nonce, m.shape, m.schema = newNonce(), x.m.shape, x.m.schema
	if r.Version == 0 {
		r = Record{ID: x.id, Name: x.m.cookie.Name, CreatedAt: x.created}
		m.digest, m.issued = token.DigestOf(r.Name, x.secret), now.UnixMilli()
	} else {
		x.renewToken(&m, now.UnixMilli(), user)
	}
	if user != "" && user != x.owner {
		m.authenticated = now.UnixMilli()
	}
	if x.m.cfg.User != nil { // else it is left to those who know
		r.User = user
	}
	if x.age != nil {
		m.age = *x.age
	}
	// A slow clock never moves the end backwards, and what only the library wants
	// saved is no use of the session.
	if r.SeenAt.Before(now) && (!x.refreshing || x.m.rolling) {
		r.SeenAt = now
	}
	r.ExpiresAt = x.m.endAfter(r.SeenAt, r.CreatedAt, m)
	r.Format, r.Meta, r.Data = x.m.format, m.encode(), data
	return r, m, x.asked, nil
}

// renewToken puts the next secret into m where there is to be one. Requires x.mu.
func (x *Exchange[T]) renewToken(m *meta, now int64, user string) {
	forGood := x.renewed || user != x.owner
	if !forGood && !x.renewalDue() {
		if x.shown == m.digest { // the client has shown that it has the latest token
			m.former = m.confirmed(now, x.m.grace)
		}
		return
	}
	if x.next == "" {
		x.next = token.New()
	}
	switch d := token.DigestOf(x.rec.Name, x.next); {
	case d != m.digest:
		m.replace(d, now, x.m.grace, forGood)
	case forGood: // a routine write that nobody acknowledged stored it already
		m.former = superseded(m.confirmed(now, x.m.grace))
	}
}

// takeNext makes the next secret the present one where m has it, and reports
// whether it does. Requires x.mu.
func (x *Exchange[T]) takeNext(m meta) bool {
	if x.next == "" || m.digest != token.DigestOf(x.m.cookie.Name, x.next) {
		return false
	}
	x.secret, x.digest, x.next, x.former = x.next, m.digest, "", false
	return true
}

// renewalDue reports whether the token is to be replaced by the way. Requires
// x.op or x.mu.
func (x *Exchange[T]) renewalDue() bool { return x.renewalDueBy(x.meta) }

func (x *Exchange[T]) renewalDueBy(m meta) bool {
	if x.m.renew == 0 || x.former || x.began || x.req.Hooks == nil {
		return false
	}
	return time.Now().UnixMilli()-m.issued >= x.m.renew.Milliseconds()
}

// currentToken is Session.Token. Requires x.mu.
func (x *Exchange[T]) currentToken() string {
	switch {
	case x.id == "":
		return ""
	case x.renewed:
		return x.m.tokens.Join(x.id, x.next)
	}
	return x.m.tokens.Join(x.id, x.secret)
}

func (x *Exchange[T]) setToken(id, secret string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.id, x.secret = id, secret
}

// wanted is the age that the next save stores. Requires x.mu.
func (x *Exchange[T]) wanted() meta {
	m := x.meta
	if x.age != nil {
		m.age = *x.age
	}
	return m
}
