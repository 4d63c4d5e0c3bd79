package session

import (
	"context"
	"fmt"
	"reflect"
)

// Carrier is what a session travels in during a request; echo.Context is one,
// of v4 and of v5.
type Carrier interface{ Get(key string) any }

// Get returns the session of the request that c carries. The first call loads
// it if the adapter defers that. All calls of a request return the same session,
// or the same error.
//
// [ErrNoSession]: no middleware for this T ran before. Any other error is the
// answer of the adapter's ErrorHandler.
func Get[T any](c Carrier) (*Session[T], error) {
	x, err := exchangeIn[T](c.Get(carrierKey))
	if err != nil {
		return nil, err
	}
	return x.Session(x.requestContext())
}

// Peek returns the session's Data as it was loaded, or that of a new session.
// It shares nothing with the Data of [Get] and is never saved, so a handler that
// only reads pays for no comparison. The errors are those of Get.
func Peek[T any](c Carrier) (T, error) {
	x, err := exchangeIn[T](c.Get(carrierKey))
	if err != nil {
		var zero T
		return zero, err
	}
	return x.Peek(x.requestContext())
}

// FromContext is [Get] for code below the handlers that has only a context. The
// adapter must put the session there; see its InContext.
func FromContext[T any](ctx context.Context) (*Session[T], error) {
	x, err := exchangeIn[T](ctx.Value(contextKey{}))
	if err != nil {
		return nil, err
	}
	return x.Session(ctx)
}

// Source gives the exchange of one request. It makes the exchange at the first
// call, so that a request that needs no session does not pay for one.
type Source[T any] interface {
	Manager() *Manager[T]
	Exchange() *Exchange[T]
	// Ended reports whether the request is over.
	Ended() bool
}

// carrierKey is the key of the sessions in a Carrier. It is one key for all T,
// because the names of types are not unique: each T finds its own session by a
// type assertion.
const carrierKey = "github.com/echosession/echosession"

type contextKey struct{}

// chain holds a source beside those of other kinds that the Carrier had before.
type chain struct{ source, outer any }

// sourceIn returns the source of T in v, or nil. v is a source, a chain, or nil.
func sourceIn[T any](v any) Source[T] {
	for {
		node, isChain := v.(*chain)
		if isChain {
			v = node.source
		}
		if s, ok := v.(Source[T]); ok {
			return s
		}
		if !isChain {
			return nil
		}
		v = node.outer
	}
}

func exchangeIn[T any](v any) (*Exchange[T], error) {
	s := sourceIn[T](v)
	if s == nil {
		return nil, fmt.Errorf("session: %w: %v", ErrNoSession, reflect.TypeFor[T]())
	}
	return s.Exchange(), nil
}

// Bind makes s what [Get] finds in c, beside the sessions of other types that c
// has already. It reports false, and changes nothing, if c has a session of the
// same Manager: the outer middleware then does everything. A session of another
// Manager for the same T is an error, because a handler could not tell the two
// apart.
func Bind[T any](c interface {
	Carrier
	Set(key string, value any)
}, s Source[T]) (bool, error) {
	outer := c.Get(carrierKey)
	// A middleware further out may run the handler again, in the same context.
	if other := sourceIn[T](outer); other != nil && !other.Ended() {
		if other.Manager() == s.Manager() {
			return false, nil
		}
		return false, fmt.Errorf("session: two sessions of type %v in one request, with the cookies %q and %q: give them types of their own, or share one Manager",
			reflect.TypeFor[T](), other.Manager().cookie.Name, s.Manager().cookie.Name)
	}
	if outer == nil {
		c.Set(carrierKey, s)
	} else {
		c.Set(carrierKey, &chain{s, outer})
	}
	return true, nil
}

// WithCarrier returns ctx with the sessions that c carries, for [FromContext].
func WithCarrier(ctx context.Context, c Carrier) context.Context {
	return context.WithValue(ctx, contextKey{}, c.Get(carrierKey))
}

// begun is the Source of an exchange that exists already.
type begun[T any] struct{ x *Exchange[T] }

func (b begun[T]) Manager() *Manager[T]   { return b.x.m }
func (b begun[T]) Exchange() *Exchange[T] { return b.x }
func (b begun[T]) Ended() bool            { return b.x.ended() }

// Bind is the function [Bind] for an exchange that exists already.
func (x *Exchange[T]) Bind(c interface {
	Carrier
	Set(key string, value any)
}) (bool, error) {
	return Bind(c, begun[T]{x})
}

// Context returns ctx with x in it, beside the sessions of other types that ctx
// has already, for [FromContext].
func (x *Exchange[T]) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, contextKey{}, &chain{begun[T]{x}, ctx.Value(contextKey{})})
}

// ended reports whether the request is over.
func (x *Exchange[T]) ended() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.response == responseOver
}

// withoutSession returns ctx without sessions, for Observe and NewID. They are
// called while the session of the request is being worked on, and would wait for
// it.
func withoutSession(ctx context.Context) context.Context {
	if ctx.Value(contextKey{}) == nil {
		return ctx
	}
	return context.WithValue(ctx, contextKey{}, nil)
}
