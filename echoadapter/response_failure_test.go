package echoadapter_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// handlerHeader is what a handler said of its own body and outcome: wrong on
// an error page.
var handlerHeader = http.Header{
	"Cache-Control":       {"public, max-age=60"},
	"Content-Disposition": {`attachment; filename="page.txt"`},
	"Content-Encoding":    {"br"},
	"Content-Length":      {"3"},
	"Content-Range":       {"bytes 0-2/3"},
	"Content-Type":        {"application/pdf"},
	"Etag":                {`"page"`},
	"Last-Modified":       {"Thu, 01 Jan 2026 00:00:00 GMT"},
	"Location":            {"/elsewhere"},
}

// expectErrorAlone fails where anything of a handler's response is left.
func (r response) expectErrorAlone(t *testing.T, status int, body string, outer http.Header) {
	t.Helper()
	r.expect(t, status, body)
	r.expectNoCookie(t)
	for field := range handlerHeader {
		switch got := r.header.Values(field); field {
		case "Content-Type":
			if body != "" && !strings.HasPrefix(r.header.Get(field), "application/json") {
				t.Errorf("the error page has the Content-Type %q, expected JSON", got)
			} else if body == "" && len(got) != 0 {
				t.Errorf("the error page without a body has the Content-Type %q, expected none", got)
			}
		case "Content-Length":
			if slices.Equal(got, handlerHeader[field]) { // the client compared others with the body
				t.Errorf("the error page has the Content-Length %q of the handler", got)
			}
		case "Content-Encoding":
			if len(got) != 0 && (len(got) != 1 || got[0] != "gzip") { // which was decoded
				t.Errorf("the error page has the Content-Encoding %q, expected none of the handler's", got)
			}
		default:
			r.expectHeader(t, field, outer[field]...)
		}
	}
}

// Whatever way the response would have left, a commit that fails leaves the
// error's alone.
func TestResponseOfAFailedCommit(t *testing.T) {
	t.Parallel()
	faults := []struct {
		err    error
		status int
		body   string
	}{
		{session.ErrUnavailable, http.StatusServiceUnavailable, downBody},
		{session.ErrTooLarge, http.StatusInternalServerError, brokenBody},
	}
	for _, w := range append(waysOut(t), waysAround()...) {
		for _, count := range []int{0, 7} {
			for _, fault := range faults {
				t.Run(fmt.Sprintf("%s/count=%d/status=%d", w.name, count, fault.status), func(t *testing.T) {
					t.Parallel()
					s := w.site(t, echoadapter.Config[visits]{}, func(h http.Header) {
						if !w.own {
							maps.Copy(h, handlerHeader)
						}
					})
					var token string
					if count > 0 {
						token = s.token(count)
					}
					s.store.fail("create", fault.err)
					s.store.fail("update", fault.err)
					got := w.send(s, token)
					if w.own {
						got.expect(t, w.status, w.body)
						got.expectNoCookie(t)
					} else {
						body := fault.body
						if w.method == http.MethodHead {
							body = ""
						}
						got.expectErrorAlone(t, fault.status, body, nil)
					}
					s.expectEvents(session.EventError, 1)
					if count > 0 {
						s.expectRead(token, count)
					} else {
						s.expectRecords(0)
					}
				})
			}
		}
	}
}

// What an outer middleware said stays, also where the handler said otherwise.
func TestResponseOfAFailedCommitKeepsTheOuterHeader(t *testing.T) {
	t.Parallel()
	for name, outer := range map[string]http.Header{
		"other fields":    {"Vary": {"Accept-Encoding"}, "X-Request-Id": {"1"}, "Set-Cookie": {"other=1"}},
		"the same fields": {"Cache-Control": {"private", "max-age=1"}, "Last-Modified": {"never"}, "Location": {"/outer"}},
	} {
		for path, respond := range map[string]echo.HandlerFunc{"page": pageAs(http.StatusOK), "nothing": silence, "hijack": hijackWith("")} {
			t.Run(name+"/"+path, func(t *testing.T) {
				t.Parallel()
				s := serveResponses(t, echoadapter.Config[visits]{}, []echo.MiddlewareFunc{saying(outer)}, nil)
				s.store.fail("update", session.ErrUnavailable)
				s.on("/", func(c echo.Context) error { return saying(handlerHeader)(respond)(c) })
				got := s.get("/", s.token(7))
				got.expectErrorAlone(t, http.StatusServiceUnavailable, downBody, outer)
				for field, lines := range outer {
					if field == "Vary" {
						lines = append(lines, "Cookie")
					}
					got.expectHeader(t, field, lines...)
				}
			})
		}
	}
}

// saying is a middleware that sets the header.
func saying(header http.Header) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			for field, lines := range header {
				c.Response().Header()[field] = append([]string(nil), lines...)
			}
			return next(c)
		}
	}
}

// An answer of nil lets the handler's response go out as it is.
func TestResponseOfAFailedCommitThatIsWavedThrough(t *testing.T) {
	t.Parallel()
	for _, w := range append(waysOut(t), waysAround()...) {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			asked := new(complaints)
			s := w.site(t, echoadapter.Config[visits]{ErrorHandler: asked.handle}, func(http.Header) {})
			token := s.token(7)
			s.store.fail("update", session.ErrUnavailable)
			got := w.send(s, token)
			got.expect(t, max(w.status, http.StatusOK), w.body)
			got.expectNoCookie(t)
			asked.expect(t, session.OpSave)
			s.expectRead(token, 7)
		})
	}
}

// An application's own error handler finds the cause in what it is given.
func TestResponseOfAFailedCommitHasTheCause(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]error{"unavailable": session.ErrUnavailable, "too large": session.ErrTooLarge, "unknown": errBroken} {
		for path, respond := range map[string]echo.HandlerFunc{"page": pageAs(http.StatusOK), "nothing": silence} {
			t.Run(name+"/"+path, func(t *testing.T) {
				t.Parallel()
				s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
				s.store.fail("create", cause)
				s.on("/", respond)
				s.e.HTTPErrorHandler = func(err error, c echo.Context) {
					status := http.StatusInternalServerError
					if he, ok := errors.AsType[*echo.HTTPError](err); ok && errors.Is(err, cause) {
						status = 599
						if he.Code == http.StatusServiceUnavailable {
							status = 598
						}
					}
					_ = c.String(status, "the error page")
				}
				want := 599
				if errors.Is(cause, session.ErrUnavailable) {
					want = 598
				}
				s.get("/", "").expect(t, want, "the error page")
			})
		}
	}
}
