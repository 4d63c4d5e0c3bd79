package memstore_test

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/echosession/echosession/memstore"
)

// sizesOfUser are how many sessions one user may have.
var sizesOfUser = []int{1, 10, 1_000, 100_000}

func bigID(i int) string { return "of-one-user-" + strconv.Itoa(i) }

func createOf(b *testing.B, s *memstore.Store, user string, n int) {
	b.Helper()
	for i := range n {
		if err := s.Create(b.Context(), record(bigID(i), user, time.Hour)); err != nil {
			b.Fatal(err)
		}
	}
}

// The user has few or very many sessions, among many sessions of other users.
func BenchmarkListUser(b *testing.B) {
	benchStores(b, func(b *testing.B, s *memstore.Store, _ int) {
		for _, size := range sizesOfUser {
			user := "user of " + strconv.Itoa(size)
			createOf(b, s, user, size)
			b.Run("user="+strconv.Itoa(size), func(b *testing.B) {
				b.ReportAllocs()
				ctx, n := b.Context(), 0
				for b.Loop() {
					n = 0
					for _, err := range s.ListUser(ctx, "sid", user) {
						if err != nil {
							b.Fatal(err)
						}
						n++
					}
				}
				if n != size {
					b.Errorf("got %d, want %d", n, size)
				}
				b.ReportMetric(float64(b.Elapsed())/float64(b.N*size), "ns/session")
			})
			if _, err := s.DeleteUser(b.Context(), "sid", user, ""); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDeleteUser(b *testing.B) {
	benchStores(b, func(b *testing.B, s *memstore.Store, _ int) {
		for _, size := range sizesOfUser {
			b.Run("user="+strconv.Itoa(size), func(b *testing.B) {
				b.ReportAllocs()
				ctx := b.Context()
				var spent time.Duration
				for b.Loop() {
					createOf(b, s, "big", size)
					start := time.Now()
					if n, err := s.DeleteUser(ctx, "sid", "big", ""); n != int64(size) || err != nil {
						b.Fatalf("got %d and error %v, want %d and none", n, err, size)
					}
					spent += time.Since(start)
				}
				b.ReportMetric(float64(spent)/float64(b.N), "ns/delete")
				b.ReportMetric(float64(spent)/float64(b.N*size), "ns/session")
			})
		}
	})
}

// Load while another goroutine lists and deletes the 100,000 sessions of one
// user, again and again.
func BenchmarkLoadBesideDeleteUser(b *testing.B) {
	for _, beside := range []bool{false, true} {
		b.Run("beside="+strconv.FormatBool(beside), func(b *testing.B) {
			const n = 1_000
			s := fill(b, memstore.Options{}, n, half, nil)
			defer s.Close()
			var stop atomic.Bool
			done := make(chan struct{})
			go func() {
				defer close(done)
				for beside && !stop.Load() {
					createOf(b, s, "big", 100_000)
					for range s.ListUser(b.Context(), "sid", "big") {
					}
					_, _ = s.DeleteUser(b.Context(), "sid", "big", "")
				}
			}()
			ids := activeIDs(n)
			for i := 0; b.Loop(); i++ {
				if _, err := s.Load(b.Context(), ids[i%active]); err != nil {
					b.Fatal(err)
				}
			}
			stop.Store(true)
			<-done
		})
	}
}
