package storetest_test

import (
	"context"
	"errors"
	"time"

	"github.com/echosession/echosession/session"
)

// deleteFaults are what a store can do wrong in Delete.
var deleteFaults = []fault{
	{"delete does nothing", []string{"Delete/any version", "Delete/its version"}, func(_ *reference, b *broken) {
		b.del = func(ctx context.Context, _ string, _ int64) error { return ctx.Err() }
	}},
	{"delete ignores the version", []string{"Delete/conflict", "Concurrent/Delete and Update, one wins"}, func(ref *reference, b *broken) {
		b.del = func(ctx context.Context, id string, _ int64) error {
			time.Sleep(time.Nanosecond) // of the bubble's clock: by then an Update has succeeded
			return ref.Delete(ctx, id, 0)
		}
	}},
	{"delete removes newer versions", []string{"Delete/conflict"}, func(ref *reference, b *broken) {
		b.del = deletingIf(ref, func(stored, version int64) bool { return version <= stored })
	}},
	{"delete removes older versions", []string{"Delete/conflict"}, func(ref *reference, b *broken) {
		b.del = deletingIf(ref, func(stored, version int64) bool { return version == 0 || version >= stored })
	}},
	{"delete takes a negative version for any", []string{"Delete/conflict"}, func(ref *reference, b *broken) {
		b.del = deletingIf(ref, func(stored, version int64) bool { return version <= 0 || version == stored })
	}},
	{"delete takes 0 for a version", []string{"Delete/any version", "Delete/only its own"}, func(ref *reference, b *broken) {
		b.del = deletingIf(ref, func(stored, version int64) bool { return version == stored })
	}},
	{"delete works without a version only", []string{"Delete/its version", "Delete/absent"}, func(ref *reference, b *broken) {
		b.del = deletingIf(ref, func(_, version int64) bool { return version == 0 })
	}},
	{"delete removes only the first version", []string{"Delete/any version", "Delete/its version", "Update/deleted"}, func(ref *reference, b *broken) {
		b.del = deletingIf(ref, func(stored, version int64) bool { return stored == 1 })
	}},
	{"delete removes nothing that was touched", []string{"Delete/its version, touched"}, func(ref *reference, b *broken) {
		touched := map[string]bool{}
		b.touch = func(ctx context.Context, r session.Record) error {
			touched[r.ID] = true
			return ref.Touch(ctx, r)
		}
		b.del = func(ctx context.Context, id string, version int64) error {
			if touched[id] {
				return session.ErrConflict
			}
			return ref.Delete(ctx, id, version)
		}
	}},
	{"delete takes another version for an absent record", []string{"Delete/conflict", "Concurrent/Delete and Update, one wins"}, func(ref *reference, b *broken) {
		b.del = func(ctx context.Context, id string, version int64) error {
			time.Sleep(time.Nanosecond) // by then an Update has succeeded
			err := ref.Delete(ctx, id, version)
			if errors.Is(err, session.ErrConflict) {
				err = session.ErrNotFound
			}
			return err
		}
	}},
	{"delete hides a conflict", []string{"Delete/conflict", "Concurrent/Delete and Update, one wins"}, func(ref *reference, b *broken) {
		b.del = func(ctx context.Context, id string, version int64) error {
			err := ref.Delete(ctx, id, version)
			if errors.Is(err, session.ErrConflict) {
				err = nil
			}
			return err
		}
	}},
	{"delete reports a conflict, and removes the record", []string{"Delete/conflict"}, func(ref *reference, b *broken) {
		b.del = func(ctx context.Context, id string, version int64) error {
			err := ref.Delete(ctx, id, version)
			if errors.Is(err, session.ErrConflict) {
				_ = ref.Delete(ctx, id, 0)
			}
			return err
		}
	}},
	{"delete hides that there was no record", []string{"Delete/absent", "Concurrent/Delete, one wins"}, func(ref *reference, b *broken) {
		b.del = func(ctx context.Context, id string, version int64) error {
			err := ref.Delete(ctx, id, version)
			if errors.Is(err, session.ErrNotFound) {
				err = nil
			}
			return err
		}
	}},
	{"delete takes an absent record for another version", []string{"Delete/absent", "Concurrent/Delete, one wins"}, func(ref *reference, b *broken) {
		b.del = func(ctx context.Context, id string, version int64) error {
			err := ref.Delete(ctx, id, version)
			if errors.Is(err, session.ErrNotFound) && version != 0 {
				err = session.ErrConflict
			}
			return err
		}
	}},
	{"delete removes every record", []string{"Delete/only its own"}, func(ref *reference, b *broken) {
		b.del = func(ctx context.Context, id string, version int64) error {
			err := ref.Delete(ctx, id, version)
			if err == nil {
				ref.deleteAll(ref.all(), func(session.Record) bool { return true })
			}
			return err
		}
	}},
	{"delete reports an expired record in its own way", []string{"Delete/expired"}, func(ref *reference, b *broken) {
		b.del = func(ctx context.Context, id string, version int64) error {
			_, err := ref.Load(ctx, id)
			if _, ok := ref.peek(id); ok && errors.Is(err, session.ErrNotFound) {
				return session.ErrConflict
			}
			return ref.Delete(ctx, id, version)
		}
	}},
	{"a deleted id stays taken", []string{"Create/of a deleted id", "Delete/expired"}, func(ref *reference, b *broken) {
		deleted := map[string]bool{}
		b.create = func(ctx context.Context, r session.Record) error {
			if deleted[r.ID] {
				return session.ErrExists
			}
			return ref.Create(ctx, r)
		}
		b.del = func(ctx context.Context, id string, version int64) error {
			deleted[id] = true
			return ref.Delete(ctx, id, version)
		}
	}},
	{"delete is not atomic", []string{"Concurrent/Delete, one wins", "Concurrent/Delete and Update, one wins"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			time.Sleep(time.Nanosecond) // by then every Delete has looked
			return ref.Update(ctx, r)
		}
		b.del = func(ctx context.Context, id string, version int64) error {
			if stored, ok := ref.peek(id); ok && (version == 0 || version == stored.Version) {
				time.Sleep(2 * time.Nanosecond) // by then an Update has succeeded
				_ = ref.Delete(ctx, id, 0)
				return nil
			}
			return ref.Delete(ctx, id, version)
		}
	}},
	{"a canceled delete removes the record", []string{"Context/Delete"}, func(ref *reference, b *broken) {
		b.del = func(ctx context.Context, id string, version int64) error {
			_ = ref.Delete(context.WithoutCancel(ctx), id, version)
			return ctx.Err()
		}
	}},
	{"a canceled delete reports a conflict", []string{"Context/Delete"}, func(ref *reference, b *broken) {
		b.del = func(ctx context.Context, id string, version int64) error {
			if stored, ok := ref.peek(id); ok && version != 0 && stored.Version != version {
				return session.ErrConflict
			}
			return ref.Delete(ctx, id, version)
		}
	}},
	{"a canceled delete reports an absent record", []string{"Context/Delete"}, func(ref *reference, b *broken) {
		b.del = func(ctx context.Context, id string, version int64) error {
			if _, ok := ref.peek(id); !ok {
				return session.ErrNotFound
			}
			return ref.Delete(ctx, id, version)
		}
	}},
}

// deletingIf returns a Delete that compares the versions by match.
func deletingIf(ref *reference, match func(stored, version int64) bool) func(context.Context, string, int64) error {
	return func(ctx context.Context, id string, version int64) error {
		stored, ok := ref.peek(id)
		if ok && !match(stored.Version, version) {
			return session.ErrConflict
		}
		return ref.Delete(ctx, id, 0)
	}
}
