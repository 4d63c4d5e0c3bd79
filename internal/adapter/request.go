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
	part       atomic.Pointer[part[T]] // nil, a stand-in of the middleware, or one of its own
}

// part is what a request has only once its session is needed.
type part[T any] struct {
	once     sync.Once // begins it
	stage    atomic.Uint32
	exchange session.Exchange[T]
	ctx      CommitContext
	vary     [1]string // memory for the header of the response
}

// The stage of a part, or of a stand-in for one, is how far the response had come
// when it was made, and later that its request has ended.
const (
	stageOpen uint32 = iota
	stageSent
	stageHijacked
	stageEnded
)

// Manager implements [session.Source].
func (r *request[T, H]) Manager() *session.Manager[T] { return r.middleware.manager }

// Exchange implements [session.Source].
func (r *request[T, H]) Exchange() *session.Exchange[T] { return &r.open().exchange }

// Ended implements [session.Source].
func (r *request[T, H]) Ended() bool {
	p := r.part.Load()
	return p != nil && p.stage.Load() == stageEnded
}

// open returns the request's part, which the first call makes. Several goroutines
// may call it at once, also while the response begins or the request ends. It
// does not use the host of a request that has ended.
func (r *request[T, H]) open() *part[T] {
	p := r.part.Load()
	for r.middleware.replaceable(p) {
		own := new(part[T])
		if p != nil {
			own.stage.Store(p.stage.Load())
		}
		if r.part.CompareAndSwap(p, own) {
			p = own
		} else {
			p = r.part.Load()
		}
	}
	p.once.Do(func() { r.begin(p) })
	return p
}

// replaceable reports whether a request with p still can get a part of its own.
func (m *Middleware[T, H]) replaceable(p *part[T]) bool {
	return p == nil || p == &m.sent || p == &m.hijacked
}

// begin makes the exchange of p, from the request as it is now and with the
// response as far as it has come.
func (r *request[T, H]) begin(p *part[T]) {
	m := r.middleware
	o := session.BeginOptions[T]{Hooks: r, HasValid: m.opts.Valid != nil, HasBeforeSave: m.opts.BeforeSave != nil}
	if m.opts.Header == "" {
		o.Cookies = r.lines()
	} else if o.Tokens = r.lines(); o.Tokens == nil {
		o.Tokens = []string{}
	}
	m.manager.Begin(&p.exchange, o)
	// If its commit is over, there was nothing to store.
	switch p.stage.Load() {
	case stageSent:
		_, _ = p.exchange.Commit(r.Context(), false)
	case stageHijacked:
		_, _ = p.exchange.Commit(r.Context(), true)
		p.exchange.Hijacked()
	}
}

// standIn makes p the stand-in for the part of a request whose response has come
// to stage without a session. At the end, its exchange is over from the start.
func (p *part[T]) standIn(m *session.Manager[T], stage uint32) {
	p.stage.Store(stage)
	if stage == stageEnded {
		p.once.Do(func() { m.Begin(&p.exchange, session.BeginOptions[T]{}) })
		p.exchange.Abandon(context.Background())
	}
}

// end returns the request's part. A request that has none ends at once, and end
// returns nil.
func (r *request[T, H]) end() *part[T] {
	for {
		p := r.part.Load()
		if !r.middleware.replaceable(p) {
			return r.open()
		}
		if r.part.CompareAndSwap(p, &r.middleware.ended) {
			return nil
		}
	}
}

// lines returns the lines of the field that has the token.
func (r *request[T, H]) lines() []string { return r.host.Request().Header[r.middleware.field] }

// Commit implements [response.Committer].
func (r *request[T, H]) Commit(hijacked bool) error {
	if r.part.CompareAndSwap(nil, &r.middleware.sent) {
		return nil
	}
	p := r.open()
	p.ctx.Init(r.Context())
	defer p.ctx.Pause()
	out, err := p.exchange.Commit(&p.ctx, hijacked)
	r.writeHeader(p, out)
	return err
}

// Hijacked implements [response.Committer].
func (r *request[T, H]) Hijacked() {
	if m := r.middleware; !r.part.CompareAndSwap(&m.sent, &m.hijacked) {
		r.open().exchange.Hijacked()
	}
}

// finish ends the exchange, if there is one. It commits if nothing was written.
func (r *request[T, H]) finish() error {
	p := r.end()
	if p == nil {
		return nil
	}
	ctx := p.ctx.Next(r.Context())
	defer p.ctx.Release()
	defer ctx.Release()
	out, err := p.exchange.End(ctx)
	p.stage.Store(stageEnded)
	r.writeHeader(p, out)
	return err
}

// abandon ends the exchange, if there is one, without a commit. send puts the
// cookie of a Save that was made before into the header.
func (r *request[T, H]) abandon() (send func()) {
	p := r.end()
	if p == nil {
		return func() {}
	}
	defer p.ctx.Release()
	out := p.exchange.Abandon(r.Context())
	p.stage.Store(stageEnded)
	return func() { r.writeHeader(p, out) }
}

func (r *request[T, H]) writeHeader(p *part[T], out session.Outcome) {
	WriteHeader(r.writer.Unwrap().Header(), out, r.middleware.field, &p.vary)
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

// answer maps an error that the handler returned, because it may come from Save,
// Update or Reload. The framework makes a 500 of every other error that has no
// status.
func (o *Options[T, H]) answer(err error) error {
	if err == nil || !errors.Is(err, session.ErrUnavailable) || o.HasStatus(err) {
		return err
	}
	return o.withStatus(err)
}
