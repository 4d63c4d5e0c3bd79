package echoadapter_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// Failures of other libraries: when the response begins. Each of these is a
// handler, from the change of the session to its return.
var beginnings = []struct {
	name   string
	status int
	body   string
	begin  func(c echo.Context) error
}{
	{"returns without writing", http.StatusOK, "", func(echo.Context) error { return nil }},
	{"writes", http.StatusOK, "page", func(c echo.Context) error { return c.String(http.StatusOK, "page") }},
	{"writes below Echo", http.StatusOK, "page", func(c echo.Context) error {
		_, err := c.Response().Writer.Write([]byte("page"))
		return err
	}},
	{"redirects", http.StatusSeeOther, "", func(c echo.Context) error { return c.Redirect(http.StatusSeeOther, "/read") }},
	{"streams", http.StatusOK, "page", func(c echo.Context) error { return c.Stream(http.StatusOK, "text/plain", strings.NewReader("page")) }},
	{"flushes before it writes", http.StatusOK, "page", func(c echo.Context) error {
		c.Response().Flush()
		_, err := c.Response().Write([]byte("page"))
		return err
	}},
	{"flushes by the controller", http.StatusOK, "page", func(c echo.Context) error {
		if err := http.NewResponseController(c.Response()).Flush(); err != nil {
			return err
		}
		_, err := c.Response().Write([]byte("page"))
		return err
	}},
	{"flushes and returns", http.StatusOK, "", func(c echo.Context) error { c.Response().Flush(); return nil }},
	{"answers the error itself", http.StatusTeapot, teapotBody, func(c echo.Context) error { c.Error(teapot); return nil }},
}

func TestChangeBeforeTheFirstByteKeepsItsCookie(t *testing.T) {
	t.Parallel()
	for _, row := range beginnings {
		t.Run(row.name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, deferred bool) {
				s := open(t, echoadapter.Config[visits]{Defer: deferred})
				s.echo.GET("/begin", changing(row.begin))
				b := s.browser()
				for _, want := range []string{"1", "2"} {
					r := b.get("/begin")
					r.expect(t, row.status, row.body)
					r.expectCookie(t)
					b.get("/read").expect(t, http.StatusOK, want)
				}
			})
		})
	}
}

// The page of a handler whose change could not be stored would be a lie.
func TestFailedCommitIsNeverFollowedByTheHandlersBody(t *testing.T) {
	t.Parallel()
	for _, row := range beginnings {
		t.Run(row.name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, deferred bool) {
				s := open(t, echoadapter.Config[visits]{Defer: deferred})
				s.echo.GET("/begin", changing(func(c echo.Context) error {
					h := c.Response().Header()
					h.Set("ETag", `"page"`)
					h.Set("Last-Modified", "Wed, 25 Nov 2026 12:00:00 GMT")
					h.Set("Cache-Control", "public, max-age=3600")
					row.begin(c)
					c.Response().Write([]byte("more of the page")) // it does not look at errors
					return nil
				}))
				b := s.returning()
				s.store.fail("update", errDown)
				r := b.get("/begin")
				r.expect(t, http.StatusServiceUnavailable, downBody)
				r.expectNoCookie(t)
				for _, field := range []string{"ETag", "Last-Modified", "Cache-Control"} {
					if got := r.header.Get(field); got != "" {
						t.Errorf("the error page has the handler's %s: %s", field, got)
					}
				}
				s.expectStored(b.id(), visits{Count: 1})
			})
		})
	}
}

// An interim response is not the beginning of the final one.
func TestChangeAfterAnInterimResponseIsSaved(t *testing.T) {
	t.Parallel()
	for name, hint := range map[string]func(echo.Context, int){
		"by Echo":    func(c echo.Context, code int) { c.Response().WriteHeader(code) },
		"below Echo": func(c echo.Context, code int) { c.Response().Writer.WriteHeader(code) },
	} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, deferred bool) {
				s := open(t, echoadapter.Config[visits]{Defer: deferred})
				s.echo.GET("/hint", func(c echo.Context) error {
					hint(c, http.StatusEarlyHints)
					hint(c, http.StatusProcessing)
					return changing(func(c echo.Context) error {
						_, err := c.Response().Write([]byte("page"))
						return err
					})(c)
				})
				b := s.browser()
				r := b.get("/hint")
				r.expect(t, http.StatusOK, "page")
				r.expectCookie(t)
				b.get("/read").expect(t, http.StatusOK, "1")

				s.store.fail("update", errBroken)
				r = b.get("/hint")
				r.expect(t, http.StatusInternalServerError, brokenBody)
				r.expectNoCookie(t)
			})
		})
	}
}

// changing is a handler that counts, and goes on.
func changing(then echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		v, err := session.Get[visits](c)
		if err != nil {
			return err
		}
		v.Data.Count++
		return then(c)
	}
}
