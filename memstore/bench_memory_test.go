package memstore_test

import (
	"runtime"
	"strconv"
	"testing"

	"github.com/echosession/echosession/memstore"
)

// What a session takes beyond its data, its id and its user: live heap, after
// and before, less their bytes as the allocator rounds them.
func BenchmarkMemory(b *testing.B) {
	const dataSize, idSize, userSize = 256, 24, 16 // size classes of what is stored below
	for _, users := range []struct {
		name  string
		owned float64 // the part of the sessions that have a user
		of    func(i int) string
	}{
		{"none", 0, func(int) string { return "" }},
		{"half", 0.5, halfOwned},
		{"all", 1, func(i int) string { return userOf(i / 2) }},
		{"each", 1, userOf},
	} {
		for _, n := range benchSizes {
			b.Run("users="+users.name+"/sessions="+strconv.Itoa(n), func(b *testing.B) {
				var used float64
				for b.Loop() {
					before := liveHeap()
					s := fill(b, memstore.Options{}, n, users.of, func() []byte { return make([]byte, dataSize) })
					used = float64(liveHeap()-before)/float64(n) - dataSize - idSize - userSize*users.owned
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
