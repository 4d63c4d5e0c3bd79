package echoadapter_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

func TestHeaderCacheControl(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		handler []string
		want    []string // with a session cookie
	}{
		"none":              {nil, []string{"no-store"}},
		"public":            {[]string{"public, max-age=60"}, []string{"no-store"}},
		"max-age":           {[]string{"max-age=60"}, []string{"no-store"}},
		"no-cache":          {[]string{"no-cache"}, []string{"no-store"}},
		"two lines":         {[]string{"public", "max-age=60"}, []string{"no-store"}},
		"private":           {[]string{"private, max-age=60"}, []string{"private, max-age=60"}},
		"private, shouted":  {[]string{"max-age=60,PRIVATE"}, []string{"max-age=60,PRIVATE"}},
		"no-store":          {[]string{"no-store, no-cache"}, []string{"no-store, no-cache"}},
		"on another line":   {[]string{"max-age=60", "private"}, []string{"max-age=60", "private"}},
		"private of fields": {[]string{`private="X-A, no-store"`}, []string{"no-store"}},
		"only in a name":    {[]string{"x-private"}, []string{"no-store"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			if tt.handler != nil {
				header["Cache-Control"] = tt.handler
			}
			s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
			s.on("/change", func(c echo.Context) error { return saying(header)(pageAs(http.StatusOK))(c) })
			s.on("/nothing", func(c echo.Context) error { return saying(header)(silence)(c) })
			s.e.GET("/look", reading(func(c echo.Context) error { return saying(header)(pageAs(http.StatusOK))(c) }))
			s.on("/destroy", destroying(func(c echo.Context) error { return saying(header)(noContent)(c) }))
			for _, path := range []string{"/change", "/nothing", "/destroy"} {
				got := s.get(path, s.token(7))
				if len(got.ofSession()) != 1 {
					t.Fatalf("GET %s: Set-Cookie is %q, expected one line", path, got.header["Set-Cookie"])
				}
				got.expectHeader(t, "Cache-Control", tt.want...)
			}
			got := s.get("/look", s.token(7))
			got.expectNoCookie(t)
			got.expectHeader(t, "Cache-Control", tt.handler...)
		})
	}
}

// reading looks at the session and leaves it as it is.
func reading(respond echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if _, err := session.Get[visits](c); err != nil {
			return err
		}
		return respond(c)
	}
}

func peeking(respond echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if _, err := session.Peek[visits](c); err != nil {
			return err
		}
		return respond(c)
	}
}

func destroying(respond echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		v, err := session.Get[visits](c)
		if err != nil {
			return err
		}
		v.Destroy()
		return respond(c)
	}
}

func TestHeaderVary(t *testing.T) {
	t.Parallel()
	all := func(h http.Header) string { return strings.Join(h.Values("Vary"), ", ") }
	for _, deferred := range []bool{false, true} {
		for name, tt := range map[string]struct {
			outer, inner []echo.MiddlewareFunc
			handler      echo.HandlerFunc
			want         string
		}{
			"Get":                   {nil, nil, reading(pageAs(200)), "Cookie"},
			"Get, nothing written":  {nil, nil, reading(silence), "Cookie"},
			"Get, then an error":    {nil, nil, reading(func(echo.Context) error { return teapot }), "Cookie"},
			"Get, then a flush":     {nil, nil, reading(func(c echo.Context) error { c.Response().Flush(); return nil }), "Cookie"},
			"Peek":                  {nil, nil, peeking(pageAs(200)), "Cookie"},
			"change":                {nil, nil, counting(pageAs(200)), "Cookie"},
			"destroy":               {nil, nil, destroying(pageAs(200)), "Cookie"},
			"not asked":             {nil, nil, pageAs(200), ""},
			"not asked, nothing":    {nil, nil, silence, ""},
			"not asked, an error":   {nil, nil, func(echo.Context) error { return teapot }, ""},
			"the handler's own":     {nil, nil, reading(vary("Origin", "Accept")), "Origin, Accept, Cookie"},
			"named already":         {nil, nil, reading(vary("accept, cookie")), "accept, cookie"},
			"everything":            {nil, nil, reading(vary("*")), "*"},
			"gzip outside":          {[]echo.MiddlewareFunc{middleware.Gzip()}, nil, reading(pageAs(200)), "Accept-Encoding, Cookie"},
			"gzip inside":           {nil, []echo.MiddlewareFunc{middleware.Gzip()}, reading(pageAs(200)), "Accept-Encoding, Cookie"},
			"gzip, and not asked":   {nil, []echo.MiddlewareFunc{middleware.Gzip()}, pageAs(200), "Accept-Encoding"},
			"asked only after it":   {nil, nil, func(c echo.Context) error { _ = c.String(200, page); return reading(silence)(c) }, ""},
			"a name of another one": {nil, nil, reading(vary("X-Cookie")), "X-Cookie, Cookie"},
		} {
			for _, visitor := range []string{"new", "stored"} {
				t.Run(name+"/"+visitor, func(t *testing.T) {
					t.Parallel()
					s := serveResponses(t, echoadapter.Config[visits]{Defer: deferred}, tt.outer, tt.inner)
					s.e.GET("/", tt.handler)
					var token string
					if visitor == "stored" {
						token = s.token(7)
					}
					if got := all(s.get("/", token).header); got != tt.want {
						t.Errorf("Vary is %q with Defer %t, expected %q", got, deferred, tt.want)
					}
				})
			}
		}
	}
}

// vary is a handler that names its own.
func vary(lines ...string) echo.HandlerFunc {
	return func(c echo.Context) error {
		for _, line := range lines {
			c.Response().Header().Add("Vary", line)
		}
		return pageAs(http.StatusOK)(c)
	}
}

// One Set-Cookie of the name, with the last token, however often it was saved.
func TestHeaderSetCookieOnce(t *testing.T) {
	t.Parallel()
	for name, respond := range map[string]echo.HandlerFunc{
		"page": pageAs(http.StatusOK), "nothing": silence, "error": func(echo.Context) error { return teapot },
	} {
		for _, visitor := range []string{"new", "stored"} {
			t.Run(name+"/"+visitor, func(t *testing.T) {
				t.Parallel()
				s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
				s.e.GET("/", func(c echo.Context) error {
					v, err := session.Get[visits](c)
					if err != nil {
						return err
					}
					for range 3 {
						v.Data.Count++
						v.Renew()
						if err := v.Save(c.Request().Context()); err != nil {
							return err
						}
					}
					v.Data.Count++
					v.Renew()
					return respond(c)
				})
				var token string
				count := 4
				if visitor == "stored" {
					token, count = s.token(7), 11
				}
				s.expectRead(s.get("/", token).expectToken(t), count)
				s.expectRecords(1)
			})
		}
	}
}

// Of other cookies, of whomever, nothing is taken away.
func TestHeaderOtherCookies(t *testing.T) {
	t.Parallel()
	cookies := func(values ...string) echo.MiddlewareFunc {
		return saying(http.Header{"Set-Cookie": values})
	}
	s := serveResponses(t, echoadapter.Config[visits]{}, []echo.MiddlewareFunc{cookies("outer=1; Path=/", "echo.side=1")}, nil)
	s.on("/", func(c echo.Context) error {
		v, err := session.Get[visits](c)
		if err != nil {
			return err
		}
		if err := v.Save(c.Request().Context()); err != nil {
			return err
		}
		c.SetCookie(&http.Cookie{Name: "ECHO.SID", Value: "2"})
		c.SetCookie(&http.Cookie{Name: cookieName, Value: "stale"})
		c.Response().Header().Add("Set-Cookie", "nameless")
		return c.String(http.StatusOK, page)
	})
	got := s.get("/", "")
	token := got.expectToken(t)
	s.expectRead(token, 1)
	lines := got.header.Values("Set-Cookie")
	want := []string{"outer=1; Path=/", "echo.side=1", "ECHO.SID=2", "nameless", cookieName + "=" + token}
	if len(lines) != len(want) {
		t.Fatalf("Set-Cookie is %q, expected %q", lines, want)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("line %d of Set-Cookie is %q, expected %q", i, line, want[i])
		}
	}
}
