package echoadapter_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// Member is what a session holds in the examples: a struct of the
// application's own.
type Member struct {
	Name  string
	Views int
}

// A whole application: its middleware, a page that counts, sign-in and
// sign-out. What a handler changes is saved before its response begins.
func ExampleMiddleware() {
	e := echo.New()
	e.Use(echoadapter.Middleware(echoadapter.Config[Member]{}))

	e.GET("/", func(c echo.Context) error {
		s, err := session.Get[Member](c)
		if err != nil {
			return err
		}
		s.Data.Views++
		return c.String(http.StatusOK, fmt.Sprintf("%q has seen %d pages", s.Data.Name, s.Data.Views))
	})
	e.POST("/sign-in", func(c echo.Context) error {
		s, err := session.Get[Member](c)
		if err != nil {
			return err
		}
		s.Data.Name = c.FormValue("name")
		s.Renew() // a token that somebody knew before is worth nothing now
		return c.Redirect(http.StatusSeeOther, "/")
	})
	e.POST("/sign-out", func(c echo.Context) error {
		s, err := session.Get[Member](c)
		if err != nil {
			return err
		}
		s.Destroy()
		return c.Redirect(http.StatusSeeOther, "/")
	})

	visit := exampleBrowser(e)
	fmt.Println(visit(http.MethodGet, "/"))
	fmt.Println(visit(http.MethodPost, "/sign-in?name=Ada"))
	fmt.Println(visit(http.MethodGet, "/"))
	fmt.Println(visit(http.MethodPost, "/sign-out"))
	// Output:
	// "" has seen 1 pages
	// "Ada" has seen 2 pages
	// "Ada" has seen 3 pages
	// "" has seen 1 pages
}

// All problems of a configuration are reported at once, at start-up.
func ExampleConfig_ToMiddleware() {
	_, err := echoadapter.Config[Member]{
		Session: session.Config[Member]{
			MaxBytes: -1,
			Cookie:   session.Cookie{Name: "my cookie"},
		},
	}.ToMiddleware()
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Println(line)
	}
	var problem *session.ConfigError
	fmt.Println(errors.As(err, &problem), problem.Field)
	// Output:
	// session: Config.Cookie.Name is my cookie: must be a token: letters, digits and !#$%&'*+-.^_`|~
	// session: Config.MaxBytes is -1: must not be negative: 0 is 64 KiB
	// true Cookie.Name
}

// A Manager that the middleware shares with code outside of requests, such as
// an administrator's tool or a background job.
func ExampleMiddleware_manager() {
	manager, err := session.New(session.Config[Member]{Store: memstore.New(memstore.Options{})})
	if err != nil {
		panic(err)
	}
	defer manager.Close()

	e := echo.New()
	e.Use(echoadapter.Middleware(echoadapter.Config[Member]{Manager: manager}))
	ids := make(chan string, 1)
	e.GET("/", func(c echo.Context) error {
		s, err := session.Get[Member](c)
		if err != nil {
			return err
		}
		s.Data.Views++
		if s.IsNew() {
			ids <- s.ID() // safe to log and to list: it is no token
		}
		return c.String(http.StatusOK, fmt.Sprintf("%d views", s.Data.Views))
	})

	visit := exampleBrowser(e)
	fmt.Println(visit(http.MethodGet, "/"))

	ctx := context.Background()
	id := <-ids
	if err := manager.Update(ctx, id, func(m *Member) error { m.Views += 100; return nil }); err != nil {
		panic(err)
	}
	fmt.Println(visit(http.MethodGet, "/"))

	if err := manager.Delete(ctx, id); err != nil {
		panic(err)
	}
	fmt.Println(visit(http.MethodGet, "/"))
	// Output:
	// 1 views
	// 102 views
	// 1 views
}

// exampleBrowser returns a client that keeps its cookies and follows redirects.
func exampleBrowser(e *echo.Echo) func(method, path string) string {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err)
	}
	client := &http.Client{Jar: jar, Transport: inProcess{e}}
	return func(method, path string) string {
		req, err := http.NewRequest(method, "http://localhost"+path, nil)
		if err != nil {
			panic(err)
		}
		res, err := client.Do(req)
		if err != nil {
			panic(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			panic(err)
		}
		return string(body)
	}
}

// inProcess serves requests without a server.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(out *http.Request) (*http.Response, error) {
	in := out.Clone(out.Context())
	in.RequestURI, in.Host = out.URL.RequestURI(), out.URL.Host
	rec := httptest.NewRecorder()
	p.handler.ServeHTTP(rec, in)
	return rec.Result(), nil
}
