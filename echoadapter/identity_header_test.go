package echoadapter_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

const tokenField = "X-Session"

// bearer is a client without cookies: it sends the last token that it was given
// in a header field, and forgets it where the field comes empty.
type bearer struct {
	*browser
	token string
}

func (s *site) bearer() *bearer { return &bearer{browser: s.browser()} }

func (b *bearer) get(path string) reply {
	b.site.t.Helper()
	r := b.getAs(path, func(req *http.Request) {
		if b.token != "" {
			req.Header.Set(tokenField, b.token)
		}
	})
	if lines, ok := r.header[tokenField]; ok {
		if len(lines) != 1 {
			b.site.t.Errorf("GET %s: %d lines of %s, expected one: %q", path, len(lines), tokenField, lines)
		}
		b.token = lines[0]
	}
	if len(r.cookies) != 0 {
		b.site.t.Errorf("GET %s: the cookies %v, expected none where a header carries the token", path, r.cookies)
	}
	return r
}

func (b *bearer) id() string {
	id, _, _ := strings.Cut(b.token, ".")
	return id
}

// expectField compares the lines of the field in a response: none, or one.
func (r reply) expectField(t *testing.T, want ...string) {
	t.Helper()
	got, ok := r.header[tokenField]
	if ok != (len(want) == 1) || ok && got[0] != want[0] {
		t.Errorf("GET %s: %s is %q, expected %q", r.path, tokenField, got, want)
	}
	wantCache := ""
	if len(want) == 1 {
		wantCache = "no-store"
	}
	if got := r.header.Get("Cache-Control"); got != wantCache {
		t.Errorf("GET %s: Cache-Control is %q with the field %q, expected %q", r.path, got, want, wantCache)
	}
}

// The whole life of a session is as with a cookie.
func TestHeaderCarriesTheToken(t *testing.T) {
	t.Parallel()
	for _, name := range []string{tokenField, "x-session"} {
		for _, deferred := range []bool{false, true} {
			s := open(t, echoadapter.Config[visits]{Header: name, Defer: deferred})
			s.on("/renew", func(_ echo.Context, v *session.Session[visits]) error { v.Renew(); return nil })
			b := s.bearer()
			r := b.get("/read")
			r.expectField(t)
			if got := r.header.Values("Vary"); len(got) != 1 || got[0] != tokenField {
				t.Errorf("Vary is %q where the session was read, expected %s", got, tokenField)
			}
			r = b.get("/unused")
			r.expectField(t)
			if got := r.header.Values("Vary"); len(got) != 0 {
				t.Errorf("Vary is %q where no session was read, expected none", got)
			}
			r = b.get("/count")
			r.expect(t, http.StatusOK, "1")
			r.expectField(t, b.token)
			if b.token == "" {
				t.Fatal("no token came")
			}
			first := b.token
			r = b.get("/count")
			r.expect(t, http.StatusOK, "2")
			r.expectField(t, first) // with every save
			b.get("/read").expectField(t)
			b.get("/renew").expectField(t, b.token)
			if b.token == first || b.id() != strings.Split(first, ".")[0] {
				t.Errorf("the token is %q after Renew, expected another one of the same id than %q", b.token, first)
			}
			old := &bearer{browser: s.browser(), token: first}
			old.get("/count").expectField(t) // superseded: inert
			r = b.get("/remove")
			last := b.id()
			if b.token != "" {
				t.Errorf("the token is %q after Destroy, expected an empty field", b.token)
			}
			r.expectField(t, "")
			s.expectNotStored(last)
			if n := s.records(); n != 0 {
				t.Errorf("the store has %d records, expected none", n)
			}
			b.get("/count").expect(t, http.StatusOK, "1")
		}
	}
}

// A cookie of the name is nothing there, nor is the field to the others.
func TestHeaderIsTheOnlyWay(t *testing.T) {
	t.Parallel()
	by := open(t, echoadapter.Config[visits]{Header: tokenField})
	b := by.bearer()
	b.get("/count").expect(t, http.StatusOK, "1")
	by.browserWith(b.token).get("/count").expect(t, http.StatusOK, "1")

	cookies := open(t, echoadapter.Config[visits]{})
	owner := cookies.returning()
	thief := cookies.browser()
	thief.getAs("/count", func(req *http.Request) { req.Header.Set(tokenField, owner.token()) }).expect(t, http.StatusOK, "1")
	if thief.id() == owner.id() {
		t.Error("a header opened the session of a site that uses cookies")
	}
}

// Up to four values are tried, in the order sent; what is malformed is not one.
func TestHeaderWithSeveralValues(t *testing.T) {
	t.Parallel()
	s := open(t, echoadapter.Config[visits]{Header: tokenField})
	b := s.bearer()
	b.get("/count").expect(t, http.StatusOK, "1")
	random := unknownID + "." + aSecret
	for _, tt := range []struct {
		lines []string
		found bool
		loads int
	}{
		{[]string{b.token}, true, 1},
		{[]string{"", "x", b.token}, true, 1},
		{[]string{random, b.token}, true, 2},
		{[]string{b.token, random}, true, 2},
		{[]string{random, "a." + aSecret, "b." + aSecret, b.token}, true, 4},
		{[]string{random, "a." + aSecret, "b." + aSecret, "c." + aSecret, b.token}, false, 4},
		{[]string{b.token + ", " + random}, false, 0},
		{[]string{"Bearer " + b.token}, false, 0},
		{[]string{tokenField + "=" + b.token}, false, 0},
		{[]string{strings.Repeat("A", 5000)}, false, 0},
		{[]string{"ä." + aSecret}, false, 0},
	} {
		s.store.take()
		r := s.browser().getAs("/read", func(req *http.Request) { req.Header[tokenField] = tt.lines })
		want := "0"
		if tt.found {
			want = "1"
		}
		r.expect(t, http.StatusOK, want)
		r.expectField(t)
		if calls := s.store.take(); len(calls) != tt.loads {
			t.Errorf("%q: the store was asked %q, expected %d loads", tt.lines, calls, tt.loads)
		}
	}
}

// Use extends a session, and its age renews the token, by header too.
func TestHeaderTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openInBubble(t, echoadapter.Config[visits]{Header: tokenField, Session: session.Config[visits]{
			MaxAge: time.Hour, Rolling: true, RenewAfter: 2 * time.Hour,
		}})
		b := s.bearer()
		b.get("/count")
		first := b.token
		for range 3 {
			time.Sleep(39 * time.Minute)
			b.get("/read").expectField(t, first) // extended
		}
		time.Sleep(39 * time.Minute)
		r := b.get("/read")
		r.expect(t, http.StatusOK, "1")
		if b.token == first {
			t.Errorf("the token is the same after 156 minutes, expected another one")
		}
		r.expectField(t, b.token)
		time.Sleep(time.Hour)
		b.get("/read").expect(t, http.StatusOK, "0")
	})
}

// A forged signature in the field never reaches the store.
func TestHeaderSigned(t *testing.T) {
	t.Parallel()
	keys := [][]byte{bytes.Repeat([]byte("k"), 32)}
	s := open(t, echoadapter.Config[visits]{Header: tokenField, Session: session.Config[visits]{SigningKeys: keys}})
	b := s.bearer()
	b.get("/count").expect(t, http.StatusOK, "1")
	good := b.token
	s.store.take()
	for _, bad := range []string{good[:len(good)-44], good[:len(good)-1], good + "A", good[:len(good)-43] + strings.Repeat("A", 43)} {
		b.token = bad
		b.get("/read").expect(t, http.StatusOK, "0")
		s.expectCalls()
	}
	b.token = good
	b.get("/count").expect(t, http.StatusOK, "2")
}
