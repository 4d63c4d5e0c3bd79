package adapter_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/echosession/echosession/internal/adapter"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// A middleware that cannot be made leaves nothing behind in the store.
func TestBadSettingsLeaveNoWatch(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]options{
		"bad Header":             {Header: "Cookie"},
		"bad Header and Session": {Header: "Cookie", Session: session.Config[visits]{MaxBytes: -1}},
		"bad Session":            {Session: session.Config[visits]{MaxBytes: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &watchedStore{Store: memstore.New(memstore.Options{})}
			o.Session.Store = store
			m, err := adapter.New(o)
			if _, ok := errors.AsType[*session.ConfigError](err); !ok || m != nil {
				t.Errorf("New returned %v, %v, expected only a ConfigError", m, err)
			}
			if store.watchers != 0 {
				t.Errorf("%d functions watch the store, expected none", store.watchers)
			}
		})
	}
}

// fieldsOf returns the fields of all ConfigErrors in err.
func fieldsOf(err error) (fields []string) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			fields = append(fields, fieldsOf(err)...)
		}
		return fields
	}
	if problem, ok := errors.AsType[*session.ConfigError](err); ok {
		fields = append(fields, problem.Field)
	}
	return fields
}

// A name that no field can have, or that has another meaning already, is refused
// at start, in any case of its letters, together with everything else that is
// wrong.
func TestHeaderNames(t *testing.T) {
	t.Parallel()
	names := map[string]bool{
		"X-Session": true, "x-session": true, "Authorization": true, "Session": true, "!#$%&'*+-.^_`|~": true,
		" ": false, "X Session": false, "X:Session": false, "X-Session:": false, "X-Session\r\nX": false, "X-Séance": false,
		"\x00": false, "X\t": false, `"X"`: false, "a b": false, "a:b": false, "ä": false,
	}
	for _, taken := range []string{
		"Cookie", "Set-Cookie",
		// They say how the message is read, or this library sets them itself.
		"Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Vary", "Cache-Control", "Upgrade", "Te",
		// They say something about the response, which the token would replace, or
		// which an error page removes.
		"Location", "Content-Type", "Content-Encoding", "Content-Disposition", "Content-Location", "Content-Range",
		"Etag", "Expires", "Last-Modified", "Refresh",
	} {
		names[taken], names[strings.ToLower(taken)], names[strings.ToUpper(taken)] = false, false, false
	}
	for name, good := range names {
		m, err := adapter.New(options{Package: "other", Header: name, Session: session.Config[visits]{MaxAge: -1}})
		if m != nil {
			t.Errorf("%q: New returned a middleware, though MaxAge is negative", name)
		}
		want := []string{"MaxAge"}
		if !good {
			want = append(want, "other.Config.Header")
		}
		if got := fieldsOf(err); !slices.Equal(got, want) {
			t.Errorf("%q: the problems are of %q, expected %q", name, got, want)
		}
		m, err = adapter.New(options{Package: "other", Header: name})
		if (m != nil) != good || (err == nil) != good {
			t.Errorf("%q: New returned %v, %v, expected a middleware: %t", name, m != nil, err, good)
		}
	}
}

// The sessions are configured in one place.
func TestManagerBesideSession(t *testing.T) {
	t.Parallel()
	m, err := session.New(session.Config[visits]{Store: memstore.New(memstore.Options{})})
	if err != nil {
		t.Fatalf("session.New: %v", err)
	}
	t.Cleanup(func() { _ = m.Close() })
	for name, tt := range map[string]struct {
		cfg  session.Config[visits]
		want []string
	}{
		"nothing":   {session.Config[visits]{}, nil},
		"a setting": {session.Config[visits]{Cookie: session.Cookie{SameSite: http.SameSiteStrictMode}}, []string{"other.Config.Manager"}},
		"a hook":    {session.Config[visits]{New: func() visits { return visits{} }}, []string{"other.Config.Manager"}},
	} {
		_, err := adapter.New(options{Package: "other", Manager: m, Session: tt.cfg})
		if got := fieldsOf(err); !slices.Equal(got, tt.want) {
			t.Errorf("%s beside the Manager: the problems are of %q, expected %q", name, got, tt.want)
		}
	}
}
