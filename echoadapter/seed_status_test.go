package echoadapter_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// statusStore is a recording store that tells of its connection.
type statusStore struct {
	*recordingStore

	mu     sync.Mutex
	status session.Status
	watch  func(session.Status)
}

var _ session.StatusStore = (*statusStore)(nil)

func newStatusStore(s session.Status) *statusStore {
	return &statusStore{recordingStore: recordCalls(inMemory{newMemstore()}), status: s}
}

func (s *statusStore) Watch(f func(session.Status)) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = f
	f(s.status)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.watch = nil
	}
}

func (s *statusStore) tell(status session.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
	if s.watch != nil {
		s.watch(status)
	}
}

func (s *statusStore) disconnect() {
	s.failAll(errDown)
	s.tell(session.StatusDisconnected)
}

func (s *statusStore) connect() {
	s.heal()
	s.tell(session.StatusConnected)
}

// timed is a reply and how long it took.
type timed struct {
	reply
	took time.Duration
	err  error
}

// start fetches path in the background.
func (b *browser) start(path string) <-chan timed {
	done := make(chan timed, 1)
	go func() {
		begin := time.Now()
		r, err := b.fetch(path)
		done <- timed{r, time.Since(begin), err}
	}()
	return done
}

// expect fails unless the reply came after exactly took.
func (r timed) expect(t *testing.T, took time.Duration, status int) {
	t.Helper()
	if r.err != nil || r.took != took || r.status != status {
		t.Fatalf("GET %s: %d %q after %v (%v), expected %d after %v", r.path, r.status, r.body, r.took, r.err, status, took)
	}
}

const reconnect = 5 * time.Second

// outage is a behaviour of a site whose store may lose its connection, and of a
// client with a session there.
func outage(name string, run func(t *testing.T, s *site, store *statusStore, b *browser)) behaviour {
	return behaviour{name, func(t *testing.T, deferred bool) {
		onlyInMemory(t, "about what a store tells of its connection, not about one")
		synctest.Test(t, func(t *testing.T) {
			store := newStatusStore(session.StatusConnected)
			s := openInBubble(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{Store: store, ReconnectTimeout: reconnect}})
			run(t, s, store, s.returning())
		})
	}}
}

var statusBehaviours = []behaviour{
	outage("disconnected: a request waits so long, then it fails", func(t *testing.T, s *site, store *statusStore, b *browser) {
		store.disconnect()
		r := <-b.start("/count")
		r.expect(t, reconnect, http.StatusServiceUnavailable)
		r.expectNoCookie(t)
	}),
	outage("reconnected in time: the request is served", func(t *testing.T, s *site, store *statusStore, b *browser) {
		store.disconnect()
		done := b.start("/count")
		time.Sleep(3 * time.Second)
		s.expectCalls()
		store.connect()
		r := <-done
		r.expect(t, 3*time.Second, http.StatusOK)
		r.reply.expect(t, http.StatusOK, "2")
	}),
	outage("a second disconnect does not start the wait again", func(t *testing.T, s *site, store *statusStore, b *browser) {
		store.disconnect()
		time.Sleep(3 * time.Second)
		store.disconnect()
		(<-b.start("/count")).expect(t, reconnect-3*time.Second, http.StatusServiceUnavailable)
	}),
	outage("connecting after a disconnect does not either", func(t *testing.T, s *site, store *statusStore, b *browser) {
		store.disconnect()
		time.Sleep(3 * time.Second)
		store.tell(session.StatusConnecting)
		(<-b.start("/count")).expect(t, reconnect-3*time.Second, http.StatusServiceUnavailable)
	}),
	outage("unavailable for long: requests fail at once, but for one a second that tries", func(t *testing.T, s *site, store *statusStore, b *browser) {
		store.disconnect()
		time.Sleep(reconnect)
		for range 3 {
			for range 4 {
				(<-b.start("/count")).expect(t, 0, http.StatusServiceUnavailable)
			}
			s.expectCalls("load")
			time.Sleep(time.Second)
		}
	}),
	outage("a missed event refuses nobody for ever", func(t *testing.T, s *site, store *statusStore, b *browser) {
		store.disconnect()
		time.Sleep(2 * reconnect)
		store.heal() // and nobody tells
		(<-b.start("/count")).expect(t, 0, http.StatusOK)
		(<-b.start("/count")).expect(t, 0, http.StatusOK)
		s.expectEvents(session.EventStoreUp, 1)
	}),
	outage("connected after a long outage: served as if nothing had been", func(t *testing.T, s *site, store *statusStore, b *browser) {
		store.disconnect()
		time.Sleep(2 * reconnect)
		(<-b.start("/count")).expect(t, 0, http.StatusServiceUnavailable)
		store.connect()
		r := <-b.start("/count")
		r.reply.expect(t, http.StatusOK, "2")
		s.expectEvents(session.EventStoreDown, 1)
		s.expectEvents(session.EventStoreUp, 1)
	}),
	outage("requests that need no store do not wait", func(t *testing.T, s *site, store *statusStore, b *browser) {
		store.disconnect()
		(<-s.browser().start("/read")).expect(t, 0, http.StatusOK)
		(<-s.browser().start("/unused")).expect(t, 0, http.StatusNoContent)
		(<-s.browserWith("not a token").start("/read")).expect(t, 0, http.StatusOK)
	}),
	outage("a request waits no longer than its own context", func(t *testing.T, s *site, store *statusStore, b *browser) {
		store.disconnect()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		r := b.getAs("/count", func(req *http.Request) { *req = *req.WithContext(ctx) })
		timed{r, time.Since(begin), nil}.expect(t, time.Second, http.StatusServiceUnavailable)
	}),
	outage("a save waits like a load", func(t *testing.T, s *site, store *statusStore, b *browser) {
		s.on("/lose", func(_ echo.Context, v *session.Session[visits]) error {
			store.disconnect()
			v.Data.Count++
			return nil
		})
		done := b.start("/lose")
		time.Sleep(3 * time.Second)
		store.connect()
		(<-done).expect(t, 3*time.Second, http.StatusOK)
		s.expectStored(b.id(), visits{Count: 2})
		r := <-b.start("/lose")
		r.expect(t, reconnect, http.StatusServiceUnavailable)
		r.expectNoCookie(t)
	}),
	{"a store that is still connecting is waited for from the start", func(t *testing.T, deferred bool) {
		synctest.Test(t, func(t *testing.T) {
			store := newStatusStore(session.StatusConnecting)
			s := openInBubble(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{Store: store}})
			first := s.browser().start("/count")
			time.Sleep(9 * time.Second) // the time-out is 10 s by default
			store.tell(session.StatusConnected)
			(<-first).expect(t, 9*time.Second, http.StatusOK)
		})
	}},
	{"a time-out of next to nothing does not wait", func(t *testing.T, deferred bool) {
		store := newStatusStore(session.StatusConnected)
		s := open(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{Store: store, ReconnectTimeout: 1}})
		b := s.returning()
		store.disconnect()
		b.get("/count").expectStatus(t, http.StatusServiceUnavailable)
		store.connect()
		b.get("/count").expect(t, http.StatusOK, "2")
	}},
}
