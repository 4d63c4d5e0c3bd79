package session

import (
	"errors"
	"fmt"
	"strings"
)

// The errors of operations. They come wrapped with the operation that met them:
// use [errors.Is]. No error of this package contains a token or a key.
var (
	// ErrNotFound: there is no such session, or it expired.
	ErrNotFound = errors.New("session not found")
	// ErrExists: the id of a new record is taken.
	ErrExists = errors.New("session exists already")
	// ErrConflict: the record changed since it was read, and again at every
	// further try.
	ErrConflict = errors.New("session was changed by another request")
	// ErrUnavailable: the store cannot be reached, so nothing is known about the
	// session.
	ErrUnavailable = errors.New("session store unavailable")
	// ErrGone: the session was ended, or its token replaced, while this request
	// was using it. Its changes are dropped.
	ErrGone = errors.New("session was revoked or superseded while in use")
	// ErrCorrupt: what is stored cannot be decoded, or no key opens it. The record
	// is left as it is.
	ErrCorrupt = errors.New("stored session is corrupt")
	// ErrSchema: a newer Config.SchemaVersion stored the session. It can be read if
	// it decodes, but not be written.
	ErrSchema = errors.New("session was stored by a newer version of the application")
	// ErrTooLarge: the encoded Data is longer than Config.MaxBytes. Nothing was
	// stored.
	ErrTooLarge = errors.New("session data too large")
	// ErrCommitted: the change needs a new token, but the response has begun, so
	// the client cannot be given one. Nothing was stored.
	ErrCommitted = errors.New("response has begun: the new token cannot be sent")
	// ErrNoSession: no middleware for this type of session ran before.
	ErrNoSession = errors.New("no session middleware for this type")
	// ErrDiscard is an answer of an ErrorHandler. It gives up a record that cannot
	// be loaded: the record counts as unknown, and the request gets a new session.
	ErrDiscard = errors.New("session discarded")
)

// ConfigError is one problem of a configuration. [New] joins all of them into
// one error; [errors.AsType] finds the first, Unwrap() []error has them all.
type ConfigError struct {
	// Field is the path of the field in [Config], such as "Cookie.SameSite". A
	// field of an adapter's Config is named in full: "echoadapter.Config.Header".
	Field  string
	Value  any    // what it was; nil for secrets
	Reason string // what is wrong, and the cure
}

func (e *ConfigError) Error() string {
	pkg, field, ok := strings.Cut(e.Field, ".Config.")
	if !ok {
		pkg, field = "session", e.Field
	}
	if e.Value == nil {
		return fmt.Sprintf("%s: Config.%s: %s", pkg, field, e.Reason)
	}
	return fmt.Sprintf("%s: Config.%s is %v: %s", pkg, field, e.Value, e.Reason)
}
