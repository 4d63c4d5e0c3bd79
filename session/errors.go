package session

import (
	"errors"
	"fmt"
	"strings"
)

// What an operation can end with. They come wrapped, with the operation that
// met them: ask with [errors.Is]. No error of this package contains a token or
// a key.
var (
	// ErrNotFound: there is no such session, or it expired.
	ErrNotFound = errors.New("session not found")
	// ErrExists: the id of a new record is taken.
	ErrExists = errors.New("session exists already")
	// ErrConflict: the record changed since it was read, and went on changing
	// at every further try.
	ErrConflict = errors.New("session was changed by another request")
	// ErrUnavailable: the store cannot be reached. Nothing is known of the session.
	ErrUnavailable = errors.New("session store unavailable")
	// ErrGone: the session was destroyed, or its token replaced, while this
	// request was using it. Its changes are dropped.
	ErrGone = errors.New("session was revoked or superseded while in use")
	// ErrCorrupt: what is stored cannot be decoded, or opened by any of the keys.
	// The record is left as it is.
	ErrCorrupt = errors.New("stored session is corrupt")
	// ErrSchema: a newer Config.SchemaVersion stored it. It can be read where it
	// decodes, but not be written.
	ErrSchema = errors.New("session was stored by a newer version of the application")
	// ErrTooLarge: the encoded Data is longer than Config.MaxBytes; nothing was stored.
	ErrTooLarge = errors.New("session data too large")
	// ErrCommitted: the change needs a new token, and the response has begun,
	// so that the client could not be given it; nothing was stored.
	ErrCommitted = errors.New("response has begun: the new token cannot be sent")
	// ErrNoSession: no middleware for this type of session ran before.
	ErrNoSession = errors.New("no session middleware for this type")
	// ErrDiscard is the answer of an error handler that gives up a record which
	// cannot be loaded: it counts as unknown, and the request gets a new session.
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
