package echoadapter_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/internal/adaptertest"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
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
		"one": {echoadapter.Config[visits]{Session: session.Config[visits]{MaxAge: -1}}, []string{"MaxAge"}},
		"several": {echoadapter.Config[visits]{
			Session: session.Config[visits]{MaxAge: -1, MaxBytes: -1, Cookie: session.Cookie{Name: "a b", SameSite: http.SameSiteNoneMode}},
			Header:  "Cookie",
		}, []string{"Cookie.Name", "Cookie.SameSite", "MaxAge", "MaxBytes", "echoadapter.Config.Header"}},
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
	mw := echoadapter.Middleware(cfg)
	cfg.Skipper = func(echo.Context) bool { return true }
	cfg.Session.Cookie.Name = "late"
	s := open(t, []echo.MiddlewareFunc{mw}, echoadapter.Config[visits]{Skipper: func(echo.Context) bool { return true }})
	s.GET("/", counting(noContent))
	s.tokenIn(s.expect("/", "", http.StatusNoContent, ""))
}

// A group with the same Manager changes nothing, and one with another type adds
// its sessions. Another Manager of the same type is refused.
func TestNestedGroups(t *testing.T) {
	t.Parallel()
	type basket struct{ Items []string }
	baskets := newManager(t, session.Config[basket]{Store: memstore.New(memstore.Options{}), Cookie: session.Cookie{Name: "basket"}})
	other := newManager(t, session.Config[visits]{Store: memstore.New(memstore.Options{}), Cookie: session.Cookie{Name: "other"}})
	s := open(t, nil, echoadapter.Config[visits]{})
	count := counting(func(c echo.Context) error {
		if b, err := session.Get[basket](c); err == nil {
			b.Data.Items = append(b.Data.Items, "pear")
			return c.String(http.StatusOK, fmt.Sprint(len(b.Data.Items), " pear"))
		}
		return theStoredCount(c)
	})
	s.GET("/", count)
	same := s.Group("/same", echoadapter.Middleware(echoadapter.Config[visits]{Manager: s.manager}))
	same.GET("/", count)
	same.Group("/again", echoadapter.Middleware(echoadapter.Config[visits]{Manager: s.manager, Defer: true})).GET("/", count)
	var refused error
	s.Group("/other", func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error { refused = next(c); return refused }
	}, echoadapter.Middleware(echoadapter.Config[visits]{Manager: other})).GET("/", count)
	s.Group("/basket", echoadapter.Middleware(echoadapter.Config[basket]{Manager: baskets})).GET("/", count)

	token := s.token(7)
	for path, want := range map[string]string{"/": "8", "/same/": "8", "/same/again/": "8", "/basket/": "1 pear"} {
		s.expect(path, s.token(7), http.StatusOK, want)
	}
	s.expect("/other/", token, http.StatusInternalServerError, brokenBody)
	s.expectStored(token, 7)
	if refused == nil || !strings.Contains(refused.Error(), `"other"`) || !strings.Contains(refused.Error(), `"`+cookieName+`"`) {
		t.Errorf("the error is %v, expected one that names both cookies", refused)
	}
}

// theStoredCount answers with the count as it will be stored.
func theStoredCount(c echo.Context) error {
	s, err := session.Get[visits](c)
	if err != nil {
		return err
	}
	return c.String(http.StatusOK, fmt.Sprint(s.Data.Count))
}

// Two middlewares of zero configurations share nothing.
func TestConfigZeroTwice(t *testing.T) {
	t.Parallel()
	var clients [2]*http.Client
	for i := range clients {
		e := echo.New()
		e.Use(echoadapter.Middleware(echoadapter.Config[visits]{}))
		e.GET("/", counting(noContent))
		clients[i] = adaptertest.Serve(t, e).Client()
	}
	get := func(client *http.Client, token string) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Cookie", cookieName+"="+token)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatal(err)
		}
		if len(res.Cookies()) != 1 {
			t.Fatalf("Set-Cookie is %q, expected one", res.Header["Set-Cookie"])
		}
		return res.Cookies()[0].Value
	}
	token := get(clients[0], "")
	if get(clients[0], token) != token {
		t.Error("the same middleware answers with another token, expected the one that it gave")
	}
	if get(clients[1], token) == token {
		t.Error("the other middleware accepts a foreign token, expected a new one")
	}
}

// The hooks get the context of the request, and not another one.
func TestHooksGetTheContext(t *testing.T) {
	t.Parallel()
	var own echo.Context
	called := map[string]bool{}
	check := func(hook string, c echo.Context) {
		called[hook] = true
		if c != own {
			t.Errorf("%s gets the context %p, expected that of the handler, %p", hook, c, own)
		}
	}
	s := open(t, []echo.MiddlewareFunc{func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error { own = c; return next(c) }
	}}, echoadapter.Config[visits]{
		Skipper:      func(c echo.Context) bool { check("Skipper", c); return false },
		Valid:        func(c echo.Context, _ *session.Session[visits]) (bool, error) { check("Valid", c); return true, nil },
		BeforeSave:   func(c echo.Context, _ *session.Session[visits]) error { check("BeforeSave", c); return nil },
		ErrorHandler: func(c echo.Context, _ session.Op, _ error) error { check("ErrorHandler", c); return teapot },
	})
	s.GET("/", counting(noContent))
	token := s.token(7)
	s.store.err = session.ErrUnavailable
	s.expect("/", token, http.StatusTeapot, teapotBody)
	if len(called) != 4 {
		t.Errorf("the hooks that were called are %v, expected all four", called)
	}
}

// The scheme is Echo's, which believes a proxy on this machine.
func TestSchemeBehindAProxy(t *testing.T) {
	t.Parallel()
	for forwarded, secure := range map[string]bool{"": false, "http": false, "https": true} {
		e := echo.New()
		e.Use(echoadapter.Middleware(echoadapter.Config[visits]{
			Session: session.Config[visits]{Cookie: session.Cookie{Secure: session.SecureByScheme}},
		}))
		e.GET("/", counting(noContent))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if forwarded != "" {
			req.Header.Set("X-Forwarded-Proto", forwarded)
		}
		res, err := adaptertest.Serve(t, e).Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := res.Cookies(); len(got) != 1 || got[0].Secure != secure {
			t.Errorf("X-Forwarded-Proto %q: the cookies are %v, expected one that is Secure: %t", forwarded, got, secure)
		}
	}
}

// A configuration shows its settings, and neither hooks nor keys.
func TestConfigFormat(t *testing.T) {
	t.Parallel()
	cfg := echoadapter.Config[visits]{
		Session: session.Config[visits]{MaxBytes: 77, SigningKeys: [][]byte{[]byte("a key that nobody may see, ever!")}},
		Header:  "X-Session", Defer: true, InContext: true,
		Skipper: func(echo.Context) bool { return false },
	}
	got := fmt.Sprintf("%+v", cfg)
	for _, part := range []string{"echoadapter.Config{", "MaxBytes:77", "Manager:<nil>", `Header:"X-Session"`, "Defer:true", "InContext:true"} {
		if !strings.Contains(got, part) {
			t.Errorf("%q does not have %q", got, part)
		}
	}
	if cfg.LogValue().String() != got || strings.Contains(got, "Skipper") || strings.Contains(got, "nobody") {
		t.Errorf("%q has a hook or a key, or LogValue is another: %q", got, cfg.LogValue())
	}
}
