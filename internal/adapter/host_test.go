package adapter_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/echosession/echosession/internal/adapter"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

type visits struct{ Count int }

// host is a framework that has nothing but net/http.
type host struct {
	values map[string]any
	r      *http.Request
	w      http.ResponseWriter
	sent   bool
	lost   []bool // of each Reopen
}

func (h *host) Values() adapter.Values          { return h }
func (h *host) Get(key string) any              { return h.values[key] }
func (h *host) Set(key string, v any)           { h.values[key] = v }
func (h *host) Request() *http.Request          { return h.r }
func (h *host) SetRequest(r *http.Request)      { h.r = r }
func (h *host) Origin() (scheme, name string)   { return "http", "localhost" }
func (h *host) Writer() http.ResponseWriter     { return h.w }
func (h *host) SetWriter(w http.ResponseWriter) { h.w = w }
func (h *host) Sent()                           { h.sent = true }
func (h *host) Reopen(lost bool)                { h.lost = append(h.lost, lost) }

// statusError is the error of this framework.
type statusError struct {
	status int
	cause  error
}

func (e *statusError) Error() string { return fmt.Sprintf("%d: %v", e.status, e.cause) }
func (e *statusError) Unwrap() error { return e.cause }

type options = adapter.Options[visits, *host]

// site is a middleware whose store is watched.
type site struct {
	t          *testing.T
	store      *watchedStore
	manager    *session.Manager[visits]
	middleware *adapter.Middleware[visits, *host]
}

func open(t *testing.T, cfg session.Config[visits], o options) *site {
	t.Helper()
	s := &site{t: t, store: &watchedStore{Store: memstore.New(memstore.Options{})}}
	cfg.Store = s.store
	var err error
	if s.manager, err = session.New(cfg); err != nil {
		t.Fatalf("session.New: %v", err)
	}
	t.Cleanup(func() { _ = s.manager.Close() })
	o.Manager = s.manager
	o.HTTPError = func(status int, cause error) error { return &statusError{status, cause} }
	o.HasStatus = func(err error) bool { _, ok := errors.AsType[*statusError](err); return ok }
	if s.middleware, err = adapter.New(o); err != nil {
		t.Fatalf("adapter.New: %v", err)
	}
	return s
}

// serve makes a request with token, "" for none, and returns what came of it.
func (s *site) serve(token string, handler func(h *host) error) (*host, *httptest.ResponseRecorder, error) {
	rec := httptest.NewRecorder()
	h := &host{values: map[string]any{}, r: httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, "/", nil), w: recorder{rec}}
	if token != "" {
		h.r.Header.Set("Cookie", "echo.sid="+token)
	}
	err := s.middleware.Serve(h, func() error { return handler(h) })
	return h, rec, err
}

// token stores a session that has counted to 1.
func (s *site) token() string {
	s.t.Helper()
	v, err := s.manager.Start(s.t.Context())
	if err != nil {
		s.t.Fatalf("Manager.Start: %v", err)
	}
	v.Data.Count = 1
	if err := v.Save(s.t.Context()); err != nil {
		s.t.Fatalf("Save: %v", err)
	}
	s.store.take()
	return v.Token()
}

func (s *site) expectCalls(want ...string) {
	s.t.Helper()
	if got := s.store.take(); !slices.Equal(got, want) {
		s.t.Errorf("calls of the store: %q, expected %q", got, want)
	}
}

// recorder is one whose connection can be taken over.
type recorder struct{ *httptest.ResponseRecorder }

func (recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, nil }

// watchedStore records its calls, and who watches its status.
type watchedStore struct {
	session.Store
	mu       sync.Mutex
	calls    []string
	watchers int
}

func (s *watchedStore) called(op string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, op)
}

func (s *watchedStore) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

func (s *watchedStore) Load(ctx context.Context, id string) (session.Record, error) {
	s.called("load")
	return s.Store.Load(ctx, id)
}

func (s *watchedStore) Create(ctx context.Context, r session.Record) error {
	s.called("create")
	return s.Store.Create(ctx, r)
}

func (s *watchedStore) Update(ctx context.Context, r session.Record) error {
	s.called("update")
	return s.Store.Update(ctx, r)
}

func (s *watchedStore) Watch(f func(session.Status)) (stop func()) {
	s.watchers++
	f(session.StatusConnected)
	return func() { s.watchers-- }
}
