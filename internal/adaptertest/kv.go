package adaptertest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// keyValues is a store that has only get, set and delete, and reports its
// connection.
type keyValues struct {
	mu      sync.Mutex
	values  map[string][]byte
	ttls    map[string]time.Duration
	calls   []string
	down    bool
	watcher func(session.Status)
}

var (
	_ session.KV          = (*keyValues)(nil)
	_ session.StatusStore = (*keyValues)(nil)
)

// called begins an operation. Requires kv.mu.
func (kv *keyValues) called(op string) error {
	kv.calls = append(kv.calls, op)
	if kv.down {
		return errDown
	}
	return nil
}

func (kv *keyValues) Get(_ context.Context, key string) ([]byte, error) {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	if err := kv.called("get"); err != nil {
		return nil, err
	}
	value, ok := kv.values[key]
	if !ok {
		return nil, session.ErrNotFound
	}
	return value, nil
}

func (kv *keyValues) Set(_ context.Context, key string, value []byte, ttl time.Duration) error {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	if err := kv.called("set"); err != nil {
		return err
	}
	kv.values[key], kv.ttls[key] = value, ttl
	return nil
}

func (kv *keyValues) Delete(_ context.Context, key string) error {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	if err := kv.called("delete"); err != nil {
		return err
	}
	delete(kv.values, key)
	return nil
}

func (kv *keyValues) Watch(f func(session.Status)) (stop func()) {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	if kv.watcher != nil {
		return func() {} // the site's ledger
	}
	kv.watcher = f
	f(session.StatusConnected)
	return func() {}
}

func (kv *keyValues) report(status session.Status) {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	kv.down = status != session.StatusConnected
	kv.watcher(status)
}

func (kv *keyValues) take() []string {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	calls := kv.calls
	kv.calls = nil
	return calls
}

// TestKV: sessions in a store that has only get, set and delete.
func TestKV(t *testing.T, e env) {
	part := func(name string, run func(t *testing.T, s *site, kv *keyValues, b *browser)) test {
		return test{name: name, run: func(t *testing.T, e env) {
			synctest.Test(t, func(t *testing.T) {
				kv := &keyValues{values: map[string][]byte{}, ttls: map[string]time.Duration{}}
				s := e.open(t, config{Session: sessions{Store: session.FromKV(kv), ReconnectTimeout: reconnect}})
				b := s.returning()
				kv.take()
				run(t, s, kv, b)
			})
		}}
	}
	each(t, e, []test{
		part("Get", func(t *testing.T, s *site, kv *keyValues, b *browser) {
			b.get("/read").expect(t, http.StatusOK, "1")
			if got := kv.take(); !slices.Equal(got, []string{"get"}) {
				t.Errorf("a request that reads makes the calls %q, expected one get", got)
			}
		}),
		part("Set", func(t *testing.T, s *site, kv *keyValues, b *browser) {
			if got := kv.ttls[b.id()]; got != day {
				t.Errorf("the time to live is %v, expected a day", got)
			}
			var object map[string]any
			if err := json.Unmarshal(kv.values[b.id()], &object); err != nil {
				t.Errorf("the value is %q, expected an object that an operator can read: %v", kv.values[b.id()], err)
			}
			token := b.token()
			time.Sleep(day)
			s.browserWith(token).get("/read").expect(t, http.StatusOK, "0") // though the store forgot nothing
		}),
		part("Delete", func(t *testing.T, s *site, kv *keyValues, b *browser) {
			b.get("/remove").expectClearing(t)
			if len(kv.values) != 0 {
				t.Errorf("the store has %q, expected nothing", kv.values)
			}
			b.get("/count").expect(t, http.StatusOK, "1")
		}),
		part("disconnected", func(t *testing.T, s *site, kv *keyValues, b *browser) {
			kv.report(session.StatusDisconnected)
			(<-b.start("/count")).expectIn(t, reconnect, http.StatusServiceUnavailable)
			(<-s.browser().start("/read")).expectIn(t, 0, http.StatusOK)
		}),
		part("connected again", func(t *testing.T, s *site, kv *keyValues, b *browser) {
			kv.report(session.StatusDisconnected)
			waiting := b.start("/count")
			time.Sleep(reconnect / 2)
			kv.report(session.StatusConnected)
			(<-waiting).expectIn(t, reconnect/2, http.StatusOK)
		}),
	})
}
