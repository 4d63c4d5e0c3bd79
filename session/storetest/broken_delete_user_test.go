package storetest_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/echosession/echosession/session"
)

// What goes wrong in DeleteUser, in a store that knows whose a record is.
var deleteUserFaults = []fault{
	{"delete user of a user without records is an error", []string{"DeleteUser/absent", "DeleteUser/all", "DeleteUser/all but one"}, func(ref *reference, b *broken) {
		b.delUser = func(ctx context.Context, name, user, exceptID string) (int64, error) {
			n, err := ref.DeleteUser(ctx, name, user, exceptID)
			if n == 0 && err == nil {
				err = session.ErrNotFound
			}
			return n, err
		}
	}},
	{"delete user counts the one that stays", []string{"DeleteUser/all but one"}, func(ref *reference, b *broken) {
		b.delUser = func(ctx context.Context, name, user, exceptID string) (int64, error) {
			n := len(ref.of(name, user))
			_, err := ref.DeleteUser(ctx, name, user, exceptID)
			return int64(n), err
		}
	}},
	{"delete user counts one for any number", []string{"DeleteUser/all", "DeleteUser/expired"}, func(ref *reference, b *broken) {
		b.delUser = func(ctx context.Context, name, user, exceptID string) (int64, error) {
			n, err := ref.DeleteUser(ctx, name, user, exceptID)
			return min(n, 1), err
		}
	}},
	{"delete user deletes a hundred at most", []string{"DeleteUser/all"}, func(ref *reference, b *broken) {
		b.delUser = func(ctx context.Context, name, user, exceptID string) (int64, error) {
			rs := ref.of(name, user)
			return ref.deleteAll(rs[:min(len(rs), 100)], func(r session.Record) bool { return r.ID != exceptID }), ctx.Err()
		}
	}},
	{"delete user spares none", []string{"DeleteUser/all but one"}, func(ref *reference, b *broken) {
		b.delUser = func(ctx context.Context, name, user, _ string) (int64, error) {
			return ref.DeleteUser(ctx, name, user, "")
		}
	}},
	{"delete user with an exception of another user does nothing", []string{"DeleteUser/but one of another user"}, func(ref *reference, b *broken) {
		b.delUser = func(ctx context.Context, name, user, exceptID string) (int64, error) {
			if r, ok := ref.peek(exceptID); ok && r.User != user {
				return 0, nil
			}
			return ref.DeleteUser(ctx, name, user, exceptID)
		}
	}},
	{"delete user deletes those that were created for the user", []string{"DeleteUser/moved"}, func(ref *reference, b *broken) {
		users := map[string]string{}
		b.create = func(ctx context.Context, r session.Record) error {
			users[r.ID] = r.User
			return ref.Create(ctx, r)
		}
		b.delUser = func(ctx context.Context, name, user, exceptID string) (int64, error) {
			return ref.deleteAll(ref.all(), func(r session.Record) bool { return users[r.ID] == user }), nil
		}
	}},
	{"delete user leaves the records to be collected", []string{"DeleteUser/all", "DeleteUser/is final", "DeleteUser/of new ones"}, func(ref *reference, b *broken) {
		b.delUser = func(ctx context.Context, name, user, exceptID string) (int64, error) {
			return int64(len(ref.of(name, user))), nil
		}
	}},
	{"delete user leaves what Update writes again", []string{"DeleteUser/is final"}, func(ref *reference, b *broken) {
		b.update = func(ctx context.Context, r session.Record) error {
			err := ref.Update(ctx, r)
			if errors.Is(err, session.ErrNotFound) {
				ref.put(r)
			}
			return err
		}
	}},
	{"delete user leaves what Touch writes again", []string{"DeleteUser/is final"}, func(ref *reference, b *broken) {
		b.touch = func(ctx context.Context, r session.Record) error {
			err := ref.Touch(ctx, r)
			if errors.Is(err, session.ErrNotFound) {
				ref.put(r)
				return nil
			}
			return err
		}
	}},
	{"delete user takes a deleted id for one that is gone for ever", []string{"DeleteUser/of new ones"}, func(ref *reference, b *broken) {
		deleted := map[string]bool{}
		b.delUser = func(ctx context.Context, name, user, exceptID string) (int64, error) {
			for _, r := range ref.of(name, user) {
				if deleted[r.ID] {
					return 0, nil
				}
				deleted[r.ID] = true
			}
			return ref.DeleteUser(ctx, name, user, exceptID)
		}
	}},
	{"delete user works with an index that lags behind", []string{"DeleteUser/of new ones", "DeleteUser/all", "Concurrent/DeleteUser"}, func(ref *reference, b *broken) {
		b.delUser = func(ctx context.Context, name, user, exceptID string) (int64, error) {
			rs := ref.of(name, user)
			last := slices.MaxFunc(append(rs, session.Record{}), func(a, b session.Record) int { return a.CreatedAt.Compare(b.CreatedAt) })
			return ref.deleteAll(rs, func(r session.Record) bool { return r.ID != last.ID }), nil
		}
	}},
	{"delete user spares those that are written meanwhile", []string{"Concurrent/DeleteUser"}, func(ref *reference, b *broken) {
		b.create = func(ctx context.Context, r session.Record) error {
			time.Sleep(time.Nanosecond)
			return ref.Create(ctx, r)
		}
		b.update = func(ctx context.Context, r session.Record) error {
			time.Sleep(time.Nanosecond)
			return ref.Update(ctx, r)
		}
		b.touch = func(ctx context.Context, r session.Record) error {
			time.Sleep(time.Nanosecond)
			return ref.Touch(ctx, r)
		}
		b.delUser = func(ctx context.Context, name, user, exceptID string) (n int64, err error) {
			rs := ref.of(name, user)
			time.Sleep(3 * time.Nanosecond) // by then there were some Updates
			for _, r := range rs {
				n += ref.deleteAll([]session.Record{r}, func(now session.Record) bool { return now.Version == r.Version })
			}
			return n, nil
		}
	}},
	{"delete user does not delete what has expired, and says so", []string{"DeleteUser/expired"}, func(ref *reference, b *broken) {
		b.delUser = func(ctx context.Context, name, user, exceptID string) (int64, error) {
			if len(ref.filter(func(r session.Record) bool { return r.User == user })) > len(ref.of(name, user)) {
				return 0, session.ErrConflict
			}
			return ref.DeleteUser(ctx, name, user, exceptID)
		}
	}},
	{"delete user ignores the context", []string{"DeleteUser/canceled"}, func(ref *reference, b *broken) {
		b.delUser = func(ctx context.Context, name, user, exceptID string) (int64, error) {
			return ref.DeleteUser(context.WithoutCancel(ctx), name, user, exceptID)
		}
	}},
	{"a canceled delete user is done", []string{"DeleteUser/canceled"}, func(ref *reference, b *broken) {
		b.delUser = func(ctx context.Context, name, user, exceptID string) (int64, error) {
			_, _ = ref.DeleteUser(context.WithoutCancel(ctx), name, user, exceptID)
			return 0, ctx.Err()
		}
	}},
}
