package echoadapter_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// oldStore is a store as they were written for the middleware that this one
// succeeds: get, set with a time to live, destroy, and two events.
type oldStore struct {
	mu     sync.Mutex
	values map[string][]byte
	ttls   map[string]time.Duration
	calls  []string
	down   bool
	watch  func(session.Status)
}

var (
	_ session.KV          = (*oldStore)(nil)
	_ session.StatusStore = (*oldStore)(nil)
)

func newOldStore() *oldStore {
	return &oldStore{values: map[string][]byte{}, ttls: map[string]time.Duration{}}
}

// called begins an operation. Requires s.mu.
func (s *oldStore) called(op string) error {
	s.calls = append(s.calls, op)
	if s.down {
		return errDown
	}
	return nil
}

func (s *oldStore) Get(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.called("get"); err != nil {
		return nil, err
	}
	value, ok := s.values[key]
	if !ok {
		return nil, session.ErrNotFound
	}
	return value, nil
}

func (s *oldStore) Set(_ context.Context, key string, value []byte, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.called("set"); err != nil {
		return err
	}
	s.values[key], s.ttls[key] = value, ttl
	return nil
}

func (s *oldStore) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.called("destroy"); err != nil {
		return err
	}
	delete(s.values, key)
	return nil
}

func (s *oldStore) Watch(f func(session.Status)) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watch != nil {
		return func() {} // the test's own look at the store
	}
	s.watch = f
	f(session.StatusConnected)
	return func() {}
}

func (s *oldStore) emit(status session.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = status != session.StatusConnected
	s.watch(status)
}

func (s *oldStore) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := strings.Join(s.calls, " ")
	s.calls = nil
	return calls
}

// kvAPI has every name that a store had.
var kvAPI = []struct {
	seed, ours string
	use        func(t *testing.T, s *site, store *oldStore)
}{
	{"get", "KV.Get", func(t *testing.T, s *site, store *oldStore) {
		b := s.returning()
		store.take()
		b.get("/read").expect(t, http.StatusOK, "1")
		if got := store.take(); got != "get" {
			t.Errorf("a request that reads calls %q, expected get", got)
		}
	}},
	{"set with a ttl", "KV.Set", func(t *testing.T, s *site, store *oldStore) {
		b := s.returning()
		if got := store.ttls[b.id()]; got != day {
			t.Errorf("the time to live is %v, expected a day", got)
		}
		var object map[string]any
		if err := json.Unmarshal(store.values[b.id()], &object); err != nil {
			t.Errorf("the value is %q, expected an object that an operator can read: %v", store.values[b.id()], err)
		}
		time.Sleep(day)
		s.browserWith(b.token()).get("/read").expect(t, http.StatusOK, "0") // though the store forgot nothing
	}},
	{"destroy", "KV.Delete", func(t *testing.T, s *site, store *oldStore) {
		b := s.returning()
		b.get("/remove").expectClearing(t)
		if len(store.values) != 0 {
			t.Errorf("the store has %q, expected nothing", store.values)
		}
		b.get("/count").expect(t, http.StatusOK, "1")
	}},
	{"DISCONNECT", "StatusDisconnected", func(t *testing.T, s *site, store *oldStore) {
		b := s.returning()
		store.emit(session.StatusDisconnected)
		(<-b.start("/count")).expect(t, reconnect, http.StatusServiceUnavailable)
		(<-s.browser().start("/read")).expect(t, 0, http.StatusOK)
	}},
	{"CONNECT", "StatusConnected", func(t *testing.T, s *site, store *oldStore) {
		b := s.returning()
		store.emit(session.StatusDisconnected)
		waiting := b.start("/count")
		time.Sleep(reconnect / 2)
		store.emit(session.StatusConnected)
		(<-waiting).expect(t, reconnect/2, http.StatusOK)
	}},
}

func TestEverythingInTheStoresOfTheSeedHasASuccessor(t *testing.T) {
	t.Parallel()
	for _, row := range kvAPI {
		t.Run(row.seed+" is session."+row.ours, func(t *testing.T) {
			eachMode(t, func(t *testing.T, deferred bool) {
				synctest.Test(t, func(t *testing.T) {
					store := newOldStore()
					s := openInBubble(t, config{Defer: deferred, Session: sessions{Store: session.FromKV(store), ReconnectTimeout: reconnect}})
					row.use(t, s, store)
				})
			})
		})
	}
}
