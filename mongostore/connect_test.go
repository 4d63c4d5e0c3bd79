package mongostore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/echosession/echosession/session"
)

func TestDatabaseOf(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"mongodb://h/app":                   "app",
		"mongodb://h:1,i:2/app?w=1":         "app",
		"mongodb://u:p@h/app%20two":         "app two",
		"mongodb+srv://u:p@h/app?a=b/c":     "app",
		"mongodb://h":                       "",
		"mongodb://h/":                      "",
		"mongodb://h/?w=1":                  "",
		"mongodb://%2Ftmp%2Fa.sock/app?w=1": "app",
	} {
		if got := databaseOf(uri); got != want {
			t.Errorf("%s: got %q, want %q", uri, got, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	const password = "s3cr%t/word"
	for name, tt := range map[string]struct {
		uri  string
		opts Options
		want string
	}{
		"no scheme":          {"localhost/app", Options{}, "URI is not valid"},
		"empty":              {"", Options{}, "URI is not valid"},
		"option":             {"mongodb://h/app?w=much&nope=1&maxPoolSize=x", Options{}, "URI is not valid"},
		"password":           {"mongodb://user:" + password + "@h/app", Options{}, "URI is not valid"},
		"password, twice":    {"mongodb://user:" + password + "@@h:port/app?x=" + password, Options{}, "URI is not valid"},
		"password of a key":  {"mongodb://h/app?tls=true&tlsCertificateKeyFilePassword=s3cr%zz", Options{}, "URI is not valid"},
		"password, any case": {"mongodb://u:p@h/app?TLSCertificateKeyFilePassword=a%20s3cr%zz", Options{}, "URI is not valid"},
		"token of AWS":       {"mongodb://h/app?authMechanismProperties=AWS_SESSION_TOKEN:s3cr%zz,A:b", Options{}, "URI is not valid"},
		"no database":        {"mongodb://h", Options{}, "Options.Database"},
		"negative timeout":   {"mongodb://h/app", Options{Timeout: -1}, "Options.Timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Open(t.Context(), tt.uri, tt.opts)
			if err == nil {
				s.Close()
				t.Fatal("got no error")
			}
			if text := err.Error(); !strings.Contains(text, tt.want) || strings.Contains(text, "s3cr") || strings.Contains(text, "word@") {
				t.Errorf("got error %q, want one with %q and no password", text, tt.want)
			}
		})
	}
}

func TestWithoutPassword(t *testing.T) {
	t.Parallel()
	err := errors.New(`parse "mongodb://bob:a%2Fb@c@h": bad a/b or a%2Fb for bob`)
	const want = `parse "mongodb://***@h": bad a/b or a%2Fb for bob`
	got := withoutPassword("mongodb://bob:a%2Fb@c@h", err)
	if strings.Contains(got, "2Fb") || !strings.Contains(got, "bob") {
		t.Errorf("got %q, want about %q", got, want)
	}
	// As it is written, and as the driver reads it.
	err = errors.New(`bad "AWS:to%2Bken" or to+ken or key%21 or key! or majority`)
	const wantOptions = `bad "***" or *** or *** or *** or majority`
	uri := "mongodb://h/app?w=majority&authMechanismProperties=AWS:to%2Bken&tlsCertificateKeyFilePassword=key%21"
	if got := withoutPassword(uri, err); got != wantOptions {
		t.Errorf("got %q, want %q", got, wantOptions)
	}
}

// Nobody listens on the port: the time-out ends it, not the driver's 30 s.
func TestOpenWithoutServer(t *testing.T) {
	t.Parallel()
	for name, uri := range map[string]string{
		"nobody listens": "mongodb://127.0.0.1:1/app",
		"unknown host":   "mongodb://no-such-host.invalid/app",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			_, err := Open(t.Context(), uri, Options{Timeout: 200 * time.Millisecond})
			if !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("got error %v, want %v", err, session.ErrUnavailable)
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("took %v, want about 200ms", took)
			}
			canceled, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := Open(canceled, uri, Options{}); !errors.Is(err, context.Canceled) || errors.Is(err, session.ErrUnavailable) {
				t.Errorf("canceled: got error %v, want %v and nothing else", err, context.Canceled)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if _, err := New(t.Context(), nil, Options{}); err == nil {
		t.Error("New without a collection: got no error")
	}
}
