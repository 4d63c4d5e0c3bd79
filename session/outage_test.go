package session_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/echosession/echosession/session"
)

// A stream saves again and again through a long outage. Whether it was the first
// or the last of those writes that landed, it is known for one's own.
func TestSaveThroughALongOutage(t *testing.T) {
	t.Parallel()
	const saves = 100
	for _, landed := range []int{1, saves - 1, saves} {
		t.Run(fmt.Sprintf("landed %v", landed), func(t *testing.T) {
			r := newRig(t)
			q, s := r.begin(r.seed(visit{Name: "n"}))
			n := 0
			r.store.answer(func(op string, _ session.Record, do func() error) error {
				if op == opUpdate {
					if n++; n == landed {
						wantNoErr(t, do())
					}
				}
				return session.ErrUnavailable
			})
			for i := range saves {
				s.Data.Count = i + 1
				wantErr(t, s.Save(t.Context()), session.ErrUnavailable)
			}
			r.store.answer(nil)
			s.Data.Count = 1000
			r.log.reset()
			q.save(s)
			r.log.wantNone(t, session.EventConflict)
			if got := r.data(s.ID()).Count; got != 1000 {
				t.Errorf("the write that landed was number %d: stored %d, want 1000", landed, got)
			}
		})
	}
}

// What a stream fails to save takes no memory that grows with time.
func TestFailedSavesDoNotPileUp(t *testing.T) {
	r := newRig(t)
	_, s := r.begin(r.seed(visit{Name: "n"}))
	r.store.answer(func(string, session.Record, func() error) error { return session.ErrUnavailable })
	save := func(n int) (inUse uint64) {
		for range n {
			s.Data.Note = strings.Repeat("x", 50_000)
			wantErr(t, s.Save(t.Context()), session.ErrUnavailable)
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := save(20)
	after := save(1000)
	if after > before+10_000_000 {
		t.Errorf("1000 failed saves of 50 kB took %d MB, want none", (after-before)/1_000_000)
	}
	runtime.KeepAlive(s)
}
