package memstore_test

import (
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// change changes a session of ann between two steps of a list.
type change func(t *testing.T, s *memstore.Store, r session.Record)

func giveTo(users ...string) change {
	return func(t *testing.T, s *memstore.Store, r session.Record) {
		for _, user := range users {
			r.User = user
			if err := s.Update(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			r.Version++
		}
	}
}

func remove(t *testing.T, s *memstore.Store, r session.Record) {
	if err := s.Delete(t.Context(), r.ID, 0); err != nil {
		t.Fatal(err)
	}
}

func recreate(t *testing.T, s *memstore.Store, r session.Record) {
	remove(t, s, r)
	create(t, s, r)
}

// Sessions are changed between two steps of a list. The list does not yield a
// session that was changed before it was read, and yields every other one once.
func TestListAcrossChanges(t *testing.T) {
	t.Parallel()
	const n = 6 * memstore.StepSize
	for name, change := range map[string]change{
		"deleted":            remove,
		"created again":      recreate,
		"given to another":   giveTo("bob"),
		"given and returned": giveTo("bob", "ann"),
		"given to no user":   giveTo("", "bob", "", "ann"),
	} {
		for which, pick := range map[string]func(i int) (from, to int){
			"the next":              func(i int) (int, int) { return i, i + 1 },
			"the next three":        func(i int) (int, int) { return i, i + 3 },
			"a whole step":          func(i int) (int, int) { return i, i + memstore.StepSize },
			"all the following":     func(i int) (int, int) { return i, n },
			"the last yielded":      func(i int) (int, int) { return i - 1, i },
			"all yielded":           func(i int) (int, int) { return 0, i },
			"the last of the list":  func(int) (int, int) { return n - 1, n },
			"the last and the next": func(i int) (int, int) { return i - 1, i + 1 },
		} {
			t.Run(name+"/"+which, func(t *testing.T) {
				t.Parallel()
				s := memstore.New(memstore.Options{})
				ids := inOneShard(s, n)
				for _, id := range ids {
					create(t, s, record(id, "ann", time.Hour))
				}
				slices.Reverse(ids) // the order of the list
				yielded, changed, changedFirst := map[string]int{}, map[string]bool{}, map[string]bool{}
				i := 0
				for r, err := range s.ListUser(t.Context(), "sid", "ann") {
					if err != nil {
						t.Fatal(err)
					}
					yielded[r.ID]++
					if i++; i%memstore.StepSize != 0 {
						continue
					}
					from, to := pick(i)
					for _, id := range ids[from:min(to, n)] {
						if r, err := s.Load(t.Context(), id); err == nil && !changed[id] {
							change(t, s, r)
							changed[id] = true
							changedFirst[id] = yielded[id] == 0
						}
					}
					consistent(t, s)
				}
				for _, id := range ids {
					want := 1
					if changedFirst[id] {
						want = 0
					}
					if got := yielded[id]; got != want {
						t.Errorf("%s: got it %d times, want %d", id, got, want)
					}
				}
			})
		}
	}
}

// Several lists are under way at different positions while sessions are created
// and deleted.
func TestListsAtOnce(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{})
	const n = 5 * memstore.StepSize
	ids := inOneShard(s, n)
	for _, id := range ids {
		create(t, s, record(id, "ann", time.Hour))
	}
	random := rand.New(rand.NewPCG(1, 2))
	type list struct {
		next    func() (session.Record, error, bool)
		yielded map[string]int
	}
	var lists []list
	deleted := map[string]bool{}
	for round := range n {
		if round%8 == 0 {
			next, stop := iter.Pull2(s.ListUser(t.Context(), "sid", "ann"))
			defer stop()
			lists = append(lists, list{next, map[string]int{}})
		}
		for _, l := range lists {
			for range random.IntN(8) {
				if r, _, ok := l.next(); ok {
					l.yielded[r.ID]++
				}
			}
		}
		if id := ids[random.IntN(n)]; round%2 == 0 && !deleted[id] {
			remove(t, s, record(id, "", 0))
			deleted[id] = true
		}
		create(t, s, record("new-"+id(round), "ann", time.Hour))
	}
	for _, l := range lists {
		for r, _, ok := l.next(); ok; r, _, ok = l.next() {
			l.yielded[r.ID]++
		}
		for _, id := range ids {
			if !deleted[id] && l.yielded[id] != 1 {
				t.Errorf("%s, which was never deleted: got it %d times, want once", id, l.yielded[id])
			}
		}
		for id, times := range l.yielded {
			if times > 1 {
				t.Errorf("%s: got it %d times, want at most once", id, times)
			}
		}
	}
	consistent(t, s)
}

// Sessions are created, change their users and are deleted at the same time. A
// session that a user had before DeleteUser, and kept, is gone afterwards.
func TestUsersConcurrently(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{SweepEvery: time.Millisecond})
	users := []string{"", "ann", "bob"}
	var wg sync.WaitGroup
	var stop atomic.Bool
	for w := range 4 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 0))
			for !stop.Load() {
				r, err := s.Load(t.Context(), id(random.IntN(256)))
				if err != nil {
					r = record(id(random.IntN(256)), users[random.IntN(3)], time.Duration(random.IntN(3))*time.Millisecond)
					err = s.Create(t.Context(), r)
				} else {
					r.User, r.ExpiresAt = users[random.IntN(3)], r.ExpiresAt.Add(time.Millisecond)
					err = s.Update(t.Context(), r)
				}
				if err != nil && !errors.Is(err, session.ErrExists) && !errors.Is(err, session.ErrNotFound) && !errors.Is(err, session.ErrConflict) {
					t.Errorf("Load, Create or Update: got error %v, want none or an error of the contract", err)
				}
			}
		})
	}
	for round := range 100 {
		mine := record("mine-"+id(round), "ann", time.Hour)
		create(t, s, mine)
		seen := map[string]bool{}
		for r, err := range s.ListUser(t.Context(), "sid", "ann") {
			if err != nil || r.User != "ann" || seen[r.ID] {
				t.Errorf("ListUser: got %q with user %q, twice: %t, and error %v, want a session of ann once", r.ID, r.User, seen[r.ID], err)
			}
			seen[r.ID] = true
		}
		if !seen[mine.ID] {
			t.Errorf("ListUser: got no %q, want it in the list", mine.ID)
		}
		if n, err := s.DeleteUser(t.Context(), "sid", "ann", ""); n < 1 || err != nil {
			t.Errorf("DeleteUser: got %d and error %v, want at least 1 and no error", n, err)
		}
		alive(t, s, mine.ID, "")
	}
	stop.Store(true)
	wg.Wait()
	consistent(t, s)
}

// Several DeleteUsers at once count each session only once in all.
func TestDeleteUserTwiceAtOnce(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{})
	const n = 2000
	for i := range n {
		create(t, s, record(id(i), "ann", time.Hour))
	}
	var deleted atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			got, err := s.DeleteUser(t.Context(), "sid", "ann", "")
			if err != nil {
				t.Error(err)
			}
			deleted.Add(got)
		})
	}
	wg.Wait()
	if got := deleted.Load(); got != n {
		t.Errorf("got %d in all, want %d", got, n)
	}
	wantLen(t, s, 0)
}
