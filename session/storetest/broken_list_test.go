package storetest_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/echosession/echosession/session"
)

// What goes wrong in ListUser, in a store that knows whose a record is.
var listFaults = []fault{
	listing("list has an empty record where there is none", []string{"ListUser/nobody there", "ListUser/not moved"}, func(_ *reference, rs []session.Record) []session.Record {
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
	listing("list has local times", []string{"ListUser/every field"}, func(_ *reference, rs []session.Record) []session.Record {
		for i := range rs {
			rs[i].ExpiresAt = rs[i].ExpiresAt.In(time.FixedZone("somewhere", 3600))
		}
		return rs
	}),
	listing("list has those that have expired", []string{"ListUser/expired"}, func(ref *reference, rs []session.Record) []session.Record {
		return ref.filter(func(r session.Record) bool { return len(rs) == 0 || r.User == rs[0].User })
	}),
	listing("list has no more than a hundred", []string{"ListUser/many", "ListUser/creating meanwhile"}, func(_ *reference, rs []session.Record) []session.Record {
		return rs[:min(len(rs), 100)]
	}),
	listing("list has one of many twice", []string{
		"ListUser/many", "ListUser/deleting meanwhile", "ListUser/creating meanwhile", "ListUser/deleting all meanwhile", "ListUser/writing meanwhile",
	}, func(_ *reference, rs []session.Record) []session.Record {
		if len(rs) > 100 {
			rs = append(rs, rs[0])
		}
		return rs
	}),
	listing("list has one of a few twice", []string{"Concurrent/ListUser"}, func(_ *reference, rs []session.Record) []session.Record {
		return append(rs, rs[0])
	}),
	listing("list forgets one of eight", []string{"Concurrent/ListUser"}, func(_ *reference, rs []session.Record) []session.Record {
		slices.SortFunc(rs, func(a, b session.Record) int { return a.CreatedAt.Compare(b.CreatedAt) })
		return rs[len(rs)/8:]
	}),
	{"list reads on by the place in the list", []string{"ListUser/deleting meanwhile"}, func(ref *reference, b *broken) {
		b.list = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
			return func(yield func(session.Record, error) bool) {
				for i := 0; ; i++ {
					rs := sorted(ref.of(name, user))
					if i >= len(rs) || !yield(rs[i], nil) {
						return
					}
				}
			}
		}
	}},
	{"list reads on by the number of those left", []string{"ListUser/creating meanwhile"}, func(ref *reference, b *broken) {
		b.list = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
			return func(yield func(session.Record, error) bool) {
				for left := len(ref.of(name, user)); left > 0; left-- {
					rs := sorted(ref.of(name, user))
					if left > len(rs) || !yield(rs[len(rs)-left], nil) {
						return
					}
				}
			}
		}
	}},
	{"list has an updated record as another one", []string{"ListUser/writing meanwhile"}, func(ref *reference, b *broken) {
		b.list = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
			return func(yield func(session.Record, error) bool) {
				for _, r := range append(ref.of(name, user), ref.of(name, user)...) {
					if now, ok := ref.peek(r.ID); ok && now.Version > r.Version && now.Version > 2 && !yield(now, nil) || !yield(r, nil) {
						return
					}
				}
			}
		}
	}},
	{"list ends with an error where a record was deleted", []string{"ListUser/deleting all meanwhile"}, func(ref *reference, b *broken) {
		b.list = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
			return func(yield func(session.Record, error) bool) {
				for _, r := range ref.of(name, user) {
					if _, err := ref.Load(ctx, r.ID); !yield(r, err) {
						return
					}
				}
			}
		}
	}},
	{"list has the records as they were created", []string{"ListUser/every field", "ListUser/moved", "ListUser/deleted"}, func(ref *reference, b *broken) {
		var created []session.Record
		b.create = func(ctx context.Context, r session.Record) error {
			err := ref.Create(ctx, r)
			r.Version = 1
			created = append(created, r)
			return err
		}
		b.list = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
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
		b.list = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
			return ref.yield(ctx, func() []session.Record {
				return ref.filter(func(r session.Record) bool { return users[r.ID] == user })
			})
		}
	}},
	{"list does not stop", []string{"ListUser/stopped"}, func(ref *reference, b *broken) {
		b.list = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
			return func(yield func(session.Record, error) bool) {
				for _, r := range ref.of(name, user) {
					yield(r, nil)
				}
			}
		}
	}},
	{"list ignores the context", []string{"ListUser/canceled", "ListUser/canceled meanwhile", "ListUser/error"}, func(ref *reference, b *broken) {
		b.list = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
			return ref.ListUser(context.WithoutCancel(ctx), name, user)
		}
	}},
	{"list looks at the context only at first", []string{"ListUser/canceled meanwhile"}, func(ref *reference, b *broken) {
		b.list = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
			if ctx.Err() == nil {
				ctx = context.WithoutCancel(ctx)
			}
			return ref.ListUser(ctx, name, user)
		}
	}},
	{"list of a user without records ignores the context", []string{"ListUser/canceled"}, func(ref *reference, b *broken) {
		b.list = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
			if len(ref.of(name, user)) == 0 {
				ctx = context.WithoutCancel(ctx)
			}
			return ref.ListUser(ctx, name, user)
		}
	}},
	{"list goes on after an error", []string{"ListUser/error", "ListUser/canceled"}, func(ref *reference, b *broken) {
		b.list = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
			return func(yield func(session.Record, error) bool) {
				for _, r := range ref.of(name, user) {
					if !yield(r, ctx.Err()) {
						return
					}
				}
			}
		}
	}},
}

func sorted(rs []session.Record) []session.Record {
	slices.SortFunc(rs, func(a, b session.Record) int { return strings.Compare(a.ID, b.ID) })
	return rs
}

// listing makes a list of what change makes of the right one.
func listing(name string, fails []string, change func(ref *reference, rs []session.Record) []session.Record) fault {
	return fault{name, fails, func(ref *reference, b *broken) {
		b.list = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
			return ref.yield(ctx, func() []session.Record { return change(ref, ref.of(name, user)) })
		}
	}}
}
