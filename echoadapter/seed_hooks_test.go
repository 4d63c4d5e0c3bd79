package echoadapter_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

func isGone(err error) bool { return errors.Is(err, session.ErrGone) }

// meddle calls from within a hook all that could wait for the hook itself.
func meddle(t *testing.T, c echo.Context, v *session.Session[visits]) {
	if again, err := session.Get[visits](c); v != nil && (err != nil || again != v) {
		t.Errorf("Get in a hook: %p, %v, expected the hook's session %p", again, err, v)
	}
	session.Peek[visits](c)
	session.FromContext[visits](c.Request().Context())
	if v == nil {
		return
	}
	ctx := c.Request().Context()
	for name, call := range map[string]func() error{
		"Save":   func() error { return v.Save(ctx) },
		"Reload": func() error { return v.Reload(ctx) },
		"Update": func() error { return v.Update(ctx, func(*visits) error { return nil }) },
	} {
		if err := call(); err == nil {
			t.Errorf("%s in a hook: no error, expected one", name)
		}
	}
	_, _, _, _, _ = v.ID(), v.Token(), v.IsNew(), v.CreatedAt(), v.ExpiresAt()
}

// soon fetches path; a response that does not come means a deadlock.
func (b *browser) soon(path string) reply {
	b.site.t.Helper()
	select {
	case r := <-b.start(path):
		if r.err != nil {
			b.site.t.Fatalf("GET %s: %v", path, r.err)
		}
		return r.reply
	case <-time.After(20 * time.Second):
		b.site.t.Fatalf("GET %s: no response in 20 s, expected that no hook waits for itself", path)
		return reply{}
	}
}

func TestHooksNeverWaitForThemselves(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		cfg := echoadapter.Config[visits]{Defer: deferred, InContext: true,
			Valid: func(c echo.Context, v *session.Session[visits]) (bool, error) {
				meddle(t, c, v)
				return v.Data.Name != "invalid", nil
			},
			BeforeSave: func(c echo.Context, v *session.Session[visits]) error { meddle(t, c, v); return nil },
			ErrorHandler: func(c echo.Context, _ session.Op, _ error) error {
				meddle(t, c, nil)
				return teapot
			},
		}
		// In process: a server would wait for a request that is deadlocked.
		s := openInBubble(t, cfg)
		s.on("/save", func(c echo.Context, v *session.Session[visits]) error {
			v.Data.Count++
			return v.Save(c.Request().Context())
		})
		s.on("/update", func(c echo.Context, v *session.Session[visits]) error {
			return v.Update(c.Request().Context(), func(d *visits) error {
				if err := v.Save(c.Request().Context()); err == nil {
					t.Error("Save in the function of an Update: no error, expected one")
				}
				d.Count++
				return nil
			})
		})
		s.on("/spoil", func(_ echo.Context, v *session.Session[visits]) error { v.Data.Name = "invalid"; return nil })

		b := s.browser()
		b.soon("/count").expect(t, http.StatusOK, "1")
		b.soon("/count").expect(t, http.StatusOK, "2")
		b.soon("/save").expect(t, http.StatusOK, "3")
		b.soon("/update").expect(t, http.StatusOK, "4")
		for op, path := range map[string]string{"load": "/read", "update": "/count", "delete": "/remove"} {
			s.store.fail(op, errBroken)
			b.soon(path).expect(t, http.StatusTeapot, teapotBody)
			s.store.heal()
		}
		b.soon("/spoil").expect(t, http.StatusOK, "4")
		b.soon("/count").expect(t, http.StatusOK, "1")
		b.soon("/remove").expectClearing(t)
	})
}

func TestErrorOfASessionCallInAHookIsNoHarm(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		s := openInBubble(t, echoadapter.Config[visits]{Defer: deferred,
			BeforeSave: func(c echo.Context, v *session.Session[visits]) error { return v.Save(c.Request().Context()) },
		})
		r := s.browser().soon("/count")
		r.expect(t, http.StatusInternalServerError, brokenBody)
		r.expectNoCookie(t)
		s.expectCalls()
	})
}
