package adaptertest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// request is one to path with token, "" for none.
func (s *site) request(method, path, token string) *http.Request {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.server.URL+path, nil)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	if token != "" {
		req.Header.Set("Cookie", cookieName+"="+token)
	}
	return req
}

// do makes the request. It ends the test if there is no response.
func (s *site) do(req *http.Request) reply {
	s.t.Helper()
	r, err := fetch(s.server.Client(), req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	return r
}

// get fetches path with token, "" for none.
func (s *site) get(path, token string) reply {
	s.t.Helper()
	return s.do(s.request(http.MethodGet, path, token))
}

// fetch makes the request, reads the response to its end and decompresses it. It
// may be called from any goroutine.
func fetch(client *http.Client, req *http.Request) (reply, error) {
	res, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{}, fmt.Errorf("the body ends after %q: %w", body, err)
	}
	if res.Header.Get("Content-Encoding") == "gzip" && len(body) > 0 {
		zipped := body
		z, err := gzip.NewReader(bytes.NewReader(zipped))
		if err == nil {
			body, err = io.ReadAll(z)
		}
		if err != nil {
			return reply{}, fmt.Errorf("the body is %q, expected gzip as its header says: %w", zipped, err)
		}
	}
	return reply{req.Method + " " + req.URL.Path, res.StatusCode, string(body), res.Header, res.Cookies()}, nil
}

// browser is a client of a site with cookies of its own.
type browser struct {
	site   *site
	client *http.Client
	jar    *cookiejar.Jar
	host   string // that it believes to be at
}

func (s *site) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatalf("cookiejar.New: %v", err)
	}
	client := *s.server.Client()
	client.Jar = jar
	return &browser{site: s, client: &client, jar: jar, host: "http://127.0.0.1"}
}

// browserWith is a browser that has token already.
func (s *site) browserWith(token string) *browser {
	s.t.Helper()
	b := s.browser()
	b.jar.SetCookies(b.at("/"), []*http.Cookie{{Name: cookieName, Value: token, Path: "/"}})
	return b
}

// returning is a browser that has counted to one, so that it has a session. The
// calls of the store that took are forgotten.
func (s *site) returning() *browser {
	s.t.Helper()
	b := s.browser()
	b.get("/count").expect(s.t, http.StatusOK, "1")
	s.store.take()
	return b
}

func (b *browser) at(path string) *url.URL {
	u, err := url.Parse(b.host + path)
	if err != nil {
		b.site.t.Fatalf("%v", err)
	}
	return u
}

// get fetches path. It ends the test if there is no response.
func (b *browser) get(path string) reply {
	b.site.t.Helper()
	return b.getAs(path, func(*http.Request) {})
}

// getWithCookie is get with these cookies, whether or not the jar would send them.
func (b *browser) getWithCookie(path string, cookies ...*http.Cookie) reply {
	b.site.t.Helper()
	return b.getAs(path, func(req *http.Request) {
		for _, c := range cookies {
			req.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		}
	})
}

func (b *browser) getAs(path string, prepare func(*http.Request)) reply {
	b.site.t.Helper()
	r, err := b.fetch(path, prepare)
	if err != nil {
		b.site.t.Fatalf("GET %s: %v", path, err)
	}
	return r
}

// fetch is getAs for goroutines other than the test's.
func (b *browser) fetch(path string, prepare func(*http.Request)) (reply, error) {
	req, err := http.NewRequestWithContext(b.site.t.Context(), http.MethodGet, b.at(path).String(), nil)
	if err != nil {
		return reply{}, err
	}
	prepare(req)
	return fetch(b.client, req)
}

// timed is a reply and how long it took.
type timed struct {
	reply
	took time.Duration
	err  error
}

// start fetches path in the background.
func (b *browser) start(path string) <-chan timed {
	done := make(chan timed, 1)
	go func() {
		begin := time.Now()
		r, err := b.fetch(path, func(*http.Request) {})
		done <- timed{r, time.Since(begin), err}
	}()
	return done
}

// expectIn fails unless the reply came after exactly took.
func (r timed) expectIn(t *testing.T, took time.Duration, status int) {
	t.Helper()
	if r.err != nil || r.took != took || r.status != status {
		t.Fatalf("%s: %d %q after %v (%v), expected %d after %v", r.request, r.status, r.body, r.took, r.err, status, took)
	}
}

// token is what the browser sends; "" if it has no cookie.
func (b *browser) token() string { return b.tokenAt("/") }

func (b *browser) tokenAt(path string) string {
	for _, c := range b.jar.Cookies(b.at(path)) {
		if c.Name == cookieName {
			return c.Value
		}
	}
	return ""
}

// id is the public part of the token.
func (b *browser) id() string { return idOf(b.token()) }

func idOf(token string) string {
	id, _, _ := strings.Cut(token, ".")
	return id
}

// reply is a response that was read to its end.
type reply struct {
	request string
	status  int
	body    string
	header  http.Header
	cookies []*http.Cookie
}

func (r reply) expect(t *testing.T, status int, body string) {
	t.Helper()
	if r.status != status || r.body != body {
		t.Fatalf("%s: %d %.200q, expected %d %.200q", r.request, r.status, r.body, status, body)
	}
}

func (r reply) expectStatus(t *testing.T, status int) {
	t.Helper()
	if r.status != status {
		t.Fatalf("%s: %d %q, expected the status %d", r.request, r.status, r.body, status)
	}
}

// expectHeader compares all lines of a field.
func (r reply) expectHeader(t *testing.T, field string, want ...string) {
	t.Helper()
	if got := r.header.Values(field); !slices.Equal(got, want) {
		t.Errorf("%s: %s is %q, expected %q", r.request, field, got, want)
	}
}

// expectCookie returns the one cookie, which gives a token.
func (r reply) expectCookie(t *testing.T) *http.Cookie {
	t.Helper()
	if len(r.cookies) != 1 || r.cookies[0].Value == "" || r.cookies[0].MaxAge < 0 {
		t.Fatalf("%s: the cookies %v, expected one with a token", r.request, r.cookies)
	}
	return r.cookies[0]
}

// expectClearing returns the one cookie, which takes the token away.
func (r reply) expectClearing(t *testing.T) *http.Cookie {
	t.Helper()
	if len(r.cookies) != 1 || r.cookies[0].Value != "" || r.cookies[0].MaxAge >= 0 {
		t.Fatalf("%s: the cookies %v, expected one that clears", r.request, r.cookies)
	}
	return r.cookies[0]
}

func (r reply) expectNoCookie(t *testing.T) {
	t.Helper()
	if len(r.cookies) != 0 {
		t.Errorf("%s: the cookies %v, expected none", r.request, r.cookies)
	}
}

// ofSession returns the cookies of the session's name.
func (r reply) ofSession() []*http.Cookie {
	return slices.DeleteFunc(slices.Clone(r.cookies), func(c *http.Cookie) bool { return c.Name != cookieName })
}

// expectToken returns the token in the one cookie of the session's name.
func (r reply) expectToken(t *testing.T) string {
	t.Helper()
	got := r.ofSession()
	if len(got) != 1 || got[0].Value == "" || got[0].MaxAge <= 0 {
		t.Fatalf("%s: Set-Cookie is %q, expected the session's exactly once, with a token", r.request, r.header["Set-Cookie"])
	}
	return got[0].Value
}

// visitor names a case of a client whose session counted to count, 0 for none.
func visitor(name string, count int) string { return fmt.Sprintf("%s/count=%d", name, count) }

// tokenIf is token, but "" for the count 0: a client without a session.
func (s *site) tokenIf(count int) string {
	s.t.Helper()
	if count == 0 {
		return ""
	}
	return s.token(count)
}
