package adaptertest

import (
	"net/http"
	"strings"
	"testing"
)

func TestHeaderCacheControl(t *testing.T, e env) {
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
			s := e.open(t, config{})
			s.handle("/change", counting(saying(header, pageAs(http.StatusOK))))
			s.handle("/nothing", counting(saying(header, silence)))
			s.handle("/look", reading(saying(header, pageAs(http.StatusOK))))
			s.handle("/destroy", destroying(saying(header, noContent)))
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

func TestHeaderVary(t *testing.T, e env) {
	vary := func(lines ...string) Handler {
		return saying(http.Header{"Vary": lines}, pageAs(http.StatusOK))
	}
	for name, tt := range map[string]struct {
		handler Handler
		want    string
	}{
		"Get":                   {reading(pageAs(200)), "Cookie"},
		"Get, nothing written":  {reading(silence), "Cookie"},
		"Get, then an error":    {reading(failing(e.teapot())), "Cookie"},
		"Get, then a flush":     {reading(flush), "Cookie"},
		"Peek":                  {peeking(pageAs(200)), "Cookie"},
		"change":                {counting(pageAs(200)), "Cookie"},
		"destroy":               {destroying(pageAs(200)), "Cookie"},
		"not asked":             {pageAs(200), ""},
		"not asked, nothing":    {silence, ""},
		"not asked, an error":   {failing(e.teapot()), ""},
		"the handler's own":     {reading(vary("Origin", "Accept")), "Origin, Accept, Cookie"},
		"named already":         {reading(vary("accept, cookie")), "accept, cookie"},
		"everything":            {reading(vary("*")), "*"},
		"asked only after it":   {func(c Context) error { _ = pageAs(200)(c); return reading(silence)(c) }, ""},
		"a name of another one": {reading(vary("X-Cookie")), "X-Cookie, Cookie"},
	} {
		for _, count := range []int{0, 7} {
			t.Run(visitor(name, count), func(t *testing.T) {
				t.Parallel()
				s := e.open(t, config{})
				s.handle("/", tt.handler)
				r := s.get("/", s.tokenIf(count))
				if got := strings.Join(r.header.Values("Vary"), ", "); got != tt.want {
					t.Errorf("Vary is %q, expected %q", got, tt.want)
				}
			})
		}
	}
}
