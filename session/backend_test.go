package session_test

import (
	"context"
	"errors"
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

// timed is how an operation ended, and after how long.
func (r *rig) timed(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	_, err := r.m.Find(ctx, "x")
	return time.Since(start), err
}

// want checks a timed operation. nil stands for the store's answer.
func (r *rig) wantTimed(ctx context.Context, took time.Duration, want error) {
	r.Helper()
	if want == nil {
		want = session.ErrNotFound
	}
	if got, err := r.timed(ctx); got != took || !errors.Is(err, want) {
		r.Errorf("%v after %v, want %v after %v", err, got, want, took)
	}
}

const (
	connecting   = session.StatusConnecting
	connected    = session.StatusConnected
	disconnected = session.StatusDisconnected
)

// The time-out counts from the beginning of the outage, whatever was told
// meanwhile; afterwards one operation a second goes through.
func TestWaitForTheStore(t *testing.T) {
	t.Parallel()
	for _, first := range []session.Status{connecting, disconnected} {
		synctest.Test(t, func(t *testing.T) {
			r, store := gateRig(t, connected)
			store.report(first)
			r.log.want(t, session.EventStoreDown)
			time.Sleep(20 * time.Second)
			store.report(connecting)
			time.Sleep(20 * time.Second)
			store.report(disconnected)
			r.log.want(t, session.EventStoreDown)
			r.store.failWith(opLoad, session.ErrUnavailable)

			r.wantTimed(t.Context(), 20*time.Second, session.ErrUnavailable)
			r.store.wantCalls(t, "") // who has waited does not try as well
			for range 3 {            // but the first one after the time-out
				r.wantTimed(t.Context(), 0, session.ErrUnavailable)
			}
			r.store.wantCalls(t, "load")
			time.Sleep(time.Second - 1)
			r.wantTimed(t.Context(), 0, session.ErrUnavailable)
			r.store.wantCalls(t, "load")
			time.Sleep(time.Nanosecond)
			r.wantTimed(t.Context(), 0, session.ErrUnavailable)
			r.wantTimed(t.Context(), 0, session.ErrUnavailable)
			r.store.wantCalls(t, "load load")
			r.log.want(t, session.EventStoreDown)

			// A new outage has a time-out of its own.
			r.store.answer(nil)
			store.report(connected)
			r.log.want(t, session.EventStoreDown, session.EventStoreUp)
			r.wantTimed(t.Context(), 0, nil)
			store.report(disconnected)
			r.wantTimed(t.Context(), time.Minute, session.ErrUnavailable)
			r.log.want(t, session.EventStoreDown, session.EventStoreUp, session.EventStoreDown)
			r.wantTimed(t.Context(), 0, nil)
			r.log.want(t, session.EventStoreDown, session.EventStoreUp, session.EventStoreDown, session.EventStoreUp)
		})
	}
}

// A store that panics does not keep the others from trying.
func TestTryThatPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, _ := gateRig(t, disconnected)
		time.Sleep(time.Minute)
		r.store.answer(func(string, session.Record, func() error) error { panic("broken") })
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the store's panic was swallowed")
				}
			}()
			r.timed(t.Context())
		}()
		r.store.answer(nil)
		r.wantTimed(t.Context(), 0, session.ErrUnavailable)
		time.Sleep(time.Second)
		r.wantTimed(t.Context(), 0, nil)
	})
}

func TestWaitIsBoundByTheRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, store := gateRig(t, disconnected)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		took, err := r.timed(ctx)
		if took != 5*time.Second || !errors.Is(err, session.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v after %v, want ErrUnavailable and DeadlineExceeded after 5s", err, took)
		}
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		took, err = r.timed(ctx)
		if took != 5*time.Second || !errors.Is(err, context.Canceled) || errors.Is(err, session.ErrUnavailable) {
			t.Errorf("%v after %v, want Canceled and nothing else after 5s", err, took)
		}
		r.store.wantCalls(t, "")

		// Also when nobody waits any more, and without being the one that tries.
		time.Sleep(time.Minute)
		took, err = r.timed(ctx)
		if took != 0 || !errors.Is(err, context.Canceled) || errors.Is(err, session.ErrUnavailable) {
			t.Errorf("%v after %v, want Canceled and nothing else at once", err, took)
		}
		r.wantTimed(t.Context(), 0, nil)
		r.store.wantCalls(t, "load")

		// The end of the wait comes first.
		store.report(disconnected)
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute+1)
		defer cancel()
		r.wantTimed(ctx, time.Minute, session.ErrUnavailable)
	})
}

// Any answer of the store itself shows that it is there.
func TestWhatCountsAsConnected(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		answer error
		up     bool
	}{
		{nil, true},
		{session.ErrNotFound, true},
		{session.ErrConflict, true},
		{session.ErrExists, true},
		{session.ErrCorrupt, true},
		{session.ErrUnavailable, false},
		{context.DeadlineExceeded, false},
		{context.Canceled, false},
		{errBroken, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			r, store := gateRig(t, disconnected)
			time.Sleep(time.Minute)
			r.store.failWith(opLoad, tt.answer)
			r.timed(t.Context())
			if got := len(r.log.all(session.EventStoreUp)) == 1; got != tt.up {
				t.Errorf("answer %v: store-up is %v, want %v", tt.answer, got, tt.up)
			}
			r.timed(t.Context())
			if n := r.store.count(opLoad); (n == 2) != tt.up {
				t.Errorf("answer %v: %d calls, want the gate to be open: %v", tt.answer, n, tt.up)
			}
			if store.report(connected); len(r.log.all(session.EventStoreUp)) != 1 {
				t.Errorf("answer %v: %d store-up events, want one", tt.answer, len(r.log.all(session.EventStoreUp)))
			}
		})
	}
}
