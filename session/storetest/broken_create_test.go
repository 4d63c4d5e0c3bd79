package storetest_test

import (
	"context"
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
	{"a deleted id stays taken", []string{"Create/of a deleted id", "Delete/expired"}, func(ref *reference, b *broken) {
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
