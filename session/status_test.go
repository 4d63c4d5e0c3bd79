package session_test

import (
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
