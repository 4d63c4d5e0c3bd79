package memstore_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

func TestMaxSessions(t *testing.T) {
	t.Parallel()
	// A session is written as its name, @user if it has one, and :seconds to live.
	for _, test := range []struct {
		name   string
		max    int
		first  string // created at the start
		then   string // created after three seconds and a half
		left   string // the sessions that can be loaded at the end
		length int    // with the expired sessions that are still in memory
	}{
		{"no limit", 0, "a:9 b:9 c:9", "d:9 e:9", "a b c d e", 5},
		{"negative is no limit", -1, "a:9 b:9", "c:9", "a b c", 3},
		{"not reached", 3, "a:9", "b:9", "a b", 2},
		{"reached", 3, "a:9 b:9", "c:9", "a b c", 3},
		{"the first to end goes", 3, "a:8 b:7 c:9", "d:9", "a c d", 3},
		{"the first to end goes, old or new", 2, "a:8 b:7", "c:4 d:1 e:9", "a e", 2},
		{"the first to end goes, again and again", 3, "a:8 b:7 c:9", "d:9 e:9", "c d e", 3},
		{"at most one", 1, "a:9", "b:9 c:9", "c", 1},
		{"users stay", 3, "a@u:5 b:9 c@u:6", "d:9", "a c d", 3},
		{"users stay, no matter how many come", 3, "a@u:5 b:9 c@u:6", "d@u:5 e:5", "a c d", 3},
		{"expired goes before live", 3, "a:9 b:3 c:8", "d:9", "a c d", 3},
		{"expired with a user goes before live", 3, "a:5 b:5 c@u:3", "d:9", "a b d", 3},
		{"all expired go before live", 3, "a:1 b@u:1 c:5", "d:9 e:9", "c d e", 3},
		{"two expired, two new", 4, "a:1 b:1 c:5 d@u:5", "e:9 f:9", "c d e f", 4},
		{"one expired, two new", 3, "a:1 b:5 c:6", "d:9 e:9", "c d e", 3},
		{"expired sessions count", 3, "a:1 b:1", "c:9", "c", 3},
		{"slot of the expired record with the same id", 2, "a:1 b:9", "a:9", "a b", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := memstore.New(memstore.Options{MaxSessions: test.max})
				if err := createAll(t, s, test.first); err != nil {
					t.Fatalf("Create(%s): got error %v, want none", test.first, err)
				}
				time.Sleep(3500 * time.Millisecond)
				for _, spec := range strings.Fields(test.then) {
					if err := createAll(t, s, spec); err != nil && !errors.Is(err, session.ErrUnavailable) {
						t.Errorf("Create(%s): got error %v, want none or %v", spec, err, session.ErrUnavailable)
					}
				}
				alive(t, s, "a b c d e f", test.left)
				wantLen(t, s, test.length)
			})
		})
	}
}

func createAll(t *testing.T, s *memstore.Store, specs string) (err error) {
	t.Helper()
	for _, spec := range strings.Fields(specs) {
		id, life, _ := strings.Cut(spec, ":")
		id, user, _ := strings.Cut(id, "@")
		seconds, parseErr := time.ParseDuration(life + "s")
		if parseErr != nil {
			t.Fatal(parseErr)
		}
		err = errors.Join(err, s.Create(t.Context(), record(id, user, seconds)))
	}
	return err
}

func TestFullOfUsers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.Options{MaxSessions: 2})
		create(t, s, record("a", "ann", time.Second), record("b", "bob", time.Hour))
		for _, user := range []string{"", "cem"} {
			err := s.Create(t.Context(), record("c", user, time.Hour))
			if !errors.Is(err, session.ErrUnavailable) || !strings.Contains(fmt.Sprint(err), "all 2 sessions that Options.MaxSessions allows") {
				t.Errorf("Create in a full store: got error %v, want %v with the limit", err, session.ErrUnavailable)
			}
		}
		if err := s.Create(t.Context(), record("b", "", time.Hour)); !errors.Is(err, session.ErrExists) {
			t.Errorf("Create of a taken id: got error %v, want %v", err, session.ErrExists)
		}
		wantLen(t, s, 2)
		alive(t, s, "a b c", "a b")
		time.Sleep(time.Second)
		create(t, s, record("c", "cem", time.Hour))
		alive(t, s, "a b c", "b c")
		if err := s.Delete(t.Context(), "b", 0); err != nil {
			t.Fatal(err)
		}
		create(t, s, record("d", "", time.Hour))
		alive(t, s, "a b c d", "c d")
		wantLen(t, s, 2)
	})
}

// An Update or a Touch changes which session is removed next.
func TestRoomFollowsUpdates(t *testing.T) {
	t.Parallel()
	full := func(t *testing.T) *memstore.Store {
		s := memstore.New(memstore.Options{MaxSessions: 3})
		create(t, s, record("a", "", time.Minute), record("b", "", time.Hour), record("c", "cem", time.Hour))
		return s
	}
	for name, test := range map[string]struct {
		change func(s *memstore.Store) error
		left   string
	}{
		"signed in": {func(s *memstore.Store) error {
			return s.Update(t.Context(), record("a", "ann", time.Minute))
		}, "a c d"},
		"signed out": {func(s *memstore.Store) error {
			return s.Update(t.Context(), record("c", "", time.Second))
		}, "a b d"},
		"another user": {func(s *memstore.Store) error {
			return s.Update(t.Context(), record("c", "ann", time.Second))
		}, "b c d"},
		"shortened by an update": {func(s *memstore.Store) error {
			return s.Update(t.Context(), record("b", "", time.Second))
		}, "a c d"},
		"extended by an update": {func(s *memstore.Store) error {
			return s.Update(t.Context(), record("a", "", 2*time.Hour))
		}, "a c d"},
		"extended by a touch": {func(s *memstore.Store) error {
			return s.Touch(t.Context(), record("a", "", 2*time.Hour))
		}, "a c d"},
		"not shortened by a touch": {func(s *memstore.Store) error {
			return s.Touch(t.Context(), record("b", "", time.Second))
		}, "b c d"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := full(t)
			if err := test.change(s); err != nil {
				t.Fatal(err)
			}
			create(t, s, record("d", "", time.Hour))
			alive(t, s, "a b c d", test.left)
			wantLen(t, s, 3)
		})
	}
}

// Sessions are removed in the order of their ends, not of their creation.
func TestRoomIsMadeInOrder(t *testing.T) {
	t.Parallel()
	const n = 1000
	s := memstore.New(memstore.Options{MaxSessions: n})
	for i := range n {
		create(t, s, record(id(i*7919%n), "", time.Hour+time.Duration(i*7919%n)*time.Second))
	}
	for i := range n {
		create(t, s, record(id(n+i), "", 24*time.Hour))
		_, removed := s.Load(t.Context(), id(i))
		_, next := s.Load(t.Context(), id(min(i+1, n)))
		if !errors.Is(removed, session.ErrNotFound) || next != nil {
			t.Fatalf("after %d more: got errors %v and %v, want only the first %d removed", i+1, removed, next, i+1)
		}
	}
	wantLen(t, s, n)
}

// A Create that made room, and then finds that the id is taken or that the
// store is closed, leaves the room to the next one.
func TestRoomMadeForNothing(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{MaxSessions: 2})
	create(t, s, record("a", "", time.Minute), record("b", "", time.Hour))
	if err := s.AddMakingRoom(t.Context(), record("b", "", time.Hour)); !errors.Is(err, session.ErrExists) {
		t.Errorf("got error %v, want %v", err, session.ErrExists)
	}
	wantLen(t, s, 1)
	create(t, s, record("c", "", time.Hour))
	alive(t, s, "a b c", "b c")
	if err := s.AddMakingRoom(t.Context(), record("d", "", time.Hour)); err != nil {
		t.Errorf("got error %v, want none", err)
	}
	wantLen(t, s, 2)
}

// Create does not look for room without end. Here the store counts an entry, but
// there is none to remove.
func TestRoomIsGivenUp(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{MaxSessions: 1})
	if !s.Grow() {
		t.Fatal("got no room in an empty store")
	}
	if err := s.Create(t.Context(), record("a", "", time.Hour)); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("got error %v, want %v", err, session.ErrUnavailable)
	}
	if n, ok := s.Check(); n != 0 || !ok {
		t.Errorf("store: got %d entries, consistent: %t, want none, consistent", n, ok)
	}
}

// If another entry is removed while Create looks for one to remove, Create uses
// the room.
func TestRoomBecomesFree(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{MaxSessions: 2})
	create(t, s, record("a", "ann", time.Hour))
	if err := s.AddMakingRoom(t.Context(), record("b", "bob", time.Hour)); err != nil {
		t.Errorf("got error %v, want none", err)
	}
	wantLen(t, s, 2)
	alive(t, s, "a b", "a b")
	if s.MakeRoom() {
		t.Error("got room in a store that is full of users, want none at the first attempt")
	}
	if err := s.AddMakingRoom(t.Context(), record("c", "cem", time.Hour)); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("got error %v, want %v", err, session.ErrUnavailable)
	}
	wantLen(t, s, 2)
}

// An entry that was extended or removed, after Create had chosen it, is not
// evicted.
func TestRoomIsLookedForAgain(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{MaxSessions: 2})
	r := record("a", "", time.Hour)
	create(t, s, r)
	for _, test := range []struct {
		end  time.Time
		want bool
	}{
		{r.ExpiresAt.Add(-time.Millisecond), false}, // it was extended
		{r.ExpiresAt, true},
		{r.ExpiresAt, false}, // it was removed
	} {
		if got := s.Evict("a", test.end); got != test.want {
			t.Errorf("evict with end %v: got %t, want %t", test.end, got, test.want)
		}
		consistent(t, s)
	}
}

// No matter how many goroutines create sessions, there are never more than
// MaxSessions.
func TestMaxSessionsHoldsUnderConcurrency(t *testing.T) {
	t.Parallel()
	const limit, writers, each = 50, 8, 200
	for name, user := range map[string]string{"anonymous": "", "with a user": "ann"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := memstore.New(memstore.Options{MaxSessions: limit})
			var created, refused atomic.Int64
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					for i := range each {
						r := record(id(w*each+i), user, time.Hour+time.Duration(i)*time.Second)
						switch err := s.Create(t.Context(), r); {
						case err == nil:
							created.Add(1)
						case errors.Is(err, session.ErrUnavailable):
							refused.Add(1)
						default:
							t.Errorf("Create: got error %v, want none or %v", err, session.ErrUnavailable)
						}
						if n, _ := s.Check(); n > limit || s.Len() > limit {
							t.Errorf("got %d entries and Len %d, want at most %d", n, s.Len(), limit)
						}
					}
				})
			}
			wg.Wait()
			wantLen(t, s, limit)
			want := int64(limit)
			if user == "" {
				want = writers * each
			}
			if created.Load() != want || created.Load()+refused.Load() != writers*each {
				t.Errorf("got %d created and %d refused, want %d created and the rest refused", created.Load(), refused.Load(), want)
			}
		})
	}
}

// Several goroutines that create one id in a full store use only one slot.
func TestSlotIsGivenBack(t *testing.T) {
	t.Parallel()
	const limit = 4
	s := memstore.New(memstore.Options{MaxSessions: limit})
	for i := range limit {
		create(t, s, record(id(i), "", time.Hour))
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 200 {
				err := s.Create(t.Context(), record(id(limit+i), "", time.Hour+time.Duration(i)*time.Second))
				if err != nil && !errors.Is(err, session.ErrExists) {
					t.Errorf("Create: got error %v, want none or %v", err, session.ErrExists)
				}
			}
		})
	}
	wg.Wait()
	consistent(t, s)
	for i := range limit {
		create(t, s, record(fmt.Sprint("new-", i), "", 2*time.Hour))
	}
	wantLen(t, s, limit)
}
