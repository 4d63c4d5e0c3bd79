package adapter

import (
	"cmp"
	"net/http"

	"github.com/echosession/echosession/internal/response"
	"github.com/echosession/echosession/session"
)

// Host is the framework's side of one request. It is a small value, of which the
// request keeps a copy.
type Host interface {
	// Values carries the sessions of the request.
	Values() Values

	Request() *http.Request
	SetRequest(r *http.Request)
	// Origin returns the scheme and the host of the request; see [session.Hooks].
	Origin() (scheme, host string)

	// Writer is the innermost one of the response, which SetWriter replaces.
	Writer() http.ResponseWriter
	SetWriter(w http.ResponseWriter)
	// Sent makes the framework take the response for begun. It does not notice a
	// flush, and would append an error page.
	Sent()
	// Reopen makes the response one that an error page can be written to. If lost,
	// the framework takes it for begun although nothing has left.
	Reopen(lost bool)
}

// Values are what a framework keeps with a request by name.
type Values interface {
	session.Carrier
	Set(key string, value any)
}

// Serve runs the handler next with a session. It returns the error that the
// framework must answer.
func (m *Middleware[T, H]) Serve(host H, next func() error) (err error) {
	if m.Skip != nil && m.Skip(host) {
		return next()
	}
	r := &request[T, H]{middleware: m, host: host}
	bound, err := session.Bind[T](host.Values(), r)
	if err != nil {
		return err
	}
	if !bound { // the outer of two middlewares does everything
		return next()
	}
	if m.InContext {
		req := host.Request()
		host.SetRequest(req.WithContext(session.WithCarrier(req.Context(), host.Values())))
	}
	r.writer.Init(host.Writer(), r)
	host.SetWriter(&r.writer)
	returned, ended := false, false
	defer func() {
		if ended {
			return
		}
		var p any
		if cause := r.writer.Err(); cause != nil && cause != response.ErrUnfinished {
			// A handler that aborts because the commit kept its response from
			// leaving, as a reverse proxy does, makes way for the error page.
			if p = recover(); p == http.ErrAbortHandler {
				err = r.returned(nil)
				return
			}
		}
		r.panicked(returned)
		if p != nil {
			panic(p)
		}
	}()
	if !m.Defer && (len(r.lines()) > 0 || m.Manager.StoresEmpty()) {
		err = r.open().exchange.Load(r.Context())
	}
	if err == nil {
		err = next()
	}
	returned = true
	err = r.returned(err)
	ended = true
	return err
}

// returned ends the request of a handler that returned err.
func (r *request[T, H]) returned(err error) error {
	begun := r.writer.Begun()
	saved := r.finish()
	failed, sent := r.writer.Err(), r.writer.Begun()
	r.writer.Disarm()
	result := cmp.Or(err, saved) // the handler's error wins; the other one was observed
	if failed == nil && (begun || result == nil) {
		r.restoreWriter()
		if sent {
			r.host.Sent()
		}
		return r.middleware.answer(result)
	}
	if failed != nil || err == nil {
		// The response of the handler was never sent, although the framework
		// believes that it was: the error page must not have its headers.
		r.writer.Rollback()
	}
	r.reopen()
	return r.middleware.answer(cmp.Or(failed, result))
}

// panicked ends the request of a handler that panicked, or of a commit that did
// so after the handler returned: the change is not saved, but the cookie of what
// the handler saved itself goes out with the error page.
func (r *request[T, H]) panicked(returned bool) {
	failed := r.writer.Err() != nil
	sent := r.writer.Begun() && !failed
	r.abandon(sent)
	r.writer.Disarm()
	if sent {
		r.restoreWriter()
		return
	}
	if returned || failed { // the handler's response is lost
		r.writer.Rollback()
	}
	r.reopen()
}

// reopen lets an error page be written, past everything that wrapped the writer
// since.
func (r *request[T, H]) reopen() {
	r.host.Reopen(r.writer.Err() != nil)
	r.host.SetWriter(r.writer.Unwrap())
}

// restoreWriter takes the writer out again, unless somebody has wrapped it.
func (r *request[T, H]) restoreWriter() {
	if r.host.Writer() == http.ResponseWriter(&r.writer) {
		r.host.SetWriter(r.writer.Unwrap())
	}
}
