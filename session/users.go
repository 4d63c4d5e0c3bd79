package session

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/echosession/echosession/internal/token"
)

// Sessions yields the live sessions of a user, in any order. One that cannot be
// decoded comes with its id, with its times as far as they can be read, and with
// [ErrCorrupt] or [ErrSchema], and the list goes on; an error of the store, with
// an empty Info, ends it. [errors.ErrUnsupported]: the store is no [UserStore], or Config.User
// is not set. Nobody, the user "", has no sessions.
func (m *Manager[T]) Sessions(ctx context.Context, user string) iter.Seq2[Info[T], error] {
	return func(yield func(Info[T], error) bool) {
		if err := m.supportsUsers(); err != nil {
			yield(Info[T]{}, err)
			return
		}
		if user == "" {
			return
		}
		probe, err := m.enter(ctx)
		if err != nil {
			yield(Info[T]{}, fmt.Errorf("session: list: %w", err))
			return
		}
		answer := ErrUnavailable // of a store that panics
		defer func() { m.answered(ctx, probe, answer) }()
		for r, err := range m.users.ListUser(ctx, m.cookie.Name, user) {
			answer = err
			if err != nil && (r.ID == "" || !errors.Is(err, ErrCorrupt)) {
				yield(Info[T]{}, fmt.Errorf("session: list: %w", err))
				return
			}
			info, live, err := m.listed(r, err)
			if live && !yield(info, err) {
				return
			}
		}
		answer = nil // an empty list is one, too
	}
}

// listed is a record of a list, if it is live by this configuration, too. damage
// is what the store says of it.
func (m *Manager[T]) listed(r Record, damage error) (info Info[T], live bool, err error) {
	var by meta
	if damage == nil {
		damage = by.decode(r.Meta)
	}
	if damage != nil {
		info = Info[T]{ID: r.ID, User: r.User, CreatedAt: r.CreatedAt, SeenAt: r.SeenAt, ExpiresAt: r.ExpiresAt}
		return info, true, fmt.Errorf("session: list %s: %w", r.ID, damage)
	}
	if m.over(&r, &by) {
		return info, false, nil
	}
	info, err = m.info(r, by)
	return info, true, err
}

func (m *Manager[T]) supportsUsers() error {
	switch {
	case m.users == nil:
		return fmt.Errorf("session: the store cannot list the sessions of a user: %w", errors.ErrUnsupported)
	case m.cfg.User == nil:
		return fmt.Errorf("session: Config.User is not set: %w", errors.ErrUnsupported)
	}
	return nil
}

// DeleteOf ends one session of a user, such as one that they picked in the list
// of their devices. ErrNotFound where it is not live, or not that user's.
func (m *Manager[T]) DeleteOf(ctx context.Context, user, id string) error {
	if err := m.supportsUsers(); err != nil {
		return err
	}
	r, _, err := m.lookUp(ctx, id)
	if errors.Is(err, ErrNotFound) || err != nil && r.Name != m.cookie.Name {
		return err
	}
	if user == "" || r.User != user {
		return errNotFound
	}
	return m.revoke(ctx, r)
}

// DeleteUser ends all sessions of a user, and returns how many there were.
// Requests of theirs that are under way store nothing any more, unless they log
// in over a session of nobody; so to log in within a request, Save that first
// and then call DeleteOthers.
func (m *Manager[T]) DeleteUser(ctx context.Context, user string) (int64, error) {
	return m.deleteUser(ctx, user, "")
}

// DeleteOthers ends all sessions of a user but one, as after a change of the
// password (OWASP ASVS 5.0, V7.4.3), and returns how many there were. The one
// that is kept must be stored: Save it first where it is new.
func (m *Manager[T]) DeleteOthers(ctx context.Context, user, keepID string) (int64, error) {
	if !token.ValidID(keepID) {
		return 0, errNotFound
	}
	return m.deleteUser(ctx, user, keepID)
}

func (m *Manager[T]) deleteUser(ctx context.Context, user, exceptID string) (n int64, err error) {
	if err := m.supportsUsers(); err != nil {
		return 0, err
	}
	if user == "" {
		return 0, nil
	}
	w := m.start()
	for sweep := range maxSweeps {
		var found int64
		err = m.ask(ctx, "delete user", func() (err error) {
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
	m.event(ctx, EventRevoked, Record{User: user}, w.elapsed(), nil)
	return n, nil
}

// maxSweeps bounds how often a user's sessions are looked for, which is twice and
// until there are none. While a store goes through them, Regenerate can put one
// where it has been already, and delete the old one where it has not been yet.
const maxSweeps = 4
