package echoadapter_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

var regenerateBehaviours = []behaviour{
	{"regenerating an existing session changes its id and destroys the old record", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{
			New: func() visits { return visits{Name: "fresh"} },
		}})
		s.on("/regenerate", func(_ echo.Context, v *session.Session[visits]) error {
			v.Regenerate()
			if v.Data.Count != 0 || v.Data.Name != "fresh" || !v.IsNew() {
				t.Errorf("after Regenerate: %+v, new: %t, expected a new session as New makes it", v.Data, v.IsNew())
			}
			v.Data.Count = 10
			return nil
		})
		b := s.returning()
		old, token := b.id(), b.token()
		b.get("/regenerate").expectCookie(t)
		if b.id() == old {
			t.Errorf("the id is still %s", old)
		}
		s.expectWrites("create", "delete") // the new one first: a failure loses nobody's session
		s.expectNotStored(old)
		s.expectStored(b.id(), visits{Count: 10, Name: "fresh"})
		s.browserWith(token).get("/read").expect(t, http.StatusOK, "0")
		b.get("/count").expect(t, http.StatusOK, "11")
	}},
	{"regenerating a new session changes its id", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		var before, after string
		s.on("/regenerate", func(_ echo.Context, v *session.Session[visits]) error {
			before = v.ID()
			v.Regenerate()
			after = v.ID()
			v.Data.Count = 5
			return nil
		})
		b := s.browser()
		b.get("/regenerate").expectCookie(t)
		if before == after || b.id() != after {
			t.Errorf("the ids are %q, after Regenerate %q and with the client %q, expected a new one with the client", before, after, b.id())
		}
		s.expectCalls("create")
		b.get("/count").expect(t, http.StatusOK, "6")
	}},
	{"regenerating can keep the data", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/keep", func(_ echo.Context, v *session.Session[visits]) error {
			data := v.Data
			v.Regenerate()
			v.Data = data
			return nil
		})
		b := s.returning()
		old := b.id()
		b.get("/keep").expectCookie(t)
		if b.id() == old {
			t.Errorf("the id is still %s", old)
		}
		s.expectNotStored(old)
		b.get("/count").expect(t, http.StatusOK, "2")
	}},
	{"a regenerated session left empty clears the cookie", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/regenerate", func(_ echo.Context, v *session.Session[visits]) error { v.Regenerate(); return nil })
		b := s.returning()
		old := b.id()
		b.get("/regenerate").expectClearing(t)
		s.expectWrites("delete")
		s.expectNotStored(old)
		if n := s.records(); n != 0 {
			t.Errorf("the store has %d records, expected none", n)
		}
	}},
	{"regenerating twice leaves the last session only", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/twice", func(_ echo.Context, v *session.Session[visits]) error {
			v.Regenerate()
			v.Data.Count = 5
			v.Regenerate()
			v.Data.Count = 7
			return nil
		})
		b := s.returning()
		old := b.id()
		b.get("/twice").expectCookie(t)
		s.expectNotStored(old)
		s.expectStored(b.id(), visits{Count: 7})
		if n := s.records(); n != 1 {
			t.Errorf("the store has %d records, expected the last session's only", n)
		}
	}},
	{"saving between two regenerations leaves the last session only", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/twice", func(c echo.Context, v *session.Session[visits]) error {
			v.Regenerate()
			v.Data.Count = 5
			if err := v.Save(c.Request().Context()); err != nil {
				return err
			}
			v.Regenerate()
			v.Data.Count = 7
			return nil
		})
		b := s.returning()
		b.get("/twice").expectCookie(t)
		s.expectStored(b.id(), visits{Count: 7})
		if n := s.records(); n != 1 {
			t.Errorf("the store has %d records, expected the last session's only", n)
		}
	}},
	{"a regeneration that cannot be stored keeps the old session", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/keep", func(_ echo.Context, v *session.Session[visits]) error {
			data := v.Data
			v.Regenerate()
			v.Data = data
			return nil
		})
		b := s.returning()
		s.store.fail("create", errBroken)
		r := b.get("/keep")
		r.expectStatus(t, http.StatusInternalServerError)
		r.expectNoCookie(t)
		s.store.heal()
		b.get("/count").expect(t, http.StatusOK, "2")
	}},
	{"a regeneration beside a record that cannot be deleted stores no second one", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/keep", func(_ echo.Context, v *session.Session[visits]) error {
			data := v.Data
			v.Regenerate()
			v.Data = data
			return nil
		})
		b := s.returning()
		old := b.id()
		s.store.fail("delete", errBroken)
		s.store.before = func(op string) {
			if op == "delete" { // the first one fails, its successors do not
				s.store.heal()
			}
		}
		r := b.get("/keep")
		r.expectStatus(t, http.StatusInternalServerError)
		r.expectNoCookie(t)
		s.expectStored(old, visits{Count: 1})
		if n := s.records(); n != 1 {
			t.Errorf("the store has %d records, expected the old session's only", n)
		}
		b.get("/count").expect(t, http.StatusOK, "2")
	}},
}
