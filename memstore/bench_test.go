package memstore_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

var benchSizes = []int{1_000, 1_000_000}

// active is how many sessions are used, no matter how many are stored.
const active = 1_000

func benchID(i int) string { return fmt.Sprintf("benchmark-id-%09d", i) } // 22 bytes

// half gives a user to every second session. Each user has two sessions.
func half(i int) string {
	if i%2 == 1 {
		return ""
	}
	return userOf(i / 4)
}

func userOf(i int) string { return fmt.Sprintf("user-%07d", i) } // 12 bytes

// benchStores runs a benchmark with a filled store of each size.
func benchStores(b *testing.B, run func(b *testing.B, s *memstore.Store, n int)) {
	for _, n := range benchSizes {
		b.Run("sessions="+strconv.Itoa(n), func(b *testing.B) {
			s := fill(b, memstore.Options{}, n, half, nil)
			defer s.Close()
			run(b, s, n)
		})
	}
}

func fill(b *testing.B, opts memstore.Options, n int, user func(i int) string, data func() []byte) *memstore.Store {
	s := memstore.New(opts)
	for i := range n {
		r := record(benchID(i), user(i), time.Hour+time.Duration(i)*time.Millisecond)
		r.Meta, r.Data = nil, nil
		if data != nil {
			r.Data = data()
		}
		if err := s.Create(context.Background(), r); err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	return s
}

// activeIDs returns the ids of the active sessions, spread over all n.
func activeIDs(n int) []string {
	ids := make([]string, active)
	for i := range ids {
		ids[i] = benchID(i * (n / active))
	}
	return ids
}

func BenchmarkLoad(b *testing.B) {
	benchStores(b, func(b *testing.B, s *memstore.Store, n int) {
		ids := activeIDs(n)
		for name, wrap := range map[string]func(string) string{
			"hit":  func(id string) string { return id },
			"miss": func(id string) string { return id + "?" },
		} {
			wrapped := make([]string, len(ids))
			for i := range ids {
				wrapped[i] = wrap(ids[i])
			}
			b.Run("outcome="+name, func(b *testing.B) {
				b.ReportAllocs()
				ctx := b.Context()
				for i := 0; b.Loop(); i++ {
					_, _ = s.Load(ctx, wrapped[i%active])
				}
			})
		}
		b.Run("outcome=hit/parallel=true", func(b *testing.B) {
			var workers atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				ctx := b.Context()
				for i := int(workers.Add(1)) * 317; pb.Next(); i++ {
					if _, err := s.Load(ctx, ids[i%active]); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	})
}

func BenchmarkWrite(b *testing.B) {
	benchStores(b, func(b *testing.B, s *memstore.Store, n int) {
		ids := activeIDs(n)
		records := make([]session.Record, len(ids))
		for i, id := range ids {
			records[i], _ = s.Load(b.Context(), id)
		}
		b.Run("operation=update", func(b *testing.B) {
			b.ReportAllocs()
			ctx := b.Context()
			for i := 0; b.Loop(); i++ {
				r := &records[i%active]
				r.ExpiresAt = r.ExpiresAt.Add(time.Second)
				if err := s.Update(ctx, *r); err != nil {
					b.Fatal(err)
				}
				r.Version++
			}
		})
		b.Run("operation=touch", func(b *testing.B) {
			b.ReportAllocs()
			ctx := b.Context()
			for i := 0; b.Loop(); i++ {
				r := &records[i%active]
				r.ExpiresAt = r.ExpiresAt.Add(time.Second)
				if err := s.Touch(ctx, *r); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("operation=create+delete", func(b *testing.B) {
			b.ReportAllocs()
			ctx := b.Context()
			r := record("new", "", 2*time.Hour)
			for b.Loop() {
				if err := s.Create(ctx, r); err != nil {
					b.Fatal(err)
				}
				if err := s.Delete(ctx, r.ID, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

// Create in a full store removes another session.
func BenchmarkCreateFull(b *testing.B) {
	for _, n := range benchSizes {
		b.Run("sessions="+strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			s := fill(b, memstore.Options{MaxSessions: n}, n, half, nil)
			defer s.Close()
			ctx := b.Context()
			r := record("", "", 0)
			b.ResetTimer()
			for i := 0; b.Loop(); i++ {
				r.ID, r.ExpiresAt = "new-"+strconv.Itoa(i), r.CreatedAt.Add(3*time.Hour+time.Duration(i))
				if err := s.Create(ctx, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The memory of a session beyond its data, id and user: the growth of the live
// heap, less their bytes as the allocator rounds them.
func BenchmarkMemory(b *testing.B) {
	const dataSize, idSize, userSize = 256, 24, 16 // size classes of the stored values
	for _, users := range []struct {
		name  string
		share float64 // of the sessions that have a user
		of    func(i int) string
	}{
		{"none", 0, func(int) string { return "" }},
		{"half", 0.5, half},
		{"all", 1, func(i int) string { return userOf(i / 2) }},
		{"each", 1, userOf},
	} {
		for _, n := range benchSizes {
			b.Run("users="+users.name+"/sessions="+strconv.Itoa(n), func(b *testing.B) {
				var used float64
				for b.Loop() {
					before := liveHeap()
					s := fill(b, memstore.Options{}, n, users.of, func() []byte { return make([]byte, dataSize) })
					used = float64(liveHeap()-before)/float64(n) - dataSize - idSize - userSize*users.share
					_ = s.Close()
				}
				b.ReportMetric(used, "bytes/session")
			})
		}
	}
}

func liveHeap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
