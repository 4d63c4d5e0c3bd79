package echoadapter

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/internal/adapter"
	"github.com/echosession/echosession/internal/response"
	"github.com/echosession/echosession/session"
)

// request is all that the middleware keeps of one request, in one allocation.
// It is the exchange's hooks and the writer's committer.
type request[T any] struct {
	layer    *layer[T]
	c        echo.Context
	res      *echo.Response      // c.Response() as it was
	below    http.ResponseWriter // what it wrote to
	exchange session.Exchange[T]
	writer   response.Writer
	vary     [1]string
	commit   adapter.CommitContext
	finish   adapter.CommitContext // not the same: a store may have kept the other
}

// Commit implements [response.Committer].
func (r *request[T]) Commit(hijacked bool) error {
	r.commit.Init(r.Context())
	defer r.commit.Release()
	out, err := r.exchange.Commit(&r.commit, hijacked)
	r.writeHeader(out)
	return err
}

// Hijacked implements [response.Committer].
func (r *request[T]) Hijacked() { r.exchange.Hijacked() }

func (r *request[T]) endExchange() error {
	r.finish.Init(r.Context())
	defer r.finish.Release()
	out, err := r.exchange.End(&r.finish)
	r.writeHeader(out)
	return err
}

// abandon is the end of a handler that panicked: the change is not saved, but
// the cookie of what the handler saved itself goes out with the error page.
func (r *request[T]) abandon() {
	out := r.exchange.Abandon(r.Context())
	sent := r.writer.Begun() && r.writer.Err() == nil
	r.writer.Disarm()
	if sent {
		r.restoreWriter()
		return
	}
	r.writeHeader(out)
	if r.writer.Err() != nil { // it was the commit that panicked
		r.writer.Rollback()
	}
	r.reopen()
}

// reopen makes Echo's response one that an error page can be written to: by
// the writer that it had, whatever was put in between since, and not taken for
// sent because of a 1xx, or of what the writer kept from leaving.
func (r *request[T]) reopen() {
	if r.writer.Err() != nil || r.res.Status < http.StatusOK {
		r.res.Committed, r.res.Status, r.res.Size = false, http.StatusOK, 0
	}
	r.res.Writer = r.below
	if r.c.Response() != r.res { // echo.WrapMiddleware leaves one of its own
		r.c.SetResponse(r.res)
	}
}

func (r *request[T]) writeHeader(out session.Outcome) {
	adapter.WriteHeader(r.below.Header(), out, r.layer.carrier, &r.vary)
}

// restoreWriter takes the writer out again, unless somebody has wrapped it.
func (r *request[T]) restoreWriter() {
	if r.res.Writer == http.ResponseWriter(&r.writer) {
		r.res.Writer = r.below
	}
}

// Context implements [session.Hooks].
func (r *request[T]) Context() context.Context { return r.c.Request().Context() }

// Origin implements [session.Hooks].
func (r *request[T]) Origin() (scheme, host string) { return r.c.Scheme(), r.c.Request().Host }

// Valid implements [session.Hooks].
func (r *request[T]) Valid(s *session.Session[T]) (bool, error) { return r.layer.cfg.Valid(r.c, s) }

// BeforeSave implements [session.Hooks].
func (r *request[T]) BeforeSave(s *session.Session[T]) error { return r.layer.cfg.BeforeSave(r.c, s) }

// Failed implements [session.Hooks].
func (r *request[T]) Failed(op session.Op, err error) error {
	answer := r.layer.cfg.ErrorHandler(r.c, op, err)
	if errors.Is(answer, response.ErrUnfinished) {
		// It wrote a response, but the handler's is under way already.
		return httpError(err)
	}
	return answer
}
