// Accounts shows sign-up, log-in, a list of devices, and log-out: on this device,
// on another one, or everywhere.
package main

import (
	"cmp"
	"errors"
	"html/template"
	"net/http"
	"os"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// Account is the Data of a session. User is the name of the user who is logged in.
// Everything else about them is in the application's own database.
type Account struct {
	User   string
	Device string // what the browser calls itself
}

type app struct {
	users    users
	sessions *session.Manager[Account]
}

func main() {
	sessions, err := session.New(session.Config[Account]{
		Store:           memstore.New(memstore.Options{}),
		User:            func(a *Account) string { return a.User },
		MaxAge:          7 * 24 * time.Hour,
		Rolling:         true,
		AbsoluteTimeout: 30 * 24 * time.Hour,
	})
	e := echo.New()
	if err != nil {
		e.Logger.Fatal(err)
	}
	a := &app{sessions: sessions}
	e.HideBanner, e.Renderer = true, &echo.TemplateRenderer{Template: pages}
	e.Use(echo.WrapMiddleware(http.NewCrossOriginProtection().Handler))
	e.Use(echoadapter.Middleware(echoadapter.Config[Account]{Manager: sessions}))
	a.route(e)
	e.Logger.Fatal(e.Start(cmp.Or(os.Getenv("ADDR"), "localhost:8080")))
}

func (a *app) route(e *echo.Echo) {
	e.GET("/", a.home)
	e.POST("/sign-up", a.signUp)
	e.POST("/log-in", a.logIn)
	e.POST("/log-out", a.logOut)
	e.POST("/devices/:id/log-out", a.logOutDevice)
	e.POST("/log-out-everywhere", a.logOutEverywhere)
}

// home lists the devices where the visitor is logged in.
func (a *app) home(c echo.Context) error {
	s, err := session.Get[Account](c)
	if err != nil {
		return err
	}
	if s.Data.User == "" {
		return c.Render(http.StatusOK, "welcome", nil)
	}
	type device struct {
		session.Info[Account]
		This bool
	}
	var devices []device
	for info, err := range a.sessions.Sessions(c.Request().Context(), s.Data.User) {
		if err != nil && info.ID == "" { // a damaged session is listed, and can be ended
			return err
		}
		devices = append(devices, device{info, info.ID == s.ID()})
	}
	return c.Render(http.StatusOK, "devices", map[string]any{"User": s.Data.User, "Devices": devices})
}

func (a *app) signUp(c echo.Context) error {
	if err := a.users.add(c.FormValue("name"), c.FormValue("password")); err != nil {
		return echo.NewHTTPError(http.StatusConflict, err.Error())
	}
	return a.logIn(c)
}

func (a *app) logIn(c echo.Context) error {
	name := c.FormValue("name")
	if !a.users.check(name, c.FormValue("password")) {
		return echo.NewHTTPError(http.StatusUnauthorized, "the name or the password is wrong")
	}
	s, err := session.Get[Account](c)
	if err != nil {
		return err
	}
	// The change of User renews the token. The token that this browser had before
	// opens nothing any more.
	s.Data = Account{User: name, Device: cmp.Or(c.Request().UserAgent(), "unknown")}
	return c.Redirect(http.StatusSeeOther, "/")
}

func (a *app) logOut(c echo.Context) error {
	s, err := session.Get[Account](c)
	if err != nil {
		return err
	}
	s.Destroy()
	return c.Redirect(http.StatusSeeOther, "/")
}

// logOutDevice ends one of the visitor's own sessions. The id of another user's
// session is not found.
func (a *app) logOutDevice(c echo.Context) error {
	s, err := session.Get[Account](c)
	if err != nil {
		return err
	}
	err = a.sessions.DeleteOf(c.Request().Context(), s.Data.User, c.Param("id"))
	switch {
	case errors.Is(err, session.ErrNotFound):
		return echo.ErrNotFound
	case err != nil:
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/")
}

// logOutEverywhere ends all sessions of the visitor, including this one.
func (a *app) logOutEverywhere(c echo.Context) error {
	s, err := session.Get[Account](c)
	if err != nil {
		return err
	}
	if _, err := a.sessions.DeleteOthers(c.Request().Context(), s.Data.User, s.ID()); err != nil {
		return err
	}
	s.Destroy() // this one last: that also clears the cookie
	return c.Redirect(http.StatusSeeOther, "/")
}

var pages = template.Must(template.New("").Parse(`
{{define "welcome"}}<!doctype html><title>Accounts</title>
<form method="post"><input name="name" required placeholder="name"><input name="password" type="password" required placeholder="password">
<button formaction="/log-in">Log in</button><button formaction="/sign-up">Sign up</button></form>{{end}}
{{define "devices"}}<!doctype html><title>Accounts</title>
<h1>{{.User}}</h1><ul>{{range .Devices}}
<li>{{.Data.Device}}, since {{.AuthenticatedAt.Format "2 January, 15:04"}}{{if .This}} (this one){{else}}
<form method="post" action="/devices/{{.ID}}/log-out"><button>Log out</button></form>{{end}}</li>{{end}}</ul>
<form method="post"><button formaction="/log-out">Log out</button><button formaction="/log-out-everywhere">Log out everywhere</button></form>{{end}}`))
