package echoadapter_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// What a handler may do about saving, in a row: each is one method of the
// session.
var overrides = map[string]func(*session.Session[visits]){
	"change":  func(v *session.Session[visits]) { v.Data.Count = 9 },
	"prevent": func(v *session.Session[visits]) { v.SetSave(session.SaveNever) },
	"force":   func(v *session.Session[visits]) { v.SetSave(session.SaveAlways) },
	"auto":    func(v *session.Session[visits]) { v.SetSave(session.SaveAuto) },
	"remove":  func(v *session.Session[visits]) { v.Destroy() },
	"renew":   func(v *session.Session[visits]) { v.Renew() },
}

// overrideBehaviours tell what saving comes to, of sessions that counted to 1
// before and of new ones.
var overrideBehaviours = []behaviour{
	override("changed and prevented is not saved", true, []string{"change", "prevent"}, outcome{calls: []string{"load"}, count: 1}),
	override("prevented before the change is not saved", true, []string{"prevent", "change"}, outcome{calls: []string{"load"}, count: 1}),
	override("renewed and prevented keeps its token", true, []string{"renew", "prevent"}, outcome{calls: []string{"load"}, count: 1}),
	override("new, changed and prevented is not saved", false, []string{"change", "prevent"}, outcome{}),
	override("unchanged and forced is saved", true, []string{"force"}, outcome{calls: []string{"load", "update"}, cookie: "set", count: 1}),
	override("changed and forced is saved once", true, []string{"change", "force"}, outcome{calls: []string{"load", "update"}, cookie: "set", count: 9}),
	override("new and forced is saved", false, []string{"force"}, outcome{calls: []string{"create"}, cookie: "set", count: 0}),
	override("prevented and then left to itself is saved", true, []string{"change", "prevent", "auto"}, outcome{calls: []string{"load", "update"}, cookie: "set", count: 9}),
	override("removed and then prevented is kept", true, []string{"remove", "prevent"}, outcome{calls: []string{"load"}, count: 1}),
	override("prevented and then removed is removed", true, []string{"prevent", "remove"}, outcome{calls: []string{"delete"}, cookie: "cleared", removed: true}),
	override("removed and forced is removed", true, []string{"remove", "force"}, outcome{calls: []string{"delete"}, cookie: "cleared", removed: true}),
	override("forced and removed is removed", true, []string{"force", "remove"}, outcome{calls: []string{"delete"}, cookie: "cleared", removed: true}),
	override("new and renewed is given nothing", false, []string{"renew"}, outcome{}),
	override("renewed is saved", true, []string{"renew"}, outcome{calls: []string{"load", "update"}, cookie: "set", count: 1}),

	{"new and empty is saved where empty sessions are allowed", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{AllowEmpty: true}})
		b := s.browser()
		b.get("/read").expectCookie(t)
		s.expectCalls("create")
		s.expectStored(b.id(), visits{})
		b.get("/read").expectNoCookie(t)
		s.expectCalls("load")
	}},
	{"new and as New made it is empty", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{
			New: func() visits { return visits{Count: 40, Tags: map[string]int{"a": 1}} },
		}})
		b := s.browser()
		b.get("/read").expect(t, http.StatusOK, "40")
		s.expectCalls()
		b.get("/count").expect(t, http.StatusOK, "41")
		s.expectStored(b.id(), visits{Count: 41, Tags: map[string]int{"a": 1}})
	}},
	{"emptied is still saved, unlike new and empty", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/empty", func(_ echo.Context, v *session.Session[visits]) error { v.Data = visits{}; return nil })
		b := s.returning()
		b.get("/empty").expectCookie(t)
		s.expectStored(b.id(), visits{})
	}},
}

// outcome is what a request leaves behind.
type outcome struct {
	calls   []string // of the store; only its writes where the record is removed
	cookie  string   // "set", "cleared" or ""
	removed bool     // the record
	count   int      // in the record
}

// override is the behaviour that a request in which the handler takes the steps
// has the outcome.
func override(name string, existing bool, steps []string, want outcome) behaviour {
	return behaviour{name, func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/override", func(_ echo.Context, v *session.Session[visits]) error {
			for _, step := range steps {
				overrides[step](v)
			}
			return nil
		})
		b := s.browser()
		if existing {
			b = s.returning()
		}
		id := b.id()
		r := b.get("/override")
		r.expectStatus(t, http.StatusOK)
		if want.removed { // it may look again what it removes
			s.expectWrites(want.calls...)
		} else {
			s.expectCalls(want.calls...)
		}
		switch want.cookie {
		case "set":
			r.expectCookie(t)
			id = b.id()
		case "cleared":
			r.expectClearing(t)
		default:
			r.expectNoCookie(t)
		}
		switch {
		case id == "" || want.removed:
			if n := s.records(); n != 0 {
				t.Errorf("the store has %d records, expected none", n)
			}
		default:
			s.expectStored(id, visits{Count: want.count})
		}
	}}
}
