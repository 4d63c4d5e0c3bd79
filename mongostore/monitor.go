package mongostore

import (
	"sync"

	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/echosession/echosession/session"
)

// Monitor learns from the driver whether there is a server that takes writes.
// One is for one client: its ServerMonitor goes into the options of the client,
// the Monitor into those of [New].
type Monitor struct {
	// calls is held while watchers are called, so that there are never two
	// calls at a time and none after a watcher was removed.
	calls sync.Mutex

	mu       sync.Mutex
	status   session.Status
	heard    bool // any event
	frozen   bool
	changes  []session.Status // not told to the watchers yet
	told     int              // how many were told before those
	telling  bool             // a goroutine is at it
	watchers map[*watcher]bool
}

type watcher struct {
	f     func(session.Status)
	since int // how many changes there were when it was told the first
}

// NewMonitor returns one that is connecting.
func NewMonitor() *Monitor { return &Monitor{watchers: map[*watcher]bool{}} }

// ServerMonitor is what the options of the client take:
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

// change is called with a lock of the driver held. What watchers do must not
// happen under that, so that a goroutine does it, which ends when all is told.
func (m *Monitor) change(up bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard = true
	status := session.StatusConnected
	if !up {
		if m.status == session.StatusConnecting {
			return // still
		}
		status = session.StatusDisconnected
	}
	if m.frozen || status == m.status {
		return
	}
	m.status = status
	m.changes = append(m.changes, status)
	if !m.telling {
		m.telling = true
		go m.tell()
	}
}

// tell calls the watchers with one change after the other.
func (m *Monitor) tell() {
	for m.tellNext() {
	}
}

func (m *Monitor) tellNext() (more bool) {
	m.calls.Lock()
	defer m.calls.Unlock()
	status, watchers, ok := m.next()
	for _, w := range watchers {
		w.f(status)
	}
	return ok
}

// next takes a change off the queue, and who is to hear of it. Requires m.calls.
func (m *Monitor) next() (status session.Status, watchers []*watcher, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.changes) == 0 {
		m.telling = false
		return 0, nil, false
	}
	status, m.changes = m.changes[0], m.changes[1:]
	m.told++
	for w := range m.watchers {
		if w.since < m.told {
			watchers = append(watchers, w)
		}
	}
	return status, watchers, true
}

func (m *Monitor) watch(f func(session.Status)) (stop func()) {
	m.calls.Lock()
	defer m.calls.Unlock()
	w := &watcher{f: f}
	m.mu.Lock()
	status := m.status
	w.since = m.told + len(m.changes)
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

// informed reports whether the driver ever told anything.
func (m *Monitor) informed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.heard
}

// freeze ends the changes: a client that is closed on purpose has not lost its
// server, and nobody is to begin to wait for it. Who waits already, because it was
// lost before, waits on for as long as they would have: it is not back either.
func (m *Monitor) freeze() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.frozen = true
}
