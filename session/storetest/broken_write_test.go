package storetest_test

import (
	"context"
	"errors"
	"time"

	"github.com/echosession/echosession/session"
)

var createFaults = []fault{
	{"create keeps the version", []string{"Create/version"}, func(ref *reference, b *broken) {
		b.create = func(ctx context.Context, r session.Record) error {
			err := ref.Create(ctx, r)
			if err == nil {
				ref.put(r)
			}
			return err
		}
	}},
	{"create replaces", []string{"Create/taken", "Create/keeps the live record", "Concurrent/Create, one wins"}, func(ref *reference, b *broken) {
		b.create = func(ctx context.Context, r session.Record) error {
			_ = ref.Delete(ctx, r.ID, 0)
			return ref.Create(ctx, r)
		}
	}},
	{"create over an expired record does nothing", []string{"Create/of an expired id"}, func(ref *reference, b *broken) {
		b.create = func(ctx context.Context, r session.Record) error {
			if stored, ok := ref.peek(r.ID); ok && stored.ExpiresAt.Before(time.Now()) {
				return nil
			}
			return ref.Create(ctx, r)
		}
	}},
	{"create over an expired record returns another error", []string{"Create/of an expired id"}, func(ref *reference, b *broken) {
		b.create = func(ctx context.Context, r session.Record) error {
			if stored, ok := ref.peek(r.ID); ok && stored.ExpiresAt.Before(time.Now()) {
				return session.ErrUnavailable
			}
			return ref.Create(ctx, r)
		}
	}},
	{"a deleted id stays taken", []string{"Delete/any version", "Delete/expired"}, func(ref *reference, b *broken) {
		deleted := map[string]bool{}
		b.create = func(ctx context.Context, r session.Record) error {
			if deleted[r.ID] {
				return session.ErrExists
			}
			return ref.Create(ctx, r)
		}
		b.delete = func(ctx context.Context, id string, version int64) error {
			deleted[id] = true
			return ref.Delete(ctx, id, version)
		}
	}},
	{"writes change all records", []string{
		"Create/leaves other records", "Update/leaves other records", "Touch/leaves other records",
	}, func(ref *reference, b *broken) {
		all := func(r session.Record, err error) error {
			for _, stored := range ref.all() {
				stored.SeenAt, stored.Data = r.SeenAt, r.Data
				stored.ExpiresAt = stored.ExpiresAt.Add(time.Millisecond)
				ref.put(stored)
			}
			return err
		}
		b.create = func(ctx context.Context, r session.Record) error { return all(r, ref.Create(ctx, r)) }
		b.update = func(ctx context.Context, r session.Record) error { return all(r, ref.Update(ctx, r)) }
		b.touch = func(ctx context.Context, r session.Record) error { return all(r, ref.Touch(ctx, r)) }
	}},
}

var updateFaults = []fault{
	{"update upserts", []string{"Update/absent", "Concurrent/Delete is final"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			err := ref.Update(ctx, r)
			if errors.Is(err, session.ErrNotFound) {
				ref.put(r)
				return nil
			}
			return err
		}
	}},
	{"update creates a record, and reports none", []string{"Update/absent", "DeleteUser/is final"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			err := ref.Update(ctx, r)
			if errors.Is(err, session.ErrNotFound) {
				ref.put(r)
			}
			return err
		}
	}},
	{"update ignores the version", []string{"Update/conflict", "Concurrent/Update, one wins", "Concurrent/Update, none is lost"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			if _, ok := ref.peek(r.ID); !ok {
				return ref.Update(ctx, r)
			}
			time.Sleep(time.Nanosecond) // by then every other writer has loaded the record
			stored, _ := ref.peek(r.ID)
			r.Version = stored.Version + 1
			ref.put(r)
			return nil
		}
	}},
	{"update takes version 0 for any version", []string{"Update/conflict"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			if stored, ok := ref.peek(r.ID); ok && r.Version == 0 {
				r.Version = stored.Version
			}
			return ref.Update(ctx, r)
		}
	}},
	{"update accepts a newer version", []string{"Update/conflict"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			if stored, ok := ref.peek(r.ID); ok {
				r.Version = min(r.Version, stored.Version)
			}
			return ref.Update(ctx, r)
		}
	}},
	{"update revives an expired record", []string{"Update/expired"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			if stored, ok := ref.peek(r.ID); ok && stored.Version == r.Version {
				r.Version++
				ref.put(r)
				return nil
			}
			return ref.Update(ctx, r)
		}
	}},
	{"update keeps the user", []string{"Update/empties fields"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			if stored, ok := ref.peek(r.ID); ok && r.User == "" {
				r.User = stored.User
			}
			return ref.Update(ctx, r)
		}
	}},
	{"update undoes a touch", []string{"Update/after a touch"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			stored, ok := ref.peek(r.ID)
			if ok && stored.Version == r.Version {
				stored.SeenAt = r.SeenAt
				ref.put(stored)
			}
			return ref.Update(ctx, r)
		}
	}},
	{"update moves the end only forward", []string{"Update/times backward"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			if stored, ok := ref.peek(r.ID); ok {
				r.ExpiresAt = later(stored.ExpiresAt, r.ExpiresAt)
			}
			return ref.Update(ctx, r)
		}
	}},
	{"update skips a version", []string{"Update/every field"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			err := ref.Update(ctx, r)
			if err == nil {
				r.Version += 2
				ref.put(r)
			}
			return err
		}
	}},
}

var touchFaults = []fault{
	touching("touch moves the end back", []string{"Touch/only forward"}, func(stored *session.Record, r session.Record) {
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
	{"delete removes no record that was touched", []string{"Delete/its version"}, func(ref *reference, b *broken) {
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
