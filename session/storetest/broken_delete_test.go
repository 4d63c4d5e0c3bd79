package storetest_test

import (
	"context"
	"errors"

	"github.com/echosession/echosession/session"
)

var deleteFaults = []fault{
	{"delete does nothing", []string{"Delete/any version", "Delete/its version"}, func(_ *reference, b *broken) {
		b.delete = func(ctx context.Context, _ string, _ int64) error { return ctx.Err() }
	}},
	deletingIf("delete ignores the version", []string{"Delete/conflict"}, func(_, _ int64) bool {
		return true
	}),
	deletingIf("delete accepts an older version", []string{"Delete/conflict"}, func(stored, version int64) bool {
		return version <= stored
	}),
	deletingIf("delete accepts a newer version", []string{"Delete/conflict"}, func(stored, version int64) bool {
		return version == 0 || version >= stored
	}),
	deletingIf("delete takes a negative version for any version", []string{"Delete/conflict"}, func(stored, version int64) bool {
		return version <= 0 || version == stored
	}),
	deletingIf("delete takes 0 for a version", []string{"Delete/any version", "Delete/leaves other records"}, func(stored, version int64) bool {
		return version == stored
	}),
	deletingIf("delete accepts only version 0", []string{"Delete/its version", "Delete/absent"}, func(_, version int64) bool {
		return version == 0
	}),
	deletingIf("delete removes only records that were never updated", []string{"Delete/any version", "Delete/its version"}, func(stored, _ int64) bool {
		return stored == 1
	}),
	{"delete removes no record that was touched", []string{"Delete/its version, touched"}, func(ref *reference, b *broken) {
		touched := map[string]bool{}
		b.touch = func(ctx context.Context, r session.Record) error {
			touched[r.ID] = true
			return ref.Touch(ctx, r)
		}
		b.delete = func(ctx context.Context, id string, version int64) error {
			if touched[id] {
				return session.ErrConflict
			}
			return ref.Delete(ctx, id, version)
		}
	}},
	{"delete removes every record", []string{"Delete/leaves other records"}, func(ref *reference, b *broken) {
		b.delete = func(ctx context.Context, id string, version int64) error {
			err := ref.Delete(ctx, id, version)
			if err == nil {
				ref.deleteAll(ref.all(), func(session.Record) bool { return true })
			}
			return err
		}
	}},
	deletingWith("delete returns ErrNotFound for another version", []string{"Delete/conflict"}, session.ErrConflict, session.ErrNotFound),
	deletingWith("delete hides a conflict", []string{"Delete/conflict"}, session.ErrConflict, nil),
	deletingWith("delete returns ErrConflict for an absent record", []string{
		"Delete/absent", "Concurrent/Delete, one wins",
	}, session.ErrNotFound, session.ErrConflict),
	deletingWith("delete hides that there is no record", []string{
		"Delete/absent", "Concurrent/Delete, one wins",
	}, session.ErrNotFound, nil),
	{"delete reports a conflict, and removes the record", []string{"Delete/conflict"}, func(ref *reference, b *broken) {
		b.delete = func(ctx context.Context, id string, version int64) error {
			err := ref.Delete(ctx, id, version)
			if errors.Is(err, session.ErrConflict) {
				_ = ref.Delete(ctx, id, 0)
			}
			return err
		}
	}},
	{"delete returns ErrConflict for an expired record", []string{"Delete/expired"}, func(ref *reference, b *broken) {
		b.delete = func(ctx context.Context, id string, version int64) error {
			_, err := ref.Load(ctx, id)
			if _, ok := ref.peek(id); ok && errors.Is(err, session.ErrNotFound) {
				return session.ErrConflict
			}
			return ref.Delete(ctx, id, version)
		}
	}},
}

// deletingIf is a Delete that compares the versions with match.
func deletingIf(name string, fails []string, match func(stored, version int64) bool) fault {
	return fault{name, fails, func(ref *reference, b *broken) {
		b.delete = func(ctx context.Context, id string, version int64) error {
			if stored, ok := ref.peek(id); ok && !match(stored.Version, version) {
				return session.ErrConflict
			}
			return ref.Delete(ctx, id, 0)
		}
	}}
}

// deletingWith is a Delete that returns another error in place of one.
func deletingWith(name string, fails []string, one, other error) fault {
	return fault{name, fails, func(ref *reference, b *broken) {
		b.delete = func(ctx context.Context, id string, version int64) error {
			err := ref.Delete(ctx, id, version)
			if errors.Is(err, one) {
				return other
			}
			return err
		}
	}}
}
