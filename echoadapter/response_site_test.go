package echoadapter_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/sessiontest"
)

// responseSite is a real server whose middlewares the test chooses, and a
// client that looks at each response as it comes.
type responseSite struct {
	t       *testing.T
	e       *echo.Echo
	memory  *memstore.Store
	store   *recordingStore
	manager *session.Manager[visits]
	events  eventLog
	server  *httptest.Server
}

// serveResponses starts a server whose routes the test adds. They have the
// middleware of cfg between those of outer and of inner; /read, which answers
// with what is stored, has that one alone.
func serveResponses(t *testing.T, cfg echoadapter.Config[visits], outer, inner []echo.MiddlewareFunc) *responseSite {
	t.Helper()
	memory := memstore.New(memstore.Options{})
	s := &responseSite{t: t, e: echo.New(), memory: memory, store: &recordingStore{Store: memory}}
	s.e.Logger.SetOutput(io.Discard)
	cfg.Session.Store, cfg.Session.Observe = s.store, s.events.add
	s.manager = newManager(t, cfg.Session)
	cfg.Session, cfg.Manager = session.Config[visits]{}, s.manager
	s.e.Use(outer...)
	s.e.Use(echoadapter.Middleware(cfg))
	s.e.Use(inner...)

	reader := echo.New()
	reader.GET("/read", func(c echo.Context) error {
		v, err := session.Peek[visits](c)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, strconv.Itoa(v.Count))
	}, echoadapter.Middleware(echoadapter.Config[visits]{Manager: s.manager}))

	mux := http.NewServeMux()
	mux.Handle("/", s.e)
	mux.Handle("/read", reader)
	s.server = httptest.NewUnstartedServer(mux)
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.server.Start()
	t.Cleanup(s.server.Close)
	client := s.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Transport.(*http.Transport).DisableCompression = true
	return s
}

// on counts, and then does respond.
func (s *responseSite) on(path string, respond echo.HandlerFunc) {
	s.e.Any(path, counting(respond))
}

// counting is a handler that changes its session and then does respond.
func counting(respond echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		v, err := session.Get[visits](c)
		if err != nil {
			return err
		}
		v.Data.Count++
		return respond(c)
	}
}

// token stores a session that has counted to count.
func (s *responseSite) token(count int) string {
	s.t.Helper()
	token, err := sessiontest.Token(s.t.Context(), s.manager, visits{Count: count})
	if err != nil {
		s.t.Fatalf("storing a session: %v", err)
	}
	s.store.take()
	return token
}

func (s *responseSite) request(method, path, token string) *http.Request {
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.server.URL+path, nil)
	if err != nil {
		panic(err) // a mistake in the test
	}
	if token != "" {
		req.Header.Set("Cookie", cookieName+"="+token)
	}
	return req
}

// fetch makes the request, reads the response to its end and decompresses it.
// Unlike do it is for any goroutine.
func (s *responseSite) fetch(req *http.Request) (response, error) {
	res, err := s.server.Client().Do(req)
	if err != nil {
		return response{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return response{}, fmt.Errorf("the body ends after %q: %w", body, err)
	}
	if res.Header.Get("Content-Encoding") == "gzip" && len(body) > 0 {
		encoded := body
		z, err := gzip.NewReader(bytes.NewReader(encoded))
		if err == nil {
			body, err = io.ReadAll(z)
		}
		if err != nil {
			return response{}, fmt.Errorf("the body is %q, expected gzip as its header says: %w", encoded, err)
		}
	}
	return response{res.StatusCode, string(body), res.Header, res.Cookies()}, nil
}

func (s *responseSite) do(req *http.Request) response {
	s.t.Helper()
	got, err := s.fetch(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	return got
}

func (s *responseSite) get(path, token string) response {
	s.t.Helper()
	return s.do(s.request(http.MethodGet, path, token))
}

// expectRead makes the next request with token, and compares the count there.
func (s *responseSite) expectRead(token string, count int) {
	s.t.Helper()
	if got := s.get("/read", token); got.status != http.StatusOK || got.body != strconv.Itoa(count) {
		s.t.Errorf("the next request reads %d %q, expected the count %d", got.status, got.body, count)
	}
}

// expectRecords compares how many sessions the store has.
func (s *responseSite) expectRecords(want int) {
	s.t.Helper()
	if got := s.memory.Len(); got != want {
		s.t.Errorf("the store has %d sessions, expected %d", got, want)
	}
}

// expectEvents compares how many events of a kind were observed.
func (s *responseSite) expectEvents(kind session.EventKind, want int) {
	s.t.Helper()
	if got := s.events.of(kind); len(got) != want {
		s.t.Errorf("%d events %q, expected %d: %v", len(got), kind, want, got)
	}
}

// response is one that was read to its end.
type response struct {
	status  int
	body    string
	header  http.Header
	cookies []*http.Cookie
}

func (r response) expect(t *testing.T, status int, body string) {
	t.Helper()
	if r.status != status || r.body != body {
		t.Errorf("the response is %d %.200q, expected %d %.200q", r.status, r.body, status, body)
	}
}

// ofSession returns the cookies of the session's name.
func (r response) ofSession() []*http.Cookie {
	return slices.DeleteFunc(slices.Clone(r.cookies), func(c *http.Cookie) bool { return c.Name != cookieName })
}

// expectToken returns the token in the session's one cookie.
func (r response) expectToken(t *testing.T) string {
	t.Helper()
	got := r.ofSession()
	if len(got) != 1 || got[0].Value == "" || got[0].MaxAge <= 0 {
		t.Fatalf("the Set-Cookie lines are %q, expected the session's exactly once, with a token", r.header["Set-Cookie"])
	}
	return got[0].Value
}

func (r response) expectNoCookie(t *testing.T) {
	t.Helper()
	if len(r.ofSession()) != 0 {
		t.Errorf("the Set-Cookie lines are %q, expected none of the session", r.header["Set-Cookie"])
	}
}

// expectHeader compares all lines of a field.
func (r response) expectHeader(t *testing.T, field string, want ...string) {
	t.Helper()
	if got := r.header.Values(field); !slices.Equal(got, want) {
		t.Errorf("the header has %s %q, expected %q", field, got, want)
	}
}
