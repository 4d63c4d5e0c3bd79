package storetest_test

import (
	"context"
	"errors"

	"github.com/echosession/echosession/session"
)

var touchFaults = []fault{
	touching("touch moves the end back", []string{"Touch/only forward", "Touch/end in the past"}, func(stored *session.Record, r session.Record) {
		stored.ExpiresAt = r.ExpiresAt
	}),
	touching("touch makes a new version", []string{"Touch/only forward", "Touch/keeps the rest"}, func(stored *session.Record, _ session.Record) {
		stored.Version++
	}),
	touching("touch writes the whole record", []string{"Touch/keeps the rest"}, func(stored *session.Record, r session.Record) {
		*stored = r
	}),
	{"touch moves both times or none", []string{"Touch/only forward"}, func(ref *reference, b *broken) {
		b.touch = func(ctx context.Context, r session.Record) error {
			if stored, ok := ref.peek(r.ID); ok && r.SeenAt.Before(stored.SeenAt) {
				r.ExpiresAt = stored.ExpiresAt
			}
			return ref.Touch(ctx, r)
		}
	}},
	{"touch ignores the version", []string{"Touch/conflict"}, func(ref *reference, b *broken) {
		b.touch = func(ctx context.Context, r session.Record) error {
			if stored, ok := ref.peek(r.ID); ok {
				r.Version = stored.Version
			}
			return ref.Touch(ctx, r)
		}
	}},
	{"touch reports a conflict, and moves the end", []string{"Touch/conflict"}, func(ref *reference, b *broken) {
		b.touch = func(ctx context.Context, r session.Record) error {
			err := ref.Touch(ctx, r)
			if errors.Is(err, session.ErrConflict) {
				stored, _ := ref.peek(r.ID)
				r.Version = stored.Version
				_ = ref.Touch(ctx, r)
			}
			return err
		}
	}},
	{"touch revives a record", []string{"Touch/absent", "Touch/expired", "DeleteUser/is final"}, func(ref *reference, b *broken) {
		b.touch = func(ctx context.Context, r session.Record) error {
			err := ref.Touch(ctx, r)
			if errors.Is(err, session.ErrNotFound) {
				ref.put(r)
				return nil
			}
			return err
		}
	}},
}

// touching is a Touch that changes the stored record after it succeeded.
func touching(name string, fails []string, change func(stored *session.Record, r session.Record)) fault {
	return fault{name, fails, func(ref *reference, b *broken) {
		b.touch = func(ctx context.Context, r session.Record) error {
			err := ref.Touch(ctx, r)
			if err == nil {
				stored, _ := ref.peek(r.ID)
				change(&stored, r)
				ref.put(stored)
			}
			return err
		}
	}}
}
