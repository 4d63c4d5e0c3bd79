// Quickstart counts each visitor's views of a page and greets those who sign in.
package main

import (
	"cmp"
	"html/template"
	"net/http"
	"os"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
	"github.com/labstack/echo/v4"
)

// Visitor is what a session holds here: a struct of the application's own.
type Visitor struct {
	Name  string
	Views int
}

var page = template.Must(template.New("page").Parse(`<!doctype html><title>Quickstart</title>
<p>Views: {{.Views}}</p>{{if .Name}}<p>Hello, {{.Name}}!</p>
<form method="post" action="/sign-out"><button>Sign out</button></form>{{else}}
<form method="post" action="/sign-in"><input name="name" required><button>Sign in</button></form>{{end}}`))

// with hands the visitor's session to a handler.
func with(handle func(echo.Context, *session.Session[Visitor]) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		s, err := session.Get[Visitor](c)
		if err != nil {
			return err
		}
		return handle(c, s)
	}
}

func main() {
	e := echo.New()
	e.HideBanner, e.Renderer = true, &echo.TemplateRenderer{Template: page}
	// The cookie is SameSite=Lax, so other sites cannot post as a visitor; the check keeps them from signing one in.
	e.Use(echo.WrapMiddleware(http.NewCrossOriginProtection().Handler))
	e.Use(echoadapter.Middleware(echoadapter.Config[Visitor]{}))

	e.GET("/", with(func(c echo.Context, s *session.Session[Visitor]) error {
		s.Data.Views++ // saved before the response begins
		return c.Render(http.StatusOK, "page", s.Data)
	}))
	e.POST("/sign-in", with(func(c echo.Context, s *session.Session[Visitor]) error {
		s.Data.Name = c.FormValue("name")
		s.Renew() // a token that somebody knew before is worth nothing now
		return c.Redirect(http.StatusSeeOther, "/")
	}))
	e.POST("/sign-out", with(func(c echo.Context, s *session.Session[Visitor]) error {
		s.Destroy()
		return c.Redirect(http.StatusSeeOther, "/")
	}))

	e.Logger.Fatal(e.Start(cmp.Or(os.Getenv("ADDR"), "localhost:8080")))
}
