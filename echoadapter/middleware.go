package echoadapter

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/internal/response"
	"github.com/echosession/echosession/session"
)

// layer is one middleware.
type layer[T any] struct {
	manager *session.Manager[T]
	cfg     Config[T]
	carrier string // the field that has the token
}

func (l *layer[T]) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		if l.cfg.Skipper != nil && l.cfg.Skipper(c) {
			return next(c)
		}
		r, err := l.begin(c)
		if err != nil {
			return err
		}
		if r == nil { // the outer of two middlewares does it all
			return next(c)
		}
		returned := false
		defer func() {
			switch cause := r.writer.Err(); {
			case returned:
			case cause == nil || cause == response.ErrUnfinished:
				r.abandon()
			default:
				// A handler that aborts because the commit kept its response from
				// leaving, as a reverse proxy does, makes way for the error page.
				p := recover()
				if p == http.ErrAbortHandler {
					err = r.end(nil)
					return
				}
				r.abandon()
				if p != nil {
					panic(p)
				}
			}
		}()
		if !l.cfg.Defer {
			err = r.exchange.Load(c.Request().Context())
		}
		if err == nil {
			err = next(c)
		}
		returned = true
		return r.end(err)
	}
}

func (l *layer[T]) begin(c echo.Context) (*request[T], error) {
	res := c.Response()
	r := &request[T]{layer: l, c: c, res: res, below: res.Writer}
	o := session.BeginOptions[T]{
		Hooks: r, HasValid: l.cfg.Valid != nil, HasBeforeSave: l.cfg.BeforeSave != nil,
	}
	if l.cfg.Header == "" {
		o.Cookies = c.Request().Header[l.carrier]
	} else if o.Tokens = c.Request().Header[l.carrier]; o.Tokens == nil {
		o.Tokens = []string{}
	}
	l.manager.Begin(&r.exchange, o)
	if bound, err := r.exchange.Bind(c); err != nil || !bound {
		return nil, err
	}
	if l.cfg.InContext {
		req := c.Request()
		c.SetRequest(req.WithContext(session.WithCarrier(req.Context(), c)))
	}
	r.writer.Init(res.Writer, r)
	res.Writer = &r.writer
	return r, nil
}

// end closes the exchange of a handler that returned err, and returns the
// error that Echo is to answer, if any.
func (r *request[T]) end(err error) error {
	begun := r.writer.Begun()
	saved := r.endExchange()
	failed, sent := r.writer.Err(), r.writer.Begun()
	r.writer.Disarm()
	if failed == nil && !begun {
		failed = saved
		if err != nil {
			failed = err // the handler's error wins, the save's was told of
		}
	}
	if failed != nil {
		// Nothing of the handler's response may follow, though Echo believes that
		// it has left.
		if r.writer.Err() != nil || saved != nil && err == nil {
			r.writer.Rollback()
		}
		r.reopen()
		return answer(failed)
	}
	r.restoreWriter()
	r.res.Committed = r.res.Committed || sent // Echo does not know of a flush: no error page may follow
	if err == nil {
		err = saved
	}
	return answer(err)
}

// answer maps an error of Save, Update or Reload that a handler just returned;
// Echo would make a 500 of every error that is not its own.
func answer(err error) error {
	if err == nil || !errors.Is(err, session.ErrUnavailable) {
		return err
	}
	if _, own := errors.AsType[*echo.HTTPError](err); own {
		return err
	}
	return httpError(err)
}
