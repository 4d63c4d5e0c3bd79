package echoadapter_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

var countingBehaviours = []behaviour{
	{"counts 1, then 2 with the cookie", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		b := s.browser()
		first := b.get("/count")
		first.expect(t, http.StatusOK, "1")
		first.expectCookie(t)
		s.expectCalls("create")
		b.get("/count").expect(t, http.StatusOK, "2")
		s.expectCalls("load", "update")
		s.expectStored(b.id(), visits{Count: 2})
	}},
	{"another client starts at 1", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		ada := s.returning()
		bob := s.browser()
		bob.get("/count").expect(t, http.StatusOK, "1")
		ada.get("/count").expect(t, http.StatusOK, "2")
		if ada.id() == bob.id() {
			t.Errorf("two clients share the session %s, expected one each", ada.id())
		}
	}},
	{"reading does not write", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		b := s.returning()
		r := b.get("/read")
		r.expect(t, http.StatusOK, "1")
		r.expectNoCookie(t)
		s.expectCalls("load")
	}},
	{"nothing is stored or sent before the session is given something", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		b := s.browser()
		for _, path := range []string{"/read", "/unused", "/read"} {
			b.get(path).expectNoCookie(t)
		}
		s.expectCalls()
	}},
	{"a route that ignores its session writes nothing", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		b := s.returning()
		b.get("/unused").expectNoCookie(t)
		if deferred {
			s.expectCalls()
		} else {
			s.expectCalls("load")
		}
	}},
	{"all of the data can be replaced", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/replace", func(_ echo.Context, v *session.Session[visits]) error {
			v.Data = visits{Name: "Ada", Tags: map[string]int{"a": 1}}
			return nil
		})
		b := s.returning()
		id := b.id()
		b.get("/replace").expectCookie(t)
		s.expectStored(id, visits{Name: "Ada", Tags: map[string]int{"a": 1}})
		b.get("/read").expect(t, http.StatusOK, "0")
	}},
	{"data replaced by equal data is no change", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/replace", func(_ echo.Context, v *session.Session[visits]) error {
			v.Data = visits{Count: 1}
			return nil
		})
		b := s.returning()
		b.get("/replace").expectNoCookie(t)
		s.expectCalls("load")
	}},
	{"a change deep inside a map is saved", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/tag", func(_ echo.Context, v *session.Session[visits]) error {
			if v.Data.Tags == nil {
				v.Data.Tags = map[string]int{}
			}
			v.Data.Tags["seen"]++
			return nil
		})
		b := s.browser()
		b.get("/tag").expectCookie(t)
		b.get("/tag").expectCookie(t)
		s.expectStored(b.id(), visits{Tags: map[string]int{"seen": 2}})
	}},
	{"two requests get equal data, but never the same", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/tag", func(_ echo.Context, v *session.Session[visits]) error {
			v.Data.Tags = map[string]int{"seen": 1}
			return nil
		})
		var seen []map[string]int
		s.on("/scribble", func(_ echo.Context, v *session.Session[visits]) error {
			v.SetSave(session.SaveNever)
			seen = append(seen, map[string]int{"seen": v.Data.Tags["seen"]})
			v.Data.Tags["seen"] = 99
			return nil
		})
		b := s.browser()
		b.get("/tag")
		b.get("/scribble")
		b.get("/scribble")
		if len(seen) != 2 || seen[0]["seen"] != 1 || seen[1]["seen"] != 1 {
			t.Errorf("the requests saw %v, expected 1 each time: what one scribbled is not the other's", seen)
		}
	}},
	{"every call in a request gets the same session", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/twice", func(c echo.Context, v *session.Session[visits]) error {
			again, err := session.Get[visits](c)
			if err != nil || again != v {
				t.Errorf("a second Get: %p, %v, expected %p", again, err, v)
			}
			return nil
		})
		b := s.returning()
		b.get("/twice").expect(t, http.StatusOK, "1")
		s.expectCalls("load")
	}},
	{"a peek is not the data and is never saved", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.echo.GET("/peek", func(c echo.Context) error {
			p, err := session.Peek[visits](c)
			if err != nil || p.Count != 1 {
				t.Errorf("Peek: %+v, %v, expected a count of 1", p, err)
			}
			p.Count = 99
			return noContent(c)
		})
		b := s.returning()
		b.get("/peek").expectNoCookie(t)
		s.expectCalls("load")
		s.expectStored(b.id(), visits{Count: 1})
	}},
}
