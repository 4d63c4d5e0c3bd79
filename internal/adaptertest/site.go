package adaptertest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/sessiontest"
)

const (
	cookieName = "echo.sid"
	day        = 24 * time.Hour
)

// site is a program with sessions on a server, its store under observation.
type site struct {
	env
	t       *testing.T
	store   *watchedStore
	backend Backend // what store writes to
	manager *session.Manager[Visits]
	ledger  *session.Manager[Visits] // reads past store
	events  *eventLog
	server  *httptest.Server
	serving sync.WaitGroup

	// within, if it is set, makes the context of each request.
	within func(context.Context) (context.Context, context.CancelFunc)

	mu     sync.Mutex
	routes map[string]Handler
}

// open starts a site. It makes a Manager of cfg.Session, unless cfg has one. The
// calls of the store are recorded if cfg has no store, a *statusStore, or a
// Manager with a *watchedStore.
func (e env) open(t *testing.T, cfg config) *site {
	t.Helper()
	return e.openAround(t, nil, cfg, nil)
}

// openAround is open with middlewares before and after the session's.
func (e env) openAround(t *testing.T, outer []any, cfg config, inner []any) *site {
	t.Helper()
	s := &site{env: e, t: t, manager: cfg.Manager, events: new(eventLog), routes: map[string]Handler{}}
	if s.manager != nil {
		s.store = s.manager.Store().(*watchedStore)
	} else {
		s.store = watch(&cfg.Session, func() session.Store { return e.newBackend(t) })
		cfg.Session.Observe = s.events.add
		s.manager = newManager(t, cfg.Session)
	}
	s.backend, _ = s.store.Store.(Backend)
	cfg.Session.Store, cfg.Session.Observe = s.store.Store, nil
	s.ledger = newManager(t, cfg.Session)
	cfg.Session, cfg.Manager, cfg.Defer = sessions{}, s.manager, e.deferred

	s.on("/count", increment)
	s.on("/read", onlyRead)
	s.on("/remove", func(_ Context, v *visit) error { v.Destroy(); v.Data.Count = 0; return nil })
	s.handle("/unused", noContent)

	handler := e.Handler(Program{Middleware: slices.Concat(outer, []any{cfg}, inner), Handler: s.route})
	s.server = Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serving.Add(1)
		defer s.serving.Done()
		if s.within != nil {
			ctx, cancel := s.within(r.Context())
			defer cancel()
			r = r.WithContext(ctx)
		}
		handler.ServeHTTP(w, r)
	}))
	return s
}

// watch returns the store of cfg, and makes one if there is none.
func watch(cfg *sessions, make func() session.Store) *watchedStore {
	switch given := cfg.Store.(type) {
	case nil:
		w := &watchedStore{Store: make()}
		cfg.Store = w
		return w
	case *statusStore:
		return given.watchedStore
	default:
		return &watchedStore{Store: given}
	}
}

func (e env) newBackend(t *testing.T) Backend {
	if e.Backend == nil {
		return newMemory()
	}
	return e.Backend(t)
}

// inTime runs f so that [site.pass] makes time pass at once: in a bubble, or with
// a backend that can make its sessions older.
func (e env) inTime(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if e.Backend != nil {
		f(t)
		return
	}
	synctest.Test(t, f)
}

func newManager[T any](t *testing.T, cfg session.Config[T]) *session.Manager[T] {
	t.Helper()
	m, err := session.New(cfg)
	if err != nil {
		t.Fatalf("session.New: %v", err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// handle makes path a route.
func (s *site) handle(path string, h Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.routes[path] = h
}

// on makes path a route that does do to its session, and answers with the count.
func (s *site) on(path string, do func(c Context, v *visit) error) {
	s.handle(path, using(func(c Context, v *visit) error {
		if err := do(c, v); err != nil {
			return err
		}
		return text(c, http.StatusOK, strconv.Itoa(v.Data.Count))
	}))
}

func (s *site) route(c Context) error {
	s.mu.Lock()
	h := s.routes[c.Request().URL.Path]
	s.mu.Unlock()
	if h == nil {
		return s.Error(http.StatusNotFound, "Not Found")
	}
	return h(c)
}

// idle waits until the handlers are done. A client cannot see that if the response
// was hijacked or flushed.
func (s *site) idle() { s.serving.Wait() }

// stored reads the session of id in the store; false if there is none.
func (s *site) stored(id string) (session.Info[Visits], bool) {
	s.t.Helper()
	info, err := s.ledger.Find(context.Background(), id)
	switch {
	case isNotFound(err):
		return info, false
	case err != nil:
		s.t.Fatalf("reading session %s in the store: %v", id, err)
	}
	return info, true
}

// pass makes time pass, for a site that was opened in [env.inTime].
func (s *site) pass(d time.Duration) {
	s.t.Helper()
	s.backend.Age(s.t, d)
}

// token stores a session that has counted to count.
func (s *site) token(count int) string {
	s.t.Helper()
	token, err := sessiontest.Token(s.t.Context(), s.manager, Visits{Count: count})
	if err != nil {
		s.t.Fatalf("storing a session: %v", err)
	}
	s.store.take()
	return token
}

// expectStored fails unless the store has exactly data for id.
func (s *site) expectStored(id string, data Visits) {
	s.t.Helper()
	info, ok := s.stored(id)
	if !ok {
		s.t.Fatalf("session %s is not in the store, expected it with %+v", id, data)
	}
	if got, want := encoded(s.t, info.Data), encoded(s.t, data); got != want {
		s.t.Errorf("the store has %s, expected %s", got, want)
	}
}

func (s *site) expectNotStored(id string) {
	s.t.Helper()
	if info, ok := s.stored(id); ok {
		s.t.Errorf("the store has session %s with %+v, expected it to be gone", id, info.Data)
	}
}

// expectRecords compares how many sessions the store has.
func (s *site) expectRecords(want int) {
	s.t.Helper()
	if got := s.backend.Live(s.t); got != want {
		s.t.Errorf("the store has %d sessions, expected %d", got, want)
	}
}

// expectRead fails unless token opens a session that has counted to count. With 0
// it may also open nothing.
func (s *site) expectRead(token string, count int) {
	s.t.Helper()
	v, err := s.ledger.Open(context.Background(), token)
	switch {
	case isNotFound(err) && count == 0:
	case err != nil:
		s.t.Errorf("the token opens nothing: %v, expected a session with the count %d", err, count)
	case v.Data.Count != count:
		s.t.Errorf("the token opens a session with the count %d, expected %d", v.Data.Count, count)
	}
}

// expectCalls fails unless these were the calls of the store, in this order,
// since they were taken last.
func (s *site) expectCalls(want ...string) {
	s.t.Helper()
	if got := s.store.take(); !slices.Equal(got, want) {
		s.t.Errorf("calls of the store: %q, expected %q", got, want)
	}
}

// expectWrites is expectCalls of all operations but loads.
func (s *site) expectWrites(want ...string) {
	s.t.Helper()
	got := slices.DeleteFunc(s.store.take(), func(op string) bool { return op == "load" })
	if !slices.Equal(got, want) {
		s.t.Errorf("writes to the store: %q, expected %q", got, want)
	}
}

// expectEvents fails unless that many events of kind were observed.
func (s *site) expectEvents(kind session.EventKind, want int) {
	s.t.Helper()
	if got := s.events.of(kind); len(got) != want {
		s.t.Errorf("%d events %q, expected %d: %v", len(got), kind, want, got)
	}
}

func encoded(t *testing.T, v Visits) string {
	t.Helper()
	b, err := session.JSON().Marshal(&v)
	if err != nil {
		t.Fatalf("encoding %+v: %v", v, err)
	}
	return string(b)
}
