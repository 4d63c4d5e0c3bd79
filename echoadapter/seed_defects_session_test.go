package echoadapter_test

import (
	"fmt"
	"hash/crc32"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// Faults of the middleware that this one succeeds: what its sessions lost, or
// gave away.

// eachMode runs a test with and without deferred loading.
func eachMode(t *testing.T, run func(t *testing.T, deferred bool)) {
	t.Helper()
	t.Parallel()
	for _, deferred := range []bool{false, true} {
		t.Run(fmt.Sprintf("defer=%t", deferred), func(t *testing.T) {
			t.Parallel()
			run(t, deferred)
		})
	}
}

// The same user who logs in again has the same data in a new session.
func TestRegenerateWithEqualContentIsStored(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/login", func(_ echo.Context, v *session.Session[visits]) error {
			v.Regenerate()
			v.Data = visits{Name: "Ada"}
			return nil
		})
		b := s.browser()
		seen := map[string]bool{}
		for range 3 {
			b.get("/login").expectCookie(t)
			if id := b.id(); seen[id] {
				t.Errorf("the id %s comes again", id)
			} else {
				seen[id] = true
			}
			s.expectStored(b.id(), visits{Name: "Ada"})
		}
		if n := s.records(); n != 1 {
			t.Errorf("the store has %d records, expected the last session's only", n)
		}
	})
}

func TestDeferredLoadErrorDestroysNothing(t *testing.T) {
	t.Parallel()
	s := open(t, echoadapter.Config[visits]{Defer: true})
	s.echo.GET("/shrug", func(c echo.Context) error {
		if v, err := session.Get[visits](c); err == nil {
			t.Errorf("Get: %v, expected an error", v)
		}
		return noContent(c) // as if nothing had been
	})
	b := s.returning()
	s.store.fail("load", errBroken)
	b.get("/shrug").expectNoCookie(t)
	s.expectCalls("load")
	s.store.heal()
	b.get("/count").expect(t, http.StatusOK, "2")
}

// A handler that only writes is no way around the checks of the client's id.
func TestDeferredSessionThatIsOnlySetAdoptsNoForgedID(t *testing.T) {
	t.Parallel()
	s := open(t, echoadapter.Config[visits]{Defer: true})
	s.on("/set", func(_ echo.Context, v *session.Session[visits]) error {
		v.Data = visits{Count: 7}
		return nil
	})
	for _, token := range []string{"", "undefined", "undefined." + aSecret, unknownID + "." + aSecret} {
		b := s.browserWith(token)
		b.get("/set").expectCookie(t)
		if id := b.id(); id == "undefined" || id == unknownID || len(id) != len(unknownID) {
			t.Errorf("a client with %q is given the id %q, expected a new one", token, id)
		}
		s.expectNotStored("undefined")
		s.expectNotStored(unknownID)
		s.expectStored(b.id(), visits{Count: 7})
	}
}

func TestDeferredSessionCanBeRemovedOrReplacedUnread(t *testing.T) {
	t.Parallel()
	s := open(t, echoadapter.Config[visits]{Defer: true})
	s.on("/replace", func(_ echo.Context, v *session.Session[visits]) error { v.Data = visits{Count: 7}; return nil })
	s.on("/regenerate", func(_ echo.Context, v *session.Session[visits]) error {
		v.Regenerate()
		v.Data = visits{Count: 9}
		return nil
	})
	b := s.returning()
	first := b.id()
	b.get("/replace").expectCookie(t)
	s.expectStored(first, visits{Count: 7})
	b.get("/regenerate").expectCookie(t)
	s.expectNotStored(first)
	second := b.id()
	s.expectStored(second, visits{Count: 9})
	b.get("/remove").expectClearing(t)
	s.expectNotStored(second)
}

func TestDeferredSessionThatNobodyUsesNeverAsksTheStore(t *testing.T) {
	t.Parallel()
	s := open(t, echoadapter.Config[visits]{Defer: true, Session: session.Config[visits]{Rolling: true, TouchAfter: -1, AllowEmpty: true},
		Valid: func(echo.Context, *session.Session[visits]) (bool, error) {
			t.Error("Valid was asked of a session that nobody used")
			return true, nil
		},
	})
	b := s.returning()
	s.store.failAll(errBroken)
	for _, b := range []*browser{b, s.browser(), s.browserWith(unknownID + "." + aSecret)} {
		r := b.get("/unused")
		r.expectStatus(t, http.StatusNoContent)
		r.expectNoCookie(t)
	}
	s.expectCalls()
}

// The store has copies: what a request changes and does not save, nobody sees.
func TestPreventedSaveLeaksNothing(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/fill", func(_ echo.Context, v *session.Session[visits]) error {
			v.Data.Tags = map[string]int{"a": 1}
			return nil
		})
		s.on("/leak", func(_ echo.Context, v *session.Session[visits]) error {
			v.Data.Tags["a"], v.Data.Tags["b"], v.Data.Name = 2, 2, "leaked"
			v.SetSave(session.SaveNever)
			return nil
		})
		b := s.returning()
		b.get("/fill")
		s.store.take()
		b.get("/leak").expectNoCookie(t)
		s.expectCalls("load")
		s.expectStored(b.id(), visits{Count: 1, Tags: map[string]int{"a": 1}})
	})
}

func TestSwallowedLoadErrorLogsNobodyOut(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		told := new(complaints)
		s := open(t, echoadapter.Config[visits]{Defer: deferred, ErrorHandler: told.handle})
		b := s.returning()
		token := b.token()
		for _, path := range []string{"/read", "/count", "/remove"} {
			s.store.fail("load", errBroken)
			r := b.get(path)
			r.expectStatus(t, http.StatusOK)
			r.expectNoCookie(t)
			s.expectCalls("load")
			told.expect(t, session.OpLoad)
			s.store.heal()
			if b.token() != token {
				t.Errorf("after GET %s the client has the token %q, expected still %q", path, b.token(), token)
			}
			s.expectStored(b.id(), visits{Count: 1})
		}
	})
}

// Two values of one checksum are still two values.
func TestChangeWithTheSameChecksumIsSaved(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		names := []string{"plumless", "buckeroo"}
		sums := map[uint32]bool{}
		for _, name := range names {
			sums[crc32.ChecksumIEEE([]byte(encoded(t, visits{Count: 1, Name: name})))] = true
		}
		if len(sums) != 1 {
			t.Fatalf("the encodings of %q have the checksums %v, expected one for both", names, sums)
		}
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		for _, name := range names {
			s.on("/"+name, func(_ echo.Context, v *session.Session[visits]) error { v.Data.Name = name; return nil })
		}
		b := s.returning()
		for _, name := range names {
			b.get("/" + name).expectCookie(t)
			s.expectStored(b.id(), visits{Count: 1, Name: name})
		}
	})
}
