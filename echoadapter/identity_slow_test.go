package echoadapter_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// userSite is a site whose visitors have names, and can sign in and out.
func userSite(t *testing.T, cfg echoadapter.Config[visits]) *site {
	t.Helper()
	cfg.Session.User = func(v *visits) string { return v.Name }
	cfg.Session.Store = newBackend(t) // not recorded, which would hide its UserStore
	s := openWithClock(t, cfg)
	s.on("/login", func(_ echo.Context, v *session.Session[visits]) error { v.Data.Name = "ada"; return nil })
	s.on("/sign-out", func(_ echo.Context, v *session.Session[visits]) error { v.Data.Name = ""; return nil })
	s.on("/renew", func(_ echo.Context, v *session.Session[visits]) error { v.Renew(); return nil })
	s.on("/login-anew", func(_ echo.Context, v *session.Session[visits]) error {
		v.Regenerate()
		v.Data.Name = "ada"
		return nil
	})
	return s
}

// slowHandlers are what a slow request does to its session when it goes on. They
// return the error that the library gave them.
var slowHandlers = map[string]func(echo.Context, *session.Session[visits]) error{
	"a change": func(_ echo.Context, v *session.Session[visits]) error { v.Data.Count = 99; return session.ErrGone },
	"a touch":  func(echo.Context, *session.Session[visits]) error { return session.ErrGone },
	"Save": func(c echo.Context, v *session.Session[visits]) error {
		v.Data.Count = 99
		return v.Save(c.Request().Context())
	},
	"SetMaxAge": func(_ echo.Context, v *session.Session[visits]) error { v.SetMaxAge(time.Hour); return session.ErrGone },
	"Renew":     func(_ echo.Context, v *session.Session[visits]) error { v.Renew(); return session.ErrGone },
	"Destroy":   func(_ echo.Context, v *session.Session[visits]) error { v.Destroy(); return session.ErrGone },
	"Regenerate": func(_ echo.Context, v *session.Session[visits]) error {
		v.Regenerate()
		v.Data.Count = 99
		return session.ErrGone
	},
	"Regenerate, left empty": func(_ echo.Context, v *session.Session[visits]) error { v.Regenerate(); return session.ErrGone },
	"Update": func(c echo.Context, v *session.Session[visits]) error {
		return v.Update(c.Request().Context(), func(d *visits) error { d.Count++; return nil })
	},
}

// A request with the old token is held in its handler while the session changes
// hands. It changes nothing of what is there when it goes on, does not disturb
// the cookie, and is no error.
func TestSlowRequestWhileTheSessionChangesHands(t *testing.T) {
	t.Parallel()
	for what, meanwhile := range map[string]struct {
		user string // whose session it is at first
		do   func(s *site, b *browser)
	}{
		"log-in":             {"", func(s *site, b *browser) { b.get("/login").expectCookie(s.t) }},
		"log-in, Regenerate": {"", func(s *site, b *browser) { b.get("/login-anew").expectCookie(s.t) }},
		"step-up":            {"ada", func(s *site, b *browser) { b.get("/renew").expectCookie(s.t) }},
		"signing out":        {"ada", func(s *site, b *browser) { b.get("/sign-out").expectCookie(s.t) }},
		"log-out":            {"ada", func(s *site, b *browser) { b.get("/remove").expectClearing(s.t) }},
		"log-out, log-in": {"ada", func(s *site, b *browser) {
			b.get("/remove").expectClearing(s.t)
			b.get("/login").expectCookie(s.t)
		}},
		"DeleteUser": {"ada", func(s *site, b *browser) {
			if n, err := s.manager.DeleteUser(s.t.Context(), "ada"); n != 1 || err != nil {
				s.t.Errorf("DeleteUser: %d, %v, expected 1", n, err)
			}
		}},
		"DeleteOthers": {"ada", func(s *site, b *browser) {
			other := s.browser()
			other.get("/login").expectCookie(s.t)
			if n, err := s.manager.DeleteOthers(s.t.Context(), "ada", other.id()); n != 1 || err != nil {
				s.t.Errorf("DeleteOthers: %d, %v, expected 1", n, err)
			}
			other.get("/count").expect(s.t, http.StatusOK, "1")
		}},
	} {
		for how, act := range slowHandlers {
			t.Run(what+"/"+how, func(t *testing.T) {
				eachMode(t, func(t *testing.T, deferred bool) {
					withClock(t, func(t *testing.T) {
						s := userSite(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{Rolling: true, TouchAfter: -1}})
						held := s.hold("/slow", onlyRead, func(c echo.Context, v *session.Session[visits]) error {
							if err := act(c, v); !isGone(err) {
								t.Errorf("%s: %v, expected ErrGone", how, err)
							}
							return nil
						})
						b := s.returning()
						if meanwhile.user != "" {
							b.get("/login").expectCookie(t)
						}
						held.begin(s.browserWith(b.token()), "/slow")
						s.pass(time.Second)
						meanwhile.do(s, b)
						s.pass(time.Second)
						id, token, records := b.id(), b.token(), s.records()
						before, live := s.stored(id)
						r := held.end(t)
						r.expectStatus(t, http.StatusOK)
						r.expectNoCookie(t)
						after, still := s.stored(id)
						if still != live || encoded(t, after.Data) != encoded(t, before.Data) || after.User != before.User ||
							!after.ExpiresAt.Equal(before.ExpiresAt) || !after.AuthenticatedAt.Equal(before.AuthenticatedAt) {
							t.Errorf("the session became %t %+v, expected it as before, %t %+v", still, after, live, before)
						}
						if s.records() != records {
							t.Errorf("the store has %d records, expected %d", s.records(), records)
						}
						if token == "" || !live {
							return
						}
						s.browserWith(token).get("/read").expectStatus(t, http.StatusOK)
						if got, _ := s.stored(id); got.ExpiresAt.Equal(before.ExpiresAt) {
							t.Error("the client's token opens nothing any more")
						}
					})
				})
			})
		}
	}
}

// The other way round: what a superseded token sends after the log-in, with the
// grace and after it.
func TestOldTokenAfterALogIn(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		withClock(t, func(t *testing.T) {
			s := userSite(t, echoadapter.Config[visits]{Defer: deferred})
			b := s.returning()
			old := b.token()
			b.get("/login").expectCookie(t)
			for _, path := range []string{"/count", "/read", "/remove", "/renew", "/login", "/login-anew"} {
				late := s.browserWith(old)
				late.get(path).expectNoCookie(t)
				if late.token() != old {
					t.Errorf("GET %s with the old token gave the browser %q", path, late.token())
				}
			}
			s.expectStored(b.id(), visits{Count: 1, Name: "ada"})
			if mongoURI != "" {
				return // how long the grace lasts is in meta, and passes only by itself
			}
			s.pass(30 * time.Second)
			late := s.browserWith(old)
			late.get("/count").expectCookie(t) // it is a stranger's now
			if late.id() == b.id() {
				t.Errorf("the old token opens the session %s after the grace", b.id())
			}
			s.expectStored(b.id(), visits{Count: 1, Name: "ada"})
			b.get("/count").expect(t, http.StatusOK, "2")
		})
	})
}
