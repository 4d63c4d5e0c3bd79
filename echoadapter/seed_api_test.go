package echoadapter_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

type (
	config   = echoadapter.Config[visits]
	sessions = session.Config[visits]
	visit    = session.Session[visits]
)

// apiRow is a name in the API of the seed, the name of ours, and a use of it.
type apiRow struct {
	seed, ours string
	cfg        config
	use        func(t *testing.T, s *site)
}

// seedAPI has every option and every name that a handler had in the middleware
// that this one succeeds, in the order of its README. Those of its stores are
// in kvAPI.
var seedAPI = []apiRow{
	{"key", "session.Cookie.Name", config{Session: sessions{Cookie: session.Cookie{Name: "my.sid"}}}, func(t *testing.T, s *site) {
		if c := s.browser().get("/count").expectCookie(t); c.Name != "my.sid" {
			t.Errorf("the cookie is called %s, expected my.sid", c.Name)
		}
	}},
	{"store", "session.Config.Store", config{}, func(t *testing.T, s *site) {
		s.returning().get("/count")
		s.expectCalls("load", "update") // of the store that every site here is given
	}},
	{"reconnectTimeout", "session.Config.ReconnectTimeout", config{}, func(t *testing.T, _ *site) {
		store := newStatusStore(session.StatusConnected)
		s := openInBubble(t, config{Session: sessions{Store: store, ReconnectTimeout: time.Minute}})
		b := s.returning()
		store.disconnect()
		(<-b.start("/count")).expect(t, time.Minute, http.StatusServiceUnavailable)
	}},
	{"cookieOptions.httpOnly", "session.Cookie.ScriptReadable", config{Session: sessions{Cookie: session.Cookie{ScriptReadable: true}}}, func(t *testing.T, s *site) {
		if c := s.browser().get("/count").expectCookie(t); c.HttpOnly {
			t.Error("the cookie is HttpOnly, expected that scripts can read it")
		}
	}},
	{"cookieOptions.maxAge", "session.Config.MaxAge", config{Session: sessions{MaxAge: 2 * time.Hour}}, func(t *testing.T, s *site) {
		b := s.browser()
		s.expectCookieAge(b.get("/count"), 2*time.Hour)
		if info, _ := s.stored(b.id()); info.ExpiresAt.Sub(info.SeenAt) != 2*time.Hour {
			t.Errorf("the record lives for %v, expected 2h", info.ExpiresAt.Sub(info.SeenAt))
		}
	}},
	{"cookieOptions.overwrite", "always", config{}, func(t *testing.T, s *site) {
		s.on("/own", func(c echo.Context, v *visit) error {
			c.SetCookie(&http.Cookie{Name: cookieName, Value: "mine"})
			return increment(c, v)
		})
		if c := s.browser().get("/own").expectCookie(t); c.Value == "mine" {
			t.Error("the cookie is the handler's own, expected the session's")
		}
	}},
	{"cookieOptions.path", "session.Cookie.Path", config{Session: sessions{Cookie: session.Cookie{Path: "/app"}}}, func(t *testing.T, s *site) {
		if c := s.browser().get("/count").expectCookie(t); c.Path != "/app" {
			t.Errorf("the path of the cookie is %q, expected /app", c.Path)
		}
	}},
	{"cookieOptions.secure", "session.Cookie.Secure", config{Session: sessions{Cookie: session.Cookie{Secure: session.SecureAlways}}}, func(t *testing.T, s *site) {
		if c := s.browser().get("/count").expectCookie(t); !c.Secure {
			t.Error("the cookie is not Secure, expected it always")
		}
	}},
	{"cookieOptions.signed", "session.Config.SigningKeys", config{Session: sessions{SigningKeys: [][]byte{signingKey('a')}}}, func(t *testing.T, s *site) {
		b := s.returning()
		b.get("/count").expect(t, http.StatusOK, "2")
		s.store.take()
		s.browserWith(tampered(b.token())).get("/read").expect(t, http.StatusOK, "0")
		s.expectCalls()
	}},
	{"defer", "echoadapter.Config.Defer", config{Defer: true}, func(t *testing.T, s *site) {
		b := s.returning()
		b.get("/unused")
		s.expectCalls()
		b.get("/read")
		s.expectCalls("load")
	}},
	{"rolling", "session.Config.Rolling", config{Session: sessions{Rolling: true, TouchAfter: -1}}, func(t *testing.T, s *site) {
		b := s.returning()
		for range 3 {
			time.Sleep(time.Hour)
			s.expectCookieAge(b.get("/read"), day)
			s.expectCalls("load", "touch")
		}
	}},
	{"allowEmpty", "session.Config.AllowEmpty", config{Session: sessions{AllowEmpty: true}}, func(t *testing.T, s *site) {
		s.browser().get("/read").expectCookie(t)
		s.expectCalls("create")
	}},
	{"genSid", "session.Config.NewID", config{Session: sessions{NewID: func(context.Context) (string, error) { return "mine", nil }}}, func(t *testing.T, s *site) {
		if id := s.returning().id(); id != "mine" {
			t.Errorf("the id is %q, expected mine", id)
		}
	}},
	{"errorHandler", "echoadapter.Config.ErrorHandler", config{ErrorHandler: func(echo.Context, session.Op, error) error { return teapot }}, func(t *testing.T, s *site) {
		b := s.returning()
		for op, path := range map[string]string{"load": "/read", "update": "/count", "delete": "/remove"} {
			s.store.fail(op, errBroken)
			b.get(path).expect(t, http.StatusTeapot, teapotBody)
			s.store.heal()
		}
	}},
	{"valid", "echoadapter.Config.Valid", config{Valid: func(_ echo.Context, v *visit) (bool, error) { return v.Data.Count < 2, nil }}, func(t *testing.T, s *site) {
		b := s.returning()
		b.get("/count").expect(t, http.StatusOK, "2")
		b.get("/count").expect(t, http.StatusOK, "1")
	}},
	{"beforeSave", "echoadapter.Config.BeforeSave", config{BeforeSave: func(_ echo.Context, v *visit) error { v.Data.Name = "saved"; return nil }}, func(t *testing.T, s *site) {
		s.expectStored(s.returning().id(), visits{Count: 1, Name: "saved"})
	}},
	{"ctx.session", "session.Get, Session.Data", config{}, func(t *testing.T, s *site) {
		s.on("/name", func(_ echo.Context, v *visit) error { v.Data.Name = "Ada"; return nil })
		b := s.returning()
		b.get("/name")
		s.expectStored(b.id(), visits{Count: 1, Name: "Ada"})
	}},
	{"ctx.session = null", "Session.Destroy", config{}, func(t *testing.T, s *site) {
		b := s.returning()
		id := b.id()
		b.get("/remove").expectClearing(t)
		s.expectNotStored(id)
	}},
	{"ctx.sessionId", "Session.ID", config{}, func(t *testing.T, s *site) {
		s.on("/id", func(c echo.Context, v *visit) error { return c.String(http.StatusOK, v.ID()) })
		b := s.returning()
		b.get("/id").expect(t, http.StatusOK, b.id())
	}},
	{"ctx.sessionSave", "Session.SetSave", config{}, func(t *testing.T, s *site) {
		s.on("/never", func(c echo.Context, v *visit) error { v.SetSave(session.SaveNever); return increment(c, v) })
		s.on("/always", func(_ echo.Context, v *visit) error { v.SetSave(session.SaveAlways); return nil })
		s.on("/auto", func(c echo.Context, v *visit) error { v.SetSave(session.SaveAuto); return increment(c, v) })
		b := s.returning()
		b.get("/never").expectNoCookie(t)
		b.get("/always").expectCookie(t)
		b.get("/auto").expect(t, http.StatusOK, "2")
	}},
	{"ctx.sessionStore", "Session.Manager, Manager.Store", config{}, func(t *testing.T, s *site) {
		s.on("/store", func(_ echo.Context, v *visit) error {
			if got := v.Manager().Store(); got != session.Store(s.store) {
				t.Errorf("the store is %v, expected the configured one", got)
			}
			return nil
		})
		s.browser().get("/store").expectStatus(t, http.StatusOK)
	}},
	{"ctx.regenerateSession()", "Session.Regenerate", config{}, func(t *testing.T, s *site) {
		s.on("/regenerate", func(c echo.Context, v *visit) error { v.Regenerate(); return increment(c, v) })
		b := s.returning()
		old := b.id()
		b.get("/regenerate").expectCookie(t)
		s.expectNotStored(old)
		s.expectStored(b.id(), visits{Count: 1})
	}},
}

func TestEverythingInTheAPIOfTheSeedHasASuccessor(t *testing.T) {
	t.Parallel()
	for _, row := range seedAPI {
		t.Run(row.seed+" is "+row.ours, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { row.use(t, openInBubble(t, row.cfg)) })
		})
	}
}
