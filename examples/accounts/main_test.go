package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

func TestDevices(t *testing.T) {
	t.Parallel()
	server := serve(t)
	laptop, phone := browse(t, server, "laptop"), browse(t, server, "phone")
	laptop.post("/sign-up", http.StatusOK)
	phone.post("/log-in", http.StatusOK)
	if page := laptop.get("/"); !strings.Contains(page, "laptop") || !strings.Contains(page, "phone") {
		t.Errorf("the list of devices is %s, want both", page)
	}

	other := regexp.MustCompile(`/devices/[^/]+/log-out`).FindString(laptop.get("/"))
	mallory := browse(t, server, "mallory")
	mallory.name = "mallory"
	mallory.post("/sign-up", http.StatusOK)
	mallory.post(other, http.StatusNotFound)
	if page := phone.get("/"); !strings.Contains(page, "ada") {
		t.Errorf("somebody else logged the phone out: %s", page)
	}
	laptop.post(other, http.StatusOK)
	if page := phone.get("/"); strings.Contains(page, "ada") {
		t.Errorf("the phone is still logged in: %s", page)
	}

	phone.post("/log-in", http.StatusOK)
	laptop.post("/log-out-everywhere", http.StatusOK)
	if cookies := laptop.cookies(); len(cookies) != 0 {
		t.Errorf("the laptop has the cookies %v, want none", cookies)
	}
	for _, b := range []*browser{laptop, phone} {
		if page := b.get("/"); strings.Contains(page, "ada") {
			t.Errorf("%s is still logged in: %s", b.agent, page)
		}
	}
	if page := mallory.get("/"); !strings.Contains(page, "mallory") {
		t.Errorf("another user was logged out, too: %s", page)
	}
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	server := serve(t)
	b := browse(t, server, "laptop")
	b.post("/sign-up", http.StatusOK)
	b.post("/log-out", http.StatusOK)
	b.password = "something else"
	b.post("/log-in", http.StatusUnauthorized)
	b.name = "nobody"
	b.post("/log-in", http.StatusUnauthorized)
}

func serve(t *testing.T) *httptest.Server {
	t.Helper()
	sessions, err := session.New(session.Config[Account]{
		Store: memstore.New(memstore.Options{}),
		User:  func(a *Account) string { return a.User },
	})
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.Renderer = &echo.TemplateRenderer{Template: pages}
	e.Use(echoadapter.Middleware(echoadapter.Config[Account]{Manager: sessions}))
	(&app{users: users{iterations: 1}, sessions: sessions}).route(e)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return server
}

type browser struct {
	t                     *testing.T
	client                *http.Client
	url                   string
	agent, name, password string
}

func browse(t *testing.T, server *httptest.Server, agent string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, &http.Client{Jar: jar}, server.URL, agent, "ada", "correct horse"}
}

func (b *browser) cookies() []*http.Cookie {
	b.t.Helper()
	site, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.client.Jar.Cookies(site)
}

func (b *browser) post(path string, want int) {
	b.t.Helper()
	form := url.Values{"name": {b.name}, "password": {b.password}}
	b.do(http.MethodPost, path, form.Encode(), want)
}

func (b *browser) get(path string) string {
	b.t.Helper()
	return b.do(http.MethodGet, path, "", http.StatusOK)
}

func (b *browser) do(method, path, body string, want int) string {
	b.t.Helper()
	req, err := http.NewRequest(method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", echo.MIMEApplicationForm)
	req.Header.Set("User-Agent", b.agent)
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if resp.StatusCode != want {
		b.t.Errorf("%s: %s %s answered %d, want %d: %s", b.agent, method, path, resp.StatusCode, want, page)
	}
	return string(page)
}
