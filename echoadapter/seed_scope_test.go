package echoadapter_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// without expects that a request has no session at all.
func without(t *testing.T) echo.HandlerFunc {
	return func(c echo.Context) error {
		if v, err := session.Get[visits](c); v != nil || !errors.Is(err, session.ErrNoSession) {
			t.Errorf("Get: %v, %v, expected ErrNoSession", v, err)
		}
		if _, err := session.Peek[visits](c); !errors.Is(err, session.ErrNoSession) {
			t.Errorf("Peek: %v, expected ErrNoSession", err)
		}
		return noContent(c)
	}
}

var scopeBehaviours = []behaviour{
	{"of two middlewares of one Manager the outer wins", func(t *testing.T, deferred bool) {
		var saves []string
		hook := func(name string) func(echo.Context, *session.Session[visits]) error {
			return func(echo.Context, *session.Session[visits]) error { saves = append(saves, name); return nil }
		}
		s := open(t, echoadapter.Config[visits]{Defer: deferred, BeforeSave: hook("outer")})
		inner := echoadapter.Middleware(echoadapter.Config[visits]{Manager: s.manager, Defer: !deferred, BeforeSave: hook("inner")})
		s.echo.GET("/nested", func(c echo.Context) error {
			v, err := session.Get[visits](c)
			if err != nil {
				return err
			}
			v.Data.Count++
			return c.String(http.StatusOK, "nested")
		}, inner)
		b := s.returning()
		r := b.get("/nested")
		r.expect(t, http.StatusOK, "nested")
		r.expectCookie(t)
		s.expectCalls("load", "update")
		if got := strings.Join(saves, " "); got != "outer outer" {
			t.Errorf("the saves were those of %q, expected the outer middleware's alone", got)
		}
	}},
	{"of two Managers of one type the error names both cookies", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		var got error
		s.echo.HTTPErrorHandler = func(err error, c echo.Context) {
			got = err
			s.echo.DefaultHTTPErrorHandler(err, c)
		}
		s.echo.GET("/nested", noContent, echoadapter.Middleware(echoadapter.Config[visits]{Defer: deferred,
			Session: session.Config[visits]{Cookie: session.Cookie{Name: "another.sid"}},
		}))
		s.browser().get("/nested").expectStatus(t, http.StatusInternalServerError)
		if got == nil || !strings.Contains(got.Error(), cookieName) || !strings.Contains(got.Error(), "another.sid") {
			t.Errorf("the error is %v, expected it to name %s and another.sid", got, cookieName)
		}
	}},
	{"sessions of two types live side by side", func(t *testing.T, deferred bool) {
		type basket struct{ Items []string }
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.echo.GET("/both", func(c echo.Context) error {
			v, err := session.Get[visits](c)
			if err != nil {
				return err
			}
			k, err := session.Get[basket](c)
			if err != nil {
				return err
			}
			v.Data.Count++
			k.Data.Items = append(k.Data.Items, "apple")
			return c.String(http.StatusOK, strings.Join(k.Data.Items, " "))
		}, echoadapter.Middleware(echoadapter.Config[basket]{Defer: deferred,
			Session: session.Config[basket]{Cookie: session.Cookie{Name: "basket.sid"}},
		}))
		b := s.browser()
		first := b.get("/both")
		first.expect(t, http.StatusOK, "apple")
		if len(first.cookies) != 2 {
			t.Errorf("the cookies are %v, expected one of each session", first.cookies)
		}
		b.get("/both").expect(t, http.StatusOK, "apple apple")
		b.get("/read").expect(t, http.StatusOK, "2")
	}},
	{"sessions of two types in one store are nothing to each other", func(t *testing.T, deferred bool) {
		type basket struct{ Count int }
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.echo.GET("/basket", func(c echo.Context) error {
			k, err := session.Get[basket](c)
			if err != nil || k.Data.Count != 0 {
				t.Errorf("the basket is %+v, %v, expected a new one", k, err)
			}
			return noContent(c)
		}, echoadapter.Middleware(echoadapter.Config[basket]{Defer: deferred,
			Session: session.Config[basket]{Store: s.store, Cookie: session.Cookie{Name: "basket.sid"}},
		}))
		b := s.returning()
		b.getWithCookie("/basket", &http.Cookie{Name: "basket.sid", Value: b.token()}).expectStatus(t, http.StatusNoContent)
		b.get("/read").expect(t, http.StatusOK, "1")
	}},
	{"the path of the cookie limits where the browser has the session", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{Cookie: session.Cookie{Path: "/app"}}})
		s.on("/app/count", func(_ echo.Context, v *session.Session[visits]) error { v.Data.Count++; return nil })
		b := s.browser()
		b.get("/app/count").expect(t, http.StatusOK, "1")
		b.get("/app/count").expect(t, http.StatusOK, "2")
		b.get("/read").expect(t, http.StatusOK, "0")
		if b.tokenAt("/app/count") == "" || b.tokenAt("/read") != "" || b.tokenAt("/apple") != "" {
			t.Errorf("the browser sends the cookie to /app/count: %t, /read: %t, /apple: %t, expected to the first alone",
				b.tokenAt("/app/count") != "", b.tokenAt("/read") != "", b.tokenAt("/apple") != "")
		}
	}},
	{"a request that is skipped has no session", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred,
			Skipper: func(c echo.Context) bool { return c.Path() == "/skipped" },
		})
		s.echo.GET("/skipped", without(t))
		b := s.returning()
		r := b.get("/skipped")
		r.expectStatus(t, http.StatusNoContent)
		r.expectNoCookie(t)
		s.expectCalls()
	}},
	{"a context below the handlers has the session", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred, InContext: true})
		s.echo.GET("/below", func(c echo.Context) error {
			v, err := session.FromContext[visits](c.Request().Context())
			if err != nil {
				return err
			}
			v.Data.Count++
			if again, err := session.Get[visits](c); err != nil || again != v {
				t.Errorf("Get: %p, %v, expected what FromContext gave, %p", again, err, v)
			}
			return noContent(c)
		})
		b := s.returning()
		b.get("/unused")
		s.store.take()
		b.get("/below").expectCookie(t)
		s.expectCalls("load", "update")
		s.expectStored(b.id(), visits{Count: 2})
	}},
}
