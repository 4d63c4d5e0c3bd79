package storetest_test

import (
	"context"
	"errors"
	"time"

	"github.com/echosession/echosession/session"
)

// What goes wrong in Load, in Create, or in the store as a whole.
var readFaults = []fault{
	{"create writes behind the end of its slices", []string{"Slices/given"}, func(ref *reference, b *broken) {
		b.create = func(ctx context.Context, r session.Record) error {
			_ = append(r.Meta, r.Format...)
			return ref.Create(ctx, r)
		}
	}},
	{"create keeps the version", []string{"Create/version"}, func(ref *reference, b *broken) {
		b.create = func(ctx context.Context, r session.Record) error {
			err := ref.Create(ctx, r)
			if err == nil {
				ref.put(r)
			}
			return err
		}
	}},
	{"create replaces", []string{"Create/taken", "Create/keeps the live one", "Concurrent/Create, one wins"}, func(ref *reference, b *broken) {
		b.create = func(ctx context.Context, r session.Record) error {
			_ = ref.Delete(ctx, r.ID, 0)
			return ref.Create(ctx, r)
		}
	}},
	{"create over an expired record does nothing", []string{"Create/of an expired id"}, func(ref *reference, b *broken) {
		b.create = func(ctx context.Context, r session.Record) error {
			if _, ok := ref.peek(r.ID); ok {
				if _, err := ref.Load(ctx, r.ID); err != nil {
					return nil
				}
			}
			return ref.Create(ctx, r)
		}
	}},
	{"create over an expired record has an error of its own", []string{"Create/of an expired id"}, func(ref *reference, b *broken) {
		b.create = func(ctx context.Context, r session.Record) error {
			if _, ok := ref.peek(r.ID); ok {
				if _, err := ref.Load(ctx, r.ID); err != nil {
					return session.ErrUnavailable
				}
			}
			return ref.Create(ctx, r)
		}
	}},
	{"nothing expires", []string{"Load/expired", "Update/expired", "Touch/expired", "Create/of an expired id"}, func(ref *reference, b *broken) {
		b.create = func(ctx context.Context, r session.Record) error {
			r.ExpiresAt = later(r.ExpiresAt, time.Now().Add(time.Hour))
			return ref.Create(ctx, r)
		}
		b.update = func(ctx context.Context, r session.Record) error {
			r.ExpiresAt = later(r.ExpiresAt, time.Now().Add(time.Hour))
			return ref.Update(ctx, r)
		}
	}},
	{"load drops a field", []string{"Load/every field", "Load/strings", "Update/every field"}, func(ref *reference, b *broken) {
		b.load = func(ctx context.Context, id string) (session.Record, error) {
			r, err := ref.Load(ctx, id)
			r.Format = ""
			return r, err
		}
	}},
	{"load cuts bytes at the first zero", []string{"Load/binary", "Load/large"}, func(ref *reference, b *broken) {
		b.load = func(ctx context.Context, id string) (session.Record, error) {
			r, err := ref.Load(ctx, id)
			for i, c := range r.Data {
				if c == 0 {
					r.Data = r.Data[:i]
					break
				}
			}
			return r, err
		}
	}},
	{"load gives local times", []string{"Load/every field"}, func(ref *reference, b *broken) {
		b.load = func(ctx context.Context, id string) (session.Record, error) {
			r, err := ref.Load(ctx, id)
			r.SeenAt = r.SeenAt.In(time.FixedZone("somewhere", 3600))
			return r, err
		}
	}},
	{"load gives whole seconds", []string{"Load/every field"}, func(ref *reference, b *broken) {
		b.load = func(ctx context.Context, id string) (session.Record, error) {
			r, err := ref.Load(ctx, id)
			r.SeenAt = r.SeenAt.Truncate(time.Second)
			return r, err
		}
	}},
	{"load takes upper and lower case for one", []string{"Load/ids"}, func(ref *reference, b *broken) {
		b.load = func(ctx context.Context, id string) (session.Record, error) {
			if id == "A" {
				id = "a"
			}
			return ref.Load(ctx, id)
		}
	}},
	{"load has an empty record for an absent one", []string{"Load/absent", "Delete/any version"}, func(ref *reference, b *broken) {
		b.load = func(ctx context.Context, id string) (session.Record, error) {
			r, err := ref.Load(ctx, id)
			if errors.Is(err, session.ErrNotFound) {
				return session.Record{ID: id}, nil
			}
			return r, err
		}
	}},
	{"load has two errors in one", []string{"Load/absent"}, func(ref *reference, b *broken) {
		b.load = func(ctx context.Context, id string) (session.Record, error) {
			r, err := ref.Load(ctx, id)
			if errors.Is(err, session.ErrNotFound) {
				err = errors.Join(err, session.ErrUnavailable)
			}
			return r, err
		}
	}},
	{"writes go to all records", []string{"Create/only its own", "Update/only its own", "Touch/only its own"}, func(ref *reference, b *broken) {
		all := func(r session.Record, err error) error {
			ref.mu.Lock()
			defer ref.mu.Unlock()
			for id, stored := range ref.records {
				stored.SeenAt, stored.Data = r.SeenAt, r.Data
				stored.ExpiresAt = stored.ExpiresAt.Add(time.Millisecond)
				ref.records[id] = stored
			}
			return err
		}
		b.create = func(ctx context.Context, r session.Record) error { return all(r, ref.Create(ctx, r)) }
		b.update = func(ctx context.Context, r session.Record) error { return all(r, ref.Update(ctx, r)) }
		b.touch = func(ctx context.Context, r session.Record) error { return all(r, ref.Touch(ctx, r)) }
	}},
	{"load has what it read first", []string{"Load/last written"}, func(ref *reference, b *broken) {
		cache := map[string]session.Record{}
		b.load = func(ctx context.Context, id string) (session.Record, error) {
			if r, ok := cache[id]; ok {
				return r, nil
			}
			r, err := ref.Load(ctx, id)
			cache[id] = r
			return r, err
		}
	}},
	{"load takes no time for the epoch", []string{"Load/empty fields"}, func(ref *reference, b *broken) {
		b.load = func(ctx context.Context, id string) (session.Record, error) {
			r, err := ref.Load(ctx, id)
			if r.CreatedAt.IsZero() {
				r.CreatedAt = time.Unix(0, 0).UTC()
			}
			return r, err
		}
	}},
}
