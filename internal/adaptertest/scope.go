package adaptertest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// without expects that a request has no session at all.
func without(t *testing.T) Handler {
	return func(c Context) error {
		_, got := session.Get[Visits](c)
		_, peeked := session.Peek[Visits](c)
		_, below := session.FromContext[Visits](c.Request().Context())
		for _, err := range []error{got, peeked, below} {
			if !errors.Is(err, session.ErrNoSession) {
				t.Errorf("the request gets %v, expected ErrNoSession", err)
			}
		}
		return noContent(c)
	}
}

// newBaskets makes a second kind of sessions.
func newBaskets(t *testing.T) *session.Manager[Basket] {
	t.Helper()
	return newManager(t, session.Config[Basket]{Store: memstore.New(memstore.Options{}), Cookie: session.Cookie{Name: "basket"}})
}

// basketIn returns the middleware of baskets, as a test wants it.
func (e env) basketIn(m *session.Manager[Basket]) Config[Basket] {
	return Config[Basket]{Manager: m, Defer: e.deferred, InContext: true}
}

// TestScope is about which requests have which sessions.
func TestScope(t *testing.T, e env) {
	each(t, e, []test{
		{name: "of several middlewares of one Manager the outermost wins", run: func(t *testing.T, e env) {
			var saves []string
			hook := func(name string) func(Context, *visit) error {
				return func(Context, *visit) error { saves = append(saves, name); return nil }
			}
			manager := newManager(t, sessions{Store: &watchedStore{Store: newMemory()}})
			inner := config{Manager: manager, Defer: !e.deferred, BeforeSave: hook("inner")}
			s := e.openAround(t, nil, config{Manager: manager, BeforeSave: hook("outer")}, []any{inner, inner})
			b := s.returning()
			r := b.get("/count")
			r.expect(t, http.StatusOK, "2")
			r.expectCookie(t)
			s.expectCalls("load", "update")
			if got := strings.Join(saves, " "); got != "outer outer" {
				t.Errorf("the saves were those of %q, expected only the outer middleware's", got)
			}
		}},
		{name: "of two Managers of one type the error names both cookies", run: func(t *testing.T, e env) {
			var got error
			watch := Around(func(_ Context, next func() error) error { got = next(); return got })
			another := newManager(t, sessions{Store: newMemory(), Cookie: session.Cookie{Name: "another.sid"}})
			s := e.openAround(t, []any{watch}, config{}, []any{config{Manager: another, Defer: e.deferred}})
			s.browser().get("/unused").expectStatus(t, http.StatusInternalServerError)
			if got == nil || !strings.Contains(got.Error(), `"`+cookieName+`"`) || !strings.Contains(got.Error(), `"another.sid"`) {
				t.Errorf("the error is %v, expected it to name %s and another.sid", got, cookieName)
			}
		}},
		{name: "sessions of two types live side by side", run: func(t *testing.T, e env) {
			s := e.openAround(t, nil, config{}, []any{e.basketIn(newBaskets(t))})
			s.handle("/both", counting(func(c Context) error {
				k, err := session.Get[Basket](c)
				if err != nil {
					return err
				}
				k.Data.Items = append(k.Data.Items, "apple")
				return text(c, http.StatusOK, strings.Join(k.Data.Items, " "))
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
		{name: "a token of one type opens nothing of another in the same store", run: func(t *testing.T, e env) {
			store := newMemory()
			baskets := newManager(t, session.Config[Basket]{Store: store, Cookie: session.Cookie{Name: "basket"}})
			s := e.openAround(t, nil, config{Session: sessions{Store: store}}, []any{e.basketIn(baskets)})
			s.handle("/basket", func(c Context) error {
				k, err := session.Get[Basket](c)
				if err != nil || len(k.Data.Items) != 0 || !k.IsNew() {
					t.Errorf("the basket is %+v, %v, expected a new one", k, err)
				}
				return noContent(c)
			})
			b := s.returning()
			b.getWithCookie("/basket", &http.Cookie{Name: "basket", Value: b.token()}).expectStatus(t, http.StatusNoContent)
			b.get("/read").expect(t, http.StatusOK, "1")
		}},
		{name: "a token of one program opens nothing of another", run: func(t *testing.T, e env) {
			token := e.open(t, config{}).token(7)
			if got := e.open(t, config{}).get("/count", token).expectToken(t); got == token {
				t.Error("a program accepts the token of another one")
			}
		}},
		{name: "a request that is skipped has no session", run: func(t *testing.T, e env) {
			s := e.open(t, config{InContext: true, Skipper: func(c Context) bool { return c.Request().URL.Path == "/skipped" }})
			s.handle("/skipped", without(t))
			b := s.returning()
			r := b.get("/skipped")
			r.expectStatus(t, http.StatusNoContent)
			r.expectNoCookie(t)
			r.expectHeader(t, "Vary")
			s.expectCalls()
			b.get("/count").expectCookie(t)
		}},
	})
}

// TestInContext is about sessions in the context of a request.
func TestInContext(t *testing.T, e env) {
	each(t, e, []test{
		{name: "code below the handlers has it", run: func(t *testing.T, e env) {
			s := e.open(t, config{InContext: true})
			s.handle("/below", func(c Context) error {
				ctx, cancel := context.WithCancel(c.Request().Context())
				defer cancel()
				v, err := session.FromContext[Visits](ctx)
				if err != nil {
					return err
				}
				v.Data.Count++
				if again, err := session.Get[Visits](c); err != nil || again != v {
					t.Errorf("Get: %p, %v, expected what FromContext gave, %p", again, err, v)
				}
				return noContent(c)
			})
			b := s.returning()
			b.get("/unused")
			if calls := s.store.take(); len(calls) == 0 != e.deferred {
				t.Errorf("for a handler that does not ask the calls of the store are %q, expected none exactly if loading is deferred", calls)
			}
			b.get("/below").expectCookie(t)
			s.expectCalls("load", "update")
			s.expectStored(b.id(), Visits{Count: 2})
		}},
		{name: "of several types", run: func(t *testing.T, e env) {
			baskets := newBaskets(t)
			s := e.openAround(t, nil, config{InContext: true}, []any{e.basketIn(baskets)})
			s.handle("/", func(c Context) error {
				if calls := s.store.take(); e.deferred && len(calls) != 0 {
					t.Errorf("before somebody asked the calls of the store are %q, expected none", calls)
				}
				ctx := c.Request().Context()
				v, err := session.FromContext[Visits](ctx)
				if err != nil {
					return err
				}
				k, err := session.FromContext[Basket](ctx)
				if err != nil {
					return err
				}
				v.Data.Count++
				k.Data.Items = append(k.Data.Items, "apple")
				if _, err := session.FromContext[struct{ N int }](ctx); !errors.Is(err, session.ErrNoSession) {
					t.Errorf("FromContext of a third type returns %v, expected ErrNoSession", err)
				}
				return text(c, http.StatusOK, page)
			})
			got := s.get("/", s.token(7))
			got.expect(t, http.StatusOK, page)
			s.expectRead(got.expectToken(t), 8)
			items := slices.DeleteFunc(got.cookies, func(c *http.Cookie) bool { return c.Name != "basket" })
			if len(items) != 1 {
				t.Fatalf("Set-Cookie is %q, expected one basket", got.header["Set-Cookie"])
			}
			if k, err := baskets.Open(t.Context(), items[0].Value); err != nil || !slices.Equal(k.Data.Items, []string{"apple"}) {
				t.Errorf("the store has the basket %+v, %v, expected one apple", k, err)
			}
		}},
		{name: "only if the configuration says so", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.handle("/", func(c Context) error {
				if _, err := session.FromContext[Visits](c.Request().Context()); !errors.Is(err, session.ErrNoSession) {
					t.Errorf("FromContext without InContext returns %v, expected ErrNoSession", err)
				}
				return noContent(c)
			})
			s.get("/", s.token(7)).expect(t, http.StatusNoContent, "")
		}},
	})
}

// TestManagerIsShared with code outside of requests.
func TestManagerIsShared(t *testing.T, e env) {
	s := e.open(t, config{})
	ctx, token := t.Context(), s.token(1)
	id := idOf(token)
	s.get("/count", token).expectToken(t)
	s.expectRead(token, 2)
	if err := s.manager.Update(ctx, id, func(v *Visits) error { v.Count += 10; return nil }); err != nil {
		t.Fatalf("Manager.Update: %v", err)
	}
	s.get("/read", token).expect(t, http.StatusOK, strconv.Itoa(12))
	if info, err := s.manager.Find(ctx, id); err != nil || info.Data.Count != 12 {
		t.Errorf("Manager.Find returned %+v, %v, expected the count 12", info, err)
	}
	if err := s.manager.Delete(ctx, id); err != nil {
		t.Fatalf("Manager.Delete: %v", err)
	}
	s.get("/read", token).expect(t, http.StatusOK, "0")
	if got := s.get("/count", token).expectToken(t); got == token {
		t.Error("the cookie of a deleted session is accepted, expected a new token")
	}
}

// TestHandlerRunsAgain: an outer middleware may call the next handler twice, in
// the same context. Each run has a session of its own.
func TestHandlerRunsAgain(t *testing.T, e env) {
	for name, first := range map[string]Handler{
		"after an error":            counting(failing(errBroken)),
		"after an error, not asked": failing(errBroken),
		"after a panic":             counting(func(Context) error { panic("at the disco") }),
		"after a panic, not asked":  func(Context) error { panic("at the disco") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			again := Around(func(_ Context, next func() error) error {
				if err := next(); err == nil {
					t.Error("the first run returned nil, expected its error")
				}
				return next()
			})
			s := e.openAround(t, []any{again, e.recovering()}, config{}, nil)
			runs := 0
			s.handle("/", func(c Context) error {
				if runs++; runs == 1 {
					return first(c)
				}
				return counting(theCount)(c)
			})
			token := s.token(7)
			want := 8
			if name == "after an error" { // whose change was saved as well
				want = 9
			}
			got := s.get("/", token)
			got.expect(t, http.StatusOK, strconv.Itoa(want))
			got.expectToken(t)
			s.expectRead(token, want)
		})
	}
}
