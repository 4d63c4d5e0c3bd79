package storetest_test

import (
	"context"
	"iter"
	"slices"

	"github.com/echosession/echosession/session"
)

// of returns the live records of a kind and user.
func (s *reference) of(name, user string) (rs []session.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.records {
		if r, ok := s.live(id); ok && r.Name == name && r.User == user {
			rs = append(rs, r)
		}
	}
	return rs
}

func (s *reference) ListUser(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
	return s.yield(ctx, func() []session.Record { return s.of(name, user) })
}

// yield yields what list returns, until ctx is canceled.
func (s *reference) yield(ctx context.Context, list func() []session.Record) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		for _, r := range append(list(), session.Record{}) {
			if err := ctx.Err(); err != nil {
				yield(session.Record{}, err)
				return
			}
			if r.ID == "" || !yield(r, nil) {
				return
			}
		}
	}
}

func (s *reference) DeleteUser(ctx context.Context, name, user, exceptID string) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return s.deleteAll(s.of(name, user), func(r session.Record) bool {
		return r.Name == name && r.User == user && r.ID != exceptID
	}), nil
}

// deleteAll deletes those of rs that are there, and for which keep is false as
// they are now.
func (s *reference) deleteAll(rs []session.Record, match func(r session.Record) bool) (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rs {
		if stored, ok := s.records[r.ID]; ok && match(stored) {
			delete(s.records, r.ID)
			n++
		}
	}
	return n
}

// all returns every record, also those that have expired.
func (s *reference) all() (rs []session.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		rs = append(rs, r)
	}
	return rs
}

// filter returns every record for which match is true.
func (s *reference) filter(match func(r session.Record) bool) []session.Record {
	return slices.DeleteFunc(s.all(), func(r session.Record) bool { return !match(r) })
}

// plain has no ability.
type plain struct{ session.Store }
