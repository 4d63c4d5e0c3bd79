package echoadapter_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// panicking sends a 103 and saves, if it is asked to, changes more and panics.
func panicking(c echo.Context) error {
	v, err := session.Get[visits](c)
	if err != nil {
		return err
	}
	v.Data.Count++
	if c.QueryParam("inform") != "" {
		c.Response().WriteHeader(http.StatusEarlyHints)
	}
	if c.QueryParam("save") != "" {
		if err := v.Save(c.Request().Context()); err != nil {
			return err
		}
		v.Data.Count = 99
	}
	if c.QueryParam("write") != "" {
		if err := c.String(http.StatusOK, page); err != nil {
			return err
		}
		v.Data.Count = 99
	}
	panic("at the disco")
}

func recovering() []echo.MiddlewareFunc {
	return []echo.MiddlewareFunc{middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true})}
}

// A panic that reaches the middleware saves nothing.
func TestResponseOfAPanic(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		path   string
		count  int // 0: no session before
		status int
		body   string
		cookie bool
		read   int
	}{
		"new":                {path: "/", status: 500, body: brokenBody},
		"stored":             {path: "/", count: 7, status: 500, body: brokenBody, read: 7},
		"new, saved":         {path: "/?save=1", status: 500, body: brokenBody, cookie: true, read: 1},
		"stored, saved":      {path: "/?save=1", count: 7, status: 500, body: brokenBody, cookie: true, read: 8},
		"new, informed":      {path: "/?inform=1", status: 500, body: brokenBody},
		"informed, saved":    {path: "/?inform=1&save=1", count: 7, status: 500, body: brokenBody, cookie: true, read: 8},
		"new, written":       {path: "/?write=1", status: 200, body: page, cookie: true, read: 1},
		"stored, written":    {path: "/?write=1", count: 7, status: 200, body: page, cookie: true, read: 8},
		"saved, and written": {path: "/?save=1&write=1", count: 7, status: 200, body: page, cookie: true, read: 99},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, w := range []struct {
				name  string
				inner []echo.MiddlewareFunc
			}{
				{"", nil},
				{"through gzip", []echo.MiddlewareFunc{middleware.Gzip()}},
				{"through another response", []echo.MiddlewareFunc{echo.WrapMiddleware(func(next http.Handler) http.Handler { return next })}},
			} {
				t.Run(w.name, func(t *testing.T) {
					t.Parallel()
					s := serveResponses(t, echoadapter.Config[visits]{}, recovering(), w.inner)
					s.e.GET("/", panicking)
					var token string
					if tt.count > 0 {
						token = s.token(tt.count)
					}
					got := s.get(tt.path, token)
					got.expect(t, tt.status, tt.body)
					if tt.cookie {
						token = got.expectToken(t)
					} else {
						got.expectNoCookie(t)
					}
					if token == "" {
						s.expectRecords(0)
					} else {
						s.expectRead(token, tt.read)
						s.expectRecords(1)
					}
				})
			}
		})
	}
}

// Recover inside makes an error page of a panic before the middleware could see
// it: that is a response like any other, whose cookie has its record.
func TestResponseOfAPanicRecoveredInside(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{"/": 1, "/?save=1": 99} {
		for _, fault := range []error{nil, session.ErrUnavailable} {
			t.Run(path, func(t *testing.T) {
				t.Parallel()
				s := serveResponses(t, echoadapter.Config[visits]{}, nil, recovering())
				s.e.GET("/", panicking)
				s.store.fail("create", fault)
				got := s.get(path, "")
				if fault != nil {
					got.expect(t, http.StatusServiceUnavailable, downBody)
					got.expectNoCookie(t)
					s.expectRecords(0)
					return
				}
				got.expect(t, http.StatusInternalServerError, brokenBody)
				s.expectRead(got.expectToken(t), want)
				s.expectRecords(1)
			})
		}
	}
}

// The session of a request that panicked is over: what it left cannot reach
// another one.
func TestSessionAfterAPanic(t *testing.T) {
	t.Parallel()
	s := serveResponses(t, echoadapter.Config[visits]{}, recovering(), nil)
	kept := make(chan *session.Session[visits], 1)
	s.e.GET("/", func(c echo.Context) error {
		v, err := session.Get[visits](c)
		if err != nil {
			return err
		}
		v.Data.Count++
		kept <- v
		panic(http.ErrHandlerTimeout)
	})
	s.get("/", s.token(7)).expect(t, http.StatusInternalServerError, brokenBody)
	v := <-kept
	if err := v.Save(t.Context()); err == nil {
		t.Error("Save after the panic returned nil, expected an error")
	}
	if got := s.store.take(); len(got) != 1 || got[0] != "load" {
		t.Errorf("calls of the store: %q, expected one load", got)
	}
}
