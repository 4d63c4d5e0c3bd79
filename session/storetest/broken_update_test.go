package storetest_test

import (
	"context"
	"errors"
	"time"

	"github.com/echosession/echosession/session"
)

var updateFaults = []fault{
	{"update upserts", []string{"Update/absent", "Update/deleted", "Concurrent/Delete is final"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			err := ref.Update(ctx, r)
			if errors.Is(err, session.ErrNotFound) {
				ref.put(r)
				return nil
			}
			return err
		}
	}},
	{"update creates a record, and reports none", []string{"Update/absent", "Update/deleted", "DeleteUser/is final"}, func(ref *reference, b *broken) {
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
	{"update skips a version", []string{"Update/version"}, func(ref *reference, b *broken) {
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
