// Package echoadapter binds sessions to Echo v4: the token comes in by a
// cookie, what the handler changed is saved right before the first byte of the
// response leaves, and the cookie goes out with it.
package echoadapter

import (
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/echosession/echosession/session"
)

// Config is what an application says of one middleware. Its zero value is a
// complete, safe setup: sessions in memory, for one process.
//
// The hooks are called by the request's goroutines, with what they decide on
// waiting for them: Valid and BeforeSave use the session that they are given.
// Save, Update and Reload are an error in them, and to wait there for another
// goroutine that asks for the session is to wait for ever. They return errors
// and write no response. One that asks for a session of another type, which
// another goroutine of the request is loading just then, may get an error, too.
type Config[T any] struct {
	// Session configures the sessions. Where its Store is nil, it is a new
	// memstore.
	Session session.Config[T]

	// Manager is used instead of Session, to share it with code outside of
	// requests. Both set is an error.
	Manager *session.Manager[T]

	// Header carries the token in this field of request and response instead of
	// in a cookie, for clients that are not browsers: the field of the response
	// is the token to present from now on, and empty where there is none any
	// more. The Cookie settings but for Name have no effect then.
	Header string

	// Defer loads the session at the first Get instead of before the handler:
	// a request that does not ask costs the store nothing, but its session is
	// not extended either, and Valid is not asked.
	Defer bool

	// InContext also puts the session into the request's context, for
	// session.FromContext. It is still loaded when asked for with Defer.
	InContext bool

	// Skipper leaves requests alone: for them there is no session at all.
	Skipper middleware.Skipper

	// Valid decides whether a stored session may be used, when it was loaded:
	// false destroys it, and the request gets a new one. An error counts as a
	// failed load.
	Valid func(c echo.Context, s *session.Session[T]) (bool, error)

	// BeforeSave is called before each save, and may still change Data. Its
	// error keeps the save from being made.
	BeforeSave func(c echo.Context, s *session.Session[T]) error

	// ErrorHandler is asked where an error of the store arises: in the
	// middleware, or in Get when that loads or decodes. Its answer is the error
	// from then on. Default: ErrUnavailable becomes a 503 with the cause inside,
	// everything else a 500.
	//
	// If it answers a failed load with nil, the request goes on with a session
	// that reads as empty and is never saved, and the cookie stays; with
	// session.ErrDiscard, the record counts as unknown, and the next save
	// replaces the cookie: the way out of ErrCorrupt. If it answers a failed
	// save with nil, the response goes out and the change is lost.
	ErrorHandler func(c echo.Context, op session.Op, err error) error
}

// Middleware returns the middleware of cfg. It panics on a bad configuration,
// at start-up; see [Config.ToMiddleware].
func Middleware[T any](cfg Config[T]) echo.MiddlewareFunc {
	mw, err := cfg.ToMiddleware()
	if err != nil {
		panic(err)
	}
	return mw
}
