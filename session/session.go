package session

import (
	"context"
	"time"

	"github.com/echosession/echosession/internal/token"
)

// Session is the session of one request, or one that [Manager.Start] or
// [Manager.Open] returned. It must not be used after the request: code that runs
// longer keeps the ID and uses the [Manager].
//
// Its methods may be called from several goroutines at once, but Data is for one
// goroutine at a time, and Save, Update, Reload and Regenerate work on Data.
type Session[T any] struct {
	// Data is the application's value. What differs from the loaded value when the
	// response begins is saved. It belongs to one request, and to one goroutine at
	// a time.
	Data T

	// at points to the exchange through a second pointer, because fmt, asked to
	// print a Session by value, follows a pointer to a struct, and would print the
	// secrets in it.
	at **Exchange[T]
}

// x returns the exchange that the session belongs to.
func (s *Session[T]) x() *Exchange[T] { return *s.at }

// locked returns the exchange with its mu held.
func (s *Session[T]) locked() *Exchange[T] {
	x := s.x()
	x.mu.Lock()
	return x
}

// SavePolicy says what the commit of one request does.
type SavePolicy uint8

const (
	SaveAuto   SavePolicy = iota // save what changed; extend what is due
	SaveAlways                   // save in any case
	SaveNever                    // store nothing and send no cookie
)

// ID returns the public handle of the session. It is safe to log and to list, and
// opens nothing. Renew keeps it, Regenerate changes it. It is "" if the session
// could not be loaded and only reads as empty.
func (s *Session[T]) ID() string {
	x := s.locked()
	defer x.mu.Unlock()
	return x.publicID()
}

// Token returns what the client must present from now on: a secret. If the
// session is new, or Renew or Regenerate was called, it comes into force with the
// next save.
func (s *Session[T]) Token() string {
	x := s.locked()
	defer x.mu.Unlock()
	return x.currentToken()
}

// IsNew reports whether this request knows of no stored record. It is also true
// if the session could not be loaded.
func (s *Session[T]) IsNew() bool {
	x := s.locked()
	defer x.mu.Unlock()
	return !x.row.isStored()
}

// CreatedAt returns when the session began.
func (s *Session[T]) CreatedAt() time.Time {
	x := s.locked()
	defer x.mu.Unlock()
	if x.row.created == 0 {
		return time.Time{}
	}
	return fromMillis(x.row.created)
}

// AuthenticatedAt returns when User last became somebody, or somebody else. It is
// the zero time for an anonymous session, and for one that was stored before
// Config.User was set.
func (s *Session[T]) AuthenticatedAt() time.Time {
	x := s.locked()
	defer x.mu.Unlock()
	return x.row.authenticatedAt()
}

// ExpiresAt returns when the session ends unless it is saved or, with Rolling,
// used before. For a session that is not stored yet, it is when it would end if
// it were saved now.
func (s *Session[T]) ExpiresAt() time.Time {
	x := s.locked()
	defer x.mu.Unlock()
	return fromMillis(x.expiresAt())
}

// Manager returns the Manager of this kind of session.
func (s *Session[T]) Manager() *Manager[T] { return s.x().m }

// Renew gives the session a new token with the next save, and keeps id and Data.
// Call it at every change of privilege (OWASP ASVS 5.0, V7.2.4). The old token
// grants nothing from the moment when that save is acknowledged.
func (s *Session[T]) Renew() {
	x := s.locked()
	defer x.mu.Unlock()
	if x.ending == endingNone && x.row.isStored() && x.draft.pending.renewTo == "" {
		x.draft.pending.renewTo = token.New()
	}
}

// Regenerate makes this session a new one: id and token are new, Data is as New
// makes it, CreatedAt and age are those of a new session. The old record is
// destroyed when the new one is saved. If the new one is left empty, the cookie
// is cleared as by Destroy. Regenerate is also the way to begin anew after
// Destroy.
func (s *Session[T]) Regenerate() {
	x := s.x()
	id, err := x.b.makeID(x.requestContext())
	if err != nil {
		id = "" // the save tries again, and returns the error
	}
	data := x.m.cfg.New()
	encoded, _ := x.m.first(&data) // after an error, every Data counts as changed
	if x.regenerate(id, encoded) {
		s.Data = data
	}
}

// Destroy deletes the record and clears the cookie when the response begins, or
// at once if it has begun already. Of Destroy and SetSave(SaveNever) the later
// call counts.
func (s *Session[T]) Destroy() {
	x := s.locked()
	defer x.mu.Unlock()
	if x.ending != endingNone {
		return
	}
	x.draft.pending.destroyed = true
	if x.draft.pending.policy == SaveNever {
		x.draft.pending.policy = SaveAuto
	}
}

// SetMaxAge gives this session an age of its own, which is stored with it and
// used instead of the configured one, as for "remember me". 0 or less restores
// the configured one. An age of more than 400 days counts as 400 days.
func (s *Session[T]) SetMaxAge(d time.Duration) {
	age := ceilMillis(min(max(d, 0), maxCookieAge))
	x := s.locked()
	defer x.mu.Unlock()
	p := &x.draft.pending
	p.age, p.hasAge = age, true
	if x.row.isStored() && age == x.row.age.Milliseconds() {
		p.age, p.hasAge = 0, false
	}
}

// SetSave says what the commit of this request does.
func (s *Session[T]) SetSave(p SavePolicy) {
	x := s.locked()
	defer x.mu.Unlock()
	x.draft.pending.policy = p
}

// Save stores the session now instead of when the response begins: in streams and
// websockets, or to know the outcome. It stores whether the session changed or
// not, and in spite of SetSave. The cookie goes out with the response. If another
// request changed the session, the changes are merged as by the commit, and Data
// is then what was stored. A session that Destroy was called for is deleted.
//
// [ErrGone]: it was revoked, or its token replaced. [ErrCommitted]: it needs a
// new token, and the response has begun. Other errors are [ErrTooLarge],
// [ErrConflict], [ErrUnavailable], and what BeforeSave returned.
func (s *Session[T]) Save(ctx context.Context) error { return s.x().saveNow(ctx) }

// Reload drops this request's changes of Data and reads the store again. A new
// session becomes as New makes it. [ErrGone]: there is no record any more, or it
// accepts another token by now.
func (s *Session[T]) Reload(ctx context.Context) error { return s.x().reload(ctx) }

// Update changes the stored Data atomically. fn gets the stored value with the
// pending changes of this request merged in, and runs again if another change
// came in between, so it must do nothing except change its argument. Then it is a
// save like Save, which creates a new session, and Data is what was stored. On an
// error, of fn or of the save, Data is as before, and so is the store as far as
// can be known.
func (s *Session[T]) Update(ctx context.Context, fn func(*T) error) error {
	return s.x().update(ctx, func() error { return fn(&s.Data) })
}
