package echoadapter_test

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/internal/adaptertest"
	"github.com/echosession/echosession/session"
)

// A Before hook of Echo is the last that can change the session.
func TestResponseCommitsWhatBeforeHooksChange(t *testing.T) {
	t.Parallel()
	s := open(t, nil, echoadapter.Config[visits]{})
	s.GET("/", func(c echo.Context) error {
		v, err := session.Get[visits](c)
		if err != nil {
			return err
		}
		for range 2 {
			c.Response().Before(func() { v.Data.Count++ })
		}
		return c.String(http.StatusOK, page)
	})
	s.expectStored(s.tokenIn(s.expect("/", "", http.StatusOK, page)), 2)
}

// watchedContext counts the calls for its request once that is over, when Echo
// may have given the context to another one.
type watchedContext struct {
	echo.Context
	over bool
	late int
}

func (w *watchedContext) Request() *http.Request {
	if w.over {
		w.late++
	}
	return w.Context.Request()
}

// A writer that somebody kept beyond the handler only passes on: it does not ask
// for a request that is over, nor store anything.
func TestResponseWriterKeptBeyondTheHandler(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		respond echo.HandlerFunc
		status  int
		count   int // what is stored in the end
	}{
		"nothing written": {silence, http.StatusOK, 8},
		"a page":          {pageAs(http.StatusOK), http.StatusOK, 8},
		"a panic":         {func(echo.Context) error { panic("oops") }, http.StatusInternalServerError, 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var watched *watchedContext
			var kept http.ResponseWriter
			watch := func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error {
					watched = &watchedContext{Context: c}
					return next(watched)
				}
			}
			s := open(t, []echo.MiddlewareFunc{recovering, watch}, echoadapter.Config[visits]{})
			s.GET("/", counting(func(c echo.Context) error {
				kept = c.Response().Writer
				return tt.respond(c)
			}))
			token := s.token(7)
			rec := httptest.NewRecorder()
			req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			req.Header.Set("Cookie", cookieName+"="+token)
			s.ServeHTTP(rec, req)
			if rec.Code != tt.status {
				t.Errorf("the status is %d, expected %d", rec.Code, tt.status)
			}
			watched.over = true
			s.store.err = session.ErrUnavailable // a write from now on would fail
			before := rec.Body.String()
			if n, err := kept.Write([]byte("late")); n != 4 || err != nil {
				t.Errorf("the late write returned %d, %v, expected it to be passed on", n, err)
			}
			if got := rec.Body.String(); got != before+"late" {
				t.Errorf("the body is %q, expected %q and the late write", got, before)
			}
			if watched.late != 0 {
				t.Errorf("the request was asked for %d times after its end, expected never", watched.late)
			}
			s.expectStored(token, tt.count)
		})
	}
}

func hijack(c echo.Context) error {
	conn, rw, err := c.Response().Writer.(http.Hijacker).Hijack() // by the interface of the writer below
	if err != nil {
		return err
	}
	defer conn.Close()
	return answerOn(rw)
}

func answerOn(rw *bufio.ReadWriter) error {
	_, _ = fmt.Fprintf(rw, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%s", page)
	return rw.Flush()
}

// After every kind of response Echo has its own writer back.
func TestResponseWriterIsTakenOut(t *testing.T) {
	t.Parallel()
	panicking := func(respond echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			_ = respond(c)
			panic("at the disco")
		}
	}
	for name, tt := range map[string]struct {
		respond echo.HandlerFunc
		count   int // what is stored in the end if the store works
	}{
		"page": {pageAs(http.StatusOK), 8}, "nothing": {silence, 8}, "hijack": {hijack, 8},
		"error": {func(echo.Context) error { return teapot }, 8},
		"panic": {panicking(silence), 7}, "page, panic": {panicking(pageAs(http.StatusOK)), 8},
		"through another response": {anotherResponse(pageAs(http.StatusOK)), 8},
	} {
		for _, fault := range []error{nil, session.ErrUnavailable} {
			t.Run(fmt.Sprintf("%s/fault=%t", name, fault != nil), func(t *testing.T) {
				t.Parallel()
				seen := make(chan bool, 1)
				outer := func(next echo.HandlerFunc) echo.HandlerFunc {
					return func(c echo.Context) error {
						res := c.Response()
						was := res.Writer
						defer func() { seen <- res.Writer == was }()
						return next(c)
					}
				}
				s := open(t, []echo.MiddlewareFunc{recovering, outer}, echoadapter.Config[visits]{})
				s.GET("/", counting(tt.respond))
				token := s.token(7)
				s.store.err = fault
				s.get("/", token)
				if !<-seen {
					t.Error("Echo's response still writes to the middleware's writer, expected its own")
				}
				want := tt.count
				if fault != nil {
					want = 7
				}
				s.expectStored(token, want)
			})
		}
	}
}

// Echo's reverse proxy writes through everything that a response has, and makes an
// error of a write that fails.
func TestResponseOfAReverseProxy(t *testing.T) {
	t.Parallel()
	upstream := adaptertest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.Header().Set("Etag", `"page"`)
		w.Header().Set("Set-Cookie", "upstream=1")
		w.WriteHeader(http.StatusOK) // Echo sends no other after a 103
		_, _ = w.Write([]byte(page))
	}))
	target, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := middleware.ProxyWithConfig(middleware.ProxyConfig{
		Balancer:  middleware.NewRandomBalancer([]*middleware.ProxyTarget{{URL: target}}),
		Transport: upstream.Client().Transport,
	})
	for _, fault := range []error{nil, session.ErrUnavailable} {
		t.Run(fmt.Sprintf("fault=%t", fault != nil), func(t *testing.T) {
			s := open(t, []echo.MiddlewareFunc{recovering}, echoadapter.Config[visits]{})
			s.GET("/", counting(proxy(silence)))
			s.store.err = fault
			if fault != nil {
				h := s.expect("/", "", http.StatusServiceUnavailable, downBody)
				if h.Get("Etag") != "" || h.Get("Cache-Control") != "" {
					t.Errorf("the header is %v, expected nothing of the upstream's page", h)
				}
				return
			}
			h := s.expect("/", "", http.StatusOK, page)
			if got := h["Set-Cookie"]; len(got) != 2 || got[0] != "upstream=1" || !strings.HasPrefix(got[1], cookieName+"=") {
				t.Errorf("Set-Cookie is %q, expected that of the upstream and the session's", got)
			}
			if got := h["Cache-Control"]; !slices.Equal(got, []string{"no-store"}) {
				t.Errorf("Cache-Control is %q, expected no-store", got)
			}
		})
	}
}

// Vary names both what gzip and what the session depend on.
func TestHeaderVaryWithGzip(t *testing.T) {
	t.Parallel()
	gzip := []echo.MiddlewareFunc{middleware.Gzip()}
	for name, tt := range map[string]struct {
		outer, inner []echo.MiddlewareFunc
		respond      echo.HandlerFunc
		want         string
	}{
		"outside":       {gzip, nil, theCount, "Accept-Encoding, Cookie"},
		"inside":        {nil, gzip, theCount, "Accept-Encoding, Cookie"},
		"and not asked": {nil, gzip, pageAs(http.StatusOK), "Accept-Encoding"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, tt.outer, echoadapter.Config[visits]{}, tt.inner...)
			s.GET("/", tt.respond)
			for _, token := range []string{"", s.token(7)} {
				res, _ := s.get("/", token)
				if got := strings.Join(res.Header.Values("Vary"), ", "); got != tt.want {
					t.Errorf("Vary is %q, expected %q", got, tt.want)
				}
			}
		})
	}
}

// An application's own HTTPErrorHandler finds Echo's error, and the cause in it.
func TestResponseOfAFailedCommitHasTheCause(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cause  error
		status int
	}{
		{session.ErrUnavailable, http.StatusServiceUnavailable},
		{session.ErrTooLarge, http.StatusInternalServerError},
		{errors.New("the disk is on fire"), http.StatusInternalServerError},
	} {
		for name, respond := range map[string]echo.HandlerFunc{"page": pageAs(http.StatusOK), "nothing": silence} {
			t.Run(fmt.Sprintf("%s/%v", name, tt.cause), func(t *testing.T) {
				t.Parallel()
				s := open(t, nil, echoadapter.Config[visits]{})
				s.store.err = tt.cause
				s.GET("/", counting(respond))
				s.HTTPErrorHandler = func(err error, c echo.Context) {
					he, ok := err.(*echo.HTTPError) // Echo looks only at the outermost error
					if !ok || he.Code != tt.status || !errors.Is(err, tt.cause) {
						t.Errorf("the error is %v, expected one of Echo's with %d and %v inside", err, tt.status, tt.cause)
					}
					_ = c.String(599, "the error page")
				}
				s.expect("/", "", 599, "the error page")
			})
		}
	}
}

// An error that is already one of Echo's keeps its status, even with an error of
// the store inside.
func TestErrorOfTheApplication(t *testing.T) {
	t.Parallel()
	s := open(t, nil, echoadapter.Config[visits]{})
	s.GET("/", func(echo.Context) error {
		return &echo.HTTPError{Code: http.StatusTeapot, Message: teapot.Message, Internal: session.ErrUnavailable}
	})
	s.expect("/", s.token(7), http.StatusTeapot, teapotBody)
}
