package memstore_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/storetest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]memstore.Options{
		"zero":    {},
		"limited": {MaxSessions: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) session.Store {
				s := memstore.New(opts)
				t.Cleanup(func() { consistent(t, s) })
				return s
			})
		})
	}
}

// consistent checks that every entry is where it belongs, and that Len counts
// them all.
func consistent(t *testing.T, s *memstore.Store) {
	t.Helper()
	if n, ok := s.Check(); !ok || n != s.Len() {
		t.Errorf("store: got %d entries, consistent: %t, want %d, consistent", n, ok, s.Len())
	}
}

func id(i int) string { return "id-" + strconv.Itoa(i) }

// record returns a record of user that ends after life.
func record(id, user string, life time.Duration) session.Record {
	now := time.Now().UTC().Truncate(time.Millisecond)
	return session.Record{
		ID: id, Name: "sid", User: user, Version: 1, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(life),
		Format: "json", Meta: []byte("meta"), Data: []byte("data"),
	}
}

func create(t *testing.T, s *memstore.Store, rs ...session.Record) {
	t.Helper()
	for _, r := range rs {
		if err := s.Create(t.Context(), r); err != nil {
			t.Fatalf("Create(%q): got error %v, want none", r.ID, err)
		}
	}
}

func wantLen(t *testing.T, s *memstore.Store, want int) {
	t.Helper()
	if got := s.Len(); got != want {
		t.Errorf("Len: got %d, want %d", got, want)
	}
	consistent(t, s)
}

// alive checks which of the ids can be loaded. The ids are separated by spaces.
func alive(t *testing.T, s *memstore.Store, ids, want string) {
	t.Helper()
	var got []string
	for _, id := range strings.Fields(ids) {
		_, err := s.Load(t.Context(), id)
		if err == nil {
			got = append(got, id)
		} else if !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Load(%q): got error %v, want none or %v", id, err, session.ErrNotFound)
		}
	}
	if got := strings.Join(got, " "); got != want {
		t.Errorf("live ids: got %q, want %q", got, want)
	}
}

// operations calls each method of the store with the record.
var operations = map[string]func(ctx context.Context, s *memstore.Store, r session.Record) error{
	"load": func(ctx context.Context, s *memstore.Store, r session.Record) error {
		_, err := s.Load(ctx, r.ID)
		return err
	},
	"create": func(ctx context.Context, s *memstore.Store, r session.Record) error { return s.Create(ctx, r) },
	"update": func(ctx context.Context, s *memstore.Store, r session.Record) error { return s.Update(ctx, r) },
	"touch":  func(ctx context.Context, s *memstore.Store, r session.Record) error { return s.Touch(ctx, r) },
	"delete": func(ctx context.Context, s *memstore.Store, r session.Record) error {
		return s.Delete(ctx, r.ID, r.Version)
	},
	"list user": func(ctx context.Context, s *memstore.Store, r session.Record) error {
		for _, err := range s.ListUser(ctx, r.Name, r.User) {
			if err != nil {
				return err
			}
		}
		return nil
	},
	"delete user": func(ctx context.Context, s *memstore.Store, r session.Record) error {
		_, err := s.DeleteUser(ctx, r.Name, r.User, "")
		return err
	},
}

func TestLen(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{})
	wantLen(t, s, 0)
	for i := range 1000 {
		create(t, s, record(id(i), "", time.Hour))
		if got := s.Len(); got != i+1 {
			t.Fatalf("Len: got %d, want %d", got, i+1)
		}
	}
	if err := s.Create(t.Context(), record(id(1), "", time.Hour)); !errors.Is(err, session.ErrExists) {
		t.Errorf("Create of a taken id: got error %v, want %v", err, session.ErrExists)
	}
	if err := s.Delete(t.Context(), id(1), 2); !errors.Is(err, session.ErrConflict) {
		t.Errorf("Delete of another version: got error %v, want %v", err, session.ErrConflict)
	}
	wantLen(t, s, 1000)
	for i := range 1000 {
		if err := s.Delete(t.Context(), id(i), int64(i%2)); err != nil {
			t.Fatalf("Delete: got error %v, want none", err)
		}
		if err := s.Delete(t.Context(), id(i), int64(i%2)); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Delete, again: got error %v, want %v", err, session.ErrNotFound)
		}
		if got := s.Len(); got != 999-i {
			t.Fatalf("Len: got %d, want %d", got, 999-i)
		}
	}
	wantLen(t, s, 0)
}

func TestExpiryIsExact(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.Options{SweepEvery: time.Hour})
		create(t, s, record("a", "", time.Second), record("b", "ann", time.Second))
		time.Sleep(time.Second - 1)
		alive(t, s, "a b", "a b")
		time.Sleep(time.Nanosecond)
		alive(t, s, "a b", "")
		wantLen(t, s, 2) // both are still in memory
		create(t, s, record("a", "", time.Second))
		alive(t, s, "a b", "a")
		wantLen(t, s, 2)
	})
}

func TestTouchExtends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.Options{SweepEvery: time.Hour})
		create(t, s, record("a", "", time.Second), record("b", "", time.Second))
		time.Sleep(time.Second - 1)
		if err := s.Touch(t.Context(), record("a", "", time.Second)); err != nil {
			t.Fatalf("Touch: got error %v, want none", err)
		}
		time.Sleep(time.Nanosecond)
		alive(t, s, "a b", "a")
	})
}

func TestClose(t *testing.T) {
	t.Parallel()
	for name, operation := range operations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := memstore.New(memstore.Options{MaxSessions: 2})
			create(t, s, record("a", "", time.Hour), record("b", "ann", time.Hour))
			for range 2 {
				if err := s.Close(); err != nil {
					t.Fatalf("Close: got error %v, want none", err)
				}
				for _, id := range []string{"a", "b", "absent"} {
					err := operation(t.Context(), s, record(id, "", time.Hour))
					if !errors.Is(err, session.ErrUnavailable) || errors.Is(err, session.ErrNotFound) {
						t.Errorf("%s: got error %v, want only %v", name, err, session.ErrUnavailable)
					}
					if err != nil && !strings.HasPrefix(err.Error(), "memstore: "+name+": ") {
						t.Errorf("%s: got error %q, want it to name the operation", name, err)
					}
				}
				wantLen(t, s, 0)
			}
		})
	}
}

// An operation that runs while the store is closed succeeds or finds the store
// closed. It never finds a session absent.
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

// All operations at once. The race detector checks the locks.
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
						t.Errorf("%s: got error %v, want none or an error of the contract", name, err)
					}
				}
			}
		})
	}
	wg.Wait()
	if n, ok := s.Check(); !ok || n > 40 {
		t.Errorf("store: got %d entries, consistent: %t, want at most 40, consistent", n, ok)
	}
}

func TestLoadAllocatesNothing(t *testing.T) {
	s := memstore.New(memstore.Options{})
	r := record("a", "ann", time.Hour)
	create(t, s, r)
	for _, id := range []string{"a", "absent"} {
		if n := testing.AllocsPerRun(1000, func() { _, _ = s.Load(t.Context(), id) }); n != 0 {
			t.Errorf("Load(%q): got %v allocations, want 0", id, n)
		}
	}
	if n := testing.AllocsPerRun(1000, func() { _ = s.Update(t.Context(), r); r.Version++ }); n != 0 {
		t.Errorf("Update: got %v allocations, want 0", n)
	}
	if n := testing.AllocsPerRun(1000, func() { r.ExpiresAt = r.ExpiresAt.Add(1e6); _ = s.Touch(t.Context(), r) }); n != 0 {
		t.Errorf("Touch: got %v allocations, want 0", n)
	}
}
