package session_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// What is just at a limit, or anything else that is allowed, passes.
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
				t.Errorf("New gave %v, %v, want no error", m, err)
			}
		})
	}
}

func TestDefaultCookieName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cookie session.Cookie
		want   string
	}{
		{session.Cookie{}, "echo.sid"},
		{session.Cookie{Secure: session.SecureByScheme}, "echo.sid"},
		{session.Cookie{Secure: session.SecureNever}, "echo.sid"},
		{session.Cookie{Secure: session.SecureAlways}, "__Host-echo.sid"},
		{session.Cookie{Secure: session.SecureAlways, Path: "/"}, "__Host-echo.sid"},
		{session.Cookie{Secure: session.SecureAlways, Path: "/app"}, "echo.sid"},
		{session.Cookie{Secure: session.SecureAlways, Domain: "example.com"}, "echo.sid"},
		{session.Cookie{Secure: session.SecureAlways, Name: "own"}, "own"},
	} {
		r := newRig(t, func(cfg *visitConfig) { cfg.Cookie = tt.cookie })
		if k := r.setCookie("https", "example.com"); k.Name != tt.want {
			t.Errorf("%+v: the cookie is called %q, want %q", tt.cookie, k.Name, tt.want)
		}
	}
}

func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(cfg *visitConfig) { cfg.Rolling = true })
		token := r.seed(visit{Name: "n"})
		if got := r.record(idOf(token)); got.ExpiresAt.Sub(got.SeenAt) != 24*time.Hour || got.Format != "json" {
			t.Errorf("stored in %s for %v, want json and 24h", got.Format, got.ExpiresAt.Sub(got.SeenAt))
		}
		// A twenty-fourth of a day is an hour.
		time.Sleep(time.Hour - time.Millisecond)
		q, _ := r.begin(token)
		wantAction(t, q.commit(), session.ActionNone)
		time.Sleep(time.Millisecond)
		q = r.request(token)
		q.get()
		wantAction(t, q.commit(), session.ActionSet)

		s, err := r.m.Start(t.Context())
		if err != nil || fmt.Sprint(s.Data) != fmt.Sprint(visit{}) {
			t.Fatalf("Start: %v, Data %v, want the zero value", err, s.Data)
		}
		// {"Name":"...","Count":0,"Pages":null,"Prefs":null,"Note":""} around it
		around, _ := session.JSON().Marshal(&visit{})
		s.Data.Name = strings.Repeat("x", 64<<10-len(around))
		if err := s.Save(t.Context()); err != nil {
			t.Errorf("64 KiB: %v, want no error", err)
		}
		s.Data.Name += "x"
		wantErr(t, s.Save(t.Context()), session.ErrTooLarge)
	})
}

// Without Rolling use does not extend a session.
func TestNotRollingByDefault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		token := r.seed(visit{Name: "n"})
		time.Sleep(23 * time.Hour)
		q, _ := r.begin(token)
		wantAction(t, q.commit(), session.ActionNone)
		r.store.wantCalls(t, "load")
	})
}

func TestConfigIsCopied(t *testing.T) {
	t.Parallel()
	store := memstore.New(memstore.Options{})
	cfg := visitConfig{
		Store: store, Cookie: session.Cookie{Name: "first"}, MaxAge: time.Hour,
		New:         func() visit { return visit{Name: "first"} },
		SigningKeys: keys(32), EncryptionKeys: keys(32),
	}
	m, err := session.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Store, cfg.Cookie.Name, cfg.MaxAge, cfg.MaxBytes = nil, "second", time.Minute, 1
	cfg.New = func() visit { return visit{Name: "second"} }
	early, err := m.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantNoErr(t, early.Save(t.Context()))
	clear(cfg.SigningKeys[0])
	clear(cfg.EncryptionKeys[0])
	cfg.SigningKeys[0], cfg.EncryptionKeys[0] = nil, nil
	if _, err := m.Open(t.Context(), early.Token()); err != nil {
		t.Errorf("Open after the caller's keys were cleared: %v", err)
	}
	s, err := m.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantNoErr(t, s.Save(t.Context()))
	rec, err := store.Load(t.Context(), s.ID())
	if err != nil {
		t.Fatal(err)
	}
	if age := rec.ExpiresAt.Sub(rec.SeenAt); rec.Name != "first" || s.Data.Name != "first" || age != time.Hour {
		t.Errorf("kind %q, Data %q, age %v, want what the configuration said when New was called", rec.Name, s.Data.Name, age)
	}
	if m.Store() != session.Store(store) {
		t.Errorf("Store is %v, want the configured one", m.Store())
	}
}

// Records have whole milliseconds, whatever the configured age.
func TestOddAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(cfg *visitConfig) {
			cfg.MaxAge, cfg.Rolling, cfg.TouchAfter = time.Second+1500*time.Microsecond, true, -1
		})
		r.store.answer(func(op string, rec session.Record, do func() error) error {
			for name, at := range map[string]time.Time{"CreatedAt": rec.CreatedAt, "SeenAt": rec.SeenAt, "ExpiresAt": rec.ExpiresAt} {
				if !at.Equal(at.Truncate(time.Millisecond)) || at.Location() != time.UTC {
					t.Errorf("%s: %s is %v, want UTC and whole milliseconds", op, name, at)
				}
			}
			return do()
		})
		time.Sleep(700 * time.Microsecond)
		token := r.seed(visit{Name: "n"})
		time.Sleep(700 * time.Microsecond)
		q, _ := r.begin(token)
		q.commit()
		q = r.request(token)
		q.get().Data.Count++
		q.commit()
		r.store.wantCalls(t, "load touch load update")
	})
}
