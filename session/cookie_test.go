package session_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// wantAttributes compares all of a cookie except for its value.
func wantAttributes(t *testing.T, k *http.Cookie, want http.Cookie) {
	t.Helper()
	if k == nil {
		t.Fatalf("there is no cookie, want %s", want.String())
	}
	got := *k
	got.Value = ""
	if got.String() != want.String() {
		t.Errorf("the cookie is %s\n  want %s", got.String(), want.String())
	}
	wantNoErr(t, k.Valid())
}

// The cookie has the configured attributes. The cookie that clears it has the
// same ones.
func TestCookieAttributes(t *testing.T) {
	t.Parallel()
	plain := http.Cookie{Name: "sid", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	secure := plain
	secure.Secure = true
	with := func(k http.Cookie, change func(*http.Cookie)) http.Cookie {
		change(&k)
		return k
	}
	always := session.SecureAlways
	for _, tt := range []struct {
		name         string
		cookie       session.Cookie
		scheme, host string
		want         http.Cookie // without Max-Age
	}{
		{"default, https", session.Cookie{}, "https", "example.com", secure},
		{"default, http", session.Cookie{}, "http", "example.com", secure},
		{"default, https to loopback", session.Cookie{}, "https", "localhost", secure},
		{"default, http to loopback", session.Cookie{}, "http", "localhost", plain},
		{"by scheme, https", session.Cookie{Secure: session.SecureByScheme}, "https", "localhost", secure},
		{"by scheme, http", session.Cookie{Secure: session.SecureByScheme}, "http", "example.com", plain},
		{"always, http to loopback", session.Cookie{Secure: always}, "http", "localhost", secure},
		{"never, https", session.Cookie{Secure: session.SecureNever}, "https", "example.com", plain},
		{"strict", session.Cookie{SameSite: http.SameSiteStrictMode}, "https", "example.com",
			with(secure, func(k *http.Cookie) { k.SameSite = http.SameSiteStrictMode })},
		{"none", session.Cookie{SameSite: http.SameSiteNoneMode, Secure: always}, "https", "example.com",
			with(secure, func(k *http.Cookie) { k.SameSite = http.SameSiteNoneMode })},
		{"path", session.Cookie{Path: "/app"}, "https", "example.com", with(secure, func(k *http.Cookie) { k.Path = "/app" })},
		{"domain", session.Cookie{Domain: "example.com"}, "https", "www.example.com",
			with(secure, func(k *http.Cookie) { k.Domain = "example.com" })},
		{"partitioned", session.Cookie{Partitioned: true, Secure: always}, "https", "example.com",
			with(secure, func(k *http.Cookie) { k.Partitioned = true })},
		{"script", session.Cookie{ScriptReadable: true}, "https", "example.com", with(secure, func(k *http.Cookie) { k.HttpOnly = false })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.cookie.Name = "sid"
			r := newRig(t, func(cfg *visitConfig) { cfg.Cookie = tt.cookie })
			set := r.setCookie(tt.scheme, tt.host)
			want := tt.want
			want.MaxAge = 24 * 60 * 60
			wantAttributes(t, set, want)

			q := r.requestWith(func(q *fakeRequest) { q.scheme, q.host = tt.scheme, tt.host }, "sid="+set.Value)
			q.get().Destroy()
			out := q.commit()
			wantAction(t, out, session.ActionClear)
			want.MaxAge = -1
			wantAttributes(t, out.Cookie, want)
			if out.Cookie.Value != "" {
				t.Errorf("the cookie that clears has the value %q, want none", out.Cookie.Value)
			}
		})
	}
}

// The value of the cookie is the token.
func TestCookieIsTheToken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q, s := r.begin()
	s.Data.Count = 1
	out := q.commit()
	if out.Token != s.Token() || out.Cookie.Value != s.Token() {
		t.Errorf("the token is %q, the cookie %q, want both to be %q", out.Token, out.Cookie.Value, s.Token())
	}
}

// The default name has the __Host- prefix if the configuration fulfils what
// browsers ask for it.
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
			t.Errorf("%+v: the cookie has the name %q, want %q", tt.cookie, k.Name, tt.want)
		}
	}
}

// A cookie whose name differs only in case is another one. Browsers ignore case
// in the prefixes that they enforce, so such a cookie could lack what a prefix
// promises (RFC 6265bis, section 4.1.3).
func TestCookieNameIsExact(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sid", "__Host-sid", "__Secure-sid"} {
		r := newRig(t, func(cfg *visitConfig) { cfg.Cookie.Name, cfg.Cookie.Secure = name, session.SecureAlways })
		token := r.seed(visit{Name: "n"})
		if s := r.requestWith(nil, name+"="+token).get(); s.IsNew() {
			t.Errorf("the cookie %s opens nothing, want the session", name)
		}
		for _, other := range []string{"SID", "Sid", "__host-sid", "__HOST-sid", "__Host-SID", "__secure-sid", "sid2", "xsid", "__Host-__Host-sid"} {
			if s := r.requestWith(nil, other+"="+token).get(); !s.IsNew() {
				t.Errorf("the cookie %s opens a session of %s, want it not to", other, name)
			}
		}
	}
}

// Max-Age is the age of the session in whole seconds, rounded up, and at most
// 400 days.
func TestMaxAgeOfTheCookie(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		browser bool          // BrowserSession
		age     time.Duration // MaxAge
		own     time.Duration // for SetMaxAge; 0: not called
		want    int
	}{
		{"whole seconds", false, time.Hour, 0, 3600},
		{"rounded up", false, time.Hour + time.Millisecond, 0, 3601},
		{"nearly one more", false, time.Hour + 999*time.Millisecond, 0, 3601},
		{"less than a second", false, time.Millisecond, 0, 1},
		{"400 days", false, maxDays, 0, 400 * 24 * 60 * 60},
		{"its own", false, time.Hour, 2 * time.Hour, 7200},
		{"no more than 400 days", false, time.Hour, 2 * maxDays, 400 * 24 * 60 * 60},
		{"of the browser", true, time.Hour, 0, 0},
		{"of the browser, its own", true, time.Hour, time.Minute, 60},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, maxAge(tt.age), func(cfg *visitConfig) { cfg.Cookie.BrowserSession = tt.browser })
				q, s := r.begin()
				s.Data.Count = 1
				if tt.own != 0 {
					s.SetMaxAge(tt.own)
				}
				if k := q.commit().Cookie; k == nil || k.MaxAge != tt.want {
					t.Errorf("the cookie is %v, want Max-Age %d", k, tt.want)
				}
			})
		})
	}
}

// The cookie ends with the record: if the response begins later, Max-Age is
// what is left.
func TestMaxAgeSomeTimeAfterTheSave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxAge(time.Minute))
		q, s := r.begin()
		q.save(s)
		time.Sleep(10 * time.Second)
		if k := q.commit().Cookie; k == nil || k.MaxAge != 50 {
			t.Errorf("the cookie is %v, want Max-Age 50", k)
		}
	})
}

// A session that ended before the response began gets no cookie that outlives
// it, as one without Max-Age would.
func TestMaxAgeOfACookieThatIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxAge(time.Minute))
		for _, late := range []time.Duration{time.Minute, 2 * time.Minute} {
			q, s := r.begin()
			q.save(s)
			time.Sleep(late)
			if k := q.commit().Cookie; k != nil && k.MaxAge == 0 {
				t.Errorf("the cookie is %v, %v after a save for a minute, want none or one that is over", k, late)
			}
		}
	})
}

// With BrowserSession only a session with an age of its own has a Max-Age. The
// age is stored with the session.
func TestBrowserSessionAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *visitConfig) { cfg.Cookie.BrowserSession = true })
	q, s := r.begin()
	s.Data.Count = 1
	s.SetMaxAge(time.Minute)
	token := q.commit().Token
	if k := r.handle(token, counting).Cookie; k == nil || k.MaxAge != 60 {
		t.Errorf("the cookie is %v, want Max-Age 60", k)
	}
	if k := r.handle(token, func(s *visitSession) { s.SetMaxAge(0) }).Cookie; k == nil || k.MaxAge != 0 {
		t.Errorf("the cookie is %v after SetMaxAge(0), want no Max-Age", k)
	}
}

// Without hooks there is no request, and so no cookie.
func TestNoCookieWithoutHooks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	x := r.m.Begin(nil, session.BeginOptions[visit]{})
	s, err := x.Session(t.Context())
	if err != nil {
		t.Fatalf("Session: %v, want no error", err)
	}
	s.Data.Count = 1
	out, err := x.Commit(t.Context(), false)
	if err != nil || out.Action != session.ActionSet || out.Token != s.Token() || out.Cookie != nil {
		t.Errorf("Commit: %+v, %v, want the token and no cookie", out, err)
	}
}

// Over plain http the cookie is Secure, which is observed, unless the host is a
// loopback host.
func TestLoopback(t *testing.T) {
	t.Parallel()
	loopback := []string{
		"localhost", "localhost:8080", "LocalHost", "localhost.", "localhost.:80", "a.localhost", "a.b.localhost:1", ".localhost",
		"127.0.0.1", "127.0.0.1:80", "127.1.2.3", "127.255.255.255:1", "::1", "[::1]", "[::1]:8080",
	}
	others := []string{
		"", ":80", "example.com", "example.com:80", "localhost.example.com", "notlocalhost", "xlocalhost:80", "localhostx", "ocalhost",
		"localhost..", "127.0.0.1.example.com", "10.0.0.1", "10.0.0.1:127", "126.255.255.255", "128.0.0.1", "0.0.0.0", "127.0.0", "127.0.0.256",
		"::2", "[::2]:8080", "[2001:db8::1]:80", "[::1", "::1]", "[", "]", "[]", "[]:80", "[::1]x", "[::1]8080", "[[::1]]", "x[::1]",
		"localhost:80:90", "\x00", strings.Repeat("[", 500),
		"lоcalhost", // the first o is Cyrillic
	}
	for i, host := range append(loopback, others...) {
		r := newRig(t)
		k := r.setCookie("http", host)
		if i < len(loopback) {
			r.log.want(t, session.EventCreated)
		} else {
			r.log.want(t, session.EventCreated, session.EventInsecure)
		}
		if want := i >= len(loopback); k.Secure != want {
			t.Errorf("http to %q: Secure is %v, want %v", host, k.Secure, want)
		}
		if k := newRig(t).setCookie("https", host); !k.Secure {
			t.Errorf("https to %q: Secure is false, want true", host)
		}
	}
}

// That a browser will drop the Secure cookie is observed once.
func TestInsecureIsToldOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.setCookie("https", "example.com")
	r.log.wantNone(t, session.EventInsecure)
	for range 3 {
		r.setCookie("http", "shop.example")
	}
	err := r.log.one(t, session.EventInsecure).Err
	for _, part := range []string{rigCookie, "shop.example", "SecureNever", "X-Forwarded-Proto"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the event has the error %v, want %q in it", err, part)
		}
	}
}

// A response without a Secure cookie, or to a loopback host, is not observed.
func TestNotInsecure(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	plain := func(q *fakeRequest) { q.scheme, q.host = "http", "example.com" }
	q := r.requestWith(plain, rigCookie+"="+token)
	q.get()
	q.commit()
	q = r.requestWith(plain, rigCookie+"="+token)
	q.get().Destroy()
	wantAction(t, q.commit(), session.ActionClear)
	for _, mode := range []session.SecureMode{session.SecureNever, session.SecureByScheme} {
		other := newRig(t, func(cfg *visitConfig) { cfg.Cookie.Secure = mode })
		other.setCookie("http", "example.com")
		other.log.want(t, session.EventCreated)
	}
	r.log.wantNone(t, session.EventInsecure)
	r = newRig(t, func(cfg *visitConfig) { cfg.Cookie.Secure = session.SecureAlways })
	r.setCookie("http", "localhost")
	r.log.want(t, session.EventCreated)
}

// Without Observe the warning is logged, once for each Manager. This test
// changes the default logger, so it is not parallel.
func TestInsecureIsLogged(t *testing.T) {
	var buf bytes.Buffer
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewTextHandler(&buf, nil)))

	r := newRig(t, unobserved)
	for range 3 {
		r.setCookie("http", "shop.example")
	}
	if got := buf.String(); strings.Count(got, "level=WARN") != 1 || strings.Count(got, "\n") != 1 || !strings.Contains(got, "shop.example") {
		t.Errorf("logged %q, want one warning that names the host", got)
	}

	buf.Reset()
	newRig(t).setCookie("http", "shop.example")
	if buf.Len() != 0 {
		t.Errorf("logged %q with Observe, want nothing", buf.String())
	}
}
