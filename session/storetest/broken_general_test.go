package storetest_test

import (
	"context"
	"errors"

	"github.com/echosession/echosession/session"
)

var generalFaults = []fault{
	{"the context is ignored", []string{"Context/Load", "Context/Create", "Context/Update", "Context/Touch", "Context/Delete"}, func(ref *reference, b *broken) {
		b.load = func(ctx context.Context, id string) (session.Record, error) {
			return ref.Load(context.WithoutCancel(ctx), id)
		}
		b.create = func(ctx context.Context, r session.Record) error { return ref.Create(context.WithoutCancel(ctx), r) }
		b.update = func(ctx context.Context, r session.Record) error { return ref.Update(context.WithoutCancel(ctx), r) }
		b.touch = func(ctx context.Context, r session.Record) error { return ref.Touch(context.WithoutCancel(ctx), r) }
		b.delete = func(ctx context.Context, id string, version int64) error {
			return ref.Delete(context.WithoutCancel(ctx), id, version)
		}
	}},
	{"a canceled load reports an outage as well", []string{"Context/Load"}, func(ref *reference, b *broken) {
		b.load = func(ctx context.Context, id string) (session.Record, error) {
			r, err := ref.Load(ctx, id)
			if ctx.Err() != nil {
				err = errors.Join(session.ErrUnavailable, ctx.Err())
			}
			return r, err
		}
	}},
	{"a canceled update stores the record", []string{"Context/Update"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			_ = ref.Update(context.WithoutCancel(ctx), r)
			return ctx.Err()
		}
	}},
	{"a canceled delete returns the cause", []string{"Context/Delete"}, func(ref *reference, b *broken) {
		b.delete = func(ctx context.Context, id string, version int64) error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return ref.Delete(ctx, id, version)
		}
	}},
	{"a canceled delete removes the record", []string{"Context/Delete"}, func(ref *reference, b *broken) {
		b.delete = func(ctx context.Context, id string, version int64) error {
			_ = ref.Delete(context.WithoutCancel(ctx), id, version)
			return ctx.Err()
		}
	}},
	{"a canceled delete reports a conflict", []string{"Context/Delete"}, func(ref *reference, b *broken) {
		b.delete = func(ctx context.Context, id string, version int64) error {
			if stored, ok := ref.peek(id); ok && version != 0 && stored.Version != version {
				return session.ErrConflict
			}
			return ref.Delete(ctx, id, version)
		}
	}},
	{"a canceled delete reports an absent record", []string{"Context/Delete"}, func(ref *reference, b *broken) {
		b.delete = func(ctx context.Context, id string, version int64) error {
			if _, ok := ref.peek(id); !ok {
				return session.ErrNotFound
			}
			return ref.Delete(ctx, id, version)
		}
	}},
	{"create writes into the spare capacity of its slices", []string{"Slices/given"}, func(ref *reference, b *broken) {
		b.create = func(ctx context.Context, r session.Record) error {
			_ = append(r.Meta, r.Format...)
			return ref.Create(ctx, r)
		}
	}},
	{"update writes into the stored slices", []string{"Slices/given", "Slices/returned"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			if stored, ok := ref.peek(r.ID); ok {
				r.Data = append(stored.Data[:0], r.Data...)
			}
			return ref.Update(ctx, r)
		}
	}},
}
