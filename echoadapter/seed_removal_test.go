package echoadapter_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

var removalBehaviours = []behaviour{
	{"a removed session counts from the start", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		b := s.returning()
		old, token := b.id(), b.token()
		r := b.get("/remove")
		r.expect(t, http.StatusOK, "0")
		r.expectClearing(t)
		s.expectWrites("delete")
		if b.token() != "" {
			t.Errorf("the browser still sends %q", b.token())
		}
		b.get("/count").expect(t, http.StatusOK, "1")
		if b.id() == old {
			t.Errorf("the new session has the id %s of the removed one", old)
		}
		s.expectNotStored(old)
		s.browserWith(token).get("/read").expect(t, http.StatusOK, "0")
	}},
	{"removing wins over a change", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/remove-and-change", func(_ echo.Context, v *session.Session[visits]) error {
			v.Destroy()
			v.Data.Count = 50
			return nil
		})
		b := s.returning()
		old := b.id()
		b.get("/remove-and-change").expectClearing(t)
		s.expectWrites("delete")
		s.expectNotStored(old)
	}},
	{"removing a new session asks the store nothing", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/remove-and-change", func(_ echo.Context, v *session.Session[visits]) error {
			v.Data.Count = 50
			v.Destroy()
			return nil
		})
		b := s.browser()
		b.get("/remove-and-change").expectStatus(t, http.StatusOK)
		s.expectCalls()
		if b.token() != "" || s.records() != 0 {
			t.Errorf("the client has the token %q, the store %d records, expected neither", b.token(), s.records())
		}
	}},
	{"removing what the client only claims to have clears its cookie", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.browserWith(unknownID + "." + aSecret).get("/remove").expectClearing(t)
		s.expectCalls("load")
	}},
	{"removing a session that somebody else deleted meanwhile is fine", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/late-remove", func(c echo.Context, v *session.Session[visits]) error {
			if err := s.manager.Delete(context.Background(), v.ID()); err != nil {
				t.Errorf("Manager.Delete: %v", err)
			}
			v.Destroy()
			return nil
		})
		b := s.returning()
		r := b.get("/late-remove")
		r.expectStatus(t, http.StatusOK)
		r.expectNoCookie(t) // the client may have that of a newer session by now
		if n := s.records(); n != 0 {
			t.Errorf("the store has %d records, expected none", n)
		}
	}},
	{"a session regenerated after its removal is a new one", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/again", func(_ echo.Context, v *session.Session[visits]) error {
			v.Destroy()
			v.Regenerate()
			v.Data.Count = 7
			return nil
		})
		b := s.returning()
		old := b.id()
		b.get("/again").expectCookie(t)
		s.expectNotStored(old)
		s.expectStored(b.id(), visits{Count: 7})
	}},
	{"saving a removed session deletes it at once", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/remove-now", func(c echo.Context, v *session.Session[visits]) error {
			v.Destroy()
			if err := v.Save(c.Request().Context()); err != nil {
				t.Errorf("Save after Destroy: %v", err)
			}
			if _, ok := s.stored(v.ID()); ok {
				t.Errorf("after Destroy and Save session %s is still in the store", v.ID())
			}
			return nil
		})
		s.returning().get("/remove-now").expectClearing(t)
	}},
	{"a removal after the response began still deletes the record", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/late", func(c echo.Context, v *session.Session[visits]) error {
			err := c.String(http.StatusOK, "bye")
			v.Destroy()
			return err
		})
		b := s.returning()
		id := b.id()
		r := b.get("/late")
		r.expect(t, http.StatusOK, "bye")
		r.expectNoCookie(t)
		s.expectNotStored(id)
	}},
}
