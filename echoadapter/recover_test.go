package echoadapter_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// recovering is Echo's Recover. It answers with an error page at once.
var recovering = middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true})

// panicking saves or writes if it is asked to, changes more, and panics.
func panicking(saves, writes bool) echo.HandlerFunc {
	return counting(func(c echo.Context) error {
		v, err := session.Get[visits](c)
		if err != nil {
			return err
		}
		if saves {
			if err := v.Save(c.Request().Context()); err != nil {
				return err
			}
			v.Data.Count = 99
		}
		if writes {
			if err := c.String(http.StatusOK, page); err != nil {
				return err
			}
			v.Data.Count = 99
		}
		panic("at the disco")
	})
}

// Recover outside sees the panic after the middleware: nothing is saved.
func TestRecoverOutside(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		saves, writes bool
		status        int
		body          string
		count         int // of the session that the cookie in the response opens; 0: there is none
	}{
		"nothing": {false, false, http.StatusInternalServerError, brokenBody, 0},
		"saved":   {true, false, http.StatusInternalServerError, brokenBody, 8},
		"written": {false, true, http.StatusOK, page, 8},
	} {
		for how, inner := range map[string][]echo.MiddlewareFunc{"": nil, "gzip": {middleware.Gzip()}, "another response": {anotherResponse}} {
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				s := open(t, []echo.MiddlewareFunc{recovering}, echoadapter.Config[visits]{}, inner...)
				s.GET("/", panicking(tt.saves, tt.writes))
				token := s.token(7)
				h := s.expect("/", token, tt.status, tt.body)
				if tt.count > 0 {
					s.expectStored(s.tokenIn(h), tt.count)
					return
				}
				if got := h["Set-Cookie"]; len(got) != 0 {
					t.Errorf("Set-Cookie is %q, expected none", got)
				}
				s.expectStored(token, 7)
			})
		}
	}
}

// If a handler panics after its commit failed, nothing of its response leaves,
// even if it wrote past Echo's Response. The error page is about the panic.
func TestRecoverOutsideAFailedCommit(t *testing.T) {
	t.Parallel()
	for _, w := range waysBelowEcho(t) {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, []echo.MiddlewareFunc{recovering}, echoadapter.Config[visits]{})
			s.GET("/", counting(func(c echo.Context) error {
				c.Response().Header().Set("Etag", `"page"`)
				_ = w.respond(c)
				panic("at the disco")
			}))
			token := s.token(7)
			s.store.err = session.ErrUnavailable
			if got := s.expect("/", token, http.StatusInternalServerError, brokenBody).Get("Etag"); got != "" {
				t.Errorf("the error page has the handler's Etag %s, expected none", got)
			}
			s.expectStored(token, 7)
		})
	}
}

// Recover inside makes an error page of a panic before the middleware could see
// it: that is a response like any other, whose cookie has its record.
func TestRecoverInside(t *testing.T) {
	t.Parallel()
	for saves, want := range map[bool]int{false: 1, true: 99} {
		for _, fault := range []error{nil, session.ErrUnavailable} {
			t.Run(fmt.Sprintf("saves=%t/fault=%t", saves, fault != nil), func(t *testing.T) {
				t.Parallel()
				s := open(t, nil, echoadapter.Config[visits]{}, recovering)
				s.GET("/", panicking(saves, false))
				s.store.err = fault
				if fault != nil {
					if got := s.expect("/", "", http.StatusServiceUnavailable, downBody)["Set-Cookie"]; len(got) != 0 {
						t.Errorf("Set-Cookie is %q, expected none", got)
					}
					return
				}
				s.expectStored(s.tokenIn(s.expect("/", "", http.StatusInternalServerError, brokenBody)), want)
			})
		}
	}
}
