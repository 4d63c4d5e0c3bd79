package storetest_test

import (
	"context"
	"errors"
	"time"

	"github.com/echosession/echosession/session"
)

// What goes wrong in Update.
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
	{"update creates, and says that it did not", []string{"Update/absent", "Update/deleted"}, func(ref *reference, b *broken) {
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
			if stored, ok := ref.peek(r.ID); ok {
				time.Sleep(time.Nanosecond) // of the bubble's clock: by then all others have loaded
				stored, _ = ref.peek(r.ID)
				r.Version = stored.Version + 1
				ref.put(r)
				return nil
			}
			return ref.Update(ctx, r)
		}
	}},
	{"update takes version 0 for any", []string{"Update/conflict"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			if stored, ok := ref.peek(r.ID); ok && r.Version == 0 {
				r.Version = stored.Version
			}
			return ref.Update(ctx, r)
		}
	}},
	{"update lets a newer version in", []string{"Update/conflict"}, func(ref *reference, b *broken) {
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
	{"update is not atomic", []string{"Concurrent/Update, one wins", "Concurrent/Update, none is lost"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			if stored, err := ref.Load(ctx, r.ID); err == nil && stored.Version == r.Version {
				time.Sleep(time.Nanosecond) // by then all others are here
				r.Version++
				ref.put(r)
				return nil
			}
			return ref.Update(ctx, r)
		}
	}},
	{"update keeps a user", []string{"Update/empties fields"}, func(ref *reference, b *broken) {
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
	{"update never moves the end back", []string{"Update/times backward"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			if stored, ok := ref.peek(r.ID); ok {
				r.ExpiresAt = later(stored.ExpiresAt, r.ExpiresAt)
			}
			return ref.Update(ctx, r)
		}
	}},
	{"update writes into its slices", []string{"Slices/given", "Slices/returned"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			if stored, ok := ref.peek(r.ID); ok {
				r.Data = append(stored.Data[:0], r.Data...)
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
