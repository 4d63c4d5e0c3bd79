package adapter

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/echosession/echosession/internal/response"
	"github.com/echosession/echosession/session"
)

// request is all that a middleware keeps of a request that does not need its
// session, in 80 bytes for Echo. It is the [session.Source] of that session, the
// hooks of its exchange and the committer of its writer.
type request[T any, H Host] struct {
	writer     response.Writer
	middleware *Middleware[T, H]
	host       H
	begun      atomic.Pointer[begun[T]]
}

// begun is the part of a request that begins when its session is needed.
type begun[T any] struct {
	once     sync.Once // for the beginning
	ended    atomic.Bool
	after    *begun[T] // what the request had before: nil, or the middleware's sent or hijacked
	exchange session.Exchange[T]
	commit   CommitContext
	finish   CommitContext // for End: a store may have kept the other
	lines    Lines
}

// Manager implements [session.Source].
func (r *request[T, H]) Manager() *session.Manager[T] { return r.middleware.manager }

// Exchange implements [session.Source].
func (r *request[T, H]) Exchange() *session.Exchange[T] { return &r.open().exchange }

// Ended implements [session.Source].
func (r *request[T, H]) Ended() bool {
	b := r.begun.Load()
	return b != nil && b.ended.Load()
}

// open returns the begun part, and begins it at the first call. Several
// goroutines may call it at once, also while the response begins or the request
// ends. Once the request has ended it never uses the host.
func (r *request[T, H]) open() *begun[T] {
	m := r.middleware
	b := r.begun.Load()
	for b == nil || b == &m.sent || b == &m.hijacked {
		if next := (&begun[T]{after: b}); r.begun.CompareAndSwap(b, next) {
			b = next
		} else {
			b = r.begun.Load()
		}
	}
	b.once.Do(func() { r.begin(b) })
	return b
}

// begin makes the exchange of b from the request as it is now, and tells it how
// far the response has come.
func (r *request[T, H]) begin(b *begun[T]) {
	m := r.middleware
	o := session.BeginOptions[T]{Hooks: r, HasValid: m.opts.Valid != nil, HasBeforeSave: m.opts.BeforeSave != nil}
	if m.opts.Header == "" {
		o.Cookies = r.lines()
	} else if o.Tokens = r.lines(); o.Tokens == nil {
		o.Tokens = []string{}
	}
	m.manager.Begin(&b.exchange, o)
	if b.after == nil {
		return
	}
	_, _ = b.exchange.Commit(r.Context(), b.after == &m.hijacked) // there is nothing to store or to send yet
	if b.after == &m.hijacked {
		b.exchange.Hijacked()
	}
}

// beginEnded makes b what [request.open] returns after the end of a request that
// needed no session.
func (b *begun[T]) beginEnded(m *session.Manager[T]) {
	b.once.Do(func() { m.Begin(&b.exchange, session.BeginOptions[T]{}) })
	b.exchange.Abandon(context.Background())
	b.ended.Store(true)
}

// end returns the begun part, or ends a request that has none and returns nil.
func (r *request[T, H]) end() *begun[T] {
	m := r.middleware
	for {
		b := r.begun.Load()
		if b != nil && b != &m.sent && b != &m.hijacked {
			return r.open()
		}
		if r.begun.CompareAndSwap(b, &m.ended) {
			return nil
		}
	}
}

// lines returns the lines of the field that has the token.
func (r *request[T, H]) lines() []string { return r.host.Request().Header[r.middleware.field] }

// Commit implements [response.Committer].
func (r *request[T, H]) Commit(hijacked bool) error {
	if r.begun.CompareAndSwap(nil, &r.middleware.sent) {
		return nil
	}
	b := r.open()
	b.commit.Init(r.Context())
	defer b.commit.Release()
	out, err := b.exchange.Commit(&b.commit, hijacked)
	r.writeHeader(b, out)
	return err
}

// Hijacked implements [response.Committer].
func (r *request[T, H]) Hijacked() {
	if m := r.middleware; !r.begun.CompareAndSwap(&m.sent, &m.hijacked) {
		r.open().exchange.Hijacked()
	}
}

// finish ends the exchange, if there is one, with a commit if there was none.
func (r *request[T, H]) finish() error {
	b := r.end()
	if b == nil {
		return nil
	}
	b.finish.Init(r.Context())
	defer b.finish.Release()
	out, err := b.exchange.End(&b.finish)
	b.ended.Store(true)
	r.writeHeader(b, out)
	return err
}

// abandon ends the exchange, if there is one, without a commit. send puts the
// cookie of a Save that was made before into the header.
func (r *request[T, H]) abandon() (send func()) {
	b := r.end()
	if b == nil {
		return func() {}
	}
	out := b.exchange.Abandon(r.Context())
	b.ended.Store(true)
	return func() { r.writeHeader(b, out) }
}

func (r *request[T, H]) writeHeader(b *begun[T], out session.Outcome) {
	WriteHeader(r.writer.Unwrap().Header(), out, r.middleware.field, &b.lines)
}

// Context implements [session.Hooks].
func (r *request[T, H]) Context() context.Context { return r.host.Request().Context() }

// Origin implements [session.Hooks].
func (r *request[T, H]) Origin() (scheme, host string) { return r.host.Origin() }

// Valid implements [session.Hooks].
func (r *request[T, H]) Valid(s *session.Session[T]) (bool, error) {
	return r.middleware.opts.Valid(r.host, s)
}

// BeforeSave implements [session.Hooks].
func (r *request[T, H]) BeforeSave(s *session.Session[T]) error {
	return r.middleware.opts.BeforeSave(r.host, s)
}

// Failed implements [session.Hooks].
func (r *request[T, H]) Failed(op session.Op, err error) error {
	o := &r.middleware.opts
	if o.ErrorHandler == nil {
		return o.withStatus(err)
	}
	answer := o.ErrorHandler(r.host, op, err)
	if errors.Is(answer, response.ErrUnfinished) {
		return o.withStatus(err) // it wrote a page, but the handler's response is under way
	}
	return answer
}

// withStatus makes the framework's error of one of the store.
func (o *Options[T, H]) withStatus(err error) error {
	if errors.Is(err, session.ErrUnavailable) {
		return o.HTTPError(http.StatusServiceUnavailable, err)
	}
	return o.HTTPError(http.StatusInternalServerError, err)
}

// answer maps an error that the handler returned: it may be that of a Save, an
// Update or a Reload. What is left without a status becomes a 500.
func (o *Options[T, H]) answer(err error) error {
	if err == nil || !errors.Is(err, session.ErrUnavailable) || o.HasStatus(err) {
		return err
	}
	return o.withStatus(err)
}
