package storetest_test

import (
	"context"
	"iter"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/echosession/echosession/session"
)

var deleteUserFaults = []fault{
	deletingUser("delete user of a user without records is an error", []string{
		"DeleteUser/all", "DeleteUser/all but one",
	}, func(ctx context.Context, ref *reference, name, user, exceptID string) (int64, error) {
		n, err := ref.DeleteUser(ctx, name, user, exceptID)
		if n == 0 && err == nil {
			err = session.ErrNotFound
		}
		return n, err
	}),
	deletingUser("delete user counts the exception", []string{
		"DeleteUser/all but one",
	}, func(ctx context.Context, ref *reference, name, user, exceptID string) (int64, error) {
		n := len(ref.of(name, user))
		_, err := ref.DeleteUser(ctx, name, user, exceptID)
		return int64(n), err
	}),
	deletingUser("delete user counts one for any number", []string{
		"DeleteUser/all", "DeleteUser/expired",
	}, func(ctx context.Context, ref *reference, name, user, exceptID string) (int64, error) {
		n, err := ref.DeleteUser(ctx, name, user, exceptID)
		return min(n, 1), err
	}),
	deletingUser("delete user deletes no more than a hundred records", []string{
		"DeleteUser/all",
	}, func(ctx context.Context, ref *reference, name, user, exceptID string) (int64, error) {
		rs := ref.of(name, user)
		return ref.deleteAll(rs[:min(len(rs), 100)], func(r session.Record) bool { return r.ID != exceptID }), ctx.Err()
	}),
	deletingUser("delete user ignores the exception", []string{
		"DeleteUser/all but one",
	}, func(ctx context.Context, ref *reference, name, user, _ string) (int64, error) {
		return ref.DeleteUser(ctx, name, user, "")
	}),
	deletingUser("delete user with an exception of another user does nothing", []string{
		"DeleteUser/exception of another user",
	}, func(ctx context.Context, ref *reference, name, user, exceptID string) (int64, error) {
		if r, ok := ref.peek(exceptID); ok && r.User != user {
			return 0, nil
		}
		return ref.DeleteUser(ctx, name, user, exceptID)
	}),
	deletingUser("delete user leaves the records to be collected", []string{
		"DeleteUser/all", "DeleteUser/is final", "DeleteUser/new records",
	}, func(_ context.Context, ref *reference, name, user, _ string) (int64, error) {
		return int64(len(ref.of(name, user))), nil
	}),
	deletingUser("delete user uses an index that lags behind", []string{
		"DeleteUser/new records", "DeleteUser/all", "Concurrent/DeleteUser",
	}, func(_ context.Context, ref *reference, name, user, _ string) (int64, error) {
		rs := ref.of(name, user)
		last := slices.MaxFunc(append(rs, session.Record{}), func(a, b session.Record) int { return a.CreatedAt.Compare(b.CreatedAt) })
		return ref.deleteAll(rs, func(r session.Record) bool { return r.ID != last.ID }), nil
	}),
	deletingUser("delete user refuses to delete expired records", []string{
		"DeleteUser/expired",
	}, func(ctx context.Context, ref *reference, name, user, exceptID string) (int64, error) {
		if len(ref.filter(func(r session.Record) bool { return r.User == user })) > len(ref.of(name, user)) {
			return 0, session.ErrConflict
		}
		return ref.DeleteUser(ctx, name, user, exceptID)
	}),
	deletingUser("delete user ignores the context", []string{
		"DeleteUser/canceled",
	}, func(ctx context.Context, ref *reference, name, user, exceptID string) (int64, error) {
		return ref.DeleteUser(context.WithoutCancel(ctx), name, user, exceptID)
	}),
	deletingUser("a canceled delete user deletes the records", []string{
		"DeleteUser/canceled",
	}, func(ctx context.Context, ref *reference, name, user, exceptID string) (int64, error) {
		_, _ = ref.DeleteUser(context.WithoutCancel(ctx), name, user, exceptID)
		return 0, ctx.Err()
	}),
	{"delete user deletes the records that were created for the user", []string{"DeleteUser/moved"}, func(ref *reference, b *broken) {
		users := map[string]string{}
		b.create = func(ctx context.Context, r session.Record) error {
			users[r.ID] = r.User
			return ref.Create(ctx, r)
		}
		b.deleteUser = func(_ context.Context, _, user, _ string) (int64, error) {
			return ref.deleteAll(ref.all(), func(r session.Record) bool { return users[r.ID] == user }), nil
		}
	}},
	{"delete user deletes each id only once", []string{"DeleteUser/new records"}, func(ref *reference, b *broken) {
		deleted := map[string]bool{}
		b.deleteUser = func(ctx context.Context, name, user, exceptID string) (int64, error) {
			for _, r := range ref.of(name, user) {
				if deleted[r.ID] {
					return 0, nil
				}
				deleted[r.ID] = true
			}
			return ref.DeleteUser(ctx, name, user, exceptID)
		}
	}},
}

// deletingUser is another DeleteUser.
func deletingUser(name string, fails []string, del func(ctx context.Context, ref *reference, name, user, exceptID string) (int64, error)) fault {
	return fault{name, fails, func(ref *reference, b *broken) {
		b.deleteUser = func(ctx context.Context, name, user, exceptID string) (int64, error) {
			return del(ctx, ref, name, user, exceptID)
		}
	}}
}

var (
	onlyTheirs   = []string{"ListUser/only theirs", "DeleteUser/only theirs"}
	unusualUsers = []string{"ListUser/unusual users", "DeleteUser/unusual users"}
)

// matchFaults find the wrong records of a user, in ListUser and in DeleteUser.
var matchFaults = []fault{
	matching("no record matches", []string{
		"ListUser/every field", "ListUser/all", "ListUser/stopped", "ListUser/canceled during the list",
		"ListUser/create during the list", "ListUser/write during the list", "ListUser/delete during the list",
		"DeleteUser/all", "DeleteUser/new records", "DeleteUser/is final", "DeleteUser/exception of another user",
		"Concurrent/DeleteUser", "Concurrent/ListUser",
	}, func(session.Record, string, string) bool { return false }),
	matching("every record matches", []string{
		"ListUser/moved", "ListUser/not moved", "DeleteUser/moved", "DeleteUser/exception of another user",
	}, func(session.Record, string, string) bool { return true }),
	matching("the name is ignored", onlyTheirs, func(r session.Record, _, user string) bool { return r.User == user }),
	matching("the user is ignored", onlyTheirs, func(r session.Record, name, _ string) bool { return r.Name == name }),
	matching("a user matches longer users", onlyTheirs, func(r session.Record, name, user string) bool {
		return r.Name == name && strings.HasPrefix(r.User, user)
	}),
	matching("a user matches shorter users", onlyTheirs, func(r session.Record, name, user string) bool {
		return r.Name == name && r.User != "" && strings.HasPrefix(user, r.User)
	}),
	matching("a user matches users with the same end", onlyTheirs, func(r session.Record, name, user string) bool {
		return r.Name == name && strings.HasSuffix(r.User, user)
	}),
	matching("a name matches longer names", onlyTheirs, func(r session.Record, name, user string) bool {
		return strings.HasPrefix(r.Name, name) && r.User == user
	}),
	matching("a name matches shorter names", onlyTheirs, func(r session.Record, name, user string) bool {
		return r.Name != "" && strings.HasPrefix(name, r.Name) && r.User == user
	}),
	matching("a record without a name matches every name", onlyTheirs, func(r session.Record, name, user string) bool {
		return (r.Name == name || r.Name == "") && r.User == user
	}),
	matching("a record without a user matches every user", onlyTheirs, func(r session.Record, name, user string) bool {
		return r.Name == name && (r.User == user || r.User == "")
	}),
	matching("upper and lower case of a user are ignored", onlyTheirs, func(r session.Record, name, user string) bool {
		return r.Name == name && strings.EqualFold(r.User, user)
	}),
	matching("upper and lower case of a name are ignored", onlyTheirs, func(r session.Record, name, user string) bool {
		return strings.EqualFold(r.Name, name) && r.User == user
	}),
	matching("spaces are trimmed", onlyTheirs, func(r session.Record, name, user string) bool {
		return r.Name == name && strings.TrimSpace(r.User) == user
	}),
	matching("name and user are interchangeable", onlyTheirs, func(r session.Record, name, user string) bool {
		return r.Name == name && r.User == user || r.Name == user && r.User == name
	}),
	matching("a user is a pattern", unusualUsers, func(r session.Record, name, user string) bool {
		ok, _ := path.Match(user, r.User)
		return r.Name == name && ok
	}),
	matching("a user ends at a colon", unusualUsers, func(r session.Record, name, user string) bool {
		user, _, _ = strings.Cut(user, ":")
		return r.Name == name && r.User == user
	}),
	matching("accents are ignored", unusualUsers, func(r session.Record, name, user string) bool {
		plain := strings.NewReplacer("\u00e9", "e", "e\u0301", "e")
		return r.Name == name && plain.Replace(r.User) == plain.Replace(user)
	}),
}

// matching lists and deletes the live records that match.
func matching(name string, fails []string, match func(r session.Record, name, user string) bool) fault {
	return fault{name, fails, func(ref *reference, b *broken) {
		of := func(name, user string) []session.Record {
			return ref.filter(func(r session.Record) bool { return match(r, name, user) && time.Now().Before(r.ExpiresAt) })
		}
		b.listUser = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
			return ref.yield(ctx, func() []session.Record { return of(name, user) })
		}
		b.deleteUser = func(ctx context.Context, name, user, exceptID string) (int64, error) {
			return ref.deleteAll(of(name, user), func(r session.Record) bool { return r.ID != exceptID }), ctx.Err()
		}
	}}
}
