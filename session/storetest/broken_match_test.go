package storetest_test

import (
	"context"
	"iter"
	"path"
	"strings"
	"time"

	"github.com/echosession/echosession/session"
)

// matchFaults take other records for those of a user, in ListUser as well as in
// DeleteUser.
var matchFaults = []fault{
	matching("no record matches", []string{
		"ListUser/every field", "ListUser/many", "ListUser/stopped", "ListUser/canceled meanwhile", "ListUser/creating meanwhile",
		"ListUser/writing meanwhile", "ListUser/deleting meanwhile",
		"DeleteUser/all", "DeleteUser/of new ones", "DeleteUser/is final", "DeleteUser/but one of another user",
		"Concurrent/DeleteUser", "Concurrent/ListUser",
	}, func(session.Record, string, string) bool { return false }),
	matching("every record matches", []string{
		"ListUser/moved", "ListUser/not moved", "DeleteUser/moved", "DeleteUser/but one of another user",
	}, func(session.Record, string, string) bool { return true }),
	matching("the name is ignored", onlyTheirs, func(r session.Record, _, user string) bool { return r.User == user }),
	matching("the user is ignored", onlyTheirs, func(r session.Record, name, _ string) bool { return r.Name == name }),
	matching("a user matches those that begin like it", onlyTheirs, func(r session.Record, name, user string) bool {
		return r.Name == name && strings.HasPrefix(r.User, user)
	}),
	matching("a user matches those that it begins like", onlyTheirs, func(r session.Record, name, user string) bool {
		return r.Name == name && r.User != "" && strings.HasPrefix(user, r.User)
	}),
	matching("a user matches those that end like it", onlyTheirs, func(r session.Record, name, user string) bool {
		return r.Name == name && strings.HasSuffix(r.User, user)
	}),
	matching("a name matches those that begin like it", onlyTheirs, func(r session.Record, name, user string) bool {
		return strings.HasPrefix(r.Name, name) && r.User == user
	}),
	matching("a name matches those that it begins like", onlyTheirs, func(r session.Record, name, user string) bool {
		return r.Name != "" && strings.HasPrefix(name, r.Name) && r.User == user
	}),
	matching("no name matches all", onlyTheirs, func(r session.Record, name, user string) bool {
		return (r.Name == name || r.Name == "") && r.User == user
	}),
	matching("nobody's match all", onlyTheirs, func(r session.Record, name, user string) bool {
		return r.Name == name && (r.User == user || r.User == "")
	}),
	matching("upper and lower case of a user are one", onlyTheirs, func(r session.Record, name, user string) bool {
		return r.Name == name && strings.EqualFold(r.User, user)
	}),
	matching("upper and lower case of a name are one", onlyTheirs, func(r session.Record, name, user string) bool {
		return strings.EqualFold(r.Name, name) && r.User == user
	}),
	matching("spaces are trimmed", onlyTheirs, func(r session.Record, name, user string) bool {
		return r.Name == name && strings.TrimSpace(r.User) == user
	}),
	matching("name and user are mixed", onlyTheirs, func(r session.Record, name, user string) bool {
		return r.Name == name && r.User == user || r.Name == user && r.User == name
	}),
	matching("a user is a pattern", strangeCases, func(r session.Record, name, user string) bool {
		ok, _ := path.Match(user, r.User)
		return r.Name == name && ok
	}),
	matching("a user is cut at a colon", strangeCases, func(r session.Record, name, user string) bool {
		user, _, _ = strings.Cut(user, ":")
		return r.Name == name && r.User == user
	}),
	matching("accents are one with their letters", strangeCases, func(r session.Record, name, user string) bool {
		plain := strings.NewReplacer("\u00e9", "e", "e\u0301", "e")
		return r.Name == name && plain.Replace(r.User) == plain.Replace(user)
	}),
}

var (
	onlyTheirs   = []string{"ListUser/only theirs", "DeleteUser/only theirs"}
	strangeCases = []string{"ListUser/strange users", "DeleteUser/strange users"}
)

func matching(name string, fails []string, match func(r session.Record, name, user string) bool) fault {
	return fault{name, fails, func(ref *reference, b *broken) {
		of := func(name, user string) []session.Record {
			return ref.filter(func(r session.Record) bool { return match(r, name, user) && time.Now().Before(r.ExpiresAt) })
		}
		b.list = func(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
			return ref.yield(ctx, func() []session.Record { return of(name, user) })
		}
		b.delUser = func(ctx context.Context, name, user, exceptID string) (int64, error) {
			return ref.deleteAll(of(name, user), func(r session.Record) bool { return r.ID != exceptID }), ctx.Err()
		}
	}}
}
