package echoadapter_test

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// site starts a server that answers / by w, with a handler that does prepare
// right after it changed the session.
func (w way) site(t *testing.T, cfg echoadapter.Config[visits], prepare func(http.Header)) *responseSite {
	t.Helper()
	s := serveResponses(t, cfg, w.outer, w.inner)
	s.e.Any("/", func(c echo.Context) error {
		if w.before != nil {
			if err := w.before(c); err != nil {
				return err
			}
		}
		return counting(func(c echo.Context) error {
			prepare(c.Response().Header())
			return w.respond(c)
		})(c)
	})
	return s
}

func (w way) send(s *responseSite, token string) response {
	s.t.Helper()
	req := s.request(cmp.Or(w.method, http.MethodGet), "/", token)
	if field, value, ok := strings.Cut(w.ask, ": "); ok {
		req.Header.Set(field, value)
	}
	return s.do(req)
}

// Whatever way the response leaves, the change is in the store and the cookie
// in the header, once.
func TestResponseCommits(t *testing.T) {
	t.Parallel()
	for _, w := range append(waysOut(t), waysAround()...) {
		for _, count := range []int{0, 7} { // 0: no session before
			for _, deferred := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/count=%d/deferred=%t", w.name, count, deferred), func(t *testing.T) {
					t.Parallel()
					s := w.site(t, echoadapter.Config[visits]{Defer: deferred}, func(http.Header) {})
					var token string
					if count > 0 {
						token = s.token(count)
					}
					got := w.send(s, token)
					got.expect(t, cmp.Or(w.status, http.StatusOK), w.body)
					s.expectRead(got.expectToken(t), count+1)
					s.expectRecords(1)
					s.expectEvents(session.EventLost, 0)
				})
			}
		}
	}
}

// The client sees the informational headers, and that they have no cookie.
func TestResponseCommitsAfterInformationalHeaders(t *testing.T) {
	t.Parallel()
	for name, codes := range map[string][]int{"one": {103}, "several": {103, 102, 103}} {
		for _, fault := range []error{nil, session.ErrUnavailable} {
			t.Run(name+"/fault="+strconv.FormatBool(fault != nil), func(t *testing.T) {
				t.Parallel()
				s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
				s.store.fail("create", fault)
				s.e.GET("/", func(c echo.Context) error {
					c.Response().Header().Set("Link", "</a.css>")
					for _, code := range codes {
						c.Response().Writer.WriteHeader(code)
					}
					return counting(pageAs(http.StatusOK))(c)
				})
				var seen []int
				req := s.request(http.MethodGet, "/", "")
				got := s.do(req.WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
					Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
						seen = append(seen, code)
						if h.Get("Link") == "" || h.Get("Set-Cookie") != "" {
							t.Errorf("%d came with the header %v, expected a Link and no cookie", code, h)
						}
						return nil
					},
				})))
				if !slices.Equal(seen, codes) {
					t.Errorf("the informational headers are %v, expected %v", seen, codes)
				}
				if fault != nil {
					got.expect(t, http.StatusServiceUnavailable, downBody)
					got.expectNoCookie(t)
					return
				}
				got.expect(t, http.StatusOK, page)
				s.expectRead(got.expectToken(t), 1)
			})
		}
	}
}

// A Before hook of Echo is the last that can change the session.
func TestResponseCommitsWhatBeforeHooksChange(t *testing.T) {
	t.Parallel()
	s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
	s.e.GET("/", func(c echo.Context) error {
		v, err := session.Get[visits](c)
		if err != nil {
			return err
		}
		for range 2 {
			c.Response().Before(func() { v.Data.Count++ })
		}
		return c.String(http.StatusOK, page)
	})
	got := s.get("/", "")
	got.expect(t, http.StatusOK, page)
	s.expectRead(got.expectToken(t), 2)
}

// What changes after the first byte is lost, and told of, but for what Save stores.
func TestResponseStreams(t *testing.T) {
	t.Parallel()
	s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
	s.e.GET("/", counting(func(c echo.Context) error {
		v, err := session.Get[visits](c)
		if err != nil {
			return err
		}
		for range 3 {
			if err := c.String(http.StatusOK, page); err != nil {
				return err
			}
			c.Response().Flush()
			v.Data.Count++
			if err := v.Save(c.Request().Context()); err != nil {
				return err
			}
		}
		if c.QueryParam("late") != "" {
			v.Data.Count = 99
		}
		return nil
	}))
	got := s.get("/", "")
	got.expect(t, http.StatusOK, page+page+page)
	token := got.expectToken(t)
	s.expectRead(token, 4)
	s.expectEvents(session.EventLost, 0)
	s.get("/?late=1", token).expect(t, http.StatusOK, page+page+page)
	s.expectRead(token, 8)
	s.expectEvents(session.EventLost, 1)
}
