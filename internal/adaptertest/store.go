package adaptertest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// Backend is a store that the suite can look into.
type Backend interface {
	session.Store
	// Live counts the sessions that have not ended.
	Live(t *testing.T) int
	// Age makes d pass for all sessions.
	Age(t *testing.T, d time.Duration)
	// Precision is how exactly a test can say when a session ends. It is not
	// exact if the store's clock goes on while the test asks.
	Precision() time.Duration
}

// memory is a Backend in a bubble of synctest.
type memory struct{ *memstore.Store }

// newMemory makes one whose sweeps do not come in between.
func newMemory() memory { return memory{memstore.New(memstore.Options{SweepEvery: day})} }

func (m memory) Live(*testing.T) int               { return m.Len() }
func (m memory) Age(_ *testing.T, d time.Duration) { time.Sleep(d) }
func (m memory) Precision() time.Duration          { return time.Millisecond }

var (
	errBroken = errors.New("the disk is on fire")
	errDown   = errors.Join(errors.New("connection refused"), session.ErrUnavailable)
)

func isNotFound(err error) bool { return errors.Is(err, session.ErrNotFound) }
func isGone(err error) bool     { return errors.Is(err, session.ErrGone) }

// watchedStore is a store that records its calls, and fails on demand.
type watchedStore struct {
	session.Store

	// before, if it is set, is called before each operation. Its error is the
	// operation's.
	before func(ctx context.Context, op string) error

	mu     sync.Mutex
	calls  []string
	faults map[string]error
}

// called records op and returns the error that it must fail with. An operation
// that fails does not reach the store below.
func (s *watchedStore) called(ctx context.Context, op string) error {
	s.mu.Lock()
	s.calls = append(s.calls, op)
	err := s.faults[op]
	s.mu.Unlock()
	if s.before != nil {
		err = errors.Join(err, s.before(ctx, op))
	}
	return err
}

// take returns the operations since the last take, in their order.
func (s *watchedStore) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

// note adds something that happened elsewhere to what take returns.
func (s *watchedStore) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, what)
}

// fail makes an operation fail: "load", "create", "update", "touch", "delete".
func (s *watchedStore) fail(op string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults == nil {
		s.faults = map[string]error{}
	}
	s.faults[op] = err
}

func (s *watchedStore) failAll(err error) {
	for _, op := range []string{"load", "create", "update", "touch", "delete"} {
		s.fail(op, err)
	}
}

// heal ends all failures.
func (s *watchedStore) heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *watchedStore) Load(ctx context.Context, id string) (session.Record, error) {
	if err := s.called(ctx, "load"); err != nil {
		return session.Record{}, err
	}
	return s.Store.Load(ctx, id)
}

func (s *watchedStore) Create(ctx context.Context, r session.Record) error {
	if err := s.called(ctx, "create"); err != nil {
		return err
	}
	return s.Store.Create(ctx, r)
}

func (s *watchedStore) Update(ctx context.Context, r session.Record) error {
	if err := s.called(ctx, "update"); err != nil {
		return err
	}
	return s.Store.Update(ctx, r)
}

func (s *watchedStore) Touch(ctx context.Context, r session.Record) error {
	if err := s.called(ctx, "touch"); err != nil {
		return err
	}
	return s.Store.Touch(ctx, r)
}

func (s *watchedStore) Delete(ctx context.Context, id string, version int64) error {
	if err := s.called(ctx, "delete"); err != nil {
		return err
	}
	return s.Store.Delete(ctx, id, version)
}

// statusStore is a watchedStore that reports its connection.
type statusStore struct {
	*watchedStore

	mu      sync.Mutex
	status  session.Status
	watcher func(session.Status)
}

var _ session.StatusStore = (*statusStore)(nil)

func newStatusStore(status session.Status) *statusStore {
	return &statusStore{watchedStore: &watchedStore{Store: newMemory()}, status: status}
}

func (s *statusStore) Watch(f func(session.Status)) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watcher = f
	f(s.status)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.watcher = nil
	}
}

func (s *statusStore) report(status session.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
	if s.watcher != nil {
		s.watcher(status)
	}
}

func (s *statusStore) disconnect() {
	s.failAll(errDown)
	s.report(session.StatusDisconnected)
}

func (s *statusStore) connect() {
	s.heal()
	s.report(session.StatusConnected)
}

// eventLog records what is observed.
type eventLog struct {
	mu     sync.Mutex
	events []session.Event
}

func (l *eventLog) add(_ context.Context, e session.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

func (l *eventLog) all() []session.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

func (l *eventLog) of(kind session.EventKind) []session.Event {
	return slices.DeleteFunc(l.all(), func(e session.Event) bool { return e.Kind != kind })
}
