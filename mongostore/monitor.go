package mongostore

import (
	"sync"

	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/echosession/echosession/session"
)

// Monitor learns from the driver whether there is a server that takes writes. It
// serves one client: its ServerMonitor goes into the options of that client, the
// Monitor itself into the [Options] of [New].
type Monitor struct {
	// calls is held while watchers are called. So there are never two calls at a
	// time, and none to a watcher that was removed.
	calls sync.Mutex

	mu        sync.Mutex
	status    session.Status
	heard     bool             // the driver has sent an event
	frozen    bool             // the status does not change any more
	queue     []session.Status // changes that the watchers have not heard of
	delivered int              // how many changes came before those in the queue
	running   bool             // a goroutine is delivering the queue
	watchers  map[*watcher]bool
}

type watcher struct {
	f     func(session.Status)
	since int // the number of changes before it began to watch
}

// NewMonitor returns a Monitor whose status is [session.StatusConnecting].
func NewMonitor() *Monitor { return &Monitor{watchers: map[*watcher]bool{}} }

// ServerMonitor returns what goes into the options of the client:
//
//	options.Client().ApplyURI(uri).SetServerMonitor(monitor.ServerMonitor())
func (m *Monitor) ServerMonitor() *event.ServerMonitor {
	return &event.ServerMonitor{
		TopologyDescriptionChanged: func(e *event.TopologyDescriptionChangedEvent) {
			m.change(takesWrites(e.NewDescription))
		},
	}
}

// takesWrites reports whether there is a server that a write could go to.
func takesWrites(d event.TopologyDescription) bool {
	for _, s := range d.Servers {
		switch s.Kind {
		case "RSPrimary", "Standalone", "Mongos", "LoadBalancer":
			return true
		}
	}
	return false
}

// change notes a change of the status. The driver calls it with a lock held, and
// watchers must not run under that lock. So a goroutine calls them, and ends
// when the queue is empty.
func (m *Monitor) change(up bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard = true
	status := session.StatusConnected
	if !up {
		if m.status == session.StatusConnecting {
			return // it still is
		}
		status = session.StatusDisconnected
	}
	if m.frozen || status == m.status {
		return
	}
	m.status = status
	m.queue = append(m.queue, status)
	if !m.running {
		m.running = true
		go m.deliver()
	}
}

// deliver calls the watchers with one change after the other.
func (m *Monitor) deliver() {
	for m.deliverNext() {
	}
}

func (m *Monitor) deliverNext() (more bool) {
	m.calls.Lock()
	defer m.calls.Unlock()
	status, watchers, more := m.next()
	for _, w := range watchers {
		w.f(status)
	}
	return more
}

// next takes a change off the queue, and returns the watchers that must hear of
// it. The caller holds m.calls.
func (m *Monitor) next() (status session.Status, watchers []*watcher, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.queue) == 0 {
		m.running = false
		return 0, nil, false
	}
	status, m.queue = m.queue[0], m.queue[1:]
	m.delivered++
	for w := range m.watchers {
		if w.since < m.delivered {
			watchers = append(watchers, w)
		}
	}
	return status, watchers, true
}

// watch implements [session.StatusStore].
func (m *Monitor) watch(f func(session.Status)) (stop func()) {
	m.calls.Lock()
	defer m.calls.Unlock()
	w := &watcher{f: f}
	m.mu.Lock()
	status := m.status
	w.since = m.delivered + len(m.queue)
	m.watchers[w] = true
	m.mu.Unlock()
	f(status)
	return func() {
		m.calls.Lock()
		defer m.calls.Unlock()
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.watchers, w)
	}
}

// informed reports whether the driver has sent an event.
func (m *Monitor) informed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.heard
}

// freeze keeps the status from changing. A client that is closed on purpose has
// not lost its server, so no request must begin to wait for it. A request that
// waits already goes on waiting: the server has not come back either.
func (m *Monitor) freeze() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.frozen = true
}
