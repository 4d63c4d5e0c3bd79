package storetest_test

import (
	"context"
	"errors"
	"time"

	"github.com/echosession/echosession/session"
)

var loadFaults = []fault{
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
	loading("load drops a field", []string{"Load/every field", "Load/strings", "Update/every field"}, func(r *session.Record) {
		r.Format = ""
	}),
	loading("load cuts bytes at the first zero", []string{"Load/binary"}, func(r *session.Record) {
		for i, c := range r.Data {
			if c == 0 {
				r.Data = r.Data[:i]
				return
			}
		}
	}),
	loading("load returns local times", []string{"Load/every field"}, func(r *session.Record) {
		r.SeenAt = r.SeenAt.In(likeUTC)
	}),
	loading("load returns whole seconds", []string{"Load/every field"}, func(r *session.Record) {
		r.SeenAt = r.SeenAt.Truncate(time.Second)
	}),
	loading("load returns the epoch instead of the zero time", []string{"Load/empty fields"}, func(r *session.Record) {
		if r.CreatedAt.IsZero() {
			r.CreatedAt = time.Unix(0, 0).UTC()
		}
	}),
	{"load ignores upper and lower case", []string{"Load/ids"}, func(ref *reference, b *broken) {
		b.load = func(ctx context.Context, id string) (session.Record, error) {
			if id == "A" {
				id = "a"
			}
			return ref.Load(ctx, id)
		}
	}},
	{"load returns an empty record instead of none", []string{"Load/absent", "Delete/any version"}, func(ref *reference, b *broken) {
		b.load = func(ctx context.Context, id string) (session.Record, error) {
			r, err := ref.Load(ctx, id)
			if errors.Is(err, session.ErrNotFound) {
				return session.Record{ID: id}, nil
			}
			return r, err
		}
	}},
	{"load returns two errors at once", []string{"Load/absent"}, func(ref *reference, b *broken) {
		b.load = func(ctx context.Context, id string) (session.Record, error) {
			r, err := ref.Load(ctx, id)
			if errors.Is(err, session.ErrNotFound) {
				err = errors.Join(err, session.ErrUnavailable)
			}
			return r, err
		}
	}},
	{"load keeps what it read first", []string{"Load/last written"}, func(ref *reference, b *broken) {
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
}

// likeUTC is a location other than time.UTC with the same name and offset.
var likeUTC = time.FixedZone("UTC", 0)

// loading is a Load that changes each record.
func loading(name string, fails []string, change func(r *session.Record)) fault {
	return fault{name, fails, func(ref *reference, b *broken) {
		b.load = func(ctx context.Context, id string) (session.Record, error) {
			r, err := ref.Load(ctx, id)
			change(&r)
			return r, err
		}
	}}
}
