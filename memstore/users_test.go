package memstore_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// list returns the sorted ids of the sessions of user, separated by spaces.
func list(t *testing.T, s *memstore.Store, user string) string {
	t.Helper()
	var ids []string
	for r, err := range s.ListUser(t.Context(), "sid", user) {
		if err != nil {
			t.Fatalf("ListUser(%q): got error %v, want none", user, err)
		}
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// The list of a user follows every change of the sessions.
func TestUsers(t *testing.T) {
	t.Parallel()
	deleteUser := func(user, exceptID string) func(context.Context, *memstore.Store) error {
		return func(ctx context.Context, s *memstore.Store) error {
			_, err := s.DeleteUser(ctx, "sid", user, exceptID)
			return err
		}
	}
	write := func(operation, id, user string, life time.Duration) func(context.Context, *memstore.Store) error {
		return func(ctx context.Context, s *memstore.Store) error {
			return operations[operation](ctx, s, record(id, user, life))
		}
	}
	for name, test := range map[string]struct {
		change   func(context.Context, *memstore.Store) error
		ann, bob string
		length   int
	}{
		"nothing":                 {func(context.Context, *memstore.Store) error { return nil }, "a b c", "d", 5},
		"created":                 {write("create", "f", "ann", time.Hour), "a b c f", "d", 6},
		"created as anonymous":    {write("create", "f", "", time.Hour), "a b c", "d", 6},
		"deleted":                 {write("delete", "b", "", 0), "a c", "d", 4},
		"the only one deleted":    {write("delete", "d", "", 0), "a b c", "", 4},
		"updated":                 {write("update", "a", "ann", time.Hour), "a b c", "d", 5},
		"touched":                 {write("touch", "a", "bob", time.Hour), "a b c", "d", 5},
		"given to another":        {write("update", "a", "bob", time.Hour), "b c", "a d", 5},
		"made anonymous":          {write("update", "a", "", time.Hour), "b c", "d", 5},
		"no longer anonymous":     {write("update", "e", "ann", time.Hour), "a b c e", "d", 5},
		"expired":                 {write("update", "a", "ann", -time.Hour), "b c", "d", 5},
		"taken":                   {write("create", "a", "bob", time.Hour), "a b c", "d", 5},
		"all deleted":             {deleteUser("ann", ""), "", "d", 2},
		"all but one deleted":     {deleteUser("ann", "b"), "b", "d", 3},
		"all anonymous, no user":  {deleteUser("", ""), "a b c", "d", 5},
		"all of an unknown user":  {deleteUser("cem", ""), "a b c", "d", 5},
		"all of a part of a user": {deleteUser("an", ""), "a b c", "d", 5},
		"exception of another":    {deleteUser("bob", "a"), "a b c", "", 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := memstore.New(memstore.Options{MaxSessions: 10})
			create(t, s, record("a", "ann", time.Hour), record("b", "ann", time.Hour), record("c", "ann", time.Hour),
				record("d", "bob", time.Hour), record("e", "", time.Hour))
			if err := test.change(t.Context(), s); err != nil && !errors.Is(err, session.ErrExists) {
				t.Fatal(err)
			}
			if ann, bob := list(t, s, "ann"), list(t, s, "bob"); ann != test.ann || bob != test.bob {
				t.Errorf("lists of ann and bob: got %q and %q, want %q and %q", ann, bob, test.ann, test.bob)
			}
			if got := list(t, s, ""); got != "" {
				t.Errorf("list of no user: got %q, want none", got)
			}
			wantLen(t, s, test.length)
		})
	}
}

// The kinds of sessions of one user are separate.
func TestUsersOfSeveralKinds(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{})
	other := record("b", "ann", time.Hour)
	other.Name = "admin"
	create(t, s, record("a", "ann", time.Hour), other)
	if got := list(t, s, "ann"); got != "a" {
		t.Errorf("got %q, want only a", got)
	}
	if n, err := s.DeleteUser(t.Context(), "sid", "ann", ""); n != 1 || err != nil {
		t.Errorf("DeleteUser: got %d and error %v, want 1 and no error", n, err)
	}
	alive(t, s, "a b", "b")
	wantLen(t, s, 1)
}

// Expiry is exact in lists and in counts.
func TestUsersExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.Options{SweepEvery: time.Hour})
		create(t, s, record("a", "ann", time.Second), record("b", "ann", 2*time.Second), record("c", "ann", 2*time.Hour))
		time.Sleep(time.Second - time.Nanosecond)
		if got := list(t, s, "ann"); got != "a b c" {
			t.Errorf("got %q, want all", got)
		}
		time.Sleep(time.Nanosecond)
		if got := list(t, s, "ann"); got != "b c" {
			t.Errorf("got %q, want only the live sessions", got)
		}
		create(t, s, record("a", "bob", time.Hour)) // replaces the expired record
		if ann, bob := list(t, s, "ann"), list(t, s, "bob"); ann != "b c" || bob != "a" {
			t.Errorf("lists of ann and bob: got %q and %q, want %q and %q", ann, bob, "b c", "a")
		}
		time.Sleep(time.Second)
		if n, err := s.DeleteUser(t.Context(), "sid", "ann", ""); n != 1 || err != nil {
			t.Errorf("DeleteUser: got %d and error %v, want 1, for the live session, and no error", n, err)
		}
		wantLen(t, s, 1)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if got := s.Lists(); got != 0 {
			t.Errorf("lists after a sweep: got %d, want none", got)
		}
		wantLen(t, s, 0)
	})
}

// Room is made by removing an expired session, even if it has a user.
func TestUsersMakeRoom(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{MaxSessions: 2})
	create(t, s, record("a", "ann", -time.Second), record("b", "ann", time.Hour), record("c", "ann", time.Hour))
	if got := list(t, s, "ann"); got != "b c" {
		t.Errorf("got %q, want b c", got)
	}
	if _, err := s.DeleteUser(t.Context(), "sid", "ann", "b"); err != nil {
		t.Fatal(err)
	}
	create(t, s, record("d", "bob", time.Hour))
	wantLen(t, s, 2)
}

// inOneShard returns n ids of the same shard.
func inOneShard(s *memstore.Store, n int) []string {
	var ids []string
	for i := 0; len(ids) < n; i++ {
		if id := id(i); s.SameShard(id, "id-0") {
			ids = append(ids, id)
		}
	}
	return ids
}

// A step visits at most StepSize entries, no matter how many a user has.
func TestWalkIsMadeInSteps(t *testing.T) {
	t.Parallel()
	const step = memstore.StepSize
	for sessions, want := range map[int][]int{
		0: {0}, 1: {1}, step - 1: {step - 1}, step: {step}, step + 1: {step, 1}, 3*step + 2: {step, step, step, 2},
	} {
		t.Run(strconv.Itoa(sessions), func(t *testing.T) {
			t.Parallel()
			s := memstore.New(memstore.Options{})
			for _, id := range inOneShard(s, sessions) {
				create(t, s, record(id, "ann", time.Hour))
			}
			if got := s.Steps(t.Context(), "id-0", "ann"); !slices.Equal(got, want) {
				t.Errorf("got steps of %v, want %v", got, want)
			}
			if got := len(strings.Fields(list(t, s, "ann"))); got != sessions {
				t.Errorf("ListUser: got %d, want %d", got, sessions)
			}
			if n, err := s.DeleteUser(t.Context(), "sid", "ann", ""); n != int64(sessions) || err != nil {
				t.Errorf("DeleteUser: got %d and error %v, want %d and no error", n, err, sessions)
			}
			wantLen(t, s, 0)
		})
	}
}

// A list ends with an error if the context is canceled or the store is closed.
func TestListEndsEarly(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]error{"cancel": context.Canceled, "close": session.ErrUnavailable} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := memstore.New(memstore.Options{})
			for i := range 10 * memstore.ShardCount {
				create(t, s, record(id(i), "ann", time.Hour))
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			next, stop := iter.Pull2(s.ListUser(ctx, "sid", "ann"))
			defer stop()
			if _, err, ok := next(); err != nil || !ok {
				t.Fatalf("first record: got error %v and ok %t, want a record", err, ok)
			}
			if name == "cancel" {
				cancel()
			} else {
				_ = s.Close()
			}
			n := 0
			r, err, ok := next()
			for ; ok && err == nil; r, err, ok = next() {
				n++
			}
			if !errors.Is(err, want) || r.ID != "" {
				t.Errorf("got record %q and error %v, want no record and %v", r.ID, err, want)
			}
			if n >= memstore.StepSize || name == "cancel" && n > 0 {
				t.Errorf("got %d more records before the error, want less than a step, and none after a cancel", n)
			}
			if _, err, ok := next(); ok {
				t.Errorf("got more after the error: %v, want none", err)
			}
		})
	}
}

func TestUsersAllocations(t *testing.T) {
	s := memstore.New(memstore.Options{})
	create(t, s, record("a", "ann", time.Hour), record("b", "ann", time.Hour))
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		for _, err := range s.ListUser(ctx, "sid", "ann") {
			if err != nil {
				t.Fatal(err)
			}
		}
	}); n > 1 {
		t.Errorf("ListUser: got %v allocations, want at most 1", n)
	}
	if n := testing.AllocsPerRun(1000, func() { _, _ = s.DeleteUser(ctx, "sid", "cem", "") }); n != 0 {
		t.Errorf("DeleteUser: got %v allocations, want 0", n)
	}
}
