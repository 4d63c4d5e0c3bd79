package echoadapter_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// A commit that fails after an explicit Save answers with the error, and with
// the cookie of what was saved: its record is there, and the old token may be
// worth nothing any more.
func TestResponseOfAFailedCommitAfterASave(t *testing.T) {
	t.Parallel()
	for name, respond := range map[string]echo.HandlerFunc{"page": pageAs(http.StatusOK), "nothing": silence, "flush": func(c echo.Context) error {
		c.Response().Flush()
		return nil
	}} {
		for _, visitor := range []string{"new", "stored"} {
			t.Run(name+"/"+visitor, func(t *testing.T) {
				t.Parallel()
				s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
				s.e.GET("/", func(c echo.Context) error {
					v, err := session.Get[visits](c)
					if err != nil {
						return err
					}
					v.Data.Count++
					v.Renew()
					if err := v.Save(c.Request().Context()); err != nil {
						return err
					}
					s.store.fail("update", session.ErrUnavailable)
					v.Data.Count = 99
					v.Renew()
					return saying(handlerHeader)(respond)(c)
				})
				var old string
				count := 1
				if visitor == "stored" {
					old, count = s.token(7), 8
				}
				got := s.get("/", old)
				got.expect(t, http.StatusServiceUnavailable, downBody)
				got.expectHeader(t, "Cache-Control", "no-store")
				got.expectHeader(t, "Etag")
				s.expectRead(got.expectToken(t), count)
				s.expectRecords(1)
			})
		}
	}
}

// A reverse proxy writes through everything that a response has, and aborts
// where a write fails.
func TestResponseOfAReverseProxy(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.Header().Set("Etag", `"page"`)
		w.Header().Set("Set-Cookie", "upstream=1")
		w.WriteHeader(http.StatusOK) // Echo sends no other after a 103
		for i := range page {
			_, _ = w.Write([]byte{page[i]})
			w.(http.Flusher).Flush()
		}
	}))
	t.Cleanup(upstream.Close)
	target, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1
	for name, respond := range map[string]echo.HandlerFunc{
		"net/http": func(c echo.Context) error {
			proxy.ServeHTTP(c.Response(), c.Request())
			return nil
		},
		"Echo": middleware.Proxy(middleware.NewRandomBalancer([]*middleware.ProxyTarget{{URL: target}}))(silence),
	} {
		for _, fault := range []error{nil, session.ErrUnavailable} {
			t.Run(fmt.Sprintf("%s/fault=%t", name, fault != nil), func(t *testing.T) {
				t.Parallel()
				s := serveResponses(t, echoadapter.Config[visits]{}, recovering(), nil)
				s.on("/", respond)
				s.store.fail("create", fault)
				got := s.get("/", "")
				if fault != nil {
					got.expectErrorAlone(t, http.StatusServiceUnavailable, downBody, nil)
					s.expectRecords(0)
					return
				}
				got.expect(t, http.StatusOK, page)
				got.expectHeader(t, "Cache-Control", "no-store")
				s.expectRead(got.expectToken(t), 1)
				if lines := got.header["Set-Cookie"]; len(lines) != 2 || lines[0] != "upstream=1" {
					t.Errorf("Set-Cookie is %q, expected that of the upstream and the session's", lines)
				}
			})
		}
	}
}

// HTTP/2 cannot be hijacked; everything else is as with HTTP/1.
func TestResponseCommitsOverHTTP2(t *testing.T) {
	t.Parallel()
	ways := append(waysOut(t), way{name: "a page where it cannot hijack", body: page, respond: func(c echo.Context) error {
		if _, _, err := c.Response().Hijack(); err == nil {
			return fmt.Errorf("Hijack of HTTP/2 returned nil, expected an error")
		}
		return c.String(http.StatusOK, page)
	}})
	for _, w := range ways {
		for _, fault := range []error{nil, session.ErrUnavailable} {
			t.Run(fmt.Sprintf("%s/fault=%t", w.name, fault != nil), func(t *testing.T) {
				t.Parallel()
				s := w.site(t, echoadapter.Config[visits]{}, func(http.Header) {})
				s.store.fail("update", fault)
				overHTTP2(t, s)
				token := s.token(7)
				got := w.send(s, token)
				switch {
				case fault == nil:
					got.expect(t, max(w.status, http.StatusOK), w.body)
					s.expectRead(got.expectToken(t), 8)
				case w.own:
					got.expect(t, w.status, w.body)
				case w.method == http.MethodHead:
					got.expectErrorAlone(t, http.StatusServiceUnavailable, "", nil)
				default:
					got.expectErrorAlone(t, http.StatusServiceUnavailable, downBody, nil)
				}
				if fault != nil {
					s.expectRead(token, 7)
				}
			})
		}
	}
}

// overHTTP2 puts the site on another server.
func overHTTP2(t *testing.T, s *responseSite) {
	t.Helper()
	server := httptest.NewUnstartedServer(s.server.Config.Handler)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = s.server.Config.ErrorLog
	server.StartTLS()
	t.Cleanup(server.Close)
	server.Client().CheckRedirect = s.server.Client().CheckRedirect
	s.server = server
}
