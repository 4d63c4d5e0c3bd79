package echoadapter_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// cookieShapes are settings, and the attributes of the cookie in answer to plain
// http on a loopback host.
var cookieShapes = []struct {
	name string
	set  session.Cookie
	want http.Cookie
}{
	{"defaults", session.Cookie{},
		http.Cookie{Name: cookieName, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}},
	{"path", session.Cookie{Path: "/app"},
		http.Cookie{Name: cookieName, Path: "/app", HttpOnly: true, SameSite: http.SameSiteLaxMode}},
	{"domain", session.Cookie{Domain: "example.test"},
		http.Cookie{Name: cookieName, Path: "/", Domain: "example.test", HttpOnly: true, SameSite: http.SameSiteLaxMode}},
	{"strict", session.Cookie{SameSite: http.SameSiteStrictMode},
		http.Cookie{Name: cookieName, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode}},
	{"readable by scripts", session.Cookie{ScriptReadable: true},
		http.Cookie{Name: cookieName, Path: "/", SameSite: http.SameSiteLaxMode}},
	{"host", session.Cookie{Secure: session.SecureAlways},
		http.Cookie{Name: "__Host-" + cookieName, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}},
	{"everything", session.Cookie{Name: "__Secure-s", Path: "/app", Domain: "example.test", Secure: session.SecureAlways, SameSite: http.SameSiteNoneMode, Partitioned: true},
		http.Cookie{Name: "__Secure-s", Path: "/app", Domain: "example.test", Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode, Partitioned: true}},
}

var cookieBehaviours = []behaviour{
	{"the cookie has the configured attributes, and the one that clears it the same", func(t *testing.T, deferred bool) {
		for _, shape := range cookieShapes {
			s := open(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{Cookie: shape.set}})
			b := s.browser()
			given := b.get("/count").expectCookie(t)
			if got := attributes(given); got != attributes(&shape.want) {
				t.Errorf("%s: the cookie is %s, expected %s", shape.name, got, attributes(&shape.want))
			}
			if given.MaxAge != 24*60*60 {
				t.Errorf("%s: the cookie lives for %d seconds, expected a day", shape.name, given.MaxAge)
			}
			cleared := b.getWithCookie("/remove", given).expectClearing(t)
			if got := attributes(cleared); got != attributes(&shape.want) {
				t.Errorf("%s: the cookie is cleared by %s, expected %s", shape.name, got, attributes(&shape.want))
			}
		}
	}},
	{"the cookie is set once, whatever the handler set before", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/own", func(c echo.Context, v *session.Session[visits]) error {
			c.SetCookie(&http.Cookie{Name: cookieName, Value: "mine"})
			c.SetCookie(&http.Cookie{Name: "other", Value: "kept"})
			v.Data.Count = 7
			return nil
		})
		b := s.browser()
		r := b.get("/own")
		if len(r.cookies) != 2 || r.cookies[0].Value != "kept" || r.cookies[1].Name != cookieName || r.cookies[1].Value == "mine" {
			t.Errorf("the cookies are %v, expected the other one and one of the session", r.cookies)
		}
		b.get("/count").expect(t, http.StatusOK, "8")
	}},
	{"saving and then removing in one request only clears", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/both", func(c echo.Context, v *session.Session[visits]) error {
			v.Data.Count = 7
			err := v.Save(c.Request().Context())
			v.Destroy()
			return err
		})
		s.browser().get("/both").expectClearing(t)
		if n := s.records(); n != 0 {
			t.Errorf("the store has %d records, expected none", n)
		}
	}},
	{"a Secure cookie goes to every host that is not loopback", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		b := s.browser()
		for _, row := range []struct {
			host   string
			secure bool
		}{{"example.test", true}, {"192.0.2.7:8080", true}, {"localhost:8080", false}, {"[::1]", false}} {
			if c := b.getFrom(row.host, "/count").expectCookie(t); c.Secure != row.secure {
				t.Errorf("host %s: the cookie's Secure is %t, expected %t", row.host, c.Secure, row.secure)
			}
		}
		s.expectEvents(session.EventInsecure, 1)
	}},
	{"two cookies of the name: the first that is live", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		b := s.returning()
		dead := &http.Cookie{Name: cookieName, Value: unknownID + "." + aSecret}
		live := &http.Cookie{Name: cookieName, Value: b.token()}
		s.browser().getWithCookie("/read", dead, live).expect(t, http.StatusOK, "1")
		s.browser().getWithCookie("/read", live, dead).expect(t, http.StatusOK, "1")
		other := s.returning()
		also := &http.Cookie{Name: cookieName, Value: other.token()}
		s.browser().getWithCookie("/read", live, also).expect(t, http.StatusOK, "1")
		s.expectEvents(session.EventDuplicate, 1)
	}},
}

// attributes is all of a cookie but its value and its age.
func attributes(c *http.Cookie) string {
	bare := *c
	bare.Value, bare.MaxAge, bare.Raw = "", 0, ""
	return bare.String()
}
