package echoadapter_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

var loadFailureBehaviours = []behaviour{
	{"a store that cannot read is no matter without a cookie", func(t *testing.T, deferred bool) {
		told := &complaints{answer: teapot}
		s := open(t, echoadapter.Config[visits]{Defer: deferred, ErrorHandler: told.handle})
		s.store.fail("load", errBroken)
		s.browser().get("/read").expect(t, http.StatusOK, "0")
		s.browser().get("/count").expect(t, http.StatusOK, "1")
		s.browserWith("not a token").get("/count").expect(t, http.StatusOK, "1")
		told.expect(t)
	}},
	{"with a cookie it is an error", func(t *testing.T, deferred bool) {
		told := &complaints{answer: teapot}
		s := open(t, echoadapter.Config[visits]{Defer: deferred, ErrorHandler: told.handle})
		b := s.returning()
		s.store.fail("load", errBroken)
		for _, path := range []string{"/read", "/count", "/remove"} {
			r := b.get(path)
			r.expect(t, http.StatusTeapot, teapotBody)
			r.expectNoCookie(t)
			told.expect(t, session.OpLoad)
			s.expectCalls("load")
		}
	}},
	{"with a cookie it is an error also where the session is not used, unless loading is deferred", func(t *testing.T, deferred bool) {
		told := &complaints{answer: teapot}
		s := open(t, echoadapter.Config[visits]{Defer: deferred, ErrorHandler: told.handle})
		b := s.returning()
		s.store.fail("load", errBroken)
		r := b.get("/unused")
		if deferred {
			r.expectStatus(t, http.StatusNoContent)
			told.expect(t)
			s.expectCalls()
		} else {
			r.expectStatus(t, http.StatusTeapot)
			told.expect(t, session.OpLoad)
		}
	}},
	{"every Get of a failed load has the same error", func(t *testing.T, deferred bool) {
		told := &complaints{answer: teapot}
		s := open(t, echoadapter.Config[visits]{Defer: deferred, ErrorHandler: told.handle})
		s.echo.GET("/insist", func(c echo.Context) error {
			for range 3 {
				if v, err := session.Get[visits](c); v != nil || err != error(teapot) {
					t.Errorf("Get: %v, %v, expected no session and the ErrorHandler's answer", v, err)
				}
				if _, err := session.Peek[visits](c); err != error(teapot) {
					t.Errorf("Peek: %v, expected the ErrorHandler's answer", err)
				}
			}
			return noContent(c)
		})
		b := s.returning()
		s.store.fail("load", errBroken)
		r := b.get("/insist")
		if deferred {
			r.expectStatus(t, http.StatusNoContent)
		} else {
			r.expectStatus(t, http.StatusTeapot) // the handler does not run
		}
		told.expect(t, session.OpLoad)
		s.expectCalls("load")
	}},
	{"a store that recovers has the session as it was", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		b := s.returning()
		s.store.failAll(errDown)
		for range 3 {
			b.get("/count").expectStatus(t, http.StatusServiceUnavailable)
		}
		s.store.heal()
		b.get("/count").expect(t, http.StatusOK, "2")
	}},
	{"a failed load that is waved through reads as empty and is never saved", func(t *testing.T, deferred bool) {
		told := new(complaints)
		s := open(t, echoadapter.Config[visits]{Defer: deferred, ErrorHandler: told.handle})
		s.on("/everything", func(c echo.Context, v *session.Session[visits]) error {
			ctx := c.Request().Context()
			if v.Data.Count != 0 || v.ID() != "" {
				t.Errorf("the session has the id %q and %+v, expected it to read as empty", v.ID(), v.Data)
			}
			v.Data.Count = 50
			v.Renew()
			v.Regenerate()
			v.Destroy()
			v.SetMaxAge(1)
			v.SetSave(session.SaveAlways)
			if err := v.Save(ctx); err == nil {
				t.Errorf("Save of a session that could not be loaded: no error")
			}
			if err := v.Update(ctx, func(*visits) error { return nil }); err == nil {
				t.Errorf("Update of a session that could not be loaded: no error")
			}
			return c.NoContent(http.StatusOK)
		})
		b := s.returning()
		token := b.token()
		s.store.fail("load", errBroken)
		r := b.get("/everything")
		r.expectStatus(t, http.StatusOK)
		r.expectNoCookie(t)
		s.expectCalls("load")
		told.expect(t, session.OpLoad)
		s.store.heal()
		if b.token() != token {
			t.Errorf("the client has the token %q, expected still %q", b.token(), token)
		}
		b.get("/count").expect(t, http.StatusOK, "2")
	}},
	{"a record given up is replaced by the next save", func(t *testing.T, deferred bool) {
		told := &complaints{answer: session.ErrDiscard}
		s := open(t, echoadapter.Config[visits]{Defer: deferred, ErrorHandler: told.handle})
		b := s.returning()
		old := b.id()
		s.store.fail("load", session.ErrCorrupt)
		b.get("/read").expectNoCookie(t)
		r := b.get("/count")
		r.expect(t, http.StatusOK, "1")
		r.expectCookie(t)
		if b.id() == old {
			t.Errorf("the new session has the id %s of the one given up", old)
		}
		told.expect(t, session.OpLoad, session.OpLoad)
		s.expectStored(old, visits{Count: 1})
		s.store.heal()
		b.get("/count").expect(t, http.StatusOK, "2")
	}},
	{"a record that cannot be decoded is an error and stays as it is", func(t *testing.T, deferred bool) {
		told := &complaints{answer: teapot}
		s := open(t, echoadapter.Config[visits]{Defer: deferred, ErrorHandler: told.handle})
		b := s.returning()
		id := b.id()
		damaged, err := s.store.Store.Load(t.Context(), id)
		if err != nil {
			t.Fatalf("Load: %v", err)
		}
		damaged.Data = []byte(`{"Count":`)
		if err := s.store.Store.Update(t.Context(), damaged); err != nil {
			t.Fatalf("Update: %v", err)
		}
		r := b.get("/count")
		r.expect(t, http.StatusTeapot, teapotBody)
		r.expectNoCookie(t)
		told.expect(t, session.OpLoad)
		if now, err := s.store.Store.Load(t.Context(), id); err != nil || string(now.Data) != `{"Count":` {
			t.Errorf("the record has %q, %v, expected it untouched", now.Data, err)
		}
	}},
}
