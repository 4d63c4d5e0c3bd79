package storetest_test

import (
	"context"
	"errors"
	"time"

	"github.com/echosession/echosession/session"
)

// What goes wrong in Touch, and with a context.
var touchFaults = []fault{
	{"touch moves the end back", []string{"Touch/forward only", "Touch/end in the past"}, func(ref *reference, b *broken) {
		b.touch = func(ctx context.Context, r session.Record) error {
			err := ref.Touch(ctx, r)
			if err == nil {
				stored, _ := ref.peek(r.ID)
				stored.ExpiresAt = r.ExpiresAt
				ref.put(stored)
			}
			return err
		}
	}},
	{"touch moves both or none", []string{"Touch/forward only"}, func(ref *reference, b *broken) {
		b.touch = func(ctx context.Context, r session.Record) error {
			if stored, ok := ref.peek(r.ID); ok && r.SeenAt.Before(stored.SeenAt) {
				r.ExpiresAt = stored.ExpiresAt
			}
			return ref.Touch(ctx, r)
		}
	}},
	{"touch lets another version pass", []string{"Touch/conflict"}, func(ref *reference, b *broken) {
		b.touch = func(ctx context.Context, r session.Record) error {
			if stored, ok := ref.peek(r.ID); ok {
				r.Version = stored.Version
			}
			return ref.Touch(ctx, r)
		}
	}},
	{"touch moves the end of another version", []string{"Touch/conflict"}, func(ref *reference, b *broken) {
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
	{"touch makes a new version", []string{"Touch/forward only", "Touch/keeps the rest"}, func(ref *reference, b *broken) {
		b.touch = func(ctx context.Context, r session.Record) error {
			err := ref.Touch(ctx, r)
			if err == nil {
				stored, _ := ref.peek(r.ID)
				stored.Version++
				ref.put(stored)
			}
			return err
		}
	}},
	{"touch writes the whole record", []string{"Touch/keeps the rest"}, func(ref *reference, b *broken) {
		b.touch = func(ctx context.Context, r session.Record) error {
			err := ref.Touch(ctx, r)
			if err == nil {
				ref.put(r)
			}
			return err
		}
	}},
	{"touch is not atomic", []string{"Concurrent/Touch and Update"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			time.Sleep(time.Nanosecond)
			return ref.Update(ctx, r)
		}
		b.touch = func(ctx context.Context, r session.Record) error {
			stored, err := ref.Load(ctx, r.ID)
			if err != nil || stored.Version != r.Version {
				return ref.Touch(ctx, r)
			}
			time.Sleep(2 * time.Nanosecond)
			stored.SeenAt = later(stored.SeenAt, r.SeenAt)
			stored.ExpiresAt = later(stored.ExpiresAt, r.ExpiresAt)
			ref.put(stored)
			return nil
		}
	}},
	{"touch revives", []string{"Touch/absent", "Touch/expired"}, func(ref *reference, b *broken) {
		b.touch = func(ctx context.Context, r session.Record) error {
			err := ref.Touch(ctx, r)
			if errors.Is(err, session.ErrNotFound) {
				ref.put(r)
				return nil
			}
			return err
		}
	}},
	{"the context is ignored", []string{"Context/Load", "Context/Create", "Context/Update", "Context/Touch", "Context/Delete"}, func(ref *reference, b *broken) {
		b.load = func(ctx context.Context, id string) (session.Record, error) {
			return ref.Load(context.WithoutCancel(ctx), id)
		}
		b.create = func(ctx context.Context, r session.Record) error { return ref.Create(context.WithoutCancel(ctx), r) }
		b.update = func(ctx context.Context, r session.Record) error { return ref.Update(context.WithoutCancel(ctx), r) }
		b.touch = func(ctx context.Context, r session.Record) error { return ref.Touch(context.WithoutCancel(ctx), r) }
		b.del = func(ctx context.Context, id string, version int64) error {
			return ref.Delete(context.WithoutCancel(ctx), id, version)
		}
	}},
	{"a cancel is an outage", []string{"Context/Load"}, func(ref *reference, b *broken) {
		b.load = func(ctx context.Context, id string) (session.Record, error) {
			r, err := ref.Load(ctx, id)
			if ctx.Err() != nil {
				err = errors.Join(session.ErrUnavailable, ctx.Err())
			}
			return r, err
		}
	}},
	{"a cancel is answered with its cause", []string{"Context/Delete"}, func(ref *reference, b *broken) {
		b.del = func(ctx context.Context, id string, version int64) error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return ref.Delete(ctx, id, version)
		}
	}},
	{"a canceled write is done", []string{"Context/Update"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			_ = ref.Update(context.WithoutCancel(ctx), r)
			return ctx.Err()
		}
	}},
}
