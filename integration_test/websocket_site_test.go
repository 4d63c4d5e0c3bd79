package integration_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/sessiontest"
)

const cookieName = "echo.sid"

// chat is what a session holds here.
type chat struct {
	Messages int
	Last     string
}

// downStore is a memory store that cannot be written to while it is down.
type downStore struct {
	session.Store
	mu   sync.Mutex
	down bool
}

func (s *downStore) fail() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = true
}

func (s *downStore) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return fmt.Errorf("connection refused: %w", session.ErrUnavailable)
	}
	return nil
}

func (s *downStore) Create(ctx context.Context, r session.Record) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.Store.Create(ctx, r)
}

func (s *downStore) Update(ctx context.Context, r session.Record) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.Store.Update(ctx, r)
}

// chatSite is a real server whose one route upgrades to a websocket.
type chatSite struct {
	t       *testing.T
	library library
	memory  *memstore.Store
	store   *downStore
	manager *session.Manager[chat]
	server  *httptest.Server

	handlers sync.WaitGroup

	mu   sync.Mutex
	lost int
}

// serveChat starts a server that gives each request, with its session, to talk.
// Its error is the handler's.
func serveChat(t *testing.T, l library, talk func(c echo.Context, s *session.Session[chat]) error) *chatSite {
	t.Helper()
	memory := memstore.New(memstore.Options{})
	site := &chatSite{t: t, library: l, memory: memory, store: &downStore{Store: memory}}
	var err error
	site.manager, err = session.New(session.Config[chat]{Store: site.store, Observe: func(_ context.Context, e session.Event) {
		if e.Kind == session.EventLost {
			site.mu.Lock()
			defer site.mu.Unlock()
			site.lost++
		}
	}})
	if err != nil {
		t.Fatalf("session.New: %v", err)
	}
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			site.handlers.Add(1)
			defer site.handlers.Done()
			return next(c)
		}
	})
	e.Use(echoadapter.Middleware(echoadapter.Config[chat]{Manager: site.manager}))
	e.GET("/", func(c echo.Context) error {
		s, err := session.Get[chat](c)
		if err != nil {
			return err
		}
		return talk(c, s)
	})
	site.server = httptest.NewServer(e)
	t.Cleanup(site.server.Close)
	return site
}

// token stores a session with so many messages.
func (site *chatSite) token(messages int) string {
	site.t.Helper()
	token, err := sessiontest.Token(site.t.Context(), site.manager, chat{Messages: messages})
	if err != nil {
		site.t.Fatalf("storing a session: %v", err)
	}
	return token
}

// dial asks for a websocket.
func (site *chatSite) dial(token string) (socket, *http.Response, error) {
	header := http.Header{}
	if token != "" {
		header.Set("Cookie", cookieName+"="+token)
	}
	return site.library.dial(site.t.Context(), "ws"+strings.TrimPrefix(site.server.URL, "http"), header)
}

// connect is dial, which must succeed.
func (site *chatSite) connect(token string) (socket, *http.Response) {
	site.t.Helper()
	conn, res, err := site.dial(token)
	if err != nil {
		site.t.Fatalf("the upgrade failed: %v", err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		site.t.Errorf("the upgrade is answered %s, expected 101", res.Status)
	}
	site.t.Cleanup(conn.close)
	return conn, res
}

// expectStored compares what the next request with token would read.
func (site *chatSite) expectStored(token string, want chat) {
	site.t.Helper()
	if s, err := site.manager.Open(site.t.Context(), token); err != nil || s.Data != want {
		site.t.Errorf("the store has %+v, %v, expected %+v", s, err, want)
	}
}

// expectLost waits for the handlers and compares how many losses were observed.
func (site *chatSite) expectLost(want int) {
	site.t.Helper()
	site.handlers.Wait()
	site.mu.Lock()
	defer site.mu.Unlock()
	if site.lost != want {
		site.t.Errorf("%d lost changes were observed, expected %d", site.lost, want)
	}
}

// expectToken returns the token of the one cookie in a response.
func expectToken(t *testing.T, res *http.Response) string {
	t.Helper()
	if cookies := res.Cookies(); len(cookies) == 1 && cookies[0].Name == cookieName && cookies[0].Value != "" {
		return cookies[0].Value
	}
	t.Fatalf("Set-Cookie is %q, expected the session's cookie exactly once", res.Header["Set-Cookie"])
	return ""
}

func expectNoCookie(t *testing.T, res *http.Response) {
	t.Helper()
	if got := res.Header["Set-Cookie"]; len(got) != 0 {
		t.Errorf("Set-Cookie is %q, expected none", got)
	}
}

// expectText reads the next message.
func expectText(t *testing.T, s socket, want string) {
	t.Helper()
	if got, err := s.read(); err != nil || got != want {
		t.Errorf("the message is %q, %v, expected %q", got, err, want)
	}
}
