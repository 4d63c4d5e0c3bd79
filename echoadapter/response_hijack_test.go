package echoadapter_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// hijackWith takes the connection over and writes a response of its own with
// these lines of header.
func hijackWith(lines string) echo.HandlerFunc {
	return func(c echo.Context) error {
		conn, rw, err := c.Response().Hijack()
		if err != nil {
			return err
		}
		defer conn.Close()
		_, _ = fmt.Fprintf(rw, "HTTP/1.1 200 OK\r\nConnection: close\r\n%s\r\n%s", lines, page)
		return rw.Flush()
	}
}

func TestResponseHijackedBeforeTheHeader(t *testing.T) {
	t.Parallel()
	for name, hijack := range map[string]echo.HandlerFunc{
		"by Echo": hijackWith(""),
		"by the controller": func(c echo.Context) error {
			conn, rw, err := http.NewResponseController(c.Response()).Hijack()
			if err != nil {
				return err
			}
			defer conn.Close()
			_, _ = fmt.Fprintf(rw, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%s", page)
			return rw.Flush()
		},
		"by the interface of the writer below": func(c echo.Context) error {
			conn, rw, err := c.Response().Writer.(http.Hijacker).Hijack()
			if err != nil {
				return err
			}
			defer conn.Close()
			_, _ = fmt.Fprintf(rw, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%s", page)
			return rw.Flush()
		},
		"after a 103": func(c echo.Context) error {
			c.Response().Writer.WriteHeader(http.StatusEarlyHints)
			return hijackWith("")(c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("a stored session is saved", func(t *testing.T) {
				t.Parallel()
				s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
				s.on("/", hijack)
				token := s.token(7)
				got := s.get("/", token)
				got.expect(t, http.StatusOK, page)
				got.expectNoCookie(t)
				s.expectRead(token, 8)
				s.expectEvents(session.EventLost, 0)
			})
			t.Run("a new session is lost", func(t *testing.T) {
				t.Parallel()
				s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
				s.on("/", hijack)
				got := s.get("/", "")
				got.expect(t, http.StatusOK, page)
				got.expectNoCookie(t)
				s.expectRecords(0)
				s.expectEvents(session.EventLost, 1)
			})
			t.Run("a new token is lost", func(t *testing.T) {
				t.Parallel()
				s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
				s.on("/", func(c echo.Context) error {
					v, err := session.Get[visits](c)
					if err != nil {
						return err
					}
					v.Renew()
					return hijack(c)
				})
				token := s.token(7)
				s.get("/", token).expect(t, http.StatusOK, page)
				s.expectRead(token, 7)
				s.expectEvents(session.EventLost, 1)
			})
			t.Run("a save that fails is answered", func(t *testing.T) {
				t.Parallel()
				s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
				s.on("/", func(c echo.Context) error { return saying(handlerHeader)(hijack)(c) })
				token := s.token(7)
				s.store.fail("update", session.ErrUnavailable)
				s.get("/", token).expectErrorAlone(t, http.StatusServiceUnavailable, downBody, nil)
				s.expectRead(token, 7)
			})
		})
	}
}

// After Hijack the handler speaks for itself: what Save stores it can send.
func TestResponseHijackedThenSaved(t *testing.T) {
	t.Parallel()
	for _, count := range []int{0, 7} {
		t.Run(fmt.Sprintf("count=%d", count), func(t *testing.T) {
			t.Parallel()
			s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
			s.e.GET("/", func(c echo.Context) error {
				v, err := session.Get[visits](c)
				if err != nil {
					return err
				}
				conn, rw, err := c.Response().Hijack()
				if err != nil {
					return err
				}
				defer conn.Close()
				v.Data.Count++
				v.Renew()
				line := "Set-Cookie: " + cookieName + "=" + v.Token() + "; Max-Age=60\r\n"
				if err := v.Save(c.Request().Context()); err != nil {
					line = "X-Error: " + err.Error() + "\r\n"
				}
				_, _ = fmt.Fprintf(rw, "HTTP/1.1 200 OK\r\nConnection: close\r\n%s\r\n%s", line, page)
				return rw.Flush()
			})
			var old string
			if count > 0 {
				old = s.token(count)
			}
			got := s.get("/", old)
			got.expectHeader(t, "X-Error")
			s.expectRead(got.expectToken(t), count+1)
			s.expectRecords(1)
			s.expectEvents(session.EventLost, 0)
			if old != "" {
				s.expectRead(old, 0)
			}
		})
	}
}

func TestResponseHijackedAfterSwitchingProtocols(t *testing.T) {
	t.Parallel()
	for _, fault := range []error{nil, session.ErrUnavailable} {
		for _, count := range []int{0, 7} {
			t.Run(fmt.Sprintf("fault=%t/count=%d", fault != nil, count), func(t *testing.T) {
				t.Parallel()
				s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
				s.on("/", func(c echo.Context) error {
					c.Response().Header().Set("Upgrade", "chat")
					c.Response().Header().Set("Connection", "Upgrade")
					c.Response().WriteHeader(http.StatusSwitchingProtocols)
					conn, rw, err := c.Response().Hijack()
					if err != nil {
						return err
					}
					defer conn.Close()
					_, _ = rw.WriteString(page)
					return rw.Flush()
				})
				var token string
				if count > 0 {
					token = s.token(count)
				}
				s.store.fail("create", fault)
				s.store.fail("update", fault)
				req := s.request(http.MethodGet, "/", token)
				req.Header.Set("Connection", "Upgrade")
				req.Header.Set("Upgrade", "chat")
				res, err := s.server.Client().Do(req)
				if err != nil {
					t.Fatalf("GET /: %v", err)
				}
				defer res.Body.Close()
				body, err := io.ReadAll(res.Body)
				if err != nil {
					t.Fatalf("GET /: the body ends after %q: %v", body, err)
				}
				got := response{res.StatusCode, string(body), res.Header, res.Cookies()}
				if fault != nil {
					got.expect(t, http.StatusServiceUnavailable, downBody)
					got.expectNoCookie(t)
					return
				}
				got.expect(t, http.StatusSwitchingProtocols, page)
				s.expectRead(got.expectToken(t), count+1)
				s.expectEvents(session.EventLost, 0)
			})
		}
	}
}
