package echoadapter_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

const day = 24 * time.Hour

// overTime is a behaviour that takes time. cfg has the sessions' settings.
func overTime(name string, cfg session.Config[visits], run func(t *testing.T, s *site)) behaviour {
	return behaviour{name, func(t *testing.T, deferred bool) {
		withClock(t, func(t *testing.T) {
			s := openWithClock(t, echoadapter.Config[visits]{Defer: deferred, Session: cfg})
			s.on("/remember", func(_ echo.Context, v *session.Session[visits]) error { v.SetMaxAge(30 * day); return nil })
			s.on("/brief", func(_ echo.Context, v *session.Session[visits]) error { v.SetMaxAge(time.Minute); return nil })
			s.on("/forget", func(_ echo.Context, v *session.Session[visits]) error { v.SetMaxAge(0); return nil })
			s.on("/unsaved", func(c echo.Context, v *session.Session[visits]) error {
				v.SetSave(session.SaveNever)
				if v.IsNew() {
					return c.String(http.StatusOK, "unknown")
				}
				return c.String(http.StatusOK, "known")
			})
			run(t, s)
		})
	}}
}

// expectLife fails unless the session of token is live for exactly d more.
func (s *site) expectLife(token string, d time.Duration) {
	s.t.Helper()
	s.pass(d - precision())
	s.browserWith(token).get("/unsaved").expect(s.t, http.StatusOK, "known")
	s.pass(precision())
	s.browserWith(token).get("/unsaved").expect(s.t, http.StatusOK, "unknown")
}

func (s *site) expectCookieAge(r reply, want time.Duration) {
	s.t.Helper()
	if got := time.Duration(r.expectCookie(s.t).MaxAge) * time.Second; got != want {
		s.t.Errorf("GET %s: the cookie lives for %v, expected %v", r.path, got, want)
	}
}

var lifetimeBehaviours = []behaviour{
	overTime("a session ends with its age, by the store's word and not the cookie's", session.Config[visits]{MaxAge: time.Hour}, func(t *testing.T, s *site) {
		b := s.returning()
		s.expectLife(b.token(), time.Hour)
	}),
	overTime("every save starts the age again", session.Config[visits]{MaxAge: time.Hour}, func(t *testing.T, s *site) {
		b := s.returning()
		for range 5 {
			s.pass(50 * time.Minute)
			s.expectCookieAge(b.get("/count"), time.Hour)
		}
		s.expectLife(b.token(), time.Hour)
	}),
	overTime("use alone does not extend", session.Config[visits]{MaxAge: time.Hour}, func(t *testing.T, s *site) {
		b := s.returning()
		s.pass(50 * time.Minute)
		b.get("/read").expectNoCookie(t)
		s.expectCalls("load")
		s.expectLife(b.token(), 10*time.Minute)
	}),
	overTime("an age of its own is stored with the session, and is a change", session.Config[visits]{MaxAge: time.Hour}, func(t *testing.T, s *site) {
		b := s.returning()
		s.expectCookieAge(b.get("/remember"), 30*day)
		s.expectCalls("load", "update")
		b.get("/remember").expectNoCookie(t)
		s.expectCalls("load") // it has that age already
		s.pass(20 * day)
		s.expectCookieAge(b.get("/count"), 30*day)
		s.expectLife(b.token(), 30*day)
	}),
	overTime("an age of its own wins over a longer configured one", session.Config[visits]{MaxAge: time.Hour}, func(t *testing.T, s *site) {
		b := s.returning()
		s.expectCookieAge(b.get("/brief"), time.Minute)
		s.expectLife(b.token(), time.Minute)
	}),
	overTime("an age taken back is the configured one again", session.Config[visits]{MaxAge: time.Hour}, func(t *testing.T, s *site) {
		b := s.returning()
		b.get("/remember")
		s.expectCookieAge(b.get("/forget"), time.Hour)
		s.expectLife(b.token(), time.Hour)
	}),
	overTime("an age alone does not make a new session worth storing", session.Config[visits]{}, func(t *testing.T, s *site) {
		s.browser().get("/remember").expectNoCookie(t)
		s.expectCalls()
	}),
	overTime("a regenerated session has the configured age", session.Config[visits]{MaxAge: time.Hour}, func(t *testing.T, s *site) {
		s.on("/regenerate", func(_ echo.Context, v *session.Session[visits]) error {
			v.Regenerate()
			v.Data.Count = 7
			return nil
		})
		b := s.returning()
		b.get("/remember")
		s.expectCookieAge(b.get("/regenerate"), time.Hour)
		s.expectLife(b.token(), time.Hour)
	}),
	overTime("a cookie that ends with the browser does not make the record live for ever", session.Config[visits]{
		MaxAge: time.Hour, Cookie: session.Cookie{BrowserSession: true},
	}, func(t *testing.T, s *site) {
		b := s.browser()
		s.expectCookieAge(b.get("/count"), 0)
		s.expectLife(b.token(), time.Hour)
	}),
	overTime("a session with an age of its own outlives the browser", session.Config[visits]{
		MaxAge: time.Hour, Cookie: session.Cookie{BrowserSession: true},
	}, func(t *testing.T, s *site) {
		b := s.returning()
		s.expectCookieAge(b.get("/remember"), 30*day)
		s.expectLife(b.token(), 30*day)
	}),
}
