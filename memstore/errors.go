package memstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/echosession/echosession/session"
)

// operation names one in its errors, which are made once: to say that there is
// no session must cost no more than to load one.
type operation struct {
	name                               string
	notFound, exists, conflict, closed error
}

var (
	loading  = newOperation("load")
	creating = newOperation("create")
	updating = newOperation("update")
	touching = newOperation("touch")
	deleting = newOperation("delete")
	listing  = newOperation("list user")
	ending   = newOperation("delete user")
)

// errFull is for Create alone, which makes room then; no caller sees it.
var errFull = errors.New("memstore: full")

func newOperation(name string) operation {
	return operation{
		name:     name,
		notFound: fmt.Errorf("memstore: %s: %w", name, session.ErrNotFound),
		exists:   fmt.Errorf("memstore: %s: %w", name, session.ErrExists),
		conflict: fmt.Errorf("memstore: %s: %w", name, session.ErrConflict),
		closed:   fmt.Errorf("memstore: %s: the store is closed: %w", name, session.ErrUnavailable),
	}
}

// canceled is the error of ctx, if it has one.
func (op *operation) canceled(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memstore: %s: %w", op.name, err)
	}
	return nil
}

// allHaveUsers is the error of a Create for which there is no room.
func (s *Store) allHaveUsers() error {
	return fmt.Errorf("memstore: create: all %d sessions that Options.MaxSessions allows belong to users, "+
		"and none of those is dropped for a new one: allow more, or let them end earlier: %w", s.max, session.ErrUnavailable)
}
