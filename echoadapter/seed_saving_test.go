package echoadapter_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

var savingBehaviours = []behaviour{
	{"BeforeSave, then the store, then the cookie", func(t *testing.T, deferred bool) {
		var s *site
		s = open(t, echoadapter.Config[visits]{Defer: deferred,
			BeforeSave: func(c echo.Context, v *session.Session[visits]) error {
				if got := c.Response().Header().Values("Set-Cookie"); len(got) != 0 {
					t.Errorf("the cookies %q are there before the save, expected none", got)
				}
				s.store.note("before-save")
				return nil
			},
		})
		s.store.before = func(op string) {
			if op == "create" || op == "update" {
				s.store.note("written")
			}
		}
		b := s.browser()
		b.get("/count").expectCookie(t)
		s.expectCalls("before-save", "create", "written")
		b.get("/count").expectCookie(t)
		s.expectCalls("load", "before-save", "update", "written")
	}},
	{"BeforeSave may still change the data", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred,
			BeforeSave: func(_ echo.Context, v *session.Session[visits]) error { v.Data.Name = "stamped"; return nil },
		})
		b := s.returning()
		b.get("/count")
		s.expectStored(b.id(), visits{Count: 2, Name: "stamped"})
	}},
	{"BeforeSave may still remove the session", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred,
			BeforeSave: func(_ echo.Context, v *session.Session[visits]) error {
				if v.Data.Count == 2 {
					v.Destroy()
				}
				return nil
			},
		})
		b := s.returning()
		id := b.id()
		b.get("/count").expectClearing(t)
		s.expectNotStored(id)
	}},
	{"BeforeSave is not called where nothing is saved", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{Rolling: true, TouchAfter: -1},
			BeforeSave: func(_ echo.Context, v *session.Session[visits]) error {
				if v.Data.Count != 1 {
					t.Errorf("BeforeSave was called for %+v", v.Data)
				}
				return nil
			},
		})
		b := s.browser()
		for _, path := range []string{"/read", "/unused", "/count", "/read", "/remove"} {
			b.get(path)
		}
	}},
	{"an error of BeforeSave keeps the save from being made", func(t *testing.T, deferred bool) {
		var told []session.Op
		s := open(t, echoadapter.Config[visits]{Defer: deferred,
			BeforeSave: func(_ echo.Context, v *session.Session[visits]) error {
				if v.Data.Count > 1 {
					return errBroken
				}
				return nil
			},
			ErrorHandler: func(_ echo.Context, op session.Op, err error) error {
				if !errors.Is(err, errBroken) {
					t.Errorf("ErrorHandler was given %v, expected that of BeforeSave", err)
				}
				told = append(told, op)
				return echo.NewHTTPError(http.StatusTeapot)
			},
		})
		b := s.returning()
		r := b.get("/count")
		r.expectStatus(t, http.StatusTeapot)
		r.expectNoCookie(t)
		s.expectCalls("load")
		s.expectStored(b.id(), visits{Count: 1})
		if len(told) != 1 || told[0] != session.OpSave {
			t.Errorf("ErrorHandler was asked about %v, expected %q once", told, session.OpSave)
		}
	}},
	{"a save in the handler is made at once, and its cookie goes out", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/save", func(c echo.Context, v *session.Session[visits]) error {
			v.Data.Count = 7
			if err := v.Save(c.Request().Context()); err != nil {
				t.Errorf("Save: %v", err)
			}
			s.expectStored(v.ID(), visits{Count: 7})
			return nil
		})
		b := s.browser()
		b.get("/save").expectCookie(t)
		s.expectCalls("create") // and not again at the end
		b.get("/count").expect(t, http.StatusOK, "8")
	}},
	{"what changed after a save in the handler is saved, too", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/save", func(c echo.Context, v *session.Session[visits]) error {
			v.Data.Count = 7
			err := v.Save(c.Request().Context())
			v.Data.Count = 8
			return err
		})
		b := s.browser()
		b.get("/save").expectCookie(t)
		s.expectCalls("create", "update")
		s.expectStored(b.id(), visits{Count: 8})
	}},
	{"the response with a cookie is kept out of caches, and varies", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/private", func(c echo.Context, v *session.Session[visits]) error {
			c.Response().Header().Set("Cache-Control", "private, max-age=60")
			v.Data.Count++
			return nil
		})
		b := s.browser()
		for path, want := range map[string][2]string{
			"/count":   {"no-store", "Cookie"},
			"/private": {"private, max-age=60", "Cookie"},
			"/read":    {"", "Cookie"},
			"/unused":  {"", ""},
		} {
			h := b.get(path).header
			if got := [2]string{h.Get("Cache-Control"), h.Get("Vary")}; got != want {
				t.Errorf("GET %s: Cache-Control and Vary are %q, expected %q", path, got, want)
			}
		}
	}},
}
