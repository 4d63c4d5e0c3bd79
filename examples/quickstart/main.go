// Quickstart counts each visitor's views of a page and greets those who sign in.
package main

import (
	"cmp"
	"context"
	"html/template"
	"net/http"
	"os"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/mongostore"
	"github.com/echosession/echosession/session"
	"github.com/labstack/echo/v4"
)

// Visitor is the Data of a session: a struct of the application's own.
type Visitor struct {
	Name  string
	Views int
}

var page = template.Must(template.New("page").Parse(`<!doctype html><title>Quickstart</title>
<p>Views: {{.Views}}</p>{{if .Name}}<p>Hello, {{.Name}}!</p>
<form method="post" action="/sign-out"><button>Sign out</button></form>{{else}}
<form method="post" action="/sign-in"><input name="name" required><button>Sign in</button></form>{{end}}`))

func handle(c echo.Context) error {
	s, err := session.Get[Visitor](c)
	switch {
	case err != nil:
		return err
	case c.Path() == "/sign-in":
		s.Data.Name = c.FormValue("name")
		s.Renew() // the token from before opens nothing any more
	case c.Path() == "/sign-out":
		s.Destroy()
	default:
		s.Data.Views++ // saved before the response begins
		return c.Render(http.StatusOK, "page", s.Data)
	}
	return c.Redirect(http.StatusSeeOther, "/")
}

func main() {
	e, cfg := echo.New(), echoadapter.Config[Visitor]{} // sessions in memory
	if uri := os.Getenv("MONGODB_URI"); uri != "" {
		var err error
		if cfg.Session.Store, err = mongostore.Open(context.Background(), uri, mongostore.Options{Database: "quickstart"}); err != nil {
			e.Logger.Fatal(err)
		}
	}
	e.HideBanner, e.Renderer = true, &echo.TemplateRenderer{Template: page}
	e.Use(echo.WrapMiddleware(http.NewCrossOriginProtection().Handler), echoadapter.Middleware(cfg))
	e.GET("/", handle)
	e.POST("/sign-in", handle)
	e.POST("/sign-out", handle)
	e.Logger.Fatal(e.Start(cmp.Or(os.Getenv("ADDR"), "localhost:8080")))
}
