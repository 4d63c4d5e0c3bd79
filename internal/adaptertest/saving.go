package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/echosession/echosession/session"
)

// steps are what a handler may do about saving. Each is one method of the session.
var steps = map[string]func(*visit){
	"change":  func(v *visit) { v.Data.Count = 9 },
	"prevent": func(v *visit) { v.SetSave(session.SaveNever) },
	"force":   func(v *visit) { v.SetSave(session.SaveAlways) },
	"auto":    func(v *visit) { v.SetSave(session.SaveAuto) },
	"remove":  func(v *visit) { v.Destroy() },
	"renew":   func(v *visit) { v.Renew() },
}

// TestOverride is about what several such steps come to.
func TestOverride(t *testing.T, e env) {
	const set, cleared = "set", "cleared"
	update := []string{"load", "update"}
	for _, tt := range []struct {
		name   string
		stored bool // with the count 1
		steps  []string
		calls  []string // of the store; only its writes if the record is deleted
		cookie string
		count  int // in the record; -1: there is none
	}{
		{"changed and prevented is not saved", true, []string{"change", "prevent"}, []string{"load"}, "", 1},
		{"prevented before the change is not saved", true, []string{"prevent", "change"}, []string{"load"}, "", 1},
		{"renewed and prevented keeps its token", true, []string{"renew", "prevent"}, []string{"load"}, "", 1},
		{"new, changed and prevented is not saved", false, []string{"change", "prevent"}, nil, "", -1},
		{"unchanged and forced is saved", true, []string{"force"}, update, set, 1},
		{"changed and forced is saved once", true, []string{"change", "force"}, update, set, 9},
		{"new and forced is saved", false, []string{"force"}, []string{"create"}, set, 0},
		{"prevented and then left to itself is saved", true, []string{"change", "prevent", "auto"}, update, set, 9},
		{"destroyed and then prevented is kept", true, []string{"remove", "prevent"}, []string{"load"}, "", 1},
		{"prevented and then destroyed is deleted", true, []string{"prevent", "remove"}, []string{"delete"}, cleared, -1},
		{"destroyed and forced is deleted", true, []string{"remove", "force"}, []string{"delete"}, cleared, -1},
		{"forced and destroyed is deleted", true, []string{"force", "remove"}, []string{"delete"}, cleared, -1},
		{"new and renewed is not stored", false, []string{"renew"}, nil, "", -1},
		{"renewed is saved", true, []string{"renew"}, update, set, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := e.open(t, config{})
			s.on("/override", func(_ Context, v *visit) error {
				for _, step := range tt.steps {
					steps[step](v)
				}
				return nil
			})
			b := s.browser()
			if tt.stored {
				b = s.returning()
			}
			id := b.id()
			r := b.get("/override")
			r.expectStatus(t, http.StatusOK)
			if tt.cookie == cleared { // it may look again at what it deletes
				s.expectWrites(tt.calls...)
			} else {
				s.expectCalls(tt.calls...)
			}
			switch tt.cookie {
			case set:
				r.expectCookie(t)
				id = b.id()
			case cleared:
				r.expectClearing(t)
			default:
				r.expectNoCookie(t)
			}
			if tt.count < 0 {
				s.expectRecords(0)
			} else {
				s.expectStored(id, Visits{Count: tt.count})
			}
		})
	}
}

// TestEmptySessions is about sessions that are as New made them.
func TestEmptySessions(t *testing.T, e env) {
	each(t, e, []test{
		{name: "new and empty is saved if AllowEmpty says so", run: func(t *testing.T, e env) {
			s := e.open(t, config{Session: sessions{AllowEmpty: true}})
			b := s.browser()
			b.get("/read").expectCookie(t)
			s.expectCalls("create")
			s.expectStored(b.id(), Visits{})
			b.get("/read").expectNoCookie(t)
			s.expectCalls("load")
		}},
		{name: "with AllowEmpty also without a look at it, unless that is deferred", run: func(t *testing.T, e env) {
			s := e.open(t, config{Session: sessions{AllowEmpty: true}})
			r := s.browser().get("/unused")
			r.expectStatus(t, http.StatusNoContent)
			if e.deferred {
				r.expectNoCookie(t)
				s.expectCalls()
			} else {
				r.expectCookie(t)
				s.expectCalls("create")
			}
		}},
		{name: "new and as New made it is empty", run: func(t *testing.T, e env) {
			s := e.open(t, config{Session: sessions{New: func() Visits { return Visits{Count: 40, Tags: map[string]int{"a": 1}} }}})
			b := s.browser()
			b.get("/read").expect(t, http.StatusOK, "40")
			s.expectCalls()
			b.get("/count").expect(t, http.StatusOK, "41")
			s.expectStored(b.id(), Visits{Count: 41, Tags: map[string]int{"a": 1}})
		}},
		{name: "emptied is still saved, unlike new and empty", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/empty", func(_ Context, v *visit) error { v.Data = Visits{}; return nil })
			b := s.returning()
			b.get("/empty").expectCookie(t)
			s.expectStored(b.id(), Visits{})
		}},
	})
}

// TestSaving is about the saves themselves, of a handler and of the commit.
func TestSaving(t *testing.T, e env) {
	each(t, e, []test{
		{name: "BeforeSave, then the store, then the cookie", run: func(t *testing.T, e env) {
			var s *site
			s = e.open(t, config{BeforeSave: func(c Context, v *visit) error {
				if got := c.Response().Header().Values("Set-Cookie"); len(got) != 0 {
					t.Errorf("the cookies %q are there before the save, expected none", got)
				}
				s.store.note("before-save")
				return nil
			}})
			s.store.before = func(_ context.Context, op string) error {
				if op == "create" || op == "update" {
					s.store.note("written")
				}
				return nil
			}
			b := s.browser()
			b.get("/count").expectCookie(t)
			s.expectCalls("before-save", "create", "written")
			b.get("/count").expectCookie(t)
			s.expectCalls("load", "before-save", "update", "written")
		}},
		{name: "BeforeSave may still change the data", run: func(t *testing.T, e env) {
			s := e.open(t, config{BeforeSave: func(_ Context, v *visit) error { v.Data.Name = "stamped"; return nil }})
			b := s.returning()
			b.get("/count")
			s.expectStored(b.id(), Visits{Count: 2, Name: "stamped"})
		}},
		{name: "BeforeSave may still destroy the session", run: func(t *testing.T, e env) {
			s := e.open(t, config{BeforeSave: func(_ Context, v *visit) error {
				if v.Data.Count == 2 {
					v.Destroy()
				}
				return nil
			}})
			b := s.returning()
			id := b.id()
			b.get("/count").expectClearing(t)
			s.expectNotStored(id)
		}},
		{name: "BeforeSave is not called if nothing is saved", run: func(t *testing.T, e env) {
			s := e.open(t, config{
				Session: sessions{Rolling: true, TouchAfter: -1},
				BeforeSave: func(_ Context, v *visit) error {
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
		{name: "a save in the handler is made at once, and its cookie goes out", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/save", func(c Context, v *visit) error {
				v.Data.Count = 7
				if err := save(c, v); err != nil {
					t.Errorf("Save: %v", err)
				}
				s.expectStored(v.ID(), Visits{Count: 7})
				return nil
			})
			b := s.browser()
			b.get("/save").expectCookie(t)
			s.expectCalls("create") // and not again at the end
			b.get("/count").expect(t, http.StatusOK, "8")
		}},
		{name: "what changed after a save in the handler is saved, too", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/save", func(c Context, v *visit) error {
				v.Data.Count = 7
				err := save(c, v)
				v.Data.Count = 8
				return err
			})
			b := s.browser()
			b.get("/save").expectCookie(t)
			s.expectCalls("create", "update")
			s.expectStored(b.id(), Visits{Count: 8})
		}},
		{name: "the response with a cookie is kept out of caches, and varies", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/private", func(c Context, v *visit) error {
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
	})
}

// TestBeforeSave is about a hook that refuses the save.
func TestBeforeSave(t *testing.T, e env) {
	for name, respond := range map[string]Handler{"page": pageAs(http.StatusOK), "nothing": silence, "saved": using(save)} {
		for _, refuses := range []error{nil, errBroken, errDown} {
			t.Run(fmt.Sprintf("%s/%v", name, refuses), func(t *testing.T) {
				t.Parallel()
				asked := new(complaints)
				s := e.open(t, config{
					BeforeSave: func(c Context, v *visit) error {
						if c.Request().URL.Path != "/" {
							t.Errorf("BeforeSave was called for %s, expected the request's context", c.Request().URL.Path)
						}
						v.Data.Count += 100
						return refuses
					},
					ErrorHandler: func(c Context, op session.Op, err error) error {
						if !errors.Is(err, refuses) {
							t.Errorf("ErrorHandler was asked about %v, expected %v inside", err, refuses)
						}
						_ = asked.handle(c, op, err)
						return e.teapot()
					},
				})
				s.handle("/", counting(respond))
				token := s.token(7)
				s.get("/read", token).expect(t, http.StatusOK, "7")
				s.store.take()
				got := s.get("/", token)
				switch {
				case refuses == nil:
					s.expectRead(got.expectToken(t), 108)
					asked.expect(t)
					return
				case name != "saved":
					got.expect(t, http.StatusTeapot, e.teapotPage())
					asked.expect(t, session.OpSave)
				case errors.Is(refuses, session.ErrUnavailable): // Save gave it to the handler, which returned it
					got.expect(t, http.StatusServiceUnavailable, e.errorPage(http.StatusServiceUnavailable))
				default:
					got.expect(t, http.StatusInternalServerError, e.errorPage(http.StatusInternalServerError))
				}
				got.expectNoCookie(t)
				s.expectCalls("load")
				s.expectRead(token, 7)
			})
		}
	}
}
