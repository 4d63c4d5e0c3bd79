package mongostore

import (
	"context"
	"errors"
	"fmt"
	"net"
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
	const (
		wantScheme  = "not valid: it must begin with mongodb://"
		wantHosts   = "not valid: the user, the password or the hosts"
		wantOptions = "not valid: the options"
	)
	for name, tt := range map[string]struct {
		uri  string
		opts Options
		want string
	}{
		"no scheme":              {"localhost/app", Options{}, wantScheme},
		"empty":                  {"", Options{}, wantScheme},
		"another scheme":         {"https://user:s3cret@h/app", Options{}, wantScheme},
		"no host":                {"mongodb://", Options{Database: "app"}, wantHosts},
		"port":                   {"mongodb://user:s3cret@h:port/app", Options{}, wantHosts},
		"password, not escaped":  {"mongodb://user:s3cr%t/s3cret@h/app", Options{}, wantHosts},
		"password with an @":     {"mongodb://user:s3cr%t@s3cret@h/app?w=1", Options{}, wantHosts},
		"options":                {"mongodb://h/app?w=much&nope=1&maxPoolSize=x", Options{}, wantOptions},
		"options that conflict":  {"mongodb://u:s3cret@h,i/app?directConnection=true", Options{}, wantOptions},
		"password of a key":      {"mongodb://h/app?tls=true&tlsCertificateKeyFilePassword=s3cr%zz", Options{}, wantOptions},
		"password in an option":  {"mongodb://u:p@h/app?TLSCertificateKeyFilePassword=a%20s3cr%zz", Options{}, wantOptions},
		"token of AWS":           {"mongodb://h/app?authMechanismProperties=AWS_SESSION_TOKEN:s3cr%zz,A:b", Options{}, wantOptions},
		"mechanism without user": {"mongodb://h/app?authMechanism=SCRAM-SHA-1&appName=s3cret", Options{}, wantOptions},
		"no database":            {"mongodb://u:s3cret@h", Options{}, "Options.Database"},
		"negative timeout":       {"mongodb://u:s3cret@h/app", Options{Timeout: -1}, "Options.Timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Open(t.Context(), tt.uri, tt.opts)
			if err == nil {
				s.Close()
				t.Fatal("got no error")
			}
			if text := err.Error(); !strings.Contains(text, tt.want) || strings.Contains(text, "s3c") {
				t.Errorf("got error %q, want one with %q and no secret", text, tt.want)
			}
		})
	}
}

func TestInvalidPartOfAnUnknownHost(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("error parsing uri: %w", &net.DNSError{Err: "no such host", Name: "s3cret"})
	got := invalidPart("mongodb+srv://u:s3cret@h/app?w=1", err)
	if !strings.Contains(got, "DNS") || !strings.Contains(got, "no such host") || strings.Contains(got, "s3cret") {
		t.Errorf("got %q, want what DNS answers, without a name", got)
	}
}

// Nothing listens on the port: Options.Timeout ends Open, not the driver's 30 s.
func TestOpenWithoutServer(t *testing.T) {
	t.Parallel()
	for name, uri := range map[string]string{
		"nothing listens": "mongodb://127.0.0.1:1/app",
		"unknown host":    "mongodb://no-such-host.invalid/app",
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
