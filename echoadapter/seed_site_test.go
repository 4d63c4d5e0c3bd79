package echoadapter_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// visits is what the sessions of a site hold.
type visits struct {
	Count int
	Name  string
	Tags  map[string]int
}

// site is a program with sessions, its store under observation.
type site struct {
	t       *testing.T
	echo    *echo.Echo
	store   *recordingStore
	manager *session.Manager[visits]
	ledger  *session.Manager[visits] // reads behind the back of store
	events  *eventLog
	url     string
	network http.RoundTripper
	serving sync.WaitGroup
}

// open starts a site on a real server. cfg.Session becomes that of a Manager;
// where it has no store, or a *statusStore, its calls are recorded.
func open(t *testing.T, cfg echoadapter.Config[visits]) *site {
	t.Helper()
	s := build(t, cfg, newBackend)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serving.Add(1)
		defer s.serving.Done()
		s.echo.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	s.url, s.network = server.URL, server.Client().Transport
	return s
}

// openInBubble starts a site without a socket, for a bubble of synctest. It is
// always in memory.
func openInBubble(t *testing.T, cfg echoadapter.Config[visits]) *site {
	t.Helper()
	s := build(t, cfg, func(*testing.T) backend { return inMemory{newMemstore()} })
	s.url, s.network = "http://127.0.0.1", inProcess{s.echo}
	return s
}

func build(t *testing.T, cfg echoadapter.Config[visits], backend func(*testing.T) backend) *site {
	t.Helper()
	s := &site{t: t, echo: echo.New(), store: recordCalls(nil), events: new(eventLog)}
	s.echo.Logger.SetOutput(io.Discard)
	switch given := cfg.Session.Store.(type) {
	case nil:
		s.store.Store = backend(t)
		cfg.Session.Store = s.store
	case *statusStore:
		s.store = given.recordingStore
	default:
		s.store.Store = given
	}
	cfg.Session.Observe = s.events.add
	s.manager = newManager(t, cfg.Session)
	cfg.Session.Store, cfg.Session.Observe = s.store.Store, nil
	s.ledger = newManager(t, cfg.Session)
	cfg.Session, cfg.Manager = session.Config[visits]{}, s.manager
	s.echo.Use(echoadapter.Middleware(cfg))

	s.on("/count", func(_ echo.Context, v *session.Session[visits]) error { v.Data.Count++; return nil })
	s.on("/read", func(echo.Context, *session.Session[visits]) error { return nil })
	s.on("/remove", func(_ echo.Context, v *session.Session[visits]) error { v.Destroy(); v.Data.Count = 0; return nil })
	s.echo.GET("/unused", noContent)
	return s
}

func newManager(t *testing.T, cfg session.Config[visits]) *session.Manager[visits] {
	t.Helper()
	m, err := session.New(cfg)
	if err != nil {
		t.Fatalf("session.New: %v", err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// on answers path with what do makes of the session: its error, its own
// response, or else the count.
func (s *site) on(path string, do func(c echo.Context, v *session.Session[visits]) error) {
	s.echo.GET(path, func(c echo.Context) error {
		v, err := session.Get[visits](c)
		if err != nil {
			return err
		}
		if err := do(c, v); err != nil || c.Response().Committed {
			return err
		}
		return c.String(http.StatusOK, strconv.Itoa(v.Data.Count))
	})
}

// idle returns when the handlers are done, which a hijacked or flushed response
// does not tell.
func (s *site) idle() { s.serving.Wait() }

// stored reads the session of id in the store; false where there is none.
func (s *site) stored(id string) (session.Info[visits], bool) {
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

// records counts what the store holds.
func (s *site) records() int {
	s.t.Helper()
	return s.store.Store.(backend).live(s.t)
}

// pass makes time pass, for a site that was opened by openWithClock.
func (s *site) pass(d time.Duration) {
	s.t.Helper()
	s.store.Store.(backend).age(s.t, d)
}

// expectStored fails unless the store has exactly data for id.
func (s *site) expectStored(id string, data visits) {
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

// expectCalls fails unless these were the calls of the store, in this order,
// since it was asked last.
func (s *site) expectCalls(want ...string) {
	s.t.Helper()
	if got := s.store.take(); !slices.Equal(got, want) {
		s.t.Errorf("calls of the store: %q, expected %q", got, want)
	}
}

// expectWrites is expectCalls of all operations but loads.
func (s *site) expectWrites(want ...string) {
	s.t.Helper()
	if got := writes(s.store.take()); !slices.Equal(got, want) {
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

func encoded(t *testing.T, v visits) string {
	t.Helper()
	b, err := session.JSON().Marshal(&v)
	if err != nil {
		t.Fatalf("encoding %+v: %v", v, err)
	}
	return string(b)
}

// eventLog is for Config.Observe.
type eventLog struct {
	mu     sync.Mutex
	events []session.Event
}

func (l *eventLog) add(_ context.Context, e session.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

func (l *eventLog) of(kind session.EventKind) (found []session.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if e.Kind == kind {
			found = append(found, e)
		}
	}
	return found
}

// inProcess serves requests by calling the handler.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(out *http.Request) (*http.Response, error) {
	in := out.Clone(out.Context())
	in.RequestURI, in.Host, in.RemoteAddr = out.URL.RequestURI(), out.URL.Host, "127.0.0.1:1"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	p.handler.ServeHTTP(recorder, in)
	return recorder.Result(), nil
}
