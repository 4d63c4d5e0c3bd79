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
	// A session is written name, @user if it has one, :seconds to live.
	for _, test := range []struct {
		name   string
		max    int
		first  string // created at the start
		then   string // created after three seconds and a half
		left   string // which of them can be loaded in the end
		length int    // counting what is not collected yet
	}{
		{"no bound", 0, "a:9 b:9 c:9", "d:9 e:9", "a b c d e", 5},
		{"negative is no bound", -1, "a:9 b:9", "c:9", "a b c", 3},
		{"not reached", 3, "a:9", "b:9", "a b", 2},
		{"reached", 3, "a:9 b:9", "c:9", "a b c", 3},
		{"nearest to its end goes", 3, "a:8 b:7 c:9", "d:9", "a c d", 3},
		{"nearest of all, old or new", 2, "a:8 b:7", "c:4 d:1 e:9", "a e", 2},
		{"nearest again and again", 3, "a:8 b:7 c:9", "d:9 e:9", "c d e", 3},
		{"one at most", 1, "a:9", "b:9 c:9", "c", 1},
		{"users stay", 3, "a@u:5 b:9 c@u:6", "d:9", "a c d", 3},
		{"users stay, however many come", 3, "a@u:5 b:9 c@u:6", "d@u:5 e:5", "a c d", 3},
		{"expired goes first", 3, "a:9 b:3 c:8", "d:9", "a c d", 3},
		{"expired of a user goes first", 3, "a:5 b:5 c@u:3", "d:9", "a b d", 3},
		{"all expired go first", 3, "a:1 b@u:1 c:5", "d:9 e:9", "c d e", 3},
		{"both expired, in turn", 4, "a:1 b:1 c:5 d@u:5", "e:9 f:9", "c d e f", 4},
		{"one expired, one not", 3, "a:1 b:5 c:6", "d:9 e:9", "c d e", 3},
		{"expired ones count", 3, "a:1 b:1", "c:9", "c", 3},
		{"place of its own expired record", 2, "a:1 b:9", "a:9", "a b", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := memstore.New(memstore.Options{MaxSessions: test.max})
				createAll(t, s, test.first)
				time.Sleep(3500 * time.Millisecond)
				for _, spec := range strings.Fields(test.then) {
					if err := createAll(t, s, spec); err != nil && !errors.Is(err, session.ErrUnavailable) {
						t.Errorf("Create(%s): got error %v", spec, err)
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
				t.Errorf("Create: got error %v, want %v and what to do", err, session.ErrUnavailable)
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
		if err := s.Delete(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		create(t, s, record("d", "", time.Hour))
		alive(t, s, "a b c d", "c d")
		wantLen(t, s, 2)
	})
}

// What can be dropped follows the record: by its user, and by its end.
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
		"moved back by an update": {func(s *memstore.Store) error {
			return s.Update(t.Context(), record("b", "", time.Second))
		}, "a c d"},
		"moved on by an update": {func(s *memstore.Store) error {
			return s.Update(t.Context(), record("a", "", 2*time.Hour))
		}, "a c d"},
		"moved on by a touch": {func(s *memstore.Store) error {
			return s.Touch(t.Context(), record("a", "", 2*time.Hour))
		}, "a c d"},
		"not moved back by a touch": {func(s *memstore.Store) error {
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

// In the order of their ends, whatever that of their creation was.
func TestRoomIsMadeInOrder(t *testing.T) {
	t.Parallel()
	const n = 1000
	s := memstore.New(memstore.Options{MaxSessions: n})
	for i := range n {
		create(t, s, record(id(i*7919%n), "", time.Hour+time.Duration(i*7919%n)*time.Second))
	}
	for i := range n {
		create(t, s, record(id(n+i), "", 24*time.Hour))
		_, gone := s.Load(t.Context(), id(i))
		_, next := s.Load(t.Context(), id(min(i+1, n)))
		if !errors.Is(gone, session.ErrNotFound) || next != nil {
			t.Fatalf("after %d more: got errors %v and %v, want exactly the first %d gone", i+1, gone, next, i+1)
		}
	}
	wantLen(t, s, n)
}

// However many create at once, there are never more than allowed.
func TestMaxSessionsHoldsUnderConcurrency(t *testing.T) {
	t.Parallel()
	const limit, writers, each = 50, 8, 200
	for name, user := range map[string]string{"anonymous": "", "owned": "ann"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := memstore.New(memstore.Options{MaxSessions: limit})
			var made, refused atomic.Int64
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					for i := range each {
						r := record(id(w*each+i), user, time.Hour+time.Duration(i)*time.Second)
						switch err := s.Create(t.Context(), r); {
						case err == nil:
							made.Add(1)
						case errors.Is(err, session.ErrUnavailable):
							refused.Add(1)
						default:
							t.Errorf("Create: got error %v", err)
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
			if made.Load() != want || made.Load()+refused.Load() != writers*each {
				t.Errorf("got %d made and %d refused, want %d and the rest", made.Load(), refused.Load(), want)
			}
		})
	}
}

// A Create that made room, and finds that another one was faster, or that the
// store was closed, gives back the place.
func TestRoomMadeForNothing(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{MaxSessions: 2})
	create(t, s, record("a", "", time.Minute), record("b", "", time.Hour))
	if err := s.Replace(record("b", "", time.Hour)); !errors.Is(err, session.ErrExists) {
		t.Errorf("got error %v, want %v", err, session.ErrExists)
	}
	wantLen(t, s, 1)
	create(t, s, record("c", "", time.Hour))
	alive(t, s, "a b c", "b c")
	if err := s.Replace(record("d", "", time.Hour)); err != nil {
		t.Errorf("got error %v, want none", err)
	}
	wantLen(t, s, 2)
}

// The session that was to go may have been extended or deleted meanwhile, and
// then another one is the nearest.
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
		{r.ExpiresAt, false}, // it is gone
	} {
		if got := s.Evict("a", test.end); got != test.want {
			t.Errorf("evict until %v: got %t, want %t", test.end, got, test.want)
		}
		consistent(t, s)
	}
}

// Two that create one id in a full store take one place.
func TestPlaceIsGivenBack(t *testing.T) {
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
					t.Errorf("Create: got error %v", err)
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

// Everything at once, under the race detector.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{MaxSessions: 40, SweepEvery: time.Microsecond})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 500 {
				r := record(id((w+i)%64), []string{"", "ann"}[i%2], time.Duration(i%3)*time.Millisecond)
				for name, operation := range operations {
					err := operation(t.Context(), s, r)
					if err != nil && !errors.Is(err, session.ErrNotFound) && !errors.Is(err, session.ErrExists) &&
						!errors.Is(err, session.ErrConflict) && !errors.Is(err, session.ErrUnavailable) {
						t.Errorf("%s: got error %v", name, err)
					}
				}
			}
		})
	}
	wg.Wait()
	if n, ok := s.Check(); !ok || n > 40 {
		t.Errorf("got %d entries, in order: %t, want at most 40, in order", n, ok)
	}
}

// Of those that run while the store is closed, some succeed and some find it
// closed, and none believes that a session is gone.
func TestCloseUnderUse(t *testing.T) {
	t.Parallel()
	for range 20 {
		s := memstore.New(memstore.Options{MaxSessions: 10})
		create(t, s, record("a", "ann", time.Hour))
		var wg sync.WaitGroup
		start := make(chan struct{})
		for w := range 4 {
			wg.Go(func() {
				<-start
				for i := range 50 {
					if _, err := s.Load(t.Context(), "a"); err != nil && !errors.Is(err, session.ErrUnavailable) {
						t.Errorf("Load: got error %v, want none or %v", err, session.ErrUnavailable)
					}
					if err := s.Create(t.Context(), record(id(w*50+i), "", time.Hour)); err != nil && !errors.Is(err, session.ErrUnavailable) {
						t.Errorf("Create: got error %v, want none or %v", err, session.ErrUnavailable)
					}
				}
			})
		}
		close(start)
		_ = s.Close()
		wg.Wait()
		wantLen(t, s, 0)
	}
}
