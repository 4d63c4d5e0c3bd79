package memstore_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/storetest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]memstore.Options{
		"zero":    {},
		"bounded": {MaxSessions: 1000},
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

// consistent checks that what the store has is what it says it has.
func consistent(t *testing.T, s *memstore.Store) {
	t.Helper()
	if n, ok := s.Check(); !ok || n != s.Len() {
		t.Errorf("store has %d entries, in order: %t, want %d in order", n, ok, s.Len())
	}
}

func id(i int) string { return "id-" + strconv.Itoa(i) }

// record returns one of user that ends after life.
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

// alive checks which of the ids can be loaded; they are separated by spaces.
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
		t.Errorf("alive: got %q, want %q", got, want)
	}
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
		t.Errorf("Create: got error %v, want %v", err, session.ErrExists)
	}
	wantLen(t, s, 1000)
	for i := range 1000 {
		if err := s.Delete(t.Context(), id(i), 0); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), id(i), 0); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Delete, again: got error %v, want %v", err, session.ErrNotFound)
		}
		if got := s.Len(); got != 999-i {
			t.Fatalf("Len: got %d, want %d", got, 999-i)
		}
	}
	wantLen(t, s, 0)
}

// operations calls each of them for r.
var operations = map[string]func(ctx context.Context, s *memstore.Store, r session.Record) error{
	"load": func(ctx context.Context, s *memstore.Store, r session.Record) error {
		_, err := s.Load(ctx, r.ID)
		return err
	},
	"create": func(ctx context.Context, s *memstore.Store, r session.Record) error { return s.Create(ctx, r) },
	"update": func(ctx context.Context, s *memstore.Store, r session.Record) error { return s.Update(ctx, r) },
	"touch":  func(ctx context.Context, s *memstore.Store, r session.Record) error { return s.Touch(ctx, r) },
	"delete": func(ctx context.Context, s *memstore.Store, r session.Record) error { return s.Delete(ctx, r.ID, 0) },
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

func TestErrorsNameTheOperation(t *testing.T) {
	t.Parallel()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	stored, absent := record("stored", "", time.Hour), record("absent", "", time.Hour)
	stale := stored
	stale.Version = 2
	for _, test := range []struct {
		operation string
		ctx       context.Context
		r         session.Record
		want      error
	}{
		{"load", t.Context(), absent, session.ErrNotFound},
		{"update", t.Context(), absent, session.ErrNotFound},
		{"touch", t.Context(), absent, session.ErrNotFound},
		{"create", t.Context(), stored, session.ErrExists},
		{"update", t.Context(), stale, session.ErrConflict},
		{"touch", t.Context(), stale, session.ErrConflict},
		{"load", canceled, stored, context.Canceled},
		{"create", canceled, absent, context.Canceled},
		{"update", canceled, stored, context.Canceled},
		{"touch", canceled, stored, context.Canceled},
		{"delete", canceled, stored, context.Canceled},
		{"list user", canceled, stored, context.Canceled},
		{"delete user", canceled, stored, context.Canceled},
	} {
		t.Run(test.operation+": "+test.want.Error(), func(t *testing.T) {
			t.Parallel()
			s := memstore.New(memstore.Options{})
			create(t, s, stored)
			err := operations[test.operation](test.ctx, s, test.r)
			if !errors.Is(err, test.want) || !strings.HasPrefix(err.Error(), "memstore: "+test.operation+": ") {
				t.Errorf("got error %q, want the operation and %q", err, test.want)
			}
			wantLen(t, s, 1)
		})
	}
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
