package mongostore

import (
	"slices"
	"sync"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/echosession/echosession/session"
)

// Monitor learns from the driver whether there is a server that takes writes. It
// serves one client: its ServerMonitor goes into the options of that client, the
// Monitor itself into the [Options] of [New].
type Monitor struct {
	heard atomic.Bool // the driver has sent an event

	mu     sync.Mutex // guards the next three
	status session.Status
	frozen bool             // the status does not change any more
	queue  []session.Status // changes that the watchers have not heard of

	// calls is held while watchers are called. So there are never two calls at a
	// time, and none to a watcher that was removed. It guards what follows.
	calls    sync.Mutex
	told     session.Status // the last status that the watchers heard of
	watchers map[*func(session.Status)]bool
}

// NewMonitor returns a Monitor whose status is [session.StatusConnecting].
func NewMonitor() *Monitor { return &Monitor{watchers: map[*func(session.Status)]bool{}} }

// ServerMonitor returns what goes into the options of the client:
//
//	options.Client().ApplyURI(uri).SetServerMonitor(monitor.ServerMonitor())
func (m *Monitor) ServerMonitor() *event.ServerMonitor {
	return &event.ServerMonitor{
		TopologyDescriptionChanged: func(e *event.TopologyDescriptionChangedEvent) {
			m.change(slices.ContainsFunc(e.NewDescription.Servers, func(s event.ServerDescription) bool {
				return slices.Contains(kindsForWrites, s.Kind)
			}))
		},
	}
}

// kindsForWrites are the kinds of servers to which a write could go.
var kindsForWrites = []string{"RSPrimary", "Standalone", "Mongos", "LoadBalancer"}

// change notes a change of the status. The driver calls it with a lock held, and
// watchers must not run under that lock. So a goroutine calls them.
func (m *Monitor) change(up bool) {
	m.heard.Store(true)
	m.mu.Lock()
	defer m.mu.Unlock()
	status := session.StatusConnected
	if !up {
		status = session.StatusDisconnected
	}
	if m.frozen || status == m.status || !up && m.status == session.StatusConnecting {
		return
	}
	m.status = status
	m.queue = append(m.queue, status)
	go func() {
		m.calls.Lock()
		defer m.calls.Unlock()
		m.deliver()
	}()
}

// deliver calls the watchers with one change after the other. The caller holds
// m.calls.
func (m *Monitor) deliver() {
	m.mu.Lock()
	queue := m.queue
	m.queue = nil
	m.mu.Unlock()
	for _, m.told = range queue {
		for f := range m.watchers {
			(*f)(m.told)
		}
	}
}

// watch implements [session.StatusStore].
func (m *Monitor) watch(f func(session.Status)) (stop func()) {
	m.calls.Lock()
	defer m.calls.Unlock()
	m.deliver() // so that f hears only of later changes
	m.watchers[&f] = true
	f(m.told)
	return func() {
		m.calls.Lock()
		defer m.calls.Unlock()
		delete(m.watchers, &f)
	}
}

// freeze keeps the status from changing. A client that is closed on purpose has
// not lost its server, so no request must begin to wait for it. A request that
// waits already goes on waiting: the server has not come back either.
func (m *Monitor) freeze() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.frozen = true
}
