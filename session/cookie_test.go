package session_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// attributes are those of a cookie but for its value.
func attributes(k *http.Cookie) http.Cookie {
	if k == nil {
		return http.Cookie{}
	}
	a := *k
	a.Value = ""
	return a
}

func wantAttributes(t *testing.T, k *http.Cookie, want http.Cookie) {
	t.Helper()
	if k == nil {
		t.Fatalf("no cookie, want %s", want.String())
	}
	if got := attributes(k); got.String() != want.String() {
		t.Errorf("cookie %s\n  want %s", got.String(), want.String())
	}
	wantNoErr(t, k.Valid())
}

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
		want         http.Cookie // but for Max-Age
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

			// The cookie that clears it has the same ones.
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

func TestCookieIsTheToken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q, s := r.begin()
	s.Data.Count = 1
	out := q.commit()
	if out.Token != s.Token() || out.Cookie.Value != s.Token() {
		t.Errorf("token %q, cookie %q, want both to be %q", out.Token, out.Cookie.Value, s.Token())
	}
}

func TestMaxAgeOfTheCookie(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		browser bool
		age     time.Duration // configured
		own     time.Duration // by SetMaxAge; 0: not called
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
				r := newRig(t, func(cfg *visitConfig) {
					cfg.MaxAge, cfg.Cookie.BrowserSession = tt.age, tt.browser
				})
				q, s := r.begin()
				s.Data.Count = 1
				if tt.own != 0 {
					s.SetMaxAge(tt.own)
				}
				if k := q.commit().Cookie; k == nil || k.MaxAge != tt.want {
					t.Errorf("cookie %v, want Max-Age %d", k, tt.want)
				}
			})
		})
	}
}

// The cookie goes with the record: it is the time that is left which counts.
func TestMaxAgeSomeTimeAfterTheSave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxAge(time.Minute))
		q := r.request()
		q.save(q.get())
		time.Sleep(10 * time.Second)
		if k := q.commit().Cookie; k == nil || k.MaxAge != 50 {
			t.Errorf("cookie %v, want Max-Age 50", k)
		}
	})
}

// The session ended before the response began: what the client is given must
// not outlive it, as a cookie without an age would.
func TestMaxAgeOfACookieThatIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxAge(time.Minute))
		for _, late := range []time.Duration{time.Minute, 2 * time.Minute} {
			q := r.request()
			q.save(q.get())
			time.Sleep(late)
			if k := q.commit().Cookie; k != nil && k.MaxAge == 0 {
				t.Errorf("cookie %v, %v after a save for a minute, want none or one that is over", k, late)
			}
		}
	})
}

// A session whose own age was taken back ends with the browser again.
func TestBrowserSessionAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *visitConfig) { cfg.Cookie.BrowserSession = true })
	q, s := r.begin()
	s.Data.Count = 1
	s.SetMaxAge(time.Minute)
	token := q.commit().Token

	q = r.request(token)
	q.get().Data.Count = 2
	if k := q.commit().Cookie; k == nil || k.MaxAge != 60 {
		t.Errorf("cookie %v, want Max-Age 60: the age is stored with the session", k)
	}
	q = r.request(token)
	q.get().SetMaxAge(0)
	if k := q.commit().Cookie; k == nil || k.MaxAge != 0 {
		t.Errorf("cookie %v, want no Max-Age", k)
	}
}

// Outside of a request there is nothing that could become a cookie.
func TestNoCookieWithoutHooks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	x := r.m.Begin(nil, session.BeginOptions[visit]{})
	s, err := x.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Data.Count = 1
	out, err := x.Commit(t.Context(), false)
	if err != nil || out.Action != session.ActionSet || out.Token != s.Token() || out.Cookie != nil {
		t.Errorf("outcome %+v, %v, want the token and no cookie", out, err)
	}
}
