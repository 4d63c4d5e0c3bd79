package session_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// renamedCodec is JSON under another name, and fails with its errors.
type renamedCodec struct {
	session.Codec
	name                   string
	marshalErr, decodeErr  error
	onlyValuesWithContents bool
}

// Name implements session.Codec.
func (c renamedCodec) Name() string { return c.name }

// Marshal implements session.Codec.
func (c renamedCodec) Marshal(v any) ([]byte, error) {
	if c.onlyValuesWithContents && v.(*visit).Name == "" {
		return json.Marshal(v)
	}
	if c.marshalErr != nil {
		return nil, c.marshalErr
	}
	return json.Marshal(v)
}

// Unmarshal implements session.Codec.
func (c renamedCodec) Unmarshal(data []byte, v any) error {
	if c.decodeErr != nil {
		return c.decodeErr
	}
	return json.Unmarshal(data, v)
}

// badConfig is a configuration with one mistake, and what its error must say.
type badConfig struct {
	name  string
	set   func(*visitConfig)
	field string
	cures []string
}

// badConfigs returns a configuration for each mistake.
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

// keys makes keys of these lengths.
func keys(lengths ...int) (keys [][]byte) {
	for _, n := range lengths {
		keys = append(keys, bytes.Repeat([]byte{'k'}, n))
	}
	return keys
}

// problems returns the parts of an error of New.
func problems(t *testing.T, err error) []*session.ConfigError {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("New: a %T (%v), want what errors.Join makes", err, err)
	}
	var all []*session.ConfigError
	for _, err := range joined.Unwrap() {
		e, ok := err.(*session.ConfigError)
		if !ok {
			t.Fatalf("New: a %T (%v) among the problems, want only *session.ConfigError", err, err)
		}
		all = append(all, e)
	}
	return all
}

// Each mistake is one problem, which names the field, the value and the cure,
// but shows no key.
func TestConfigProblemsAlone(t *testing.T) {
	t.Parallel()
	for _, tt := range badConfigs() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := visitConfig{Store: memstore.New(memstore.Options{})}
			tt.set(&cfg)
			m, err := session.New(cfg)
			if err == nil || m != nil {
				t.Fatalf("New: %v, %v, want an error alone", m, err)
			}
			all := problems(t, err)
			if len(all) != 1 || all[0].Field != tt.field {
				t.Fatalf("New: %v, want one problem, of %s", err, tt.field)
			}
			if strings.Contains(err.Error(), "kkk") || strings.Contains(err.Error(), "107") || strings.Contains(err.Error(), "6b6b") {
				t.Errorf("the error is %q, want no key in it", err)
			}
			for _, part := range append([]string{"session: Config." + tt.field}, tt.cures...) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error is %q, want %q in it", err, part)
				}
			}
		})
	}
}

// New reports all problems at once.
func TestConfigProblemsAllAtOnce(t *testing.T) {
	t.Parallel()
	_, err := session.New(visitConfig{
		Cookie: session.Cookie{
			Name: "__Host-a", Path: "relative", Domain: "exa mple", Secure: 9,
			SameSite: http.SameSiteNoneMode, Partitioned: true,
		},
		MaxAge: 500 * 24 * time.Hour, Rolling: true, TouchAfter: 600 * 24 * time.Hour,
		AbsoluteTimeout: -1, RenewAfter: -1, RenewGrace: -1, SchemaVersion: -1, SigningKeys: keys(1, 2), EncryptionKeys: keys(3, 4),
		MaxBytes: -1, ReconnectTimeout: -1, Codec: renamedCodec{name: "sealed", marshalErr: errBroken},
	})
	var fields []string
	for _, e := range problems(t, err) {
		fields = append(fields, e.Field)
		if e.Reason == "" {
			t.Errorf("the problem of %s has no reason, want one", e.Field)
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
		t.Errorf("the problems are of %q, want %q", fields, want)
	}
	if first, ok := errors.AsType[*session.ConfigError](err); !ok || first == nil {
		t.Errorf("errors.AsType finds no *ConfigError in %v, want the first one", err)
	}
}

// A T that does not come back equal from its codec is refused, with each
// reason.
func TestConfigOfWhatCannotBeStored(t *testing.T) {
	t.Parallel()
	store := memstore.New(memstore.Options{})
	for name, err := range map[string]error{
		"*session_test.visit": configError[*visit](store),
		"interface {}":        configError[any](store),
		"struct {}":           configError[struct{}](store),
	} {
		if all := problems(t, err); len(all) != 1 || all[0].Field != "T" || all[0].Value != name {
			t.Errorf("%s: %v, want one problem of T", name, err)
		}
	}
	err := configError[struct {
		A func()
		B chan int
	}](store)
	if all := problems(t, err); len(all) != 2 || !strings.Contains(err.Error(), "T.A is a func") || !strings.Contains(err.Error(), "T.B is a chan") {
		t.Errorf("New: %v, want one problem for each field", err)
	}
}

// configError returns the error of New for a T.
func configError[T any](store session.Store) error {
	_, err := session.New(session.Config[T]{Store: store})
	return err
}

// The text of a ConfigError has the value if there is one.
func TestConfigErrorWithoutValue(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*session.ConfigError{
		"session: Config.F: is bad":           {Field: "F", Reason: "is bad"},
		"session: Config.F is 3: must be two": {Field: "F", Value: 3, Reason: "must be two"},
		"session: Config.F is : must be set":  {Field: "F", Value: "", Reason: "must be set"},
		"other: Config.F.G is 3: must be two": {Field: "other.Config.F.G", Value: 3, Reason: "must be two"},
	} {
		if got := e.Error(); got != want {
			t.Errorf("the text is %q, want %q", got, want)
		}
	}
}

// What is just within the limits is allowed.
func TestConfigAllowed(t *testing.T) {
	t.Parallel()
	type cfg = session.Config[visit]
	secure := session.SecureAlways
	for name, set := range map[string]func(*cfg){
		"nothing but a store":     func(*cfg) {},
		"400 days":                func(c *cfg) { c.MaxAge = maxDays },
		"the shortest age":        func(c *cfg) { c.MaxAge = time.Millisecond },
		"touched just before":     func(c *cfg) { c.MaxAge, c.Rolling, c.TouchAfter = time.Hour, true, time.Hour-1 },
		"touched always":          func(c *cfg) { c.Rolling, c.TouchAfter = true, -1 },
		"never touched":           func(c *cfg) { c.MaxAge, c.TouchAfter = time.Hour, 2*time.Hour },
		"the longest name":        func(c *cfg) { c.Cookie.Name = strings.Repeat("n", 4096-256) },
		"all of a name":           func(c *cfg) { c.Cookie.Name = "aZ09!#$%&'*+-.^_`|~" },
		"host prefix":             func(c *cfg) { c.Cookie = session.Cookie{Name: "__Host-a", Secure: secure} },
		"host prefix, path given": func(c *cfg) { c.Cookie = session.Cookie{Name: "__hOsT-a", Secure: secure, Path: "/"} },
		"secure prefix": func(c *cfg) {
			c.Cookie = session.Cookie{Name: "__Secure-a", Secure: secure, Path: "/a", Domain: "example.com"}
		},
		"http prefix": func(c *cfg) {
			c.Cookie = session.Cookie{Name: "__Http-a", Secure: secure, Path: "/a", Domain: "example.com"}
		},
		"host and http prefix":     func(c *cfg) { c.Cookie = session.Cookie{Name: "__Host-Http-a", Secure: secure} },
		"what looks like a prefix": func(c *cfg) { c.Cookie.Name = "__Host" },
		"another one":              func(c *cfg) { c.Cookie.Name = "x__Host-a" },
		"the longest path":         func(c *cfg) { c.Cookie.Path = "/" + strings.Repeat("p", 1023) },
		"domain":                   func(c *cfg) { c.Cookie.Domain = "example.com" },
		"secure by scheme":         func(c *cfg) { c.Cookie.Secure = session.SecureByScheme },
		"never secure":             func(c *cfg) { c.Cookie.Secure = session.SecureNever },
		"same-site strict":         func(c *cfg) { c.Cookie.SameSite = http.SameSiteStrictMode },
		"same-site lax":            func(c *cfg) { c.Cookie.SameSite = http.SameSiteLaxMode },
		"same-site none":           func(c *cfg) { c.Cookie.SameSite, c.Cookie.Secure = http.SameSiteNoneMode, secure },
		"partitioned":              func(c *cfg) { c.Cookie.Partitioned, c.Cookie.Secure = true, secure },
		"one byte":                 func(c *cfg) { c.MaxBytes = 1 },
		"not to wait":              func(c *cfg) { c.ReconnectTimeout = 1 },
		"the highest schema":       func(c *cfg) { c.SchemaVersion = 1<<31 - 1 },
		"keys":                     func(c *cfg) { c.SigningKeys, c.EncryptionKeys = keys(32, 33, 200), keys(32, 32) },
		"no grace to speak of":     func(c *cfg) { c.RenewGrace, c.RenewAfter, c.AbsoluteTimeout = 1, 1, 1 },
		"a codec of one's own":     func(c *cfg) { c.Codec = renamedCodec{name: "mine"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cfg{Store: memstore.New(memstore.Options{})}
			set(&c)
			if m, err := session.New(c); err != nil || m == nil {
				t.Errorf("New: %v, %v, want no error", m, err)
			}
		})
	}
}

// The zero value of a setting is its default.
func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(cfg *visitConfig) { cfg.Rolling = true })
		token := r.seed(visit{Name: "n"})
		if got := r.record(idOf(token)); got.ExpiresAt.Sub(got.SeenAt) != 24*time.Hour || got.Format != "json" {
			t.Errorf("the record has the format %s for %v, want json for 24h", got.Format, got.ExpiresAt.Sub(got.SeenAt))
		}
		// TouchAfter is MaxAge/24.
		time.Sleep(time.Hour - time.Millisecond)
		wantAction(t, r.handle(token, looking), session.ActionNone)
		time.Sleep(time.Millisecond)
		wantAction(t, r.handle(token, looking), session.ActionSet)
		// MaxBytes is 64 KiB.
		s := r.start()
		r.wantData(s, visit{})
		around, _ := session.JSON().Marshal(&visit{})
		s.Data.Name = strings.Repeat("x", 64<<10-len(around))
		wantNoErr(t, s.Save(t.Context()))
		s.Data.Name += "x"
		wantErr(t, s.Save(t.Context()), session.ErrTooLarge)
	})
}

// New copies the configuration: a later change of it, or of a key, changes
// nothing.
func TestConfigIsCopied(t *testing.T) {
	t.Parallel()
	var cfg *visitConfig
	r := newRig(t, func(c *visitConfig) {
		cfg = c
		c.Cookie.Name, c.MaxAge, c.New = "first", time.Hour, func() visit { return visit{Name: "first"} }
		c.SigningKeys, c.EncryptionKeys = keys(32), keys(32)
	})
	cfg.Store, cfg.Cookie.Name, cfg.MaxAge, cfg.MaxBytes = nil, "second", time.Minute, 1
	cfg.New = func() visit { return visit{Name: "second"} }
	early := r.start()
	wantNoErr(t, early.Save(t.Context()))
	clear(cfg.SigningKeys[0])
	clear(cfg.EncryptionKeys[0])
	cfg.SigningKeys[0], cfg.EncryptionKeys[0] = nil, nil
	if _, err := r.m.Open(t.Context(), early.Token()); err != nil {
		t.Errorf("Open after the caller's keys were cleared: %v, want no error", err)
	}
	s := r.start()
	wantNoErr(t, s.Save(t.Context()))
	rec := r.record(s.ID())
	if age := rec.ExpiresAt.Sub(rec.SeenAt); rec.Name != "first" || s.Data.Name != "first" || age != time.Hour {
		t.Errorf("the name is %q, Data %q, the age %v, want first, first and an hour", rec.Name, s.Data.Name, age)
	}
	if r.m.Store() != session.Store(r.store) {
		t.Errorf("Store is %v, want the configured one", r.m.Store())
	}
}
