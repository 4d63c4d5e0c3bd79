package memstore_test

import (
	"errors"
	"fmt"
	"strings"
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
		if err := s.Delete(t.Context(), "b", 0); err != nil {
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

// It is not looked for without end.
func TestRoomIsGivenUp(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{MaxSessions: 1})
	s.Hold()
	if err := s.Create(t.Context(), record("a", "", time.Hour)); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("got error %v, want %v", err, session.ErrUnavailable)
	}
	if n, ok := s.Check(); n != 0 || !ok {
		t.Errorf("got %d entries, in order: %t, want none", n, ok)
	}
}

// While a Create looks for one that can be dropped, others may be deleted:
// then it takes the place of one of them.
func TestRoomBecomesFree(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{MaxSessions: 2})
	create(t, s, record("a", "ann", time.Hour))
	if err := s.Replace(record("b", "bob", time.Hour)); err != nil {
		t.Errorf("got error %v, want none", err)
	}
	wantLen(t, s, 2)
	alive(t, s, "a b", "a b")
	if err := s.Replace(record("c", "cem", time.Hour)); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("got error %v, want %v", err, session.ErrUnavailable)
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
