package echoadapter_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// watchedContext counts who asks for its request once that is over, when Echo
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
			s := serveResponses(t, echoadapter.Config[visits]{}, []echo.MiddlewareFunc{middleware.Recover(), watch}, nil)
			s.on("/", func(c echo.Context) error {
				kept = c.Response().Writer
				return tt.respond(c)
			})
			token := s.token(7)
			rec := httptest.NewRecorder()
			s.e.ServeHTTP(rec, s.request(http.MethodGet, "/", token))
			if rec.Code != tt.status {
				t.Errorf("the status is %d, expected %d", rec.Code, tt.status)
			}
			watched.over = true
			before, calls := rec.Body.String(), len(s.store.take())
			if calls == 0 {
				t.Error("no calls of the store, expected at least that of the load")
			}
			if n, err := kept.Write([]byte("late")); n != 4 || err != nil {
				t.Errorf("the late write returned %d, %v, expected it to be passed on", n, err)
			}
			if got := rec.Body.String(); got != before+"late" {
				t.Errorf("the body is %q, expected %q and the late write", got, before)
			}
			if watched.late != 0 {
				t.Errorf("the request was asked for %d times after its end, expected never", watched.late)
			}
			if calls := s.store.take(); len(calls) != 0 {
				t.Errorf("calls of the store after the end: %q, expected none", calls)
			}
			s.expectEvents(session.EventError, 0)
			s.expectRead(token, tt.count)
		})
	}
}
