package adaptertest

import (
	"hash/crc32"
	"net/http"
	"testing"

	"github.com/echosession/echosession/session"
)

// TestCounting is the ordinary life of a session: what a handler changes is
// stored, and nothing else is.
func TestCounting(t *testing.T, e env) {
	each(t, e, []test{
		{name: "1, then 2 with the cookie", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			b := s.browser()
			first := b.get("/count")
			first.expect(t, http.StatusOK, "1")
			first.expectCookie(t)
			s.expectCalls("create")
			b.get("/count").expect(t, http.StatusOK, "2")
			s.expectCalls("load", "update")
			s.expectStored(b.id(), Visits{Count: 2})
		}},
		{name: "another client starts at 1", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			ada := s.returning()
			bob := s.browser()
			bob.get("/count").expect(t, http.StatusOK, "1")
			ada.get("/count").expect(t, http.StatusOK, "2")
			if ada.id() == bob.id() {
				t.Errorf("two clients share the session %s, expected one each", ada.id())
			}
		}},
		{name: "reading does not write", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			b := s.returning()
			r := b.get("/read")
			r.expect(t, http.StatusOK, "1")
			r.expectNoCookie(t)
			s.expectCalls("load")
		}},
		{name: "nothing is stored or sent before the session is given something", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			b := s.browser()
			for _, path := range []string{"/read", "/unused", "/read"} {
				b.get(path).expectNoCookie(t)
			}
			s.expectCalls()
		}},
		{name: "a route that ignores its session writes nothing", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			b := s.returning()
			b.get("/unused").expectNoCookie(t)
			if e.deferred {
				s.expectCalls()
			} else {
				s.expectCalls("load")
			}
		}},
		{name: "all of the data can be replaced", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/replace", func(_ Context, v *visit) error {
				v.Data = Visits{Name: "Ada", Tags: map[string]int{"a": 1}}
				return nil
			})
			b := s.returning()
			id := b.id()
			b.get("/replace").expectCookie(t)
			s.expectStored(id, Visits{Name: "Ada", Tags: map[string]int{"a": 1}})
			b.get("/read").expect(t, http.StatusOK, "0")
		}},
		{name: "data replaced by equal data is no change", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/replace", func(_ Context, v *visit) error { v.Data = Visits{Count: 1}; return nil })
			b := s.returning()
			b.get("/replace").expectNoCookie(t)
			s.expectCalls("load")
		}},
		{name: "a change deep inside a map is saved", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/tag", func(_ Context, v *visit) error {
				if v.Data.Tags == nil {
					v.Data.Tags = map[string]int{}
				}
				v.Data.Tags["seen"]++
				return nil
			})
			b := s.browser()
			b.get("/tag").expectCookie(t)
			b.get("/tag").expectCookie(t)
			s.expectStored(b.id(), Visits{Tags: map[string]int{"seen": 2}})
		}},
		{name: "two requests get equal data, but never the same", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/tag", func(_ Context, v *visit) error { v.Data.Tags = map[string]int{"seen": 1}; return nil })
			var seen []int
			s.on("/scribble", func(_ Context, v *visit) error {
				v.SetSave(session.SaveNever)
				seen = append(seen, v.Data.Tags["seen"])
				v.Data.Tags["seen"] = 99
				return nil
			})
			b := s.browser()
			b.get("/tag")
			b.get("/scribble")
			b.get("/scribble")
			if len(seen) != 2 || seen[0] != 1 || seen[1] != 1 {
				t.Errorf("the requests saw %v, expected 1 each time: one must not see what the other scribbled", seen)
			}
		}},
		{name: "every call in a request gets the same session", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/twice", func(c Context, v *visit) error {
				again, err := session.Get[Visits](c)
				if err != nil || again != v {
					t.Errorf("a second Get: %p, %v, expected %p", again, err, v)
				}
				return nil
			})
			b := s.returning()
			b.get("/twice").expect(t, http.StatusOK, "1")
			s.expectCalls("load")
		}},
		{name: "a peek is not the data and is never saved", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.handle("/peek", func(c Context) error {
				p, err := session.Peek[Visits](c)
				if err != nil || p.Count != 1 {
					t.Errorf("Peek: %+v, %v, expected a count of 1", p, err)
				}
				p.Count = 99
				return noContent(c)
			})
			b := s.returning()
			b.get("/peek").expectNoCookie(t)
			s.expectCalls("load")
			s.expectStored(b.id(), Visits{Count: 1})
		}},
	})
}

// TestReadingLeavesNoRecordForARobot, which neither sends a cookie nor keeps one.
func TestReadingLeavesNoRecordForARobot(t *testing.T, e env) {
	s := e.open(t, config{Session: sessions{
		Rolling: true, TouchAfter: -1, New: func() Visits { return Visits{Tags: map[string]int{"start": 1}} },
	}})
	s.handle("/peek", peeking(noContent))
	for range 5 {
		for _, path := range []string{"/read", "/peek", "/unused", "/nowhere"} {
			s.browser().get(path).expectNoCookie(t)
		}
	}
	s.expectCalls()
	s.expectRecords(0)
}

// TestChangeWithTheSameChecksumIsSaved: two values with one checksum are still
// two values.
func TestChangeWithTheSameChecksumIsSaved(t *testing.T, e env) {
	names := []string{"plumless", "buckeroo"}
	sums := map[uint32]bool{}
	for _, name := range names {
		sums[crc32.ChecksumIEEE([]byte(encoded(t, Visits{Count: 1, Name: name})))] = true
	}
	if len(sums) != 1 {
		t.Fatalf("the encodings of %q have the checksums %v, expected one for both", names, sums)
	}
	s := e.open(t, config{})
	for _, name := range names {
		s.on("/"+name, func(_ Context, v *visit) error { v.Data.Name = name; return nil })
	}
	b := s.returning()
	for _, name := range names {
		b.get("/" + name).expectCookie(t)
		s.expectStored(b.id(), Visits{Count: 1, Name: name})
	}
}

// TestPreventedSaveLeaksNothing: the store has copies. Nobody sees what a request
// changes and does not save.
func TestPreventedSaveLeaksNothing(t *testing.T, e env) {
	s := e.open(t, config{})
	s.on("/fill", func(_ Context, v *visit) error { v.Data.Tags = map[string]int{"a": 1}; return nil })
	s.on("/leak", func(_ Context, v *visit) error {
		v.Data.Tags["a"], v.Data.Tags["b"], v.Data.Name = 2, 2, "leaked"
		v.SetSave(session.SaveNever)
		return nil
	})
	b := s.returning()
	b.get("/fill")
	s.store.take()
	b.get("/leak").expectNoCookie(t)
	s.expectCalls("load")
	s.expectStored(b.id(), Visits{Count: 1, Tags: map[string]int{"a": 1}})
}

// TestManagerOfASession is the one that the middleware was given.
func TestManagerOfASession(t *testing.T, e env) {
	s := e.open(t, config{})
	s.on("/manager", func(_ Context, v *visit) error {
		if v.Manager() != s.manager || v.Manager().Store() != session.Store(s.store) {
			t.Errorf("the manager is %v with the store %v, expected those of the configuration", v.Manager(), v.Manager().Store())
		}
		return nil
	})
	s.browser().get("/manager").expectStatus(t, http.StatusOK)
}
