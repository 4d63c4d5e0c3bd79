package storetest_test

import (
	"context"
	"slices"
	"time"

	"github.com/echosession/echosession/session"
)

// These faults sleep to put the calls of several goroutines into a fixed order.
// They run in a synctest bubble, in which a sleep ends as soon as every other
// goroutine waits.
var concurrentFaults = []fault{
	{"update is not atomic", []string{"Concurrent/Update, one wins", "Concurrent/Update, none is lost"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			if stored, err := ref.Load(ctx, r.ID); err == nil && stored.Version == r.Version {
				time.Sleep(time.Nanosecond) // by then every other Update has compared the version
				r.Version++
				ref.put(r)
				return nil
			}
			return ref.Update(ctx, r)
		}
	}},
	{"touch is not atomic", []string{"Concurrent/Touch and Update"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			time.Sleep(time.Nanosecond) // by then every Touch has loaded the record
			return ref.Update(ctx, r)
		}
		b.touch = func(ctx context.Context, r session.Record) error {
			stored, err := ref.Load(ctx, r.ID)
			if err != nil || stored.Version != r.Version {
				return ref.Touch(ctx, r)
			}
			time.Sleep(2 * time.Nanosecond) // by then an Update has succeeded
			stored.SeenAt = later(stored.SeenAt, r.SeenAt)
			stored.ExpiresAt = later(stored.ExpiresAt, r.ExpiresAt)
			ref.put(stored)
			return nil
		}
	}},
	{"delete is not atomic", []string{"Concurrent/Delete, one wins", "Concurrent/Delete and Update, one wins"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			time.Sleep(time.Nanosecond) // by then every Delete has compared the version
			return ref.Update(ctx, r)
		}
		b.delete = func(ctx context.Context, id string, version int64) error {
			if stored, ok := ref.peek(id); ok && (version == 0 || version == stored.Version) {
				time.Sleep(2 * time.Nanosecond) // by then an Update has succeeded
				_ = ref.Delete(ctx, id, 0)
				return nil
			}
			return ref.Delete(ctx, id, version)
		}
	}},
	deletingLate("delete after an update ignores the version", func(ctx context.Context, ref *reference, id string, _ int64) error {
		return ref.Delete(ctx, id, 0)
	}),
	deletingLate("delete after an update reports an absent record", func(ctx context.Context, ref *reference, id string, version int64) error {
		if ref.Delete(ctx, id, version) != nil {
			return session.ErrNotFound
		}
		return nil
	}),
	{"update after a delete reports a conflict", []string{"Concurrent/Delete and Update, one wins"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			time.Sleep(time.Nanosecond) // by then a Delete has succeeded
			if ref.Update(ctx, r) != nil {
				return session.ErrConflict
			}
			return nil
		}
	}},
	{"a deleted record comes back with a late update", []string{"Concurrent/Delete and Update, one wins"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			time.Sleep(time.Nanosecond) // by then a Delete has succeeded
			err := ref.Update(ctx, r)
			if err != nil {
				ref.put(r)
			}
			return err
		}
	}},
	{"delete user spares records that are written at the same time", []string{"Concurrent/DeleteUser"}, func(ref *reference, b *broken) {
		delayed := func(write func(context.Context, session.Record) error) func(context.Context, session.Record) error {
			return func(ctx context.Context, r session.Record) error {
				time.Sleep(time.Nanosecond)
				return write(ctx, r)
			}
		}
		b.create, b.update, b.touch = delayed(ref.Create), delayed(ref.Update), delayed(ref.Touch)
		b.deleteUser = func(_ context.Context, name, user, _ string) (n int64, err error) {
			rs := ref.of(name, user)
			time.Sleep(3 * time.Nanosecond) // by then some Updates have succeeded
			for _, r := range rs {
				n += ref.deleteAll([]session.Record{r}, func(stored session.Record) bool { return stored.Version == r.Version })
			}
			return n, nil
		}
	}},
	listing("list yields one of a few records twice", []string{"Concurrent/ListUser"}, func(_ *reference, rs []session.Record) []session.Record {
		return append(rs, rs[0])
	}),
	listing("list loses one of eight records", []string{"Concurrent/ListUser"}, func(_ *reference, rs []session.Record) []session.Record {
		slices.SortFunc(rs, func(a, b session.Record) int { return a.CreatedAt.Compare(b.CreatedAt) })
		return rs[len(rs)/8:]
	}),
}

// deletingLate calls remove in place of Delete, when an Update of the same
// version has succeeded.
func deletingLate(name string, remove func(ctx context.Context, ref *reference, id string, version int64) error) fault {
	return fault{name, []string{"Concurrent/Delete and Update, one wins"}, func(ref *reference, b *broken) {
		b.delete = func(ctx context.Context, id string, version int64) error {
			time.Sleep(time.Nanosecond)
			return remove(ctx, ref, id, version)
		}
	}}
}
