package adaptertest

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/echosession/echosession/session"
)

// TestCookie is about the session's cookie as a browser gets it.
func TestCookie(t *testing.T, e env) {
	each(t, e, []test{
		{name: "it has the configured attributes, and the one that clears it the same", run: func(t *testing.T, e env) {
			for _, tt := range []struct {
				set  session.Cookie
				want http.Cookie // in answer to plain http on a loopback host
			}{
				{session.Cookie{},
					http.Cookie{Name: cookieName, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}},
				{session.Cookie{Path: "/app"},
					http.Cookie{Name: cookieName, Path: "/app", HttpOnly: true, SameSite: http.SameSiteLaxMode}},
				{session.Cookie{Domain: "example.test"},
					http.Cookie{Name: cookieName, Path: "/", Domain: "example.test", HttpOnly: true, SameSite: http.SameSiteLaxMode}},
				{session.Cookie{SameSite: http.SameSiteStrictMode},
					http.Cookie{Name: cookieName, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode}},
				{session.Cookie{ScriptReadable: true},
					http.Cookie{Name: cookieName, Path: "/", SameSite: http.SameSiteLaxMode}},
				{session.Cookie{Secure: session.SecureAlways},
					http.Cookie{Name: "__Host-" + cookieName, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}},
				{session.Cookie{Name: "__Secure-s", Path: "/app", Domain: "example.test", Secure: session.SecureAlways, SameSite: http.SameSiteNoneMode, Partitioned: true},
					http.Cookie{Name: "__Secure-s", Path: "/app", Domain: "example.test", Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode, Partitioned: true}},
			} {
				s := e.open(t, config{Session: sessions{Cookie: tt.set}})
				b := s.browser()
				given := b.get("/count").expectCookie(t)
				if got := attributes(given); got != attributes(&tt.want) {
					t.Errorf("%+v: the cookie is %s, expected %s", tt.set, got, attributes(&tt.want))
				}
				if given.MaxAge != 24*60*60 {
					t.Errorf("%+v: the cookie lives for %d seconds, expected a day", tt.set, given.MaxAge)
				}
				cleared := b.getWithCookie("/remove", given).expectClearing(t)
				if got := attributes(cleared); got != attributes(&tt.want) {
					t.Errorf("%+v: the cookie is cleared by %s, expected %s", tt.set, got, attributes(&tt.want))
				}
			}
		}},
		{name: "it is set once, even if the handler set it before", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/own", func(c Context, v *visit) error {
				http.SetCookie(c.Response(), &http.Cookie{Name: cookieName, Value: "mine"})
				http.SetCookie(c.Response(), &http.Cookie{Name: "other", Value: "kept"})
				v.Data.Count = 7
				return nil
			})
			b := s.browser()
			r := b.get("/own")
			if len(r.cookies) != 2 || r.cookies[0].Value != "kept" || r.cookies[1].Name != cookieName || r.cookies[1].Value == "mine" {
				t.Errorf("the cookies are %v, expected the other one and one of the session", r.cookies)
			}
			b.get("/count").expect(t, http.StatusOK, "8")
		}},
		{name: "it is Secure for every host that is not loopback", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			b := s.browser()
			for host, secure := range map[string]bool{"example.test": true, "192.0.2.7:8080": true, "localhost:8080": false, "[::1]": false} {
				c := b.getAs("/count", func(req *http.Request) { req.Host = host }).expectCookie(t)
				if c.Secure != secure {
					t.Errorf("host %s: the cookie's Secure is %t, expected %t", host, c.Secure, secure)
				}
			}
			s.expectEvents(session.EventInsecure, 1)
		}},
		{name: "of two of the name the first that is live counts", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			b := s.returning()
			dead := &http.Cookie{Name: cookieName, Value: unknownID + "." + aSecret}
			live := &http.Cookie{Name: cookieName, Value: b.token()}
			s.browser().getWithCookie("/read", dead, live).expect(t, http.StatusOK, "1")
			s.browser().getWithCookie("/read", live, dead).expect(t, http.StatusOK, "1")
			other := s.returning()
			also := &http.Cookie{Name: cookieName, Value: other.token()}
			s.browser().getWithCookie("/read", live, also).expect(t, http.StatusOK, "1")
			s.expectEvents(session.EventDuplicate, 1)
		}},
	})
}

// attributes is all of a cookie but its value and its age.
func attributes(c *http.Cookie) string {
	bare := *c
	bare.Value, bare.MaxAge, bare.Raw = "", 0, ""
	return bare.String()
}

// TestCookieOfTheZeroConfig: the zero value is a complete, safe setup.
func TestCookieOfTheZeroConfig(t *testing.T, e env) {
	for url, want := range map[string]string{
		"http://localhost":    "; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax",
		"http://127.0.0.1":    "; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax",
		"https://example.com": "; Path=/; Max-Age=86400; HttpOnly; Secure; SameSite=Lax",
	} {
		server := Serve(t, e.Handler(Program{Middleware: []any{config{Defer: e.deferred}}, Handler: counting(theCount)}))
		get := func(token string) reply {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Forwarded-Proto", req.URL.Scheme)
			if token != "" {
				req.Header.Set("Cookie", cookieName+"="+token)
			}
			r, err := fetch(server.Client(), req)
			if err != nil {
				t.Fatalf("GET %s: %v", url, err)
			}
			return r
		}
		first := get("")
		token := first.expectToken(t)
		first.expectHeader(t, "Set-Cookie", cookieName+"="+token+want)
		if id, secret, ok := strings.Cut(token, "."); !ok || len(id) != 22 || len(secret) != 22 {
			t.Errorf("the token is %q, expected 22 and 22 characters", token)
		}
		get(token).expect(t, http.StatusOK, "2")
	}
}

func TestClearingCookieRepeatsPathAndDomain(t *testing.T, e env) {
	s := e.open(t, config{Session: sessions{Cookie: session.Cookie{Path: "/app", Domain: "example.test", Secure: session.SecureNever}}})
	s.on("/app/count", increment)
	s.on("/app/remove", func(_ Context, v *visit) error { v.Destroy(); return nil })
	b := s.browser()
	b.host = "http://www.example.test" // for what browsers do not do with addresses
	b.get("/app/count").expect(t, http.StatusOK, "1")
	b.get("/app/count").expect(t, http.StatusOK, "2")
	if b.tokenAt("/app/remove") == "" {
		t.Fatal("the browser sends no cookie, expected one of the whole domain")
	}
	c := b.get("/app/remove").expectClearing(t)
	if c.Path != "/app" || c.Domain != "example.test" {
		t.Errorf("the clearing cookie has the path %q and the domain %q, expected /app and example.test", c.Path, c.Domain)
	}
	if token := b.tokenAt("/app/count"); token != "" {
		t.Errorf("the browser still sends %q", token)
	}
}

// TestCookiePath limits where the browser has the session. A path that only
// begins like the cookie's is another one.
func TestCookiePath(t *testing.T, e env) {
	s := e.open(t, config{Session: sessions{Cookie: session.Cookie{Path: "/app"}}})
	s.on("/app/count", increment)
	s.on("/apple", onlyRead)
	b := s.browser()
	b.get("/app/count").expect(t, http.StatusOK, "1")
	b.get("/app/count").expect(t, http.StatusOK, "2")
	b.get("/read").expect(t, http.StatusOK, "0")
	b.get("/apple").expect(t, http.StatusOK, "0")
	for path, sent := range map[string]bool{"/app": true, "/app/count": true, "/read": false, "/apple": false} {
		if got := b.tokenAt(path) != ""; got != sent {
			t.Errorf("the browser sends the cookie to %s: %t, expected %t", path, got, sent)
		}
	}
}

// begun makes path a route that answers, and then does do to its session.
func (s *site) begun(path string, do func(c Context, v *visit) error) {
	s.handle(path, using(func(c Context, v *visit) error {
		if err := text(c, http.StatusOK, "begun"); err != nil {
			return err
		}
		return do(c, v)
	}))
}

// TestCookieThatCannotBeSentLeavesNoRecord: once the response has begun there is
// no way to give the client a new token. Then no record is left that nobody can
// use.
func TestCookieThatCannotBeSentLeavesNoRecord(t *testing.T, e env) {
	s := e.open(t, config{})
	s.begun("/late", func(c Context, v *visit) error {
		v.Data.Count = 7
		for name, call := range map[string]func(Context, *visit) error{"Save": save, "Update": updateCount(1)} {
			if err := call(c, v); !errors.Is(err, session.ErrCommitted) {
				t.Errorf("%s: %v, expected ErrCommitted", name, err)
			}
		}
		return nil
	})
	r := s.browser().get("/late")
	r.expect(t, http.StatusOK, "begun")
	r.expectNoCookie(t)
	s.idle()
	s.expectCalls()
	s.expectEvents(session.EventLost, 1)
}

func TestRenewalAfterTheResponseBeganKeepsTheOldToken(t *testing.T, e env) {
	s := e.open(t, config{})
	s.begun("/late", func(c Context, v *visit) error {
		v.Renew()
		if err := save(c, v); !errors.Is(err, session.ErrCommitted) {
			t.Errorf("Save: %v, expected ErrCommitted", err)
		}
		return nil
	})
	b := s.returning()
	b.get("/late").expect(t, http.StatusOK, "begun")
	s.idle()
	b.get("/count").expect(t, http.StatusOK, "2")
	s.expectEvents(session.EventLost, 1)
}

// TestHeaderSetCookieOnce: one Set-Cookie of the name, with the last token,
// however often the session was saved.
func TestHeaderSetCookieOnce(t *testing.T, e env) {
	for name, respond := range map[string]Handler{"page": pageAs(http.StatusOK), "nothing": silence, "error": failing(e.teapot())} {
		for _, count := range []int{0, 7} {
			t.Run(visitor(name, count), func(t *testing.T) {
				t.Parallel()
				s := e.open(t, config{})
				s.handle("/", using(func(c Context, v *visit) error {
					for range 3 {
						v.Data.Count++
						v.Renew()
						if err := save(c, v); err != nil {
							return err
						}
					}
					v.Data.Count++
					v.Renew()
					return respond(c)
				}))
				token := s.tokenIf(count)
				s.expectRead(s.get("/", token).expectToken(t), count+4)
				s.expectRecords(1)
			})
		}
	}
}

// TestHeaderOtherCookies: nothing is taken away of the cookies of others.
func TestHeaderOtherCookies(t *testing.T, e env) {
	outer := sayingAround(http.Header{"Set-Cookie": {"outer=1; Path=/", "echo.side=1"}})
	s := e.openAround(t, []any{outer}, config{}, nil)
	s.on("/", func(c Context, v *visit) error {
		v.Data.Count++
		if err := save(c, v); err != nil {
			return err
		}
		http.SetCookie(c.Response(), &http.Cookie{Name: "ECHO.SID", Value: "2"})
		http.SetCookie(c.Response(), &http.Cookie{Name: cookieName, Value: "stale"})
		c.Response().Header().Add("Set-Cookie", "nameless")
		return nil
	})
	got := s.get("/", "")
	token := got.expectToken(t)
	s.expectRead(token, 1)
	lines := got.header.Values("Set-Cookie")
	want := []string{"outer=1; Path=/", "echo.side=1", "ECHO.SID=2", "nameless", cookieName + "=" + token}
	if !slices.EqualFunc(lines, want, strings.HasPrefix) {
		t.Errorf("Set-Cookie is %q, expected lines that begin with %q", lines, want)
	}
}
