// Package echo4 is the harness of Echo v4, for the tests of its adapter and of
// stores.
package echo4

import (
	"fmt"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/internal/adaptertest"
	"github.com/echosession/echosession/session"
)

// Harness returns the harness of Echo v4, without its optional parts.
func Harness() adaptertest.Harness {
	return adaptertest.Harness{
		Handler:  handler,
		Error:    func(status int, message string) error { return echo.NewHTTPError(status, message) },
		Page:     func(_ int, message string) string { return fmt.Sprintf("{\"message\":%q}\n", message) },
		PageType: echo.MIMEApplicationJSON,
	}
}

func handler(p adaptertest.Program) http.Handler {
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	for _, m := range p.Middleware {
		e.Use(middleware(m))
	}
	e.Any("/*", Handler(p.Handler))
	return e
}

// Handler is h as one of Echo's.
func Handler(h adaptertest.Handler) echo.HandlerFunc {
	return func(c echo.Context) error { return h(Context{c}) }
}

// Native is one of Echo's handlers in the suite.
func Native(h echo.HandlerFunc) adaptertest.Handler {
	return func(c adaptertest.Context) error { return h(c.(Context).Context) }
}

// Context is Echo's, as the suite has it.
type Context struct{ echo.Context }

// Response implements [adaptertest.Context].
func (c Context) Response() http.ResponseWriter { return c.Context.Response() }

// Inform implements [adaptertest.Context], below what Echo counts.
func (c Context) Inform(status int) { c.Context.Response().Writer.WriteHeader(status) }

func middleware(m any) echo.MiddlewareFunc {
	switch m := m.(type) {
	case adaptertest.Config[adaptertest.Visits]:
		return echoadapter.Middleware(Config(m))
	case adaptertest.Config[adaptertest.Basket]:
		return echoadapter.Middleware(Config(m))
	case adaptertest.Around:
		return func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error { return m(Context{c}, func() error { return next(c) }) }
		}
	case echo.MiddlewareFunc:
		return m
	}
	panic(fmt.Sprintf("a middleware of the type %T, which is not one of Echo's", m))
}

// Config translates the settings.
func Config[T any](cfg adaptertest.Config[T]) echoadapter.Config[T] {
	to := echoadapter.Config[T]{
		Session: cfg.Session, Manager: cfg.Manager, Header: cfg.Header, Defer: cfg.Defer, InContext: cfg.InContext,
	}
	if f := cfg.Skipper; f != nil {
		to.Skipper = func(c echo.Context) bool { return f(Context{c}) }
	}
	if f := cfg.Valid; f != nil {
		to.Valid = func(c echo.Context, s *session.Session[T]) (bool, error) { return f(Context{c}, s) }
	}
	if f := cfg.BeforeSave; f != nil {
		to.BeforeSave = func(c echo.Context, s *session.Session[T]) error { return f(Context{c}, s) }
	}
	if f := cfg.ErrorHandler; f != nil {
		to.ErrorHandler = func(c echo.Context, op session.Op, err error) error { return f(Context{c}, op, err) }
	}
	return to
}
