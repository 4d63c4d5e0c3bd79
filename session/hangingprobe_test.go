package session_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// The operation that tries whether a store that counts as down is back may hang.
// It does not keep everybody out for as long: after the time-out another one
// tries.
func TestProbeThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, _ := gateRig(t, disconnected)
		time.Sleep(time.Minute)
		r.store.answer(func(_ string, _ session.Record, do func() error) error {
			time.Sleep(10 * time.Minute)
			return do()
		})
		var wg sync.WaitGroup
		wg.Go(func() { r.wantTimed(t.Context(), 10*time.Minute, nil) })
		synctest.Wait()
		r.store.wantCalls(t, "load")
		r.store.answer(nil) // the server is back, and nobody was told

		time.Sleep(time.Minute - 1)
		r.wantTimed(t.Context(), 0, session.ErrUnavailable)
		r.store.wantCalls(t, "load")
		time.Sleep(time.Nanosecond)
		r.wantTimed(t.Context(), 0, nil)
		r.wantTimed(t.Context(), 0, nil)
		r.store.wantCalls(t, "load load load")
		r.log.want(t, session.EventStoreDown, session.EventStoreUp)
		wg.Wait()
		r.log.want(t, session.EventStoreDown, session.EventStoreUp)
	})
}
