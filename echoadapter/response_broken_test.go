package echoadapter_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// thenPanic does respond, whatever that says, and panics.
func thenPanic(respond echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		_ = respond(c)
		panic("at the disco")
	}
}

// informed sends a 103 by Echo, which then takes the response for sent.
func informed(respond echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().WriteHeader(http.StatusEarlyHints)
		return respond(c)
	}
}

// A handler that panics after its commit failed, and a hook or a store that
// panics in the commit: nothing of the handler's response has left or leaves,
// and the page is that of the panic.
func TestResponseOfAPanicAroundAFailedCommit(t *testing.T) {
	t.Parallel()
	flush := func(c echo.Context) error { c.Response().Flush(); return nil }
	handlers := map[string]echo.HandlerFunc{
		"page": pageAs(http.StatusOK), "flush": flush, "NoContent": noContent,
		"103, page": informed(pageAs(http.StatusOK)), "103, flush": informed(flush),
		"page below Echo": func(c echo.Context) error {
			_, err := c.Response().Writer.Write([]byte(page))
			return err
		},
	}
	for name, respond := range handlers {
		for _, inner := range []string{"", "gzip"} {
			var inside []echo.MiddlewareFunc
			if inner != "" {
				inside = append(inside, middleware.Gzip())
			}
			ask := func(s *responseSite, token string) response {
				req := s.request(http.MethodGet, "/", token)
				req.Header.Set("Accept-Encoding", "gzip")
				return s.do(req)
			}
			t.Run("the handler panics/"+name+"/"+inner, func(t *testing.T) {
				t.Parallel()
				s := serveResponses(t, echoadapter.Config[visits]{}, recovering(), inside)
				s.on("/", thenPanic(func(c echo.Context) error { return saying(handlerHeader)(respond)(c) }))
				token := s.token(7)
				s.store.fail("update", session.ErrUnavailable)
				ask(s, token).expectErrorAlone(t, http.StatusInternalServerError, brokenBody, nil)
				s.expectRead(token, 7)
			})
			t.Run("the hook panics/"+name+"/"+inner, func(t *testing.T) {
				t.Parallel()
				s := serveResponses(t, echoadapter.Config[visits]{
					BeforeSave: func(echo.Context, *session.Session[visits]) error { panic("at the disco") },
				}, recovering(), inside)
				s.on("/", func(c echo.Context) error { return saying(handlerHeader)(respond)(c) })
				s.e.GET("/look", reading(pageAs(http.StatusOK)))
				token := newTokenOf(t, s)
				ask(s, token).expectErrorAlone(t, http.StatusInternalServerError, brokenBody, nil)
				s.expectRead(token, 7)
				s.get("/look", token).expect(t, http.StatusOK, page) // nothing is held
			})
		}
	}
}

// A commit that panics after an explicit Save: the cookie of what was saved
// goes out with the page of the panic.
func TestResponseOfACommitThatPanicsAfterASave(t *testing.T) {
	t.Parallel()
	saved := false
	s := serveResponses(t, echoadapter.Config[visits]{
		BeforeSave: func(echo.Context, *session.Session[visits]) error {
			if saved {
				panic("at the disco")
			}
			saved = true
			return nil
		},
	}, recovering(), nil)
	s.on("/", func(c echo.Context) error {
		v, err := session.Get[visits](c)
		if err != nil {
			return err
		}
		if err := v.Save(c.Request().Context()); err != nil {
			return err
		}
		v.Data.Count = 99
		return saying(handlerHeader)(pageAs(http.StatusOK))(c)
	})
	got := s.get("/", "")
	got.expect(t, http.StatusInternalServerError, brokenBody)
	got.expectHeader(t, "Cache-Control", "no-store")
	got.expectHeader(t, "Etag")
	s.expectRead(got.expectToken(t), 1)
}

// newTokenOf is token for a site whose BeforeSave is not to be called.
func newTokenOf(t *testing.T, s *responseSite) string {
	t.Helper()
	v, err := s.manager.Start(t.Context())
	if err != nil {
		t.Fatalf("Manager.Start: %v", err)
	}
	v.Data.Count = 7
	if err := v.Save(t.Context()); err != nil {
		t.Fatalf("Save: %v", err)
	}
	return v.Token()
}

// Of two kinds of session one cannot be saved: the response is the error's,
// and has the cookie of the other, whose record is there.
func TestResponseWhereOneOfTwoSessionsFails(t *testing.T) {
	t.Parallel()
	for name, respond := range map[string]echo.HandlerFunc{"page": pageAs(http.StatusOK), "nothing": silence, "103, page": informed(pageAs(http.StatusOK))} {
		for _, failing := range []string{"outer", "inner"} {
			t.Run(fmt.Sprintf("%s/%s", name, failing), func(t *testing.T) {
				t.Parallel()
				store := recordCalls(newMemstore())
				baskets, err := session.New(session.Config[basket]{Store: store, Cookie: session.Cookie{Name: "basket"}})
				if err != nil {
					t.Fatalf("session.New: %v", err)
				}
				with := []echo.MiddlewareFunc{echoadapter.Middleware(echoadapter.Config[basket]{Manager: baskets})}
				var s *responseSite
				if failing == "outer" {
					s = serveResponses(t, echoadapter.Config[visits]{}, with, nil)
				} else {
					s = serveResponses(t, echoadapter.Config[visits]{}, nil, with)
				}
				store.fail("create", session.ErrUnavailable)
				s.on("/", func(c echo.Context) error {
					b, err := session.Get[basket](c)
					if err != nil {
						return err
					}
					b.Data.Items = append(b.Data.Items, "apple")
					return saying(handlerHeader)(respond)(c)
				})
				got := s.get("/", "")
				got.expect(t, http.StatusServiceUnavailable, downBody)
				if len(got.cookies) != 1 {
					t.Errorf("Set-Cookie is %q, expected that of the session that was saved alone", got.header["Set-Cookie"])
				}
				got.expectHeader(t, "Cache-Control", "no-store")
				got.expectHeader(t, "Etag")
				s.expectRead(got.expectToken(t), 1)
			})
		}
	}
}

// Whatever becomes of the response, Echo has its own writer back afterwards.
func TestResponseWriterIsTakenOut(t *testing.T) {
	t.Parallel()
	for name, respond := range map[string]echo.HandlerFunc{
		"page": pageAs(http.StatusOK), "nothing": silence, "error": func(echo.Context) error { return teapot },
		"hijack": hijackWith(""), "panic": thenPanic(silence), "page, panic": thenPanic(pageAs(http.StatusOK)),
		"through another response": func(c echo.Context) error {
			return echo.WrapMiddleware(func(next http.Handler) http.Handler { return next })(pageAs(http.StatusOK))(c)
		},
	} {
		for _, fault := range []error{nil, session.ErrUnavailable} {
			t.Run(fmt.Sprintf("%s/fault=%t", name, fault != nil), func(t *testing.T) {
				t.Parallel()
				seen := make(chan bool, 1)
				outer := func(next echo.HandlerFunc) echo.HandlerFunc {
					return func(c echo.Context) error {
						res := c.Response()
						was := res.Writer
						defer func() { seen <- res.Writer == was }()
						return next(c)
					}
				}
				s := serveResponses(t, echoadapter.Config[visits]{}, slices.Concat(recovering(), []echo.MiddlewareFunc{outer}), nil)
				s.on("/", respond)
				token := s.token(7)
				s.store.fail("update", fault)
				s.get("/", token)
				if !<-seen {
					t.Error("Echo's response still writes to the middleware's writer, expected its own")
				}
			})
		}
	}
}
