package echoadapter_test

import (
	"errors"
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

// fieldsOf returns the fields of all ConfigErrors in err.
func fieldsOf(err error) (fields []string) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			fields = append(fields, fieldsOf(err)...)
		}
		return fields
	}
	if problem, ok := errors.AsType[*session.ConfigError](err); ok {
		fields = append(fields, problem.Field)
	}
	return fields
}

func TestConfigProblems(t *testing.T) {
	t.Parallel()
	shared := newManager(t, session.Config[visits]{Store: memstore.New(memstore.Options{})})
	for name, tt := range map[string]struct {
		cfg  echoadapter.Config[visits]
		want []string
	}{
		"one":     {echoadapter.Config[visits]{Session: session.Config[visits]{MaxAge: -1}}, []string{"MaxAge"}},
		"several": {echoadapter.Config[visits]{Session: session.Config[visits]{MaxAge: -1, MaxBytes: -1, Cookie: session.Cookie{Name: "a b", SameSite: http.SameSiteNoneMode}}}, []string{"Cookie.Name", "Cookie.SameSite", "MaxAge", "MaxBytes"}},
		"Manager beside a Session": {echoadapter.Config[visits]{
			Manager: shared, Session: session.Config[visits]{Store: memstore.New(memstore.Options{})},
		}, []string{"echoadapter.Config.Manager"}},
		"Manager beside a hook of Session": {echoadapter.Config[visits]{
			Manager: shared, Session: session.Config[visits]{New: func() visits { return visits{} }},
		}, []string{"echoadapter.Config.Manager"}},
		"Manager alone": {echoadapter.Config[visits]{Manager: shared}, nil},
		"nothing":       {echoadapter.Config[visits]{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mw, err := tt.cfg.ToMiddleware()
			if got := fieldsOf(err); !slices.Equal(got, tt.want) {
				t.Errorf("ToMiddleware returned %v, expected problems of the fields %q", err, tt.want)
			}
			if (mw == nil) != (err != nil) {
				t.Errorf("ToMiddleware returned a middleware %t and the error %v, expected exactly one of them", mw != nil, err)
			}
			defer func() {
				panicked, _ := recover().(error)
				if got := fieldsOf(panicked); !slices.Equal(got, tt.want) {
					t.Errorf("Middleware panicked with %v, expected problems of the fields %q", panicked, tt.want)
				}
			}()
			echoadapter.Middleware(tt.cfg)
		})
	}
	t.Run("a type that cannot be stored", func(t *testing.T) {
		t.Parallel()
		if _, err := (echoadapter.Config[struct{ F func() }]{}).ToMiddleware(); !slices.Contains(fieldsOf(err), "T") {
			t.Errorf("ToMiddleware returned %v, expected a problem of T", err)
		}
	})
}

// A middleware keeps the configuration that it was made of.
func TestConfigIsCopied(t *testing.T) {
	t.Parallel()
	cfg := echoadapter.Config[visits]{}
	e := echo.New()
	e.Use(echoadapter.Middleware(cfg))
	cfg.Skipper = func(echo.Context) bool { return true }
	cfg.Session.Cookie.Name = "late"
	e.GET("/", counting(noContent))
	if got := serveInProcess(e, "http://localhost/", ""); len(got.Cookies()) != 1 || got.Cookies()[0].Name != cookieName {
		t.Errorf("the response is %s with the cookies %v, expected one %s", got.Status, got.Cookies(), cookieName)
	}
}

// serveInProcess makes one request without a socket.
func serveInProcess(e *echo.Echo, url, token string) *http.Response {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("X-Forwarded-Proto", req.URL.Scheme)
	if token != "" {
		req.Header.Set("Cookie", cookieName+"="+token)
	}
	res, err := inProcess{e}.RoundTrip(req)
	if err != nil {
		panic(err)
	}
	return res
}

// The zero value is a complete, safe setup.
func TestConfigZero(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"http://localhost/":    "; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax",
		"http://127.0.0.1/":    "; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax",
		"https://example.com/": "; Path=/; Max-Age=86400; HttpOnly; Secure; SameSite=Lax",
	} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			e := echo.New()
			e.Use(echoadapter.Middleware(echoadapter.Config[visits]{}))
			e.GET("/", counting(func(c echo.Context) error {
				v, err := session.Get[visits](c)
				if err != nil {
					return err
				}
				return c.JSON(http.StatusOK, v.Data.Count)
			}))
			first := serveInProcess(e, url, "")
			if len(first.Cookies()) != 1 {
				t.Fatalf("the response is %s with the cookies %v, expected one", first.Status, first.Cookies())
			}
			token := first.Cookies()[0].Value
			if got := first.Header.Get("Set-Cookie"); got != cookieName+"="+token+want {
				t.Errorf("Set-Cookie is %q, expected the attributes %q", got, want)
			}
			if id, secret, ok := strings.Cut(token, "."); !ok || len(id) != 22 || len(secret) != 22 {
				t.Errorf("the token is %q, expected 22 and 22 characters", token)
			}
			body := make([]byte, 1)
			if _, err := serveInProcess(e, url, token).Body.Read(body); err != nil || body[0] != '2' {
				t.Errorf("the next request reads %q, %v, expected 2", body, err)
			}
		})
	}
}

// Two middlewares of zero configurations share nothing.
func TestConfigZeroTwice(t *testing.T) {
	t.Parallel()
	first, second := echo.New(), echo.New()
	for _, e := range []*echo.Echo{first, second} {
		e.Use(echoadapter.Middleware(echoadapter.Config[visits]{}))
		e.GET("/", reading(noContent))
		e.GET("/count", counting(noContent))
	}
	token := serveInProcess(first, "http://localhost/count", "").Cookies()[0].Value
	if got := serveInProcess(second, "http://localhost/count", token).Cookies(); len(got) != 1 || got[0].Value == token {
		t.Errorf("the other middleware answers a foreign token with the cookies %v, expected a new token", got)
	}
}

// A Manager is for code outside of requests, too.
func TestConfigManagerShared(t *testing.T) {
	t.Parallel()
	s := serveResponses(t, echoadapter.Config[visits]{}, nil, nil)
	s.on("/", noContent)
	ctx := t.Context()
	token, err := sessiontest.Token(ctx, s.manager, visits{Count: 1})
	if err != nil {
		t.Fatalf("storing a session outside of a request: %v", err)
	}
	s.get("/", token).expectToken(t)
	s.expectRead(token, 2)
	id, _, _ := strings.Cut(token, ".")
	if err := s.manager.Update(ctx, id, func(v *visits) error { v.Count += 10; return nil }); err != nil {
		t.Fatalf("Manager.Update: %v", err)
	}
	s.expectRead(token, 12)
	if info, err := s.manager.Find(ctx, id); err != nil || info.Data.Count != 12 {
		t.Errorf("Manager.Find returned %+v, %v, expected the count 12", info, err)
	}
	if err := s.manager.Delete(ctx, id); err != nil {
		t.Fatalf("Manager.Delete: %v", err)
	}
	s.expectRead(token, 0)
	if got := s.get("/", token).expectToken(t); got == token {
		t.Error("the cookie of a deleted session is accepted, expected a new token")
	}
}

func TestConfigSkipper(t *testing.T) {
	t.Parallel()
	s := serveResponses(t, echoadapter.Config[visits]{
		InContext: true,
		Skipper:   func(c echo.Context) bool { return strings.HasPrefix(c.Path(), "/static") },
	}, nil, nil)
	s.on("/", noContent)
	s.e.GET("/static", func(c echo.Context) error {
		_, got := session.Get[visits](c)
		_, peeked := session.Peek[visits](c)
		_, below := session.FromContext[visits](c.Request().Context())
		for _, err := range []error{got, peeked, below} {
			if !errors.Is(err, session.ErrNoSession) {
				t.Errorf("a skipped request gets %v, expected ErrNoSession", err)
			}
		}
		return noContent(c)
	})
	token := s.token(7)
	got := s.get("/static", token)
	got.expect(t, http.StatusNoContent, "")
	got.expectNoCookie(t)
	got.expectHeader(t, "Vary")
	if calls := s.store.take(); len(calls) != 0 {
		t.Errorf("a skipped request asks the store %q, expected nothing", calls)
	}
	s.get("/", token).expectToken(t)
}
