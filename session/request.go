package session

import "context"

// BeginOptions describes the request that an exchange begins with.
type BeginOptions[T any] struct {
	Cookies []string `json:"-"` // the lines of the Cookie field
	Tokens  []string `json:"-"` // if not nil, the tokens that came in a field of their own: there is no cookie
	Hooks   Hooks[T] `json:"-"` // nil outside of a request

	HasValid, HasBeforeSave bool // whether these hooks are called
}

// lines returns the lines that have the token.
func (o *BeginOptions[T]) lines() []string {
	if o.Tokens != nil {
		return o.Tokens
	}
	return o.Cookies
}

// Hooks is the adapter's side of an [Exchange]. No lock is held during a call
// but the one that keeps other loads and saves of the same request waiting.
type Hooks[T any] interface {
	// Context is the request's, for calls that have none of their own.
	Context() context.Context
	// Origin is where the request was sent: "http" or "https", and the host.
	Origin() (scheme, host string)
	// Valid reports whether the session, just loaded, may be used.
	Valid(s *Session[T]) (bool, error)
	// BeforeSave is called before each save; its error keeps it from being made.
	BeforeSave(s *Session[T]) error
	// Failed maps an error where it arises; see the ErrorHandler of an adapter.
	Failed(op Op, err error) error
}

// Op is the operation in which an error arose.
type Op string

const (
	OpLoad    Op = "load"
	OpSave    Op = "save"
	OpDestroy Op = "destroy"
)
