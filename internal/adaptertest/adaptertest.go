// Package adaptertest is the test suite of every adapter: what clients, handlers
// and hooks see of sessions over HTTP. It is the same for every web framework. An
// adapter's tests call [Run] with a [Harness] of their framework.
package adaptertest

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/echosession/echosession/session"
)

// Harness is a framework and its adapter.
type Harness struct {
	// Handler serves every path and method by p.
	Handler func(p Program) http.Handler
	// Error makes the framework's error of a status, with a message for its page.
	Error func(status int, message string) error
	// Page is the body of the framework's page for such an error, and PageType its
	// Content-Type.
	Page     func(status int, message string) string
	PageType string

	// Ways are further ways in which a response of this framework leaves. Optional.
	Ways func(t *testing.T) []Way
	// Wrappers are middlewares of the framework that put something around the
	// response: they change nothing for clients. Optional.
	Wrappers map[string]any
	// Backend makes the store that sessions are kept in. Default: a memstore, with
	// the time of a bubble of synctest.
	Backend func(t *testing.T) Backend
}

// Program is what a framework serves.
type Program struct {
	// Middleware is passed from the first to the last: a Config of [Visits] or of
	// [Basket], for a middleware of the adapter, an [Around], or what the harness
	// itself gave in Ways or Wrappers.
	Middleware []any
	Handler    Handler
}

// Handler answers a request.
type Handler func(c Context) error

// Around is a middleware that is not the adapter's.
type Around func(c Context, next func() error) error

// Context is a request as the framework's handlers and hooks have it.
type Context interface {
	session.Carrier
	Set(key string, value any)
	Request() *http.Request
	Response() http.ResponseWriter
	// Inform sends an informational header (1xx), which the framework must not
	// take for the final one.
	Inform(status int)
}

// Config is the Config of every adapter. Its hooks get the framework's context.
type Config[T any] struct {
	Session      session.Config[T]
	Manager      *session.Manager[T]
	Header       string
	Defer        bool
	InContext    bool
	Skipper      func(c Context) bool
	Valid        func(c Context, s *session.Session[T]) (bool, error)
	BeforeSave   func(c Context, s *session.Session[T]) error
	ErrorHandler func(c Context, op session.Op, err error) error
}

// Visits is what the sessions of the suite hold.
type Visits struct {
	Count int
	Name  string
	Tags  map[string]int
}

// Basket is what a second kind of sessions holds.
type Basket struct{ Items []string }

type (
	config   = Config[Visits]
	sessions = session.Config[Visits]
	visit    = session.Session[Visits]
)

// Run runs the whole suite, with and without deferred loading.
func Run(t *testing.T, h Harness) { run(t, h, func(test) bool { return true }) }

// RunLives runs the tests that go through whole lives of sessions, which are a
// matter of the store as well.
func RunLives(t *testing.T, h Harness) { run(t, h, func(tt test) bool { return tt.lives }) }

func run(t *testing.T, h Harness, selected func(test) bool) {
	for _, deferred := range []bool{false, true} {
		t.Run(fmt.Sprintf("defer=%t", deferred), func(t *testing.T) {
			t.Parallel()
			for _, tt := range tests {
				if selected(tt) {
					t.Run(tt.name, func(t *testing.T) {
						t.Parallel()
						tt.run(t, env{h, deferred})
					})
				}
			}
		})
	}
}

// env is what a test of the suite runs in.
type env struct {
	Harness
	deferred bool // the session is loaded at its first use
}

// test is one of the suite.
type test struct {
	name  string
	run   func(t *testing.T, e env)
	lives bool
}

// each runs the parts of a test.
func each(t *testing.T, e env, parts []test) {
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			part.run(t, e)
		})
	}
}
