package session

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/echosession/echosession/internal/token"
)

// Sessions yields the live sessions of a user, in any order. A session that
// cannot be decoded comes with its id, with its times as far as they can be read,
// and with [ErrCorrupt] or [ErrSchema], and the list goes on. An error of the
// store comes with an empty Info and ends the list. [errors.ErrUnsupported]: the
// store is no [UserStore], or Config.User is not set. The user "" has no
// sessions.
func (m *Manager[T]) Sessions(ctx context.Context, user string) iter.Seq2[Info[T], error] {
	return func(yield func(Info[T], error) bool) {
		if err := m.supportsUsers(); err != nil {
			yield(Info[T]{}, err)
			return
		}
		if user == "" {
			return
		}
		stopped := false
		err := m.ask(ctx, "list", nil, func() error {
			for rec, err := range m.users.ListUser(ctx, m.cookie.Name, user) {
				if err != nil && (rec.ID == "" || !errors.Is(err, ErrCorrupt)) {
					return err
				}
				info, live, err := m.listed(&rec, err)
				if live && !yield(info, err) {
					stopped = true
					return nil
				}
			}
			return nil
		})
		if err != nil && !stopped {
			yield(Info[T]{}, err)
		}
	}
}

// listed returns a record of a list, and whether it is live by this configuration.
// damage is what the store says about it.
func (m *Manager[T]) listed(rec *Record, damage error) (info Info[T], live bool, err error) {
	var r row
	if err := r.fill(rec, m.format); damage == nil {
		damage = err
	}
	if damage != nil {
		info = Info[T]{ID: rec.ID, User: rec.User, CreatedAt: rec.CreatedAt, SeenAt: rec.SeenAt, ExpiresAt: rec.ExpiresAt}
		return info, true, fmt.Errorf("session: list %s: %w", rec.ID, damage)
	}
	if m.hasEnded(&r) {
		return info, false, nil
	}
	info, err = m.info(&r)
	return info, true, err
}

func (m *Manager[T]) supportsUsers() error {
	switch {
	case m.users == nil:
		return fmt.Errorf("session: the store cannot list the sessions of a user: %w", errors.ErrUnsupported)
	case !m.hasUser:
		return fmt.Errorf("session: Config.User is not set: %w", errors.ErrUnsupported)
	}
	return nil
}

// DeleteOf ends one session of a user, such as one that they picked in the list
// of their devices. The error is ErrNotFound if it is not live, or not that
// user's.
func (m *Manager[T]) DeleteOf(ctx context.Context, user, id string) error {
	if err := m.supportsUsers(); err != nil {
		return err
	}
	for try := range maxTries {
		var r row
		found, err := m.lookUp(ctx, id, &r)
		if found == absent && err != nil {
			return err
		}
		if found != present || user == "" || r.user != user { // a damaged record has a user, too
			return errNotFound
		}
		// By version, because it may become another user's in between.
		if err := m.revoke(ctx, &r, r.version); !errors.Is(err, ErrConflict) {
			return err
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
	return fmt.Errorf("session: delete: %w", ErrConflict)
}

// DeleteUser ends all sessions of a user, and returns how many there were.
// Requests of that user that are under way store nothing any more, unless they
// log in over an anonymous session. So to log in within a request, Save that
// first, and then call DeleteOthers.
func (m *Manager[T]) DeleteUser(ctx context.Context, user string) (int64, error) {
	return m.deleteUser(ctx, user, "")
}

// DeleteOthers ends all sessions of a user except one, as after a change of the
// password (OWASP ASVS 5.0, V7.4.3), and returns how many there were. The one
// that is kept must be stored: Save it first if it is new.
func (m *Manager[T]) DeleteOthers(ctx context.Context, user, keepID string) (int64, error) {
	if !token.ValidID(keepID) {
		return 0, errNotFound
	}
	return m.deleteUser(ctx, user, keepID)
}

// maxSweeps bounds how often a user's sessions are looked for: twice, and until
// there are none. While a store goes through them, Regenerate can put a new one
// where the store has been already, and delete the old one where it has not been
// yet.
const maxSweeps = 4

func (m *Manager[T]) deleteUser(ctx context.Context, user, exceptID string) (n int64, err error) {
	if err := m.supportsUsers(); err != nil {
		return 0, err
	}
	if user == "" {
		return 0, nil
	}
	t := m.meter()
	for sweep := range maxSweeps {
		var found int64
		err = m.ask(ctx, "delete user", t, func() (err error) {
			found, err = m.users.DeleteUser(ctx, m.cookie.Name, user, exceptID)
			return err
		})
		n += found
		if err != nil {
			return n, err
		}
		if found == 0 && sweep > 0 {
			break
		}
	}
	m.event(ctx, EventRevoked, &row{user: user}, t, nil)
	return n, nil
}
