package echoadapter_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

const cookieName = "echo.sid"

// browser is a client of a site, with a cookie jar of its own.
type browser struct {
	site   *site
	client *http.Client
	jar    *cookiejar.Jar
}

func (s *site) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatalf("cookiejar.New: %v", err)
	}
	return &browser{site: s, jar: jar, client: &http.Client{
		Jar:           jar,
		Transport:     s.network,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
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
	u, err := url.Parse(b.site.url + path)
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

// getWithCookie is get with these cookies, which the jar need not want to send.
func (b *browser) getWithCookie(path string, cookies ...*http.Cookie) reply {
	b.site.t.Helper()
	return b.getAs(path, func(req *http.Request) {
		for _, c := range cookies {
			req.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		}
	})
}

// getFrom is get from a server that is called host, by plain http.
func (b *browser) getFrom(host, path string) reply {
	b.site.t.Helper()
	return b.getAs(path, func(req *http.Request) { req.Host = host })
}

func (b *browser) getAs(path string, prepare func(*http.Request)) reply {
	b.site.t.Helper()
	r, err := b.do(path, prepare)
	if err != nil {
		b.site.t.Fatalf("GET %s: %v", path, err)
	}
	return r
}

// fetch is get for goroutines other than the test's.
func (b *browser) fetch(path string) (reply, error) { return b.do(path, func(*http.Request) {}) }

func (b *browser) do(path string, prepare func(*http.Request)) (reply, error) {
	req, err := http.NewRequestWithContext(b.site.t.Context(), http.MethodGet, b.at(path).String(), nil)
	if err != nil {
		return reply{}, err
	}
	prepare(req)
	res, err := b.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return reply{path: path, status: res.StatusCode, body: string(body), header: res.Header, cookies: res.Cookies()}, err
}

// token is what the browser sends; "" where it has no cookie.
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
func (b *browser) id() string {
	id, _, _ := strings.Cut(b.token(), ".")
	return id
}

// reply is a response.
type reply struct {
	path    string
	status  int
	body    string
	header  http.Header
	cookies []*http.Cookie
}

func (r reply) expect(t *testing.T, status int, body string) {
	t.Helper()
	if r.status != status || r.body != body {
		t.Fatalf("GET %s: %d %q, expected %d %q", r.path, r.status, r.body, status, body)
	}
}

func (r reply) expectStatus(t *testing.T, status int) {
	t.Helper()
	if r.status != status {
		t.Fatalf("GET %s: %d %q, expected the status %d", r.path, r.status, r.body, status)
	}
}

// expectCookie returns the one session cookie that gives a token.
func (r reply) expectCookie(t *testing.T) *http.Cookie {
	t.Helper()
	if len(r.cookies) != 1 || r.cookies[0].Value == "" || r.cookies[0].MaxAge < 0 {
		t.Fatalf("GET %s: the cookies %v, expected one with a token", r.path, r.cookies)
	}
	return r.cookies[0]
}

// expectClearing returns the one session cookie that takes the token away.
func (r reply) expectClearing(t *testing.T) *http.Cookie {
	t.Helper()
	if len(r.cookies) != 1 || r.cookies[0].Value != "" || r.cookies[0].MaxAge >= 0 {
		t.Fatalf("GET %s: the cookies %v, expected one that clears", r.path, r.cookies)
	}
	return r.cookies[0]
}

func (r reply) expectNoCookie(t *testing.T) {
	t.Helper()
	if len(r.cookies) != 0 {
		t.Errorf("GET %s: the cookies %v, expected none", r.path, r.cookies)
	}
}
