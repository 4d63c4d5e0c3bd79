package memstore_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

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
