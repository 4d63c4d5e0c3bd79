package memstore

import (
	"context"
	"iter"

	"github.com/echosession/echosession/session"
)

// What a user has is indexed in each shard by itself, under the lock that its
// sessions are under anyway: so a session and its place in the index change in
// one step, there is no second lock to take in the right order, and what a
// user has, however much, is under many locks. The price is that all shards
// are asked, also for a user who has one session.

// ListUser implements [session.UserStore]. It holds no lock while it yields, so
// that every method may be called meanwhile. Its cost is that of the sessions
// that the user has, of any kind.
func (s *Store) ListUser(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		var batch [userStep]session.Record
		for i := range s.shards {
			w := walk{sh: &s.shards[i], user: user}
			for more := true; more; {
				var n int
				var err error
				n, more, err = w.read(ctx, name, &batch)
				for j := 0; j < n && err == nil; j++ {
					if !yield(batch[j], nil) {
						return
					}
					err = listing.canceled(ctx)
				}
				if err != nil {
					yield(session.Record{}, err)
					return
				}
			}
		}
	}
}

// read makes a step, and fills batch with the n records of the kind name that
// are live.
func (w *walk) read(ctx context.Context, name string, batch *[userStep]session.Record) (n int, more bool, err error) {
	more, err = w.step(ctx, &listing, func(e *entry, now int64) {
		if now < e.expires && e.kind.Value().name == name {
			batch[n] = e.record()
			n++
		}
	})
	return n, more, err
}

// DeleteUser implements [session.UserStore]. What has expired is deleted too,
// and not counted. With an error it returns how many it had deleted by then.
func (s *Store) DeleteUser(ctx context.Context, name, user, exceptID string) (int64, error) {
	var deleted int64
	for i := range s.shards {
		w := walk{sh: &s.shards[i], user: user}
		for more := true; more; {
			var freed int64
			var err error
			more, err = w.step(ctx, &ending, func(e *entry, now int64) {
				if e.id == exceptID || e.kind.Value().name != name {
					return
				}
				if now < e.expires {
					deleted++
				}
				w.sh.remove(e)
				freed++
			})
			s.count.Add(-freed)
			if err != nil {
				return deleted, err
			}
		}
	}
	return deleted, nil
}
