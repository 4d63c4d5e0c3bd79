package echoadapter

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/internal/adapter"
	"github.com/echosession/echosession/session"
)

// ToMiddleware returns the middleware of cfg, or an error that joins everything
// that is wrong with it, each a [*session.ConfigError].
func (cfg Config[T]) ToMiddleware() (echo.MiddlewareFunc, error) {
	m, err := adapter.New(cfg.options())
	if err != nil {
		return nil, err
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			return m.Serve(host{c, c.Response()}, func() error { return next(c) })
		}
	}, nil
}

// options translates cfg.
func (cfg Config[T]) options() adapter.Options[T, host] {
	o := adapter.Options[T, host]{
		Package: "echoadapter", Session: cfg.Session, Manager: cfg.Manager, Header: cfg.Header, Defer: cfg.Defer, InContext: cfg.InContext,
		HTTPError: httpError, HasStatus: isHTTPError,
	}
	if f := cfg.Skipper; f != nil {
		o.Skip = func(h host) bool { return f(h.Context) }
	}
	if f := cfg.Valid; f != nil {
		o.Valid = func(h host, s *session.Session[T]) (bool, error) { return f(h.Context, s) }
	}
	if f := cfg.BeforeSave; f != nil {
		o.BeforeSave = func(h host, s *session.Session[T]) error { return f(h.Context, s) }
	}
	if f := cfg.ErrorHandler; f != nil {
		o.ErrorHandler = func(h host, op session.Op, err error) error { return f(h.Context, op, err) }
	}
	return o
}

// host implements [adapter.Host], together with the context.
type host struct {
	echo.Context
	response *echo.Response // Response() as the middleware found it
}

func (h host) Values() adapter.Values { return h.Context }

func (h host) Origin() (scheme, name string) { return h.Scheme(), h.Request().Host }

func (h host) Writer() http.ResponseWriter { return h.response.Writer }

func (h host) SetWriter(w http.ResponseWriter) { h.response.Writer = w }

func (h host) Sent() { h.response.Committed = true }

// Reopen also undoes a 1xx, which Echo takes for the response's beginning.
func (h host) Reopen(lost bool) {
	if lost || h.response.Status < http.StatusOK {
		h.response.Committed, h.response.Status, h.response.Size = false, http.StatusOK, 0
	}
	if h.Response() != h.response { // echo.WrapMiddleware leaves one of its own
		h.SetResponse(h.response)
	}
}

// httpError has its cause inside, because Echo's own error handler looks only at
// the outermost error.
func httpError(status int, cause error) error {
	return echo.NewHTTPError(status).SetInternal(cause)
}

func isHTTPError(err error) bool {
	_, ok := errors.AsType[*echo.HTTPError](err)
	return ok
}
