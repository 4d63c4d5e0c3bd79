package echoadapter_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/sessiontest"
)

// basket is a second kind of session.
type basket struct{ Items []string }

func TestInContextOfSeveralTypes(t *testing.T) {
	t.Parallel()
	for _, deferred := range []bool{false, true} {
		t.Run(fmt.Sprintf("deferred=%t", deferred), func(t *testing.T) {
			t.Parallel()
			baskets := newBaskets(t)
			s := serveResponses(t, echoadapter.Config[visits]{InContext: true, Defer: deferred}, nil, []echo.MiddlewareFunc{
				echoadapter.Middleware(echoadapter.Config[basket]{Manager: baskets, InContext: true, Defer: deferred}),
			})
			below := func(ctx context.Context) error {
				v, err := session.FromContext[visits](ctx)
				if err != nil {
					return err
				}
				b, err := session.FromContext[basket](ctx)
				if err != nil {
					return err
				}
				v.Data.Count++
				b.Data.Items = append(b.Data.Items, "apple")
				return nil
			}
			s.e.GET("/", func(c echo.Context) error {
				if calls := s.store.take(); deferred && len(calls) != 0 {
					t.Errorf("before anybody asked the store was asked %q, expected nothing", calls)
				}
				ctx, cancel := context.WithCancel(c.Request().Context())
				defer cancel()
				if err := below(ctx); err != nil {
					return err
				}
				v, err := session.Get[visits](c)
				if err != nil {
					return err
				}
				if same, err := session.FromContext[visits](c.Request().Context()); same != v || err != nil {
					t.Errorf("FromContext returns %p, %v, expected the session of Get, %p", same, err, v)
				}
				if _, err := session.FromContext[account](ctx); !errors.Is(err, session.ErrNoSession) {
					t.Errorf("FromContext of a third type returns %v, expected ErrNoSession", err)
				}
				return c.String(http.StatusOK, page)
			})
			s.e.GET("/unused", noContent)
			token := s.token(7)
			got := s.get("/", token)
			got.expect(t, http.StatusOK, page)
			s.expectRead(got.expectToken(t), 8)
			items := slices.DeleteFunc(got.cookies, func(c *http.Cookie) bool { return c.Name != "basket" })
			if len(items) != 1 {
				t.Fatalf("Set-Cookie is %q, expected one basket", got.header["Set-Cookie"])
			}
			if b, err := baskets.Open(t.Context(), items[0].Value); err != nil || !slices.Equal(b.Data.Items, []string{"apple"}) {
				t.Errorf("the store has the basket %+v, %v, expected one apple", b, err)
			}
			s.store.take()
			s.get("/unused", token).expectNoCookie(t)
			if calls := s.store.take(); deferred && len(calls) != 0 {
				t.Errorf("for a handler that does not ask the store was asked %q, expected nothing", calls)
			}
		})
	}
}

func newBaskets(t *testing.T) *session.Manager[basket] {
	t.Helper()
	m, err := session.New(session.Config[basket]{Store: memstore.New(memstore.Options{}), Cookie: session.Cookie{Name: "basket"}})
	if err != nil {
		t.Fatalf("session.New: %v", err)
	}
	return m
}

func TestInContextOnlyWhereSaid(t *testing.T) {
	t.Parallel()
	s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
	s.e.GET("/", func(c echo.Context) error {
		if _, err := session.FromContext[visits](c.Request().Context()); !errors.Is(err, session.ErrNoSession) {
			t.Errorf("FromContext without InContext returns %v, expected ErrNoSession", err)
		}
		return noContent(c)
	})
	s.get("/", s.token(7)).expect(t, http.StatusNoContent, "")
}

func TestNestedGroups(t *testing.T) {
	t.Parallel()
	newVisits := func(name string) *session.Manager[visits] {
		return newManager(t, session.Config[visits]{Store: memstore.New(memstore.Options{}), Cookie: session.Cookie{Name: name}})
	}
	for name, tt := range map[string]struct {
		path   string
		status int
		body   string
		loads  int
	}{
		"outside of the groups":        {"/", 200, "8", 1},
		"the same Manager again":       {"/same/", 200, "8", 1},
		"three of the same":            {"/same/again/", 200, "8", 1},
		"another Manager of that type": {"/other/", 500, brokenBody, 1},
		"another type":                 {"/basket/", 200, "8 and 1", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
			count := counting(func(c echo.Context) error {
				v, err := session.Get[visits](c)
				if err != nil {
					return err
				}
				if b, err := session.Get[basket](c); err == nil {
					b.Data.Items = append(b.Data.Items, "pear")
					return c.String(http.StatusOK, fmt.Sprintf("%d and %d", v.Data.Count, len(b.Data.Items)))
				}
				return c.String(http.StatusOK, fmt.Sprint(v.Data.Count))
			})
			s.e.GET("/", count)
			same := s.e.Group("/same", echoadapter.Middleware(echoadapter.Config[visits]{Manager: s.manager}))
			same.GET("/", count)
			same.Group("/again", echoadapter.Middleware(echoadapter.Config[visits]{Manager: s.manager, Defer: true})).GET("/", count)
			var refused error
			s.e.Group("/other", func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error { refused = next(c); return refused }
			}, echoadapter.Middleware(echoadapter.Config[visits]{Manager: newVisits("other")})).GET("/", count)
			s.e.Group("/basket", echoadapter.Middleware(echoadapter.Config[basket]{Manager: newBaskets(t)})).GET("/", count)

			token := s.token(7)
			got := s.get(tt.path, token)
			got.expect(t, tt.status, tt.body)
			calls := s.store.take()
			if loads := slices.DeleteFunc(slices.Clone(calls), func(c string) bool { return c != "load" }); len(loads) != tt.loads {
				t.Errorf("the store was asked %q, expected %d loads", calls, tt.loads)
			}
			if tt.status == http.StatusOK {
				s.expectRead(got.expectToken(t), 8)
				return
			}
			s.server.Close()
			if refused == nil || !strings.Contains(refused.Error(), `"other"`) || !strings.Contains(refused.Error(), `"`+cookieName+`"`) {
				t.Errorf("the error is %v, expected one that names both cookies", refused)
			}
		})
	}
}

func TestValid(t *testing.T) {
	t.Parallel()
	for _, deferred := range []bool{false, true} {
		for name, respond := range map[string]echo.HandlerFunc{"reads": reading(pageAs(200)), "changes": counting(pageAs(200))} {
			t.Run(fmt.Sprintf("%s/deferred=%t", name, deferred), func(t *testing.T) {
				t.Parallel()
				asked := 0
				s := serveResponses(t, echoadapter.Config[visits]{
					Defer: deferred,
					Valid: func(_ echo.Context, v *session.Session[visits]) (bool, error) {
						asked++
						return v.Data.Count > 0, nil
					},
				}, nil, nil)
				s.e.GET("/", func(c echo.Context) error {
					v, err := session.Get[visits](c)
					if err != nil {
						return err
					}
					c.Response().Header().Set("X-Id", v.ID())
					return respond(c)
				})
				valid, err := sessiontest.Token(t.Context(), s.manager, visits{Count: 7})
				if err != nil {
					t.Fatal(err)
				}
				invalid, err := sessiontest.Token(t.Context(), s.manager, visits{Count: -1})
				if err != nil {
					t.Fatal(err)
				}
				id, _, _ := strings.Cut(invalid, ".")

				s.get("/", "").expect(t, http.StatusOK, page)
				if asked != 0 {
					t.Errorf("Valid was asked %d times about a new session, expected never", asked)
				}
				if got := s.get("/", valid); !strings.HasPrefix(valid, got.header.Get("X-Id")) || asked != 1 {
					t.Errorf("Valid was asked %d times, and a valid session has the id %s then, expected once, and to keep it", asked, got.header.Get("X-Id"))
				}
				got := s.get("/", invalid)
				got.expect(t, http.StatusOK, page)
				if got.header.Get("X-Id") == id || asked != 2 {
					t.Errorf("Valid was asked %d times, and an invalid session still has its id %s, expected once and a new id", asked-1, id)
				}
				if _, err := s.manager.Find(t.Context(), id); !errors.Is(err, session.ErrNotFound) {
					t.Errorf("the store says %v of an invalid session, expected ErrNotFound", err)
				}
				if name == "changes" {
					s.expectRead(got.expectToken(t), 1)
				} else if c := got.ofSession(); len(c) != 1 || c[0].MaxAge >= 0 || c[0].Value != "" {
					t.Errorf("Set-Cookie is %q, expected that it clears the cookie", got.header["Set-Cookie"])
				}
			})
		}
	}
}
