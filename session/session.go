package session

import (
	"context"
	"time"

	"github.com/echosession/echosession/internal/token"
)

// Session is the session of one request, or one that [Manager.Start] or
// [Manager.Open] gave. It is not to be kept beyond the request: code that runs
// longer keeps the ID and uses the [Manager].
//
// Its methods may be called from several goroutines at once, though Data is
// for one at a time, and Save, Update, Reload and Regenerate work on Data.
type Session[T any] struct {
	// Data is the application's. What differs from what was loaded when the
	// response begins is saved. It is owned by one request, and not for several
	// goroutines at once.
	Data T

	// at is where held has the exchange. It points to a pointer because fmt, asked
	// to print a Session by value, follows one that points to a struct, secrets
	// and all.
	at **Exchange[T]
}

// x returns the exchange that the session belongs to.
func (s *Session[T]) x() *Exchange[T] { return *s.at }

// SavePolicy says for one request what the commit is to do.
type SavePolicy int

const (
	SaveAuto   SavePolicy = iota // save what changed; extend what is due
	SaveAlways                   // save in any case
	SaveNever                    // store nothing and send no cookie
)

// ID returns the public handle of the session: safe to log and to list, it
// opens nothing. It stays through Renew and changes with Regenerate. "" where
// the session could not be loaded and only reads as empty.
func (s *Session[T]) ID() string {
	s.x().mu.Lock()
	defer s.x().mu.Unlock()
	return s.x().id
}

// Token returns what the client must present from now on: a secret. It
// comes into force with the next save where the session is new or Renew or
// Regenerate was called.
func (s *Session[T]) Token() string {
	s.x().mu.Lock()
	defer s.x().mu.Unlock()
	return s.x().currentToken()
}

// IsNew reports whether the session has no record in the store yet.
func (s *Session[T]) IsNew() bool {
	s.x().mu.Lock()
	defer s.x().mu.Unlock()
	return s.x().rec.Version == 0
}

// CreatedAt returns when the session began.
func (s *Session[T]) CreatedAt() time.Time {
	s.x().mu.Lock()
	defer s.x().mu.Unlock()
	return s.x().created
}

// AuthenticatedAt returns when User last became somebody, or somebody else; the
// zero time where it is nobody, or was somebody before User was configured.
func (s *Session[T]) AuthenticatedAt() time.Time {
	x := s.x()
	x.mu.Lock()
	defer x.mu.Unlock()
	return authenticatedAt(x.rec, x.meta)
}

// ExpiresAt returns when the session ends unless it is saved or, with Rolling,
// used before: for one that is not stored yet, if it were saved now.
func (s *Session[T]) ExpiresAt() time.Time {
	x := s.x()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.rec.Version == 0 || x.age != nil {
		return x.m.endAfter(stamp(time.Now()), x.created, x.wanted())
	}
	return x.m.end(x.rec, x.meta)
}

// Manager returns the Manager of this kind of session.
func (s *Session[T]) Manager() *Manager[T] { return s.x().m }

// Renew gives the session a new token with the next save, and keeps id and
// Data: to be called at every change of privilege (OWASP ASVS 5.0, V7.2.4).
// The old token grants nothing from the moment when that save is acknowledged.
func (s *Session[T]) Renew() {
	x := s.x()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.rec.Version == 0 || x.inert != nil {
		return
	}
	x.renewed = true
	if x.next == "" {
		x.next = token.New()
	}
}

// Regenerate makes another, new session of this one: id and token are new,
// Data is as New makes it, CreatedAt and age are those of a new session. The
// old record is destroyed when the new one is saved; where that is left empty,
// the cookie is cleared as by Destroy.
func (s *Session[T]) Regenerate() {
	x := s.x()
	id, secret, err := x.m.mint(x.context())
	if err != nil {
		id, secret = "", "" // the save tries again, and tells
	}
	data := x.m.cfg.New()
	baseline, _ := x.m.first(&data) // nil, after an error, is like no value
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.inert != nil {
		return
	}
	if x.rec.Version > 0 || len(x.attempts) > 0 {
		x.replaced = append(x.replaced, x.claim())
	}
	x.rec, x.meta, x.baseline = Record{}, meta{}, baseline
	x.id, x.secret, x.created = id, secret, stamp(time.Now())
	x.digest, x.former, x.owner = token.Digest{}, false, ""
	x.renewed, x.next, x.age, x.attempts, x.destroyed = false, "", nil, nil, false
	if x.policy == SaveNever {
		x.policy = SaveAuto
	}
	s.Data = data
}

// Destroy deletes the record and clears the cookie when the response begins.
// After it, as after the response has begun, it is the later of Destroy and
// SetSave(SaveNever) that counts.
func (s *Session[T]) Destroy() {
	s.x().mu.Lock()
	defer s.x().mu.Unlock()
	if s.x().inert != nil {
		return
	}
	s.x().destroyed = true
	if s.x().policy == SaveNever {
		s.x().policy = SaveAuto
	}
}

// SetMaxAge gives this session an age of its own, which is stored with it and
// used instead of the configured one, as for "remember me". 0 or less is the
// configured one again; no more than 400 days count.
func (s *Session[T]) SetMaxAge(d time.Duration) {
	d = wholeMillis(min(max(d, 0), maxCookieAge))
	x := s.x()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.age = &d
	if x.rec.Version > 0 && d == x.meta.age {
		x.age = nil
	}
}

// SetSave says what the commit of this request is to do.
func (s *Session[T]) SetSave(p SavePolicy) {
	s.x().mu.Lock()
	defer s.x().mu.Unlock()
	s.x().policy = p
}

// Save stores the session now, and not when the response begins, whether it
// changed or not and whatever SetSave said: in streams and websockets, or to
// know the outcome. The cookie goes out with the response. A session that
// another request changed is merged as by the commit, and Data is then what was
// stored; one that was destroyed by Destroy is deleted.
//
// [ErrGone]: it was revoked, or its token replaced; [ErrCommitted]: it needs a
// new token, and the response has begun; [ErrTooLarge]; [ErrConflict];
// [ErrUnavailable]; or what BeforeSave said.
func (s *Session[T]) Save(ctx context.Context) error { return s.x().saveNow(ctx) }

// Reload drops this request's changes of Data and reads the store again. [ErrGone]
// where the record is no more, or accepts another token by now. A new session
// becomes as New makes it.
func (s *Session[T]) Reload(ctx context.Context) error { return s.x().reload(ctx) }

// Update changes the stored Data atomically. fn gets the stored value, with
// the pending changes of this request merged in, and runs again where another
// change came in between: it must do nothing but change its argument. Then it
// is a save like Save, which creates a new session, and Data is what was
// stored. On an error, fn's own or one of Save's, Data is as before, and so is the
// store as far as can be known.
func (s *Session[T]) Update(ctx context.Context, fn func(*T) error) error {
	return s.x().update(ctx, fn)
}
