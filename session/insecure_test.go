package session_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// Which hosts browsers trust over plain http.
func TestLoopback(t *testing.T) {
	t.Parallel()
	for host, loopback := range map[string]bool{
		"localhost":              true,
		"localhost:8080":         true,
		"LocalHost":              true,
		"localhost.":             true,
		"localhost.:80":          true,
		"a.localhost":            true,
		"a.b.localhost:1":        true,
		".localhost":             true,
		"127.0.0.1":              true,
		"127.0.0.1:80":           true,
		"127.1.2.3":              true,
		"127.255.255.255:1":      true,
		"::1":                    true,
		"[::1]":                  true,
		"[::1]:8080":             true,
		"":                       false,
		":80":                    false,
		"example.com":            false,
		"example.com:80":         false,
		"localhost.example.com":  false,
		"notlocalhost":           false,
		"xlocalhost:80":          false,
		"localhostx":             false,
		"ocalhost":               false,
		"localhost..":            false,
		"127.0.0.1.example.com":  false,
		"10.0.0.1":               false,
		"10.0.0.1:127":           false,
		"126.255.255.255":        false,
		"128.0.0.1":              false,
		"0.0.0.0":                false,
		"127.0.0":                false,
		"127.0.0.256":            false,
		"::2":                    false,
		"[::2]:8080":             false,
		"[2001:db8::1]:80":       false,
		"[::1":                   false,
		"::1]":                   false,
		"[":                      false,
		"]":                      false,
		"[]":                     false,
		"[]:80":                  false,
		"[::1]x":                 false,
		"[::1]8080":              false,
		"[[::1]]":                false,
		"x[::1]":                 false,
		"localhost:80:90":        false,
		"\x00":                   false,
		"lоcalhost":              false, // the o is Cyrillic
		strings.Repeat("[", 500): false,
	} {
		t.Run(host, func(t *testing.T) {
			r := newRig(t)
			if k := r.setCookie("http", host); k.Secure == loopback {
				t.Errorf("http to %q: Secure is %v, want %v", host, k.Secure, !loopback)
			}
			if loopback {
				r.log.want(t, session.EventCreated)
			} else {
				r.log.want(t, session.EventCreated, session.EventInsecure)
			}
			if k := newRig(t).setCookie("https", host); !k.Secure {
				t.Errorf("https to %q: not Secure", host)
			}
		})
	}
}

func TestInsecureIsToldOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.setCookie("https", "example.com")
	r.log.wantNone(t, session.EventInsecure)
	for range 3 {
		r.setCookie("http", "shop.example")
	}
	got := r.log.all(session.EventInsecure)
	if len(got) != 1 {
		t.Fatalf("%d events, want one", len(got))
	}
	for _, part := range []string{rigCookie, "shop.example", "SecureNever", "X-Forwarded-Proto"} {
		if got[0].Err == nil || !strings.Contains(got[0].Err.Error(), part) {
			t.Errorf("%v does not say %q", got[0].Err, part)
		}
	}
}

// A cookie that is not Secure, or none at all, is no reason to warn.
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
		t.Run(fmt.Sprintf("mode %v", mode), func(t *testing.T) {
			other := newRig(t, func(cfg *visitConfig) { cfg.Cookie.Secure = mode })
			other.setCookie("http", "example.com")
			other.log.want(t, session.EventCreated)
		})
	}
	r.log.wantNone(t, session.EventInsecure)
	r = newRig(t, func(cfg *visitConfig) { cfg.Cookie.Secure = session.SecureAlways })
	r.setCookie("http", "localhost") // which browsers trust
	r.log.want(t, session.EventCreated)
}

// Without Observe the warning is logged, once for each Manager. It changes the
// logger of the process, and so runs alone.
func TestInsecureIsLogged(t *testing.T) {
	var buf bytes.Buffer
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewTextHandler(&buf, nil)))

	r := newRig(t, func(cfg *visitConfig) { cfg.Observe = nil })
	for range 3 {
		r.setCookie("http", "shop.example")
	}
	if got := buf.String(); strings.Count(got, "level=WARN") != 1 || strings.Count(got, "\n") != 1 || !strings.Contains(got, "shop.example") {
		t.Errorf("logged %q, want one warning that names the host", got)
	}

	buf.Reset()
	m, err := session.New(visitConfig{
		Store: memstore.New(memstore.Options{}), Observe: func(context.Context, session.Event) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	(&rig{T: t, m: m}).setCookie("http", "shop.example")
	if buf.Len() != 0 {
		t.Errorf("logged %q although there is Observe, want nothing", buf.String())
	}
}
