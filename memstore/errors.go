package memstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/echosession/echosession/session"
)

// operation is a method of a [Store] with its errors. They are made only once,
// so that an absent session costs no more than a present one.
type operation struct {
	name                               string
	notFound, exists, conflict, closed error
}

var (
	loading      = newOperation("load")
	creating     = newOperation("create")
	updating     = newOperation("update")
	touching     = newOperation("touch")
	deleting     = newOperation("delete")
	listing      = newOperation("list user")
	deletingUser = newOperation("delete user")
)

func newOperation(name string) operation {
	return operation{
		name:     name,
		notFound: fmt.Errorf("memstore: %s: %w", name, session.ErrNotFound),
		exists:   fmt.Errorf("memstore: %s: %w", name, session.ErrExists),
		conflict: fmt.Errorf("memstore: %s: %w", name, session.ErrConflict),
		closed:   fmt.Errorf("memstore: %s: the store is closed: %w", name, session.ErrUnavailable),
	}
}

// canceled returns the error of ctx, if it has one.
func (op *operation) canceled(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memstore: %s: %w", op.name, err)
	}
	return nil
}

// errFull makes Create look for room. It is never returned to a caller.
var errFull = errors.New("memstore: full")
