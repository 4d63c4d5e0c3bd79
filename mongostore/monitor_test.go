package mongostore

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/echosession/echosession/session"
)

type statusLog struct {
	mu  sync.Mutex
	got []session.Status
}

func (l *statusLog) note(s session.Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, s)
}

func (l *statusLog) want(t *testing.T, when string, want ...session.Status) {
	t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.got, want) {
		t.Errorf("%s: got %v, want %v", when, l.got, want)
	}
}

const (
	connecting   = session.StatusConnecting
	connected    = session.StatusConnected
	disconnected = session.StatusDisconnected
)

func TestMonitor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := NewMonitor()
		var early, late statusLog
		stop := m.watch(early.note)
		early.want(t, "at once", connecting)
		m.change(false)
		early.want(t, "a server was not found yet", connecting)
		m.change(true)
		m.change(true)
		early.want(t, "found", connecting, connected)
		m.change(false)
		m.change(false)
		early.want(t, "lost", connecting, connected, disconnected)
		defer m.watch(late.note)()
		m.change(true)
		late.want(t, "one that came later", disconnected, connected)
		stop()
		stop()
		m.change(false)
		early.want(t, "after stop", connecting, connected, disconnected, connected)
		late.want(t, "the other after stop", disconnected, connected, disconnected)
		m.change(true)
		m.freeze()
		m.change(false)
		late.want(t, "after the store was closed", disconnected, connected, disconnected, connected)
	})
}

// Each watcher hears of every change once, in order, never two at a time.
func TestMonitorInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := NewMonitor()
		var log statusLog
		var busy sync.Mutex
		defer m.watch(func(s session.Status) {
			if !busy.TryLock() {
				t.Error("called twice at a time")
				return
			}
			defer busy.Unlock()
			log.note(s)
		})()
		want := []session.Status{connecting}
		for range 100 {
			m.change(true)
			m.change(false)
			want = append(want, connected, disconnected)
		}
		log.want(t, "after 200 changes", want...)
	})
}

func TestMonitorReadsTheTopology(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for kind, want := range map[string]session.Status{
			"RSPrimary": connected, "Standalone": connected, "Mongos": connected, "LoadBalancer": connected,
			"RSSecondary": connecting, "RSArbiter": connecting, "RSGhost": connecting, "RSOther": connecting, "Unknown": connecting,
		} {
			m := NewMonitor()
			m.ServerMonitor().TopologyDescriptionChanged(&event.TopologyDescriptionChangedEvent{
				NewDescription: event.TopologyDescription{Servers: []event.ServerDescription{{Kind: "Unknown"}, {Kind: kind}}},
			})
			synctest.Wait()
			var log statusLog
			m.watch(log.note)()
			log.want(t, kind, want)
		}
	})
}
