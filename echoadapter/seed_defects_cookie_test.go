package echoadapter_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// Faults of the middleware that this one succeeds: cookies.

// named lets the site be reached as http://host, for what browsers do not do
// with addresses.
func (s *site) named(host string) *site {
	address := s.url[len("http://"):]
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	s.t.Cleanup(transport.CloseIdleConnections)
	s.url, s.network = "http://"+host, transport
	return s
}

func TestClearingCookieRepeatsPathAndDomain(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{
			Cookie: session.Cookie{Path: "/app", Domain: "example.test", Secure: session.SecureNever},
		}}).named("www.example.test")
		s.on("/app/count", func(_ echo.Context, v *session.Session[visits]) error { v.Data.Count++; return nil })
		s.on("/app/remove", func(_ echo.Context, v *session.Session[visits]) error { v.Destroy(); return nil })
		b := s.browser()
		b.get("/app/count").expect(t, http.StatusOK, "1")
		b.get("/app/count").expect(t, http.StatusOK, "2")
		if b.tokenAt("/app/remove") == "" {
			t.Fatal("the browser sends no cookie, expected one of the whole domain")
		}
		c := b.get("/app/remove").expectClearing(t)
		if c.Path != "/app" || c.Domain != "example.test" {
			t.Errorf("the clearing cookie has the path %q and the domain %q, expected /app and example.test", c.Path, c.Domain)
		}
		if token := b.tokenAt("/app/count"); token != "" {
			t.Errorf("the browser still sends %q", token)
		}
	})
}

func TestPathThatOnlyBeginsLikeTheCookiesIsAnother(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred,
			Session: session.Config[visits]{Cookie: session.Cookie{Path: "/s"}},
			Skipper: func(c echo.Context) bool { return c.Path() != "/s" },
		})
		s.on("/s", func(_ echo.Context, v *session.Session[visits]) error { v.Data.Count++; return nil })
		s.echo.GET("/sfoo", without(t))
		b := s.browser()
		b.get("/s").expect(t, http.StatusOK, "1")
		if b.tokenAt("/s") == "" || b.tokenAt("/sfoo") != "" {
			t.Errorf("the browser sends the cookie to /s: %t, to /sfoo: %t, expected to the first alone", b.tokenAt("/s") != "", b.tokenAt("/sfoo") != "")
		}
		b.get("/sfoo").expectStatus(t, http.StatusNoContent)
	})
}

// Once the response has begun there is no way to give the client a new token:
// then no record is left that nobody can use.
func TestCookieThatCannotBeSentLeavesNoRecord(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.echo.GET("/late", func(c echo.Context) error {
			v, err := session.Get[visits](c)
			if err != nil {
				return err
			}
			if err := c.String(http.StatusOK, "begun"); err != nil {
				return err
			}
			ctx := c.Request().Context()
			v.Data.Count = 7
			if err := v.Save(ctx); !errors.Is(err, session.ErrCommitted) {
				t.Errorf("Save: %v, expected ErrCommitted", err)
			}
			if err := v.Update(ctx, func(d *visits) error { d.Count = 8; return nil }); !errors.Is(err, session.ErrCommitted) {
				t.Errorf("Update: %v, expected ErrCommitted", err)
			}
			return nil
		})
		r := s.browser().get("/late")
		r.expect(t, http.StatusOK, "begun")
		r.expectNoCookie(t)
		s.expectCalls()
		s.expectEvents(session.EventLost, 1)
	})
}

func TestRenewalAfterTheResponseBeganKeepsTheOldToken(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.echo.GET("/late", func(c echo.Context) error {
			v, err := session.Get[visits](c)
			if err != nil {
				return err
			}
			if err := c.String(http.StatusOK, "begun"); err != nil {
				return err
			}
			v.Renew()
			if err := v.Save(c.Request().Context()); !errors.Is(err, session.ErrCommitted) {
				t.Errorf("Save: %v, expected ErrCommitted", err)
			}
			return nil
		})
		b := s.returning()
		b.get("/late").expect(t, http.StatusOK, "begun")
		b.get("/count").expect(t, http.StatusOK, "2")
		s.expectEvents(session.EventLost, 1)
	})
}

// hijack takes the connection over and answers with body.
func hijack(c echo.Context, body string) error {
	conn, _, err := c.Response().Hijack()
	if err != nil {
		return err
	}
	defer conn.Close()
	w := bufio.NewWriter(conn)
	fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	return w.Flush()
}

func TestHijackedResponseTellsOfTheCookieThatIsMissing(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/change", func(c echo.Context, v *session.Session[visits]) error {
			v.Data.Count++
			return hijack(c, "taken")
		})
		s.on("/renew", func(c echo.Context, v *session.Session[visits]) error {
			v.Renew()
			return hijack(c, "taken")
		})
		s.on("/save", func(c echo.Context, v *session.Session[visits]) error {
			v.Data.Count = 7
			if err := v.Save(c.Request().Context()); err != nil {
				return err
			}
			return hijack(c, v.Token())
		})

		s.browser().get("/change").expect(t, http.StatusOK, "taken")
		s.idle()
		s.expectCalls() // nobody could use it
		s.expectEvents(session.EventLost, 1)

		b := s.returning()
		b.get("/change").expect(t, http.StatusOK, "taken")
		s.idle()
		s.expectStored(b.id(), visits{Count: 2}) // its client has a token already
		s.expectEvents(session.EventLost, 1)
		b.get("/renew").expect(t, http.StatusOK, "taken")
		s.idle()
		s.expectEvents(session.EventLost, 2)
		b.get("/count").expect(t, http.StatusOK, "3")

		saved := s.browser().get("/save")
		s.browserWith(saved.body).get("/count").expect(t, http.StatusOK, "8")
		s.idle()
		s.expectEvents(session.EventLost, 2)
	})
}
