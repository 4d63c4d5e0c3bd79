package adaptertest

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const tokenField = "X-Session"

// bearer is a client without cookies: it sends the last token that it was given
// in a header field, and forgets it if the field comes empty.
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
	r.expectNoCookie(b.site.t)
	return r
}

// expectField compares the lines of the field in a response: none, or one.
func (r reply) expectField(t *testing.T, want ...string) {
	t.Helper()
	r.expectHeader(t, tokenField, want...)
	wantCache := ""
	if len(want) == 1 {
		wantCache = "no-store"
	}
	if got := r.header.Get("Cache-Control"); got != wantCache {
		t.Errorf("%s: Cache-Control is %q with the field %q, expected %q", r.request, got, want, wantCache)
	}
}

// TestHeaderCarriesTheToken: the whole life of a session is as with a cookie.
func TestHeaderCarriesTheToken(t *testing.T, e env) {
	for _, name := range []string{tokenField, "x-session"} {
		s := e.open(t, config{Header: name})
		s.on("/renew", renew)
		s.handle("/redirect", counting(func(c Context) error {
			c.Response().Header().Set("Location", "/elsewhere")
			c.Response().WriteHeader(http.StatusFound)
			return nil
		}))
		b := s.bearer()
		r := b.get("/read")
		r.expectField(t)
		r.expectHeader(t, "Vary", tokenField)
		r = b.get("/unused")
		r.expectField(t)
		r.expectHeader(t, "Vary")
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
		if b.token == first || idOf(b.token) != idOf(first) {
			t.Errorf("the token is %q after Renew, expected another one of the same id than %q", b.token, first)
		}
		old := &bearer{browser: s.browser(), token: first}
		old.get("/count").expectField(t) // superseded: inert
		r = b.get("/redirect")
		r.expect(t, http.StatusFound, "")
		r.expectHeader(t, "Location", "/elsewhere")
		r.expectField(t, b.token)
		r = b.get("/remove")
		if b.token != "" {
			t.Errorf("the token is %q after Destroy, expected an empty field", b.token)
		}
		r.expectField(t, "")
		s.expectNotStored(idOf(first))
		s.expectRecords(0)
		b.get("/count").expect(t, http.StatusOK, "1")
	}
}

// TestHeaderFollowsTheRulesOfTheCookie in each kind of response.
func TestHeaderFollowsTheRulesOfTheCookie(t *testing.T, e env) {
	noStore, varies := []string{"no-store"}, []string{tokenField}
	for name, tt := range map[string]struct {
		handler Handler
		fault   bool
		status  int
		sent    bool // the token, again
		read    int
		cache   []string
		vary    []string
	}{
		"change":     {counting(pageAs(200)), false, 200, true, 8, noStore, varies},
		"silence":    {counting(silence), false, 200, true, 8, noStore, varies},
		"error":      {counting(failing(e.teapot())), false, 418, true, 8, noStore, varies},
		"look":       {reading(pageAs(200)), false, 200, false, 7, nil, varies},
		"peek":       {peeking(pageAs(200)), false, 200, false, 7, nil, varies},
		"not asked":  {pageAs(200), false, 200, false, 7, nil, nil},
		"fault":      {counting(pageAs(200)), true, 503, false, 7, nil, varies},
		"late fault": {counting(silence), true, 503, false, 7, nil, varies},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := e.open(t, config{Header: "x-session"})
			s.handle("/", tt.handler)
			token := s.token(7)
			if tt.fault {
				s.store.fail("update", errDown)
			}
			b := s.bearer()
			b.token = token
			got := b.get("/")
			got.expectStatus(t, tt.status)
			if tt.sent {
				got.expectHeader(t, tokenField, token)
			} else {
				got.expectHeader(t, tokenField)
			}
			got.expectHeader(t, "Cache-Control", tt.cache...)
			got.expectHeader(t, "Vary", tt.vary...)
			s.expectRead(token, tt.read)
		})
	}
}

// TestHeaderIsTheOnlyWay: then a cookie of the name means nothing, and the field
// means nothing to programs that use cookies.
func TestHeaderIsTheOnlyWay(t *testing.T, e env) {
	by := e.open(t, config{Header: tokenField})
	b := by.bearer()
	b.get("/count").expect(t, http.StatusOK, "1")
	by.browserWith(b.token).get("/count").expect(t, http.StatusOK, "1")
	by.expectRead(b.token, 1)

	cookies := e.open(t, config{})
	owner := cookies.returning()
	thief := cookies.browser()
	thief.getAs("/count", func(req *http.Request) { req.Header.Set(tokenField, owner.token()) }).expect(t, http.StatusOK, "1")
	if thief.id() == owner.id() {
		t.Error("a header opened the session of a site that uses cookies")
	}
}

// TestHeaderWithSeveralValues: up to four are tried, in the order sent. What is
// malformed does not count.
func TestHeaderWithSeveralValues(t *testing.T, e env) {
	s := e.open(t, config{Header: tokenField})
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
			t.Errorf("%q: the calls of the store are %q, expected %d loads", tt.lines, calls, tt.loads)
		}
	}
}

// TestHeaderTimes: use extends a session, and its age renews the token, with a
// header as well.
func TestHeaderTimes(t *testing.T, e env) {
	synctest.Test(t, func(t *testing.T) {
		s := e.open(t, config{Header: tokenField, Session: sessions{MaxAge: time.Hour, Rolling: true, RenewAfter: 2 * time.Hour}})
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
			t.Error("the token is the same after 156 minutes, expected another one")
		}
		r.expectField(t, b.token)
		time.Sleep(time.Hour)
		b.get("/read").expect(t, http.StatusOK, "0")
	})
}

// TestHeaderSigned: a forged signature in the field never reaches the store.
func TestHeaderSigned(t *testing.T, e env) {
	s := e.open(t, config{Header: tokenField, Session: sessions{SigningKeys: [][]byte{signingKey('k')}}})
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
