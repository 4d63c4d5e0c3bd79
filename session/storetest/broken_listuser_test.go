package storetest_test

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/echosession/echosession/session"
)

var listUserFaults = []fault{
	listing("list yields an empty record if there is none", []string{"ListUser/all", "ListUser/not moved"}, func(_ *reference, rs []session.Record) []session.Record {
		if len(rs) == 0 {
			rs = []session.Record{{ID: "none"}}
		}
		return rs
	}),
	listing("list drops a field", []string{"ListUser/every field", "ListUser/moved"}, func(_ *reference, rs []session.Record) []session.Record {
		for i := range rs {
			rs[i].Meta = nil
		}
		return rs
	}),
	listing("list yields local times", []string{"ListUser/every field"}, func(_ *reference, rs []session.Record) []session.Record {
		for i := range rs {
			rs[i].ExpiresAt = rs[i].ExpiresAt.In(likeUTC)
		}
		return rs
	}),
	listing("list yields expired records", []string{"ListUser/expired"}, func(ref *reference, rs []session.Record) []session.Record {
		return ref.filter(func(r session.Record) bool { return len(rs) == 0 || r.User == rs[0].User })
	}),
	listing("list yields no more than a hundred records", []string{"ListUser/all", "ListUser/create during the list"}, func(_ *reference, rs []session.Record) []session.Record {
		return rs[:min(len(rs), 100)]
	}),
	listing("list yields one of many records twice", []string{
		"ListUser/all", "ListUser/delete during the list", "ListUser/create during the list",
		"ListUser/delete all during the list", "ListUser/write during the list",
	}, func(_ *reference, rs []session.Record) []session.Record {
		if len(rs) > 100 {
			rs = append(rs, rs[0])
		}
		return rs
	}),
	listingEach("list goes on at a position from the start", []string{"ListUser/delete during the list"}, func(_ context.Context, ref *reference, name, user string, yield yieldFunc) {
		for i := 0; ; i++ {
			rs := sorted(ref.of(name, user))
			if i >= len(rs) || !yield(rs[i], nil) {
				return
			}
		}
	}),
	listingEach("list goes on at a position from the end", []string{"ListUser/create during the list"}, func(_ context.Context, ref *reference, name, user string, yield yieldFunc) {
		for left := len(ref.of(name, user)); left > 0; left-- {
			rs := sorted(ref.of(name, user))
			if left > len(rs) || !yield(rs[len(rs)-left], nil) {
				return
			}
		}
	}),
	listingEach("list yields an updated record as another one", []string{"ListUser/write during the list"}, func(_ context.Context, ref *reference, name, user string, yield yieldFunc) {
		for _, r := range append(ref.of(name, user), ref.of(name, user)...) {
			if stored, ok := ref.peek(r.ID); ok && stored.Version > max(r.Version, 2) && !yield(stored, nil) || !yield(r, nil) {
				return
			}
		}
	}),
	listingEach("list ends with an error at a deleted record", []string{"ListUser/delete all during the list"}, func(ctx context.Context, ref *reference, name, user string, yield yieldFunc) {
		for _, r := range ref.of(name, user) {
			if _, err := ref.Load(ctx, r.ID); !yield(r, err) {
				return
			}
		}
	}),
	listingEach("list does not stop", []string{"ListUser/stopped"}, func(_ context.Context, ref *reference, name, user string, yield yieldFunc) {
		for _, r := range ref.of(name, user) {
			yield(r, nil)
		}
	}),
	listingEach("list goes on after an error", []string{"ListUser/error", "ListUser/canceled"}, func(ctx context.Context, ref *reference, name, user string, yield yieldFunc) {
		for _, r := range ref.of(name, user) {
			if !yield(r, ctx.Err()) {
				return
			}
		}
	}),
	{"list yields the records as they were created", []string{"ListUser/every field", "ListUser/moved", "ListUser/deleted"}, func(ref *reference, b *broken) {
		var created []session.Record
		b.create = func(ctx context.Context, r session.Record) error {
			err := ref.Create(ctx, r)
			r.Version = 1
			created = append(created, r)
			return err
		}
		b.listUser = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
			return ref.yield(ctx, func() []session.Record {
				return slices.DeleteFunc(slices.Clone(created), func(r session.Record) bool { return r.Name != name || r.User != user })
			})
		}
	}},
	{"list follows writes that were refused", []string{"ListUser/not moved"}, func(ref *reference, b *broken) {
		users := map[string]string{}
		b.update = func(ctx context.Context, r session.Record) error {
			users[r.ID] = r.User
			return ref.Update(ctx, r)
		}
		b.listUser = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
			return ref.yield(ctx, func() []session.Record {
				return ref.filter(func(r session.Record) bool { return users[r.ID] == user })
			})
		}
	}},
	listingWithoutCancel("list ignores the context", []string{
		"ListUser/canceled", "ListUser/canceled during the list", "ListUser/error",
	}, func(context.Context, []session.Record) bool { return true }),
	listingWithoutCancel("list looks at the context only once", []string{
		"ListUser/canceled during the list",
	}, func(ctx context.Context, _ []session.Record) bool { return ctx.Err() == nil }),
	listingWithoutCancel("list of a user without records ignores the context", []string{
		"ListUser/canceled",
	}, func(_ context.Context, rs []session.Record) bool { return len(rs) == 0 }),
}

type yieldFunc = func(session.Record, error) bool

// listing is a ListUser that yields changed records.
func listing(name string, fails []string, change func(ref *reference, rs []session.Record) []session.Record) fault {
	return fault{name, fails, func(ref *reference, b *broken) {
		b.listUser = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
			return ref.yield(ctx, func() []session.Record { return change(ref, ref.of(name, user)) })
		}
	}}
}

// listingEach is a ListUser that yields what each yields.
func listingEach(name string, fails []string, each func(ctx context.Context, ref *reference, name, user string, yield yieldFunc)) fault {
	return fault{name, fails, func(ref *reference, b *broken) {
		b.listUser = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
			return func(yield func(session.Record, error) bool) { each(ctx, ref, name, user, yield) }
		}
	}}
}

// listingWithoutCancel is a ListUser that ignores the context of a list with
// the records rs if ignore returns true.
func listingWithoutCancel(name string, fails []string, ignore func(ctx context.Context, rs []session.Record) bool) fault {
	return fault{name, fails, func(ref *reference, b *broken) {
		b.listUser = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
			if ignore(ctx, ref.of(name, user)) {
				ctx = context.WithoutCancel(ctx)
			}
			return ref.ListUser(ctx, name, user)
		}
	}}
}

func sorted(rs []session.Record) []session.Record {
	slices.SortFunc(rs, func(a, b session.Record) int { return strings.Compare(a.ID, b.ID) })
	return rs
}
