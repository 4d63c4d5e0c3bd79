package session_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// gateRig is a rig whose store tells its status; requests wait for a minute.
func gateRig(t *testing.T, status session.Status) (*rig, *statusStore) {
	t.Helper()
	store := &statusStore{fakeStore: newFakeStore(memstore.New(memstore.Options{})), status: status}
	r := newRig(t, func(cfg *visitConfig) { cfg.Store, cfg.ReconnectTimeout = store, time.Minute })
	r.store = store.fakeStore
	return r, store
}

func TestConnectedStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, store := gateRig(t, connected)
		r.log.want(t)
		r.wantTimed(t.Context(), 0, nil)
		store.tell(connected)
		r.log.want(t)
	})
}

func TestCloseEndsTheWatch(t *testing.T) {
	t.Parallel()
	r, store := gateRig(t, connected)
	for range 2 {
		wantNoErr(t, r.m.Close())
	}
	if store.watcher != nil || store.stops == 0 {
		t.Error("the watch goes on, want stop to be called")
	}
	// The store stays the caller's, and open.
	if _, err := r.timed(t.Context()); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("error %v, want the store's answer", err)
	}
	wantNoErr(t, newRig(t).m.Close())
}

func TestStatusString(t *testing.T) {
	t.Parallel()
	for status, want := range map[session.Status]string{
		connecting: "connecting", connected: "connected", disconnected: "disconnected", 17: "unknown", -1: "unknown",
	} {
		if got := status.String(); got != want {
			t.Errorf("status %d is %q, want %q", int(status), got, want)
		}
	}
}
