package session_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// renamedCodec is JSON under another name, and fails as it is told.
type renamedCodec struct {
	session.Codec
	name                   string
	marshalErr, decodeErr  error
	onlyValuesWithContents bool
}

func (c renamedCodec) Name() string { return c.name }

func (c renamedCodec) Marshal(v any) ([]byte, error) {
	if c.onlyValuesWithContents && v.(*visit).Name == "" {
		return json.Marshal(v)
	}
	if c.marshalErr != nil {
		return nil, c.marshalErr
	}
	return json.Marshal(v)
}

func (c renamedCodec) Unmarshal(data []byte, v any) error {
	if c.decodeErr != nil {
		return c.decodeErr
	}
	return json.Unmarshal(data, v)
}

// badConfig is one thing that is wrong, with what the error must say of it.
type badConfig struct {
	name  string
	set   func(*session.Config[visit])
	field string
	cures []string
}

func badConfigs() []badConfig {
	type cfg = session.Config[visit]
	always := "SecureAlways"
	return []badConfig{
		{"no store", func(c *cfg) { c.Store = nil }, "Store", []string{"memstore.New"}},
		{"cookie name with a space", func(c *cfg) { c.Cookie.Name = "a b" }, "Cookie.Name", []string{"a b", "letters, digits"}},
		{"cookie name with =", func(c *cfg) { c.Cookie.Name = "a=b" }, "Cookie.Name", []string{"letters, digits"}},
		{"cookie name with NUL", func(c *cfg) { c.Cookie.Name = "a\x00" }, "Cookie.Name", []string{"letters, digits"}},
		{"cookie name too long", func(c *cfg) { c.Cookie.Name = strings.Repeat("n", 4096-256+1) }, "Cookie.Name", []string{"4096"}},
		{"host prefix without Secure", func(c *cfg) { c.Cookie.Name = "__Host-a" }, "Cookie.Name", []string{always, "Path", "Domain"}},
		{"host prefix in lower case", func(c *cfg) { c.Cookie.Name = "__host-a" }, "Cookie.Name", []string{always}},
		{"nothing but the host prefix", func(c *cfg) { c.Cookie.Name = "__Host-" }, "Cookie.Name", []string{always}},
		{"nothing but the secure prefix", func(c *cfg) { c.Cookie.Name = "__Secure-" }, "Cookie.Name", []string{always}},
		{"host prefix by scheme", func(c *cfg) { c.Cookie = session.Cookie{Name: "__Host-a", Secure: session.SecureByScheme} }, "Cookie.Name", []string{always}},
		{"host prefix with a path", func(c *cfg) {
			c.Cookie = session.Cookie{Name: "__HOST-a", Secure: session.SecureAlways, Path: "/app"}
		}, "Cookie.Name", []string{"Path /"}},
		{"host prefix with a domain", func(c *cfg) {
			c.Cookie = session.Cookie{Name: "__Host-a", Secure: session.SecureAlways, Domain: "example.com"}
		}, "Cookie.Name", []string{"no Domain"}},
		{"secure prefix without Secure", func(c *cfg) { c.Cookie.Name = "__Secure-a" }, "Cookie.Name", []string{always}},
		{"secure prefix in lower case", func(c *cfg) { c.Cookie = session.Cookie{Name: "__secure-a", Secure: session.SecureNever} }, "Cookie.Name", []string{always}},
		{"http prefix without Secure", func(c *cfg) { c.Cookie.Name = "__Http-a" }, "Cookie.Name", []string{always}},
		{"http prefix for scripts", func(c *cfg) {
			c.Cookie = session.Cookie{Name: "__http-a", Secure: session.SecureAlways, ScriptReadable: true}
		}, "Cookie.Name", []string{"ScriptReadable"}},
		{"host and http prefix for scripts", func(c *cfg) {
			c.Cookie = session.Cookie{Name: "__Host-Http-a", Secure: session.SecureAlways, ScriptReadable: true}
		}, "Cookie.Name", []string{"ScriptReadable"}},
		{"host and http prefix with a path", func(c *cfg) {
			c.Cookie = session.Cookie{Name: "__Host-Http-a", Secure: session.SecureAlways, Path: "/app"}
		}, "Cookie.Name", []string{"Path /"}},
		{"relative path", func(c *cfg) { c.Cookie.Path = "app" }, "Cookie.Path", []string{"app", "begin with /"}},
		{"path with a semicolon", func(c *cfg) { c.Cookie.Path = "/;x" }, "Cookie.Path", []string{"semicolon"}},
		{"path with a control character", func(c *cfg) { c.Cookie.Path = "/\n" }, "Cookie.Path", []string{"control"}},
		{"path too long", func(c *cfg) { c.Cookie.Path = "/" + strings.Repeat("p", 1024) }, "Cookie.Path", []string{"1024"}},
		{"domain that is none", func(c *cfg) { c.Cookie.Domain = "exa mple" }, "Cookie.Domain", []string{"exa mple", "domain name"}},
		{"domain too long", func(c *cfg) { c.Cookie.Domain = strings.Repeat("d.", 512) + "d" }, "Cookie.Domain", []string{"1024"}},
		{"secure mode below", func(c *cfg) { c.Cookie.Secure = -1 }, "Cookie.Secure", []string{"SecureAuto", "SecureNever"}},
		{"secure mode above", func(c *cfg) { c.Cookie.Secure = session.SecureNever + 1 }, "Cookie.Secure", []string{"SecureAuto"}},
		{"default same-site", func(c *cfg) { c.Cookie.SameSite = http.SameSiteDefaultMode }, "Cookie.SameSite", []string{"Lax"}},
		{"unknown same-site", func(c *cfg) { c.Cookie.SameSite = 17 }, "Cookie.SameSite", []string{"17", "Lax"}},
		{"same-site none without Secure", func(c *cfg) { c.Cookie.SameSite = http.SameSiteNoneMode }, "Cookie.SameSite", []string{"None", always}},
		{"partitioned without Secure", func(c *cfg) { c.Cookie.Partitioned = true }, "Cookie.Partitioned", []string{always}},
		{"negative age", func(c *cfg) { c.MaxAge = -1 }, "MaxAge", []string{"-1ns", "400 days"}},
		{"negative age, rolling", func(c *cfg) { c.MaxAge, c.Rolling = -time.Hour, true }, "MaxAge", []string{"400 days"}},
		{"more than 400 days", func(c *cfg) { c.MaxAge = 400*24*time.Hour + 1 }, "MaxAge", []string{"9600h"}},
		{"touched when it is over", func(c *cfg) { c.MaxAge, c.Rolling, c.TouchAfter = time.Hour, true, time.Hour }, "TouchAfter", []string{"1h", "MaxAge"}},
		{"touched after the default age", func(c *cfg) { c.Rolling, c.TouchAfter = true, 24*time.Hour }, "TouchAfter", []string{"24h", "MaxAge"}},
		{"negative bytes", func(c *cfg) { c.MaxBytes = -1 }, "MaxBytes", []string{"-1", "64 KiB"}},
		{"negative wait", func(c *cfg) { c.ReconnectTimeout = -1 }, "ReconnectTimeout", []string{"10s"}},
		{"negative absolute time-out", func(c *cfg) { c.AbsoluteTimeout = -1 }, "AbsoluteTimeout", []string{"-1ns", "negative"}},
		{"negative renewal", func(c *cfg) { c.RenewAfter = -1 }, "RenewAfter", []string{"-1ns", "negative"}},
		{"negative grace", func(c *cfg) { c.RenewGrace = -1 }, "RenewGrace", []string{"-1ns", "negative"}},
		{"negative schema", func(c *cfg) { c.SchemaVersion = -1 }, "SchemaVersion", []string{"-1", "2147483647"}},
		{"schema too high", func(c *cfg) { c.SchemaVersion = 1 << 31 }, "SchemaVersion", []string{"2147483648", "2147483647"}},
		{"short signing key", func(c *cfg) { c.SigningKeys = keys(32, 31) }, "SigningKeys[1]", []string{"31 bytes", "32", "crypto/rand"}},
		{"empty signing key", func(c *cfg) { c.SigningKeys = keys(0) }, "SigningKeys[0]", []string{"0 bytes"}},
		{"short encryption key", func(c *cfg) { c.EncryptionKeys = keys(31) }, "EncryptionKeys[0]", []string{"31 bytes", "exactly 32"}},
		{"long encryption key", func(c *cfg) { c.EncryptionKeys = keys(32, 32, 33) }, "EncryptionKeys[2]", []string{"33 bytes", "exactly 32"}},
		{"codec without a name", func(c *cfg) { c.Codec = renamedCodec{} }, "Codec", []string{"name"}},
		{"codec called sealed", func(c *cfg) { c.Codec = renamedCodec{name: "sealed"} }, "Codec", []string{"sealed"}},
		{"codec that cannot encode", func(c *cfg) { c.Codec = renamedCodec{name: "x", marshalErr: errBroken} }, "T", []string{"x codec", errBroken.Error()}},
		{"codec that cannot decode", func(c *cfg) { c.Codec = renamedCodec{name: "x", decodeErr: errBroken} }, "T", []string{errBroken.Error()}},
		{"codec that cannot encode what New makes", func(c *cfg) {
			c.New = func() visit { return visit{Name: "n"} }
			c.Codec = renamedCodec{name: "x", marshalErr: errBroken, onlyValuesWithContents: true}
		}, "T", []string{errBroken.Error()}},
	}
}

// keys are of these lengths.
func keys(lengths ...int) (keys [][]byte) {
	for _, n := range lengths {
		keys = append(keys, bytes.Repeat([]byte{'k'}, n))
	}
	return keys
}

// problems takes apart what New said.
func problems(t *testing.T, err error) []*session.ConfigError {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("New gave %T (%v), want what errors.Join makes", err, err)
	}
	var all []*session.ConfigError
	for _, err := range joined.Unwrap() {
		e, ok := err.(*session.ConfigError)
		if !ok {
			t.Fatalf("New gave a %T (%v) among the problems, want only *session.ConfigError", err, err)
		}
		all = append(all, e)
	}
	return all
}

func TestConfigProblemsAlone(t *testing.T) {
	t.Parallel()
	for _, tt := range badConfigs() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := session.Config[visit]{Store: memstore.New(memstore.Options{})}
			tt.set(&cfg)
			m, err := session.New(cfg)
			if err == nil || m != nil {
				t.Fatalf("New gave %v, %v, want an error", m, err)
			}
			all := problems(t, err)
			if len(all) != 1 || all[0].Field != tt.field {
				t.Fatalf("New gave %v, want one problem, of %s", err, tt.field)
			}
			if strings.Contains(err.Error(), "kkk") || strings.Contains(err.Error(), "107") || strings.Contains(err.Error(), "6b6b") {
				t.Errorf("the error %q shows a key", err)
			}
			for _, part := range append([]string{"session: Config." + tt.field}, tt.cures...) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error %q does not say %q", err, part)
				}
			}
		})
	}
}

func TestConfigProblemsAllAtOnce(t *testing.T) {
	t.Parallel()
	_, err := session.New(session.Config[visit]{
		Cookie: session.Cookie{
			Name: "__Host-a", Path: "relative", Domain: "exa mple", Secure: 9,
			SameSite: http.SameSiteNoneMode, Partitioned: true,
		},
		MaxAge: 500 * 24 * time.Hour, Rolling: true, TouchAfter: 600 * 24 * time.Hour,
		AbsoluteTimeout: -1, RenewAfter: -1, RenewGrace: -1, SchemaVersion: -1, SigningKeys: keys(1, 2), EncryptionKeys: keys(3, 4),
		MaxBytes: -1, ReconnectTimeout: -1, Codec: renamedCodec{name: "sealed", marshalErr: errBroken},
	})
	if err == nil {
		t.Fatal("New gave no error")
	}
	var fields []string
	for _, e := range problems(t, err) {
		fields = append(fields, e.Field)
		if e.Reason == "" {
			t.Errorf("the problem of %s has no reason", e.Field)
		}
	}
	want := []string{
		"Store", "Cookie.Name", "Cookie.Path", "Cookie.Domain", "Cookie.Secure", "Cookie.SameSite", "Cookie.Partitioned",
		"MaxAge", "TouchAfter", "MaxBytes", "ReconnectTimeout", "Codec", "T",
		"AbsoluteTimeout", "RenewAfter", "RenewGrace", "SchemaVersion", "SigningKeys[0]", "SigningKeys[1]", "EncryptionKeys[0]", "EncryptionKeys[1]",
	}
	slices.Sort(fields)
	slices.Sort(want)
	if !slices.Equal(fields, want) {
		t.Errorf("problems with %q, want %q", fields, want)
	}
	if first, ok := errors.AsType[*session.ConfigError](err); !ok || first == nil {
		t.Errorf("errors.AsType finds no *ConfigError in %v", err)
	}
}

// A T that cannot make the round trip is refused, with each reason.
func TestConfigOfWhatCannotBeStored(t *testing.T) {
	t.Parallel()
	store := memstore.New(memstore.Options{})
	for name, err := range map[string]error{
		"*session_test.visit": configError[*visit](store),
		"interface {}":        configError[any](store),
		"struct {}":           configError[struct{}](store),
	} {
		if all := problems(t, err); len(all) != 1 || all[0].Field != "T" || all[0].Value != name {
			t.Errorf("%s: %v, want one problem with T", name, err)
		}
	}
	err := configError[struct {
		A func()
		B chan int
	}](store)
	if all := problems(t, err); len(all) != 2 || !strings.Contains(err.Error(), "T.A is a func") || !strings.Contains(err.Error(), "T.B is a chan") {
		t.Errorf("%v, want one problem for each field", err)
	}
}

func configError[T any](store session.Store) error {
	_, err := session.New(session.Config[T]{Store: store})
	return err
}

func TestConfigErrorWithoutValue(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*session.ConfigError{
		"session: Config.F: is bad":           {Field: "F", Reason: "is bad"},
		"session: Config.F is 3: must be two": {Field: "F", Value: 3, Reason: "must be two"},
		"session: Config.F is : must be set":  {Field: "F", Value: "", Reason: "must be set"},
		"other: Config.F.G is 3: must be two": {Field: "other.Config.F.G", Value: 3, Reason: "must be two"},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
