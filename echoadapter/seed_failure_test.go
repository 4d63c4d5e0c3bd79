package echoadapter_test

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// complaints is an ErrorHandler that remembers what it was asked about.
type complaints struct {
	answer error

	mu  sync.Mutex
	ops []session.Op
}

func (c *complaints) handle(_ echo.Context, op session.Op, _ error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ops = append(c.ops, op)
	return c.answer
}

func (c *complaints) expect(t *testing.T, want ...session.Op) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.ops, want) {
		t.Errorf("ErrorHandler was asked about %q, expected %q", c.ops, want)
	}
	c.ops = nil
}

var teapot = echo.NewHTTPError(http.StatusTeapot, "short and stout")

const (
	teapotBody = `{"message":"short and stout"}` + "\n"
	brokenBody = `{"message":"Internal Server Error"}` + "\n"
	downBody   = `{"message":"Service Unavailable"}` + "\n"
)

// failing counts and then fails.
func (s *site) failing(path string, err error) {
	s.on(path, func(_ echo.Context, v *session.Session[visits]) error { v.Data.Count++; return err })
}

var failureBehaviours = []behaviour{
	{"a handler that fails is answered with 500, its cookie is there and its data saved", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.failing("/fail", errBroken)
		b := s.browser()
		r := b.get("/fail")
		r.expect(t, http.StatusInternalServerError, brokenBody)
		r.expectCookie(t)
		s.expectStored(b.id(), visits{Count: 1})
		b.get("/fail").expectStatus(t, http.StatusInternalServerError)
		b.get("/count").expect(t, http.StatusOK, "3")
	}},
	{"a handler that panics saves nothing", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.echo.Pre(middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true}))
		s.on("/panic", func(_ echo.Context, v *session.Session[visits]) error {
			v.Data.Count = 50
			panic("at the disco")
		})
		b := s.returning()
		r := b.get("/panic")
		r.expectStatus(t, http.StatusInternalServerError)
		r.expectNoCookie(t)
		s.expectStored(b.id(), visits{Count: 1})
	}},
	{"a failed save is reported, and nobody gets a cookie", func(t *testing.T, deferred bool) {
		for op, path := range map[string]string{"create": "/count", "update": "/count"} {
			told := &complaints{answer: teapot}
			s := open(t, echoadapter.Config[visits]{Defer: deferred, ErrorHandler: told.handle})
			b, records := s.browser(), 0
			if op == "update" {
				b, records = s.returning(), 1
			}
			s.store.fail(op, errBroken)
			r := b.get(path)
			r.expect(t, http.StatusTeapot, teapotBody)
			r.expectNoCookie(t)
			told.expect(t, session.OpSave)
			s.expectEvents(session.EventError, 1)
			if n := s.records(); n != records {
				t.Errorf("after a failed %s the store has %d records, expected %d", op, n, records)
			}
		}
	}},
	{"a failed removal is reported, and the cookie stays", func(t *testing.T, deferred bool) {
		told := &complaints{answer: teapot}
		s := open(t, echoadapter.Config[visits]{Defer: deferred, ErrorHandler: told.handle})
		b := s.returning()
		s.store.fail("delete", errBroken)
		r := b.get("/remove")
		r.expect(t, http.StatusTeapot, teapotBody)
		r.expectNoCookie(t)
		told.expect(t, session.OpDestroy)
		s.store.heal()
		b.get("/count").expect(t, http.StatusOK, "2")
	}},
	{"where handler and save fail the handler's error wins, and the save's is reported", func(t *testing.T, deferred bool) {
		told := &complaints{answer: errBroken}
		s := open(t, echoadapter.Config[visits]{Defer: deferred, ErrorHandler: told.handle})
		s.failing("/fail", teapot)
		b := s.returning()
		s.store.fail("update", errBroken)
		r := b.get("/fail")
		r.expect(t, http.StatusTeapot, teapotBody)
		r.expectNoCookie(t)
		told.expect(t, session.OpSave)
		s.expectEvents(session.EventError, 1)
		s.expectStored(b.id(), visits{Count: 1})
	}},
	{"by default an error of the store is a 500, one that cannot be reached a 503", func(t *testing.T, deferred bool) {
		for _, row := range []struct {
			err    error
			status int
			body   string
		}{
			{errBroken, http.StatusInternalServerError, brokenBody},
			{errDown, http.StatusServiceUnavailable, downBody},
		} {
			for op, path := range map[string]string{"load": "/read", "update": "/count", "delete": "/remove"} {
				s := open(t, echoadapter.Config[visits]{Defer: deferred})
				b := s.returning()
				s.store.fail(op, row.err)
				r := b.get(path)
				r.expect(t, row.status, row.body)
				r.expectNoCookie(t)
			}
		}
	}},
	{"the default answer has the cause inside", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		var got error
		s.echo.HTTPErrorHandler = func(err error, c echo.Context) {
			got = err
			s.echo.DefaultHTTPErrorHandler(err, c)
		}
		b := s.returning()
		s.store.fail("update", errDown)
		b.get("/count").expectStatus(t, http.StatusServiceUnavailable)
		if !errors.Is(got, session.ErrUnavailable) || !errors.Is(got, errDown) {
			t.Errorf("Echo was given %v, expected an error that wraps the store's", got)
		}
	}},
	{"a failed save that is waved through sends the response, and the change is lost", func(t *testing.T, deferred bool) {
		told := new(complaints)
		s := open(t, echoadapter.Config[visits]{Defer: deferred, ErrorHandler: told.handle})
		b := s.returning()
		s.store.fail("update", errBroken)
		r := b.get("/count")
		r.expect(t, http.StatusOK, "2")
		r.expectNoCookie(t)
		told.expect(t, session.OpSave)
		s.store.heal()
		b.get("/count").expect(t, http.StatusOK, "2")
	}},
	{"an error of Save that the handler returns is answered like one of the commit", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		calls := map[string]func(echo.Context, *session.Session[visits]) error{
			"/save": func(c echo.Context, v *session.Session[visits]) error { return v.Save(c.Request().Context()) },
			"/update": func(c echo.Context, v *session.Session[visits]) error {
				return v.Update(c.Request().Context(), func(d *visits) error { d.Count++; return nil })
			},
			"/reload": func(c echo.Context, v *session.Session[visits]) error {
				s.store.fail("load", errDown)
				return v.Reload(c.Request().Context())
			},
		}
		for path, call := range calls {
			s.on(path, call)
		}
		b := s.returning()
		for path := range calls {
			s.store.heal()
			s.store.fail("update", errDown)
			r := b.get(path)
			r.expect(t, http.StatusServiceUnavailable, downBody)
			r.expectNoCookie(t)
		}
	}},
}
