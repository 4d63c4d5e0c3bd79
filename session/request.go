package session

import "context"

// Request is what an adapter tells of its request.
type Request[T any] struct {
	Lines []string `json:"-"` // of the header field that carries the token
	Plain bool     // each line is a token; otherwise they are of the field Cookie
	Hooks Hooks[T] `json:"-"` // nil outside of a request

	Validates bool // whether Hooks.Valid is to be asked
	Prepares  bool // whether Hooks.BeforeSave is
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
