package adaptertest

import (
	"context"
	"net/http"
	"testing"

	"github.com/echosession/echosession/session"
)

// unavailable and broken fail unless r is the default answer to an error of the
// store that cannot be reached, or to another one.
func (e env) unavailable(t *testing.T, r reply) {
	t.Helper()
	r.expect(t, http.StatusServiceUnavailable, e.errorPage(http.StatusServiceUnavailable))
	r.expectNoCookie(t)
}

func (e env) broken(t *testing.T, r reply) {
	t.Helper()
	r.expect(t, http.StatusInternalServerError, e.errorPage(http.StatusInternalServerError))
	r.expectNoCookie(t)
}

// TestErrorAnswers is about handlers, saves and removals that fail.
func TestErrorAnswers(t *testing.T, e env) {
	each(t, e, []test{
		{name: "a handler that fails is answered with 500, and its data is saved with a cookie", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.handle("/fail", counting(failing(errBroken)))
			b := s.browser()
			r := b.get("/fail")
			r.expect(t, http.StatusInternalServerError, e.errorPage(http.StatusInternalServerError))
			r.expectCookie(t)
			s.expectStored(b.id(), Visits{Count: 1})
			b.get("/fail").expectStatus(t, http.StatusInternalServerError)
			b.get("/count").expect(t, http.StatusOK, "3")
		}},
		{name: "a failed save is reported, and nobody gets a cookie", run: func(t *testing.T, e env) {
			for op, records := range map[string]int{"create": 0, "update": 1} {
				asked := &complaints{answer: e.teapot()}
				s := e.open(t, config{ErrorHandler: asked.handle})
				b := s.browser()
				if op == "update" {
					b = s.returning()
				}
				s.store.fail(op, errBroken)
				r := b.get("/count")
				r.expect(t, http.StatusTeapot, e.teapotPage())
				r.expectNoCookie(t)
				asked.expect(t, session.OpSave)
				s.expectEvents(session.EventError, 1)
				s.expectRecords(records)
			}
		}},
		{name: "a failed removal is reported, and the cookie stays", run: func(t *testing.T, e env) {
			asked := &complaints{answer: e.teapot()}
			s := e.open(t, config{ErrorHandler: asked.handle})
			b := s.returning()
			s.store.fail("delete", errBroken)
			r := b.get("/remove")
			r.expect(t, http.StatusTeapot, e.teapotPage())
			r.expectNoCookie(t)
			asked.expect(t, session.OpDestroy)
			s.store.heal()
			b.get("/count").expect(t, http.StatusOK, "2")
		}},
		{name: "if handler and save fail, the handler's error wins and the save's is reported", run: func(t *testing.T, e env) {
			asked := &complaints{answer: errBroken}
			s := e.open(t, config{ErrorHandler: asked.handle})
			header := http.Header{"Location": {"/kettle"}}
			s.handle("/fail", counting(saying(header, failing(e.teapot()))))
			b := s.returning()
			s.store.fail("update", errBroken)
			r := b.get("/fail")
			r.expect(t, http.StatusTeapot, e.teapotPage())
			r.expectNoCookie(t)
			r.expectHeader(t, "Location", "/kettle") // it belongs to the handler's error
			asked.expect(t, session.OpSave)
			s.expectEvents(session.EventError, 1)
			s.expectStored(b.id(), Visits{Count: 1})
		}},
		{name: "by default an error of the store is a 500, and a 503 if it cannot be reached", run: func(t *testing.T, e env) {
			for op, path := range map[string]string{"load": "/read", "update": "/count", "delete": "/remove"} {
				s := e.open(t, config{})
				b := s.returning()
				s.store.fail(op, errBroken)
				e.broken(t, b.get(path))
				s.store.fail(op, errDown)
				e.unavailable(t, b.get(path))
			}
		}},
		{name: "a failed save that is waved through sends the response, and the change is lost", run: func(t *testing.T, e env) {
			asked := new(complaints)
			s := e.open(t, config{ErrorHandler: asked.handle})
			b := s.returning()
			s.store.fail("update", errBroken)
			r := b.get("/count")
			r.expect(t, http.StatusOK, "2")
			r.expectNoCookie(t)
			asked.expect(t, session.OpSave)
			s.store.heal()
			b.get("/count").expect(t, http.StatusOK, "2")
		}},
	})
}

// TestLoadFailure is about loads that fail.
func TestLoadFailure(t *testing.T, e env) {
	each(t, e, []test{
		{name: "a store that cannot read does not matter without a cookie", run: func(t *testing.T, e env) {
			asked := &complaints{answer: e.teapot()}
			s := e.open(t, config{ErrorHandler: asked.handle})
			s.store.fail("load", errBroken)
			s.browser().get("/read").expect(t, http.StatusOK, "0")
			s.browser().get("/count").expect(t, http.StatusOK, "1")
			s.browserWith("not a token").get("/count").expect(t, http.StatusOK, "1")
			asked.expect(t)
		}},
		{name: "with a cookie it is an error", run: func(t *testing.T, e env) {
			asked := &complaints{answer: e.teapot()}
			s := e.open(t, config{ErrorHandler: asked.handle})
			b := s.returning()
			s.store.fail("load", errBroken)
			for _, path := range []string{"/read", "/count", "/remove"} {
				r := b.get(path)
				r.expect(t, http.StatusTeapot, e.teapotPage())
				r.expectNoCookie(t)
				asked.expect(t, session.OpLoad)
				s.expectCalls("load")
			}
		}},
		{name: "also if the session is not used, unless loading is deferred", run: func(t *testing.T, e env) {
			asked := &complaints{answer: e.teapot()}
			s := e.open(t, config{ErrorHandler: asked.handle})
			b := s.returning()
			s.store.fail("load", errBroken)
			r := b.get("/unused")
			if e.deferred {
				r.expectStatus(t, http.StatusNoContent)
				asked.expect(t)
				s.expectCalls()
			} else {
				r.expectStatus(t, http.StatusTeapot)
				asked.expect(t, session.OpLoad)
			}
		}},
		{name: "every Get has the same error", run: func(t *testing.T, e env) {
			teapot := e.teapot()
			asked := &complaints{answer: teapot}
			s := e.open(t, config{ErrorHandler: asked.handle})
			s.handle("/insist", func(c Context) error {
				for range 3 {
					if v, err := session.Get[Visits](c); v != nil || err != teapot {
						t.Errorf("Get: %v, %v, expected no session and the ErrorHandler's answer", v, err)
					}
					if _, err := session.Peek[Visits](c); err != teapot {
						t.Errorf("Peek: %v, expected the ErrorHandler's answer", err)
					}
				}
				return noContent(c)
			})
			b := s.returning()
			s.store.fail("load", errBroken)
			r := b.get("/insist")
			if e.deferred {
				r.expectStatus(t, http.StatusNoContent)
			} else {
				r.expectStatus(t, http.StatusTeapot) // the handler does not run
			}
			r.expectNoCookie(t)
			asked.expect(t, session.OpLoad)
			s.expectCalls("load")
		}},
		{name: "a store that recovers has the session as it was", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			b := s.returning()
			s.store.failAll(errDown)
			for range 3 {
				b.get("/count").expectStatus(t, http.StatusServiceUnavailable)
			}
			s.store.heal()
			b.get("/count").expect(t, http.StatusOK, "2")
		}},
		{name: "waved through it reads as empty and is never saved", run: func(t *testing.T, e env) {
			asked := new(complaints)
			s := e.open(t, config{ErrorHandler: asked.handle})
			s.on("/everything", func(c Context, v *visit) error {
				if v.Data.Count != 0 || v.ID() != "" {
					t.Errorf("the session has the id %q and %+v, expected it to read as empty", v.ID(), v.Data)
				}
				v.Data.Count = 50
				v.Renew()
				v.Regenerate()
				v.Destroy()
				v.SetMaxAge(1)
				v.SetSave(session.SaveAlways)
				if err := save(c, v); err == nil {
					t.Error("Save of a session that could not be loaded: no error")
				}
				if err := updateCount(1)(c, v); err == nil {
					t.Error("Update of a session that could not be loaded: no error")
				}
				return nil
			})
			b := s.returning()
			token := b.token()
			for _, path := range []string{"/everything", "/read", "/count", "/remove"} {
				s.store.fail("load", errBroken)
				r := b.get(path)
				r.expectStatus(t, http.StatusOK)
				r.expectNoCookie(t)
				s.expectCalls("load")
				asked.expect(t, session.OpLoad)
				s.store.heal()
				if b.token() != token {
					t.Errorf("after GET %s the client has the token %q, expected still %q", path, b.token(), token)
				}
				s.expectStored(b.id(), Visits{Count: 1})
			}
			b.get("/count").expect(t, http.StatusOK, "2")
		}},
		{name: "a record that is discarded is replaced by the next save", run: func(t *testing.T, e env) {
			asked := &complaints{answer: session.ErrDiscard}
			s := e.open(t, config{ErrorHandler: asked.handle})
			b := s.returning()
			old := b.id()
			s.store.fail("load", session.ErrCorrupt)
			b.get("/read").expectNoCookie(t)
			r := b.get("/count")
			r.expect(t, http.StatusOK, "1")
			r.expectCookie(t)
			if b.id() == old {
				t.Errorf("the new session has the id %s of the discarded one", old)
			}
			asked.expect(t, session.OpLoad, session.OpLoad)
			s.expectStored(old, Visits{Count: 1})
			s.store.heal()
			b.get("/count").expect(t, http.StatusOK, "2")
		}},
		{name: "a record that cannot be decoded stays as it is", run: func(t *testing.T, e env) {
			asked := &complaints{answer: e.teapot()}
			s := e.open(t, config{ErrorHandler: asked.handle})
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
			r.expect(t, http.StatusTeapot, e.teapotPage())
			r.expectNoCookie(t)
			asked.expect(t, session.OpLoad)
			if now, err := s.store.Store.Load(t.Context(), id); err != nil || string(now.Data) != `{"Count":` {
				t.Errorf("the record has %q, %v, expected it untouched", now.Data, err)
			}
		}},
	})
}

func TestStoreErrorIsNeverAnEmptySessionNorLeadsToAWrite(t *testing.T, e env) {
	for _, failure := range []error{errBroken, errDown, session.ErrCorrupt, context.DeadlineExceeded} {
		t.Run(failure.Error(), func(t *testing.T) {
			t.Parallel()
			s := e.open(t, config{InContext: true, Session: sessions{AllowEmpty: true, Rolling: true, TouchAfter: -1}})
			for path, get := range map[string]func(c Context) (any, error){
				"/get":     func(c Context) (any, error) { return session.Get[Visits](c) },
				"/peek":    func(c Context) (any, error) { return session.Peek[Visits](c) },
				"/context": func(c Context) (any, error) { return session.FromContext[Visits](c.Request().Context()) },
			} {
				s.handle(path, func(c Context) error {
					if v, err := get(c); err == nil {
						t.Errorf("GET %s: %+v and no error, though the store failed", path, v)
					}
					return noContent(c) // careless
				})
			}
			b := s.returning()
			token := b.token()
			for _, path := range []string{"/get", "/peek", "/context", "/count", "/remove", "/read"} {
				s.store.take()
				s.store.fail("load", failure)
				b.get(path).expectNoCookie(t)
				s.expectCalls("load")
				s.store.heal()
			}
			if b.token() != token {
				t.Errorf("the client has the token %q, expected still %q", b.token(), token)
			}
			b.get("/count").expect(t, http.StatusOK, "2")
		})
	}
}
