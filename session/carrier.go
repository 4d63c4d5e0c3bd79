package session

import (
	"context"
	"fmt"
	"reflect"
)

// Carrier is what a session travels in during a request; echo.Context is one,
// of v4 and of v5.
type Carrier interface{ Get(key string) any }

// carrierKey holds one link. It is one name for all T, because type names are
// not unique: who asks finds its own kind by type assertion.
const carrierKey = "github.com/echosession/echosession"

type contextKey struct{}

// link is an Exchange of any T, in a chain of those that share a context.
type link interface{ beside() link }

func (x *Exchange[T]) beside() link { return x.outer }

// find returns the exchange of T in the chain that starts with v, or nil.
func find[T any](v any) *Exchange[T] {
	l, _ := v.(link)
	for ; l != nil; l = l.beside() {
		if x, ok := l.(*Exchange[T]); ok {
			return x
		}
	}
	return nil
}

// Get returns the session of the request that c carries, loaded at the first
// call where the adapter defers that. All calls of a request return the same
// one, or the same error.
//
// [ErrNoSession]: no middleware for this T ran before. Otherwise an error is
// the answer of the adapter's ErrorHandler.
func Get[T any](c Carrier) (*Session[T], error) {
	x := find[T](c.Get(carrierKey))
	if x == nil {
		return nil, noSession[T]()
	}
	return x.Session(x.context())
}

// Peek returns the session's Data as it was loaded, or that of a new session.
// It shares nothing with the Data of [Get] and is never saved, so that a
// handler that only reads pays for no comparison. Errors are those of Get.
func Peek[T any](c Carrier) (T, error) {
	x := find[T](c.Get(carrierKey))
	if x == nil {
		var zero T
		return zero, noSession[T]()
	}
	return x.Peek(x.context())
}

// FromContext is [Get] for code below the handlers that has only a context. The
// adapter must put the session there; see its InContext.
func FromContext[T any](ctx context.Context) (*Session[T], error) {
	x := find[T](ctx.Value(contextKey{}))
	if x == nil {
		return nil, noSession[T]()
	}
	return x.Session(ctx)
}

func noSession[T any]() error {
	return fmt.Errorf("session: %w: %v", ErrNoSession, reflect.TypeFor[T]())
}

// Bind makes x what [Get] finds in c, beside the sessions of other types that c
// has already. It reports false, and changes nothing, where c has a session of
// the same Manager: that of an outer middleware, which does it all. One of
// another Manager for the same T is an error, since a handler could not tell
// them apart.
func (x *Exchange[T]) Bind(c interface {
	Carrier
	Set(key string, value any)
}) (bool, error) {
	x.outer, _ = c.Get(carrierKey).(link)
	if y := find[T](x.outer); y != nil && !y.ended() {
		if y.m == x.m {
			return false, nil
		}
		return false, fmt.Errorf("session: two sessions of type %v in one request, with the cookies %q and %q: give them types of their own, or share one Manager",
			reflect.TypeFor[T](), y.m.cookie.Name, x.m.cookie.Name)
	}
	c.Set(carrierKey, x)
	return true, nil
}

// ended reports whether the request is over: a middleware further out may run
// the handler again, in the same context.
func (x *Exchange[T]) ended() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.over
}

// Context returns ctx with x in it, for [FromContext]. Sessions of other types
// that x was bound beside are there, too.
func (x *Exchange[T]) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, contextKey{}, x)
}

// context is the request's, for calls that have none of their own.
func (x *Exchange[T]) context() context.Context {
	if h := x.hooks(); h != nil {
		return h.Context()
	}
	return context.Background()
}
