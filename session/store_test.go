package session_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// gateRig makes a rig whose store reports its status. Its requests wait for the
// store for a minute.
func gateRig(t *testing.T, status session.Status) (*rig, *statusStore) {
	t.Helper()
	store := &statusStore{fakeStore: newFakeStore(memstore.New(memstore.Options{})), status: status}
	r := newRig(t, func(cfg *visitConfig) { cfg.Store, cfg.ReconnectTimeout = store, time.Minute })
	r.store = store.fakeStore
	return r, store
}

// A store that is connected is not waited for, and that is no event.
func TestConnectedStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, store := gateRig(t, connected)
		r.log.want(t)
		r.wantTimed(t.Context(), 0, nil)
		store.report(connected)
		r.log.want(t)
	})
}

// A status has a name.
func TestStatusString(t *testing.T) {
	t.Parallel()
	for status, want := range map[session.Status]string{
		connecting: "connecting", connected: "connected", disconnected: "disconnected", 17: "unknown", -1: "unknown",
	} {
		if got := status.String(); got != want {
			t.Errorf("the status %d has the name %q, want %q", int(status), got, want)
		}
	}
}

// The call that finds out whether the store is up again hangs. It does not keep
// the others out for as long: after the time-out another call tries.
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
		r.store.answer(nil) // the store is up again, and its status is not reported
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
