package echoadapter_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/internal/adaptertest"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/sessiontest"
)

const (
	cookieName = "echo.sid"
	page       = adaptertest.Page
	downBody   = `{"message":"Service Unavailable"}` + "\n"
	brokenBody = `{"message":"Internal Server Error"}` + "\n"
	teapotBody = `{"message":"short and stout"}` + "\n"
)

var teapot = echo.NewHTTPError(http.StatusTeapot, "short and stout")

type visits = adaptertest.Visits

// site is a program on Echo, for what only Echo has. Everything else is in the
// suite.
type site struct {
	*echo.Echo
	t       *testing.T
	store   *brokenStore
	manager *session.Manager[visits]
	client  *http.Client
	server  *httptest.Server
}

// open starts a site whose routes have the session's middleware between the outer
// and the inner ones. cfg has no Session and no Manager.
func open(t *testing.T, outer []echo.MiddlewareFunc, cfg echoadapter.Config[visits], inner ...echo.MiddlewareFunc) *site {
	t.Helper()
	s := &site{Echo: echo.New(), t: t, store: &brokenStore{Store: memstore.New(memstore.Options{})}}
	s.Logger.SetOutput(io.Discard)
	s.manager = newManager(t, session.Config[visits]{Store: s.store, Observe: func(context.Context, session.Event) {}})
	cfg.Manager = s.manager
	s.Use(outer...)
	s.Use(echoadapter.Middleware(cfg))
	s.Use(inner...)
	s.server = adaptertest.Serve(t, s.Echo)
	s.client = s.server.Client()
	return s
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

// token stores a session that has counted to count.
func (s *site) token(count int) string {
	s.t.Helper()
	token, err := sessiontest.Token(s.t.Context(), s.manager, visits{Count: count})
	if err != nil {
		s.t.Fatalf("storing a session: %v", err)
	}
	return token
}

// get fetches path with token, "" for none.
func (s *site) get(path, token string) (*http.Response, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.server.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Cookie", cookieName+"="+token)
	}
	res, err := s.client.Do(req)
	if err != nil {
		s.t.Fatalf("GET %s: %v", path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("GET %s: the body ends after %q: %v", path, body, err)
	}
	return res, string(body)
}

// expect fetches path with token, compares the response and returns its header.
func (s *site) expect(path, token string, status int, body string) http.Header {
	s.t.Helper()
	res, got := s.get(path, token)
	if res.StatusCode != status || got != body {
		s.t.Errorf("GET %s: %d %q, expected %d %q", path, res.StatusCode, got, status, body)
	}
	return res.Header
}

// tokenIn returns the token in the one Set-Cookie of h.
func (s *site) tokenIn(h http.Header) string {
	s.t.Helper()
	cookies := (&http.Response{Header: h}).Cookies()
	if len(cookies) != 1 || cookies[0].Name != cookieName || cookies[0].Value == "" {
		s.t.Fatalf("Set-Cookie is %q, expected the session's exactly once", h["Set-Cookie"])
	}
	return cookies[0].Value
}

// expectStored fails unless token opens a session that has counted to count.
func (s *site) expectStored(token string, count int) {
	s.t.Helper()
	if v, err := s.manager.Open(s.t.Context(), token); err != nil || v.Data.Count != count {
		s.t.Errorf("the token opens %+v, %v, expected a session with the count %d", v, err, count)
	}
}

// brokenStore is one that cannot be written to while it has an err.
type brokenStore struct {
	session.Store
	err error
}

func (s *brokenStore) Create(ctx context.Context, r session.Record) error {
	if s.err != nil {
		return s.err
	}
	return s.Store.Create(ctx, r)
}

func (s *brokenStore) Update(ctx context.Context, r session.Record) error {
	if s.err != nil {
		return s.err
	}
	return s.Store.Update(ctx, r)
}

// counting changes the session before it responds.
func counting(respond echo.HandlerFunc) echo.HandlerFunc {
	return echo.HandlerFunc(func(c echo.Context) error {
		s, err := session.Get[visits](c)
		if err != nil {
			return err
		}
		s.Data.Count++
		return respond(c)
	})
}

// theCount answers with it.
func theCount(c echo.Context) error {
	v, err := session.Peek[visits](c)
	if err != nil {
		return err
	}
	return c.String(http.StatusOK, strconv.Itoa(v.Count))
}

func pageAs(status int) echo.HandlerFunc {
	return func(c echo.Context) error { return c.String(status, page) }
}

func silence(echo.Context) error { return nil }

func flush(c echo.Context) error { c.Response().Flush(); return nil }
