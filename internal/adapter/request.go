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
func (r *request[T, H]) Manager() *session.Manager[T] { return r.middleware.Manager }

// Exchange implements [session.Source].
func (r *request[T, H]) Exchange() *session.Exchange[T] { return &r.open().exchange }

// Ended implements [session.Source].
func (r *request[T, H]) Ended() bool {
	p := r.part.Load()
	return p != nil && p.stage.Load() == stageEnded
}

// open returns the request's part, which the first call makes. Several goroutines
// may call it at once, also while the response begins or the request ends.
func (r *request[T, H]) open() *part[T] {
	p := r.part.Load()
	for r.middleware.replaceable(p) {
		own := new(part[T])
		if p != nil {
			own.stage.Store(p.stage.Load())
		}
		r.part.CompareAndSwap(p, own)
		p = r.part.Load()
	}
	p.once.Do(func() { r.begin(&p.exchange, p.stage.Load()) })
	return p
}

// replaceable reports whether a request with p still can get a part of its own.
func (m *Middleware[T, H]) replaceable(p *part[T]) bool {
	return p == nil || p == &m.sent || p == &m.hijacked
}

// begin begins x, from the request as it is now and with the response as far as it
// has come.
func (r *request[T, H]) begin(x *session.Exchange[T], stage uint32) {
	m := r.middleware
	if stage == stageEnded { // the host may serve another request by now
		m.Manager.Begin(x, session.BeginOptions[T]{}).Abandon(context.Background())
		return
	}
	o := session.BeginOptions[T]{Hooks: r, HasValid: m.Valid != nil, HasBeforeSave: m.BeforeSave != nil}
	if m.Header == "" {
		o.Cookies = r.lines()
	} else if o.Tokens = r.lines(); o.Tokens == nil {
		o.Tokens = []string{}
	}
	m.Manager.Begin(x, o)
	if stage != stageOpen {
		_, _ = x.Commit(r.Context(), stage == stageHijacked) // there was nothing to store
	}
	if stage == stageHijacked {
		x.Hijacked()
	}
}

// reach returns the request's part. If there is none, it returns nil, and the
// request has come to the stage of standIn.
func (r *request[T, H]) reach(standIn *part[T]) *part[T] {
	for {
		p := r.part.Load()
		if !r.middleware.replaceable(p) {
			return r.open()
		}
		if r.part.CompareAndSwap(p, standIn) {
			return nil
		}
	}
}

// close notes that the request of p has ended.
func (p *part[T]) close() {
	p.ctx.Release()
	p.stage.Store(stageEnded)
}

// lines returns the lines of the field that has the token.
func (r *request[T, H]) lines() []string { return r.host.Request().Header[r.middleware.field] }

// Commit implements [response.Committer].
func (r *request[T, H]) Commit(hijacked bool) error {
	p := r.reach(&r.middleware.sent)
	if p == nil {
		return nil
	}
	p.ctx.Init(r.Context())
	defer p.ctx.Pause()
	out, err := p.exchange.Commit(&p.ctx, hijacked)
	r.writeHeader(p, out)
	return err
}

// Hijacked implements [response.Committer].
func (r *request[T, H]) Hijacked() {
	if p := r.reach(&r.middleware.hijacked); p != nil {
		p.exchange.Hijacked()
	}
}

// finish ends the exchange, if there is one. It commits if nothing was written.
func (r *request[T, H]) finish() error {
	p := r.reach(&r.middleware.ended)
	if p == nil {
		return nil
	}
	defer p.close()
	ctx := p.ctx.Next(r.Context())
	defer ctx.Release()
	out, err := p.exchange.End(ctx)
	r.writeHeader(p, out)
	return err
}

// abandon ends the exchange, if there is one, without a commit. If a header can
// still be sent, it gets the cookie of a Save that was made before.
func (r *request[T, H]) abandon(sent bool) {
	p := r.reach(&r.middleware.ended)
	if p == nil {
		return
	}
	defer p.close()
	if out := p.exchange.Abandon(r.Context()); !sent {
		r.writeHeader(p, out)
	}
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
	return r.middleware.Valid(r.host, s)
}

// BeforeSave implements [session.Hooks].
func (r *request[T, H]) BeforeSave(s *session.Session[T]) error {
	return r.middleware.BeforeSave(r.host, s)
}

// Failed implements [session.Hooks].
func (r *request[T, H]) Failed(op session.Op, err error) error {
	m := r.middleware
	if m.ErrorHandler != nil {
		answer := m.ErrorHandler(r.host, op, err)
		if !errors.Is(answer, response.ErrUnfinished) { // else it wrote a page, but the handler's response is under way
			return answer
		}
	}
	return m.withStatus(err)
}

// withStatus makes the framework's error of one of the store.
func (o *Options[T, H]) withStatus(err error) error {
	status := http.StatusInternalServerError
	if errors.Is(err, session.ErrUnavailable) {
		status = http.StatusServiceUnavailable
	}
	return o.HTTPError(status, err)
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
