// Package adapter has everything of a session middleware that is the same in
// every web framework: the settings, the order of a request, the commit and the
// header of the response. An adapter adds a [Host] and the framework's errors.
package adapter

import (
	"errors"
	"net/http"
	"reflect"
	"slices"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// Options are the settings of a middleware: those that the Config of every
// adapter has, and what differs between frameworks.
type Options[T any, H Host] struct {
	Package   string // the adapter's, for errors
	Session   session.Config[T]
	Manager   *session.Manager[T]
	Header    string
	Defer     bool
	InContext bool

	// The hooks of the application; nil if there is none.
	Skip         func(H) bool
	Valid        func(H, *session.Session[T]) (bool, error)
	BeforeSave   func(H, *session.Session[T]) error
	ErrorHandler func(H, session.Op, error) error

	// HTTPError makes the framework's error of a status, with its cause inside.
	HTTPError func(status int, cause error) error
	// HasStatus reports whether the framework would answer err with a status of
	// err's own.
	HasStatus func(err error) bool
}

// Middleware is one middleware of any framework.
type Middleware[T any, H Host] struct {
	Options[T, H]        // with a Manager
	field         string // of the request's header; it carries the token

	// Stand-ins for the part of a request that did not need its session until its
	// response was sent, its connection taken over, or the request ended.
	sent, hijacked, ended part[T]
}

// New makes a middleware of opts. The error joins everything that is wrong with
// them, each a [*session.ConfigError].
func New[T any, H Host](opts Options[T, H]) (*Middleware[T, H], error) {
	m := &Middleware[T, H]{Options: opts, field: CookieField}
	m.sent.stage.Store(stageSent)
	m.hijacked.stage.Store(stageHijacked)
	m.ended.stage.Store(stageEnded)
	if opts.Header != "" {
		m.field = http.CanonicalHeaderKey(opts.Header)
	}
	problems := m.check()
	if m.Manager == nil {
		if opts.Session.Store == nil {
			opts.Session.Store = memstore.New(memstore.Options{})
		}
		made, err := session.New(opts.Session)
		if err == nil && problems != nil {
			err = made.Close() // it watches the store
		}
		m.Manager, problems = made, errors.Join(err, problems)
	}
	if problems != nil {
		return nil, problems
	}
	return m, nil
}

// check returns what is wrong with the settings. Those of Session are checked by
// [session.New].
func (m *Middleware[T, H]) check() (problems error) {
	if m.Manager != nil && !reflect.ValueOf(m.Session).IsZero() {
		problems = &session.ConfigError{Field: m.Package + ".Config.Manager", Reason: "is set beside Session: configure the sessions where the Manager is made, and leave Session out"}
	}
	// The names of fields and of cookies have one syntax (RFC 9110, section 5.6.2).
	if m.Header != "" && ((&http.Cookie{Name: m.Header}).Valid() != nil || slices.Contains(takenFields, m.field)) {
		problems = errors.Join(problems, &session.ConfigError{Field: m.Package + ".Config.Header", Value: m.Header, Reason: "must be a header field of its own, such as X-Session"})
	}
	return problems
}

// takenFields have another meaning, or do not reach the server.
var takenFields = []string{
	CookieField, "Set-Cookie", "Vary", "Cache-Control",
	"Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Upgrade", "Te",
	"Content-Type", "Content-Encoding", "Content-Disposition", "Content-Location", "Content-Range",
	"Etag", "Expires", "Last-Modified", "Location", "Refresh",
}
