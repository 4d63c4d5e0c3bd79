// Package echoadapter provides sessions for Echo v4. The client's token arrives
// in a cookie. What the handler changed is saved right before the first byte of
// the response leaves, and the cookie goes out with it.
package echoadapter

import (
	"fmt"
	"log/slog"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echosession/echosession/session"
)

// Config configures one middleware. Its zero value is a complete, safe setup:
// sessions in memory, for one process.
//
// The hooks run in the request's goroutines, and everything else that uses the
// session waits for them. Valid and BeforeSave must use the session that they
// are given. Hooks must not call Save, Update or Reload, which return an error
// there, and must not wait for another goroutine that uses the session: that is
// a deadlock. A hook that asks for a session of another type may get an error
// if another goroutine of the request is just loading it. Hooks return errors
// and write no response.
type Config[T any] struct {
	// Session configures the sessions. If its Store is nil, they are kept in a
	// new memstore.
	Session session.Config[T]

	// Manager is used instead of Session, to share it with code outside of
	// requests. It is an error to set both.
	Manager *session.Manager[T]

	// Header names a field of request and response that carries the token instead
	// of a cookie, for clients that are not browsers. The field of the response is
	// the token to present from now on. It is empty if the session has ended.
	// Of the Cookie settings only Name has an effect then. Default: a cookie.
	Header string

	// Defer loads the session at the first Get instead of before the handler. A
	// request that does not ask costs no call of the store, but its session is
	// not extended either, and Valid is not called.
	Defer bool

	// InContext also puts the session into the request's context, for
	// [session.FromContext]. With Defer it is still loaded at the first use.
	InContext bool

	// Skipper selects requests that have no session at all. Default: none.
	Skipper middleware.Skipper

	// Valid decides whether a stored session may be used, after it was loaded. If
	// it returns false, the session is destroyed and the request gets a new one.
	// An error counts as a failed load.
	Valid func(c echo.Context, s *session.Session[T]) (bool, error)

	// BeforeSave is called before each save, and may change Data. If it returns
	// an error, nothing is saved.
	BeforeSave func(c echo.Context, s *session.Session[T]) error

	// ErrorHandler is called as soon as an error of the store arises: in the
	// middleware, or in a Get that loads or decodes the session. Its answer is
	// the error from then on. Default: ErrUnavailable becomes a 503 and
	// everything else a 500, with the cause inside.
	//
	// If it returns nil for a failed load, the request goes on with a session that
	// reads as empty and is never saved, and the cookie stays. If it returns
	// [session.ErrDiscard], the record counts as unknown, and the next save
	// replaces the cookie: that is the way out of ErrCorrupt. If it returns nil
	// for a failed save, the response goes out and the change is lost.
	ErrorHandler func(c echo.Context, op session.Op, err error) error
}

// Middleware returns the middleware of cfg. It panics if cfg has a mistake, so
// call it when the program starts. [Config.ToMiddleware] returns the error.
func Middleware[T any](cfg Config[T]) echo.MiddlewareFunc {
	mw, err := cfg.ToMiddleware()
	if err != nil {
		panic(err)
	}
	return mw
}

// Format implements [fmt.Formatter] for every verb. It writes all settings but
// the hooks, and leaves the keys of Session out.
func (cfg Config[T]) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, "echoadapter.Config{Session:%v Manager:%v Header:%q Defer:%v InContext:%v}",
		cfg.Session, cfg.Manager, cfg.Header, cfg.Defer, cfg.InContext)
}

// LogValue implements [slog.LogValuer] with the text of Format.
func (cfg Config[T]) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(cfg)) }
