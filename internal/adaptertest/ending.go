package adaptertest

import (
	"context"
	"net/http"
	"testing"

	"github.com/echosession/echosession/session"
)

// TestDestroy is about sessions that a handler ends.
func TestDestroy(t *testing.T, e env) {
	each(t, e, []test{
		{name: "a destroyed session counts from the start", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
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
				t.Errorf("the new session has the id %s of the destroyed one", old)
			}
			s.expectNotStored(old)
			s.browserWith(token).get("/read").expect(t, http.StatusOK, "0")
		}},
		{name: "it wins over a change", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/both", func(_ Context, v *visit) error { v.Destroy(); v.Data.Count = 50; return nil })
			b := s.returning()
			old := b.id()
			b.get("/both").expectClearing(t)
			s.expectWrites("delete")
			s.expectNotStored(old)
		}},
		{name: "of a new session it asks the store nothing", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/both", func(_ Context, v *visit) error { v.Data.Count = 50; v.Destroy(); return nil })
			b := s.browser()
			b.get("/both").expectStatus(t, http.StatusOK)
			s.expectCalls()
			if b.token() != "" {
				t.Errorf("the client has the token %q, expected none", b.token())
			}
			s.expectRecords(0)
		}},
		{name: "of what the client only claims to have it clears the cookie", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.browserWith(unknownID + "." + aSecret).get("/remove").expectClearing(t)
			s.expectCalls("load")
		}},
		{name: "of a session that was deleted meanwhile it is fine", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/late", func(c Context, v *visit) error {
				if err := s.manager.Delete(context.Background(), v.ID()); err != nil {
					t.Errorf("Manager.Delete: %v", err)
				}
				v.Destroy()
				return nil
			})
			b := s.returning()
			r := b.get("/late")
			r.expectStatus(t, http.StatusOK)
			r.expectNoCookie(t) // the client may have a newer session by now
			s.expectRecords(0)
		}},
		{name: "regenerated afterwards it is a new session", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/again", func(_ Context, v *visit) error {
				v.Destroy()
				v.Regenerate()
				v.Data.Count = 7
				return nil
			})
			b := s.returning()
			old := b.id()
			b.get("/again").expectCookie(t)
			s.expectNotStored(old)
			s.expectStored(b.id(), Visits{Count: 7})
		}},
		{name: "with Save it deletes at once", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/now", func(c Context, v *visit) error {
				v.Destroy()
				if err := save(c, v); err != nil {
					t.Errorf("Save after Destroy: %v", err)
				}
				s.expectNotStored(v.ID())
				return nil
			})
			s.returning().get("/now").expectClearing(t)
		}},
		{name: "after a Save it only clears the cookie", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/both", func(c Context, v *visit) error {
				v.Data.Count = 7
				err := save(c, v)
				v.Destroy()
				return err
			})
			s.browser().get("/both").expectClearing(t)
			s.expectRecords(0)
		}},
		{name: "after the response began it still deletes the record", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.handle("/late", using(func(c Context, v *visit) error {
				err := text(c, http.StatusOK, "bye")
				v.Destroy()
				return err
			}))
			b := s.returning()
			id := b.id()
			r := b.get("/late")
			r.expect(t, http.StatusOK, "bye")
			r.expectNoCookie(t)
			s.idle()
			s.expectNotStored(id)
		}},
	})
}

// TestRegenerate is about sessions that a handler replaces.
func TestRegenerate(t *testing.T, e env) {
	each(t, e, []test{
		{name: "an existing session gets another id, and its record is deleted", run: func(t *testing.T, e env) {
			s := e.open(t, config{Session: sessions{New: func() Visits { return Visits{Name: "fresh"} }}})
			s.on("/regenerate", func(_ Context, v *visit) error {
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
			s.expectWrites("create", "delete") // the new one first: a failure must not end the session
			s.expectNotStored(old)
			s.expectStored(b.id(), Visits{Count: 10, Name: "fresh"})
			s.browserWith(token).get("/read").expect(t, http.StatusOK, "0")
			b.get("/count").expect(t, http.StatusOK, "11")
		}},
		{name: "a new session gets another id", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			var before, after string
			s.on("/regenerate", func(_ Context, v *visit) error {
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
		{name: "the data can be kept", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/keep", regenerateKeeping)
			b := s.returning()
			old := b.id()
			b.get("/keep").expectCookie(t)
			if b.id() == old {
				t.Errorf("the id is still %s", old)
			}
			s.expectNotStored(old)
			b.get("/count").expect(t, http.StatusOK, "2")
		}},
		{name: "left empty it clears the cookie", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/regenerate", func(_ Context, v *visit) error { v.Regenerate(); return nil })
			b := s.returning()
			old := b.id()
			b.get("/regenerate").expectClearing(t)
			s.expectWrites("delete")
			s.expectNotStored(old)
			s.expectRecords(0)
		}},
		{name: "twice it leaves only the last session", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/twice", func(_ Context, v *visit) error {
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
			s.expectStored(b.id(), Visits{Count: 7})
			s.expectRecords(1)
		}},
		{name: "twice with a save in between it leaves only the last session", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/twice", func(c Context, v *visit) error {
				v.Regenerate()
				v.Data.Count = 5
				if err := save(c, v); err != nil {
					return err
				}
				v.Regenerate()
				v.Data.Count = 7
				return nil
			})
			b := s.returning()
			b.get("/twice").expectCookie(t)
			s.expectStored(b.id(), Visits{Count: 7})
			s.expectRecords(1)
		}},
		{name: "one that cannot be stored keeps the old session", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/keep", regenerateKeeping)
			b := s.returning()
			s.store.fail("create", errBroken)
			r := b.get("/keep")
			r.expectStatus(t, http.StatusInternalServerError)
			r.expectNoCookie(t)
			s.store.heal()
			b.get("/count").expect(t, http.StatusOK, "2")
		}},
		{name: "beside a record that cannot be deleted no second one is stored", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			s.on("/keep", regenerateKeeping)
			b := s.returning()
			old := b.id()
			s.store.fail("delete", errBroken)
			s.store.before = func(_ context.Context, op string) error {
				if op == "delete" { // the first one fails, the next ones do not
					s.store.heal()
				}
				return nil
			}
			r := b.get("/keep")
			r.expectStatus(t, http.StatusInternalServerError)
			r.expectNoCookie(t)
			s.expectStored(old, Visits{Count: 1})
			s.expectRecords(1)
			b.get("/count").expect(t, http.StatusOK, "2")
		}},
	})
}

// TestRegenerateWithEqualContentIsStored: a user who logs in again has the same
// data in a new session.
func TestRegenerateWithEqualContentIsStored(t *testing.T, e env) {
	s := e.open(t, config{})
	s.on("/login", func(_ Context, v *visit) error { v.Regenerate(); v.Data = Visits{Name: "Ada"}; return nil })
	b := s.browser()
	seen := map[string]bool{}
	for range 3 {
		b.get("/login").expectCookie(t)
		if id := b.id(); seen[id] {
			t.Errorf("the id %s comes again", id)
		} else {
			seen[id] = true
		}
		s.expectStored(b.id(), Visits{Name: "Ada"})
	}
	s.expectRecords(1)
}

// TestReplacedUnread: a handler may replace or end a session without a look at it.
func TestReplacedUnread(t *testing.T, e env) {
	s := e.open(t, config{})
	s.on("/replace", func(_ Context, v *visit) error { v.Data = Visits{Count: 7}; return nil })
	s.on("/regenerate", func(_ Context, v *visit) error { v.Regenerate(); v.Data = Visits{Count: 9}; return nil })
	b := s.returning()
	first := b.id()
	b.get("/replace").expectCookie(t)
	s.expectStored(first, Visits{Count: 7})
	b.get("/regenerate").expectCookie(t)
	s.expectNotStored(first)
	second := b.id()
	s.expectStored(second, Visits{Count: 9})
	b.get("/remove").expectClearing(t)
	s.expectNotStored(second)
}

// TestSessionAfterTheRequest: Save of a session that somebody kept is an error.
func TestSessionAfterTheRequest(t *testing.T, e env) {
	s := e.openAround(t, []any{e.recovering()}, config{}, nil)
	for path, respond := range map[string]Handler{
		"/page":  pageAs(http.StatusOK),
		"/panic": func(Context) error { panic(http.ErrHandlerTimeout) },
	} {
		var kept *session.Session[Visits]
		s.handle(path, using(func(c Context, v *visit) error {
			kept = v
			return respond(c)
		}))
		token := s.token(7)
		s.get(path, token)
		s.idle()
		kept.Data.Count++
		if err := kept.Save(t.Context()); err == nil {
			t.Errorf("GET %s: Save after the request returned nil, expected an error", path)
		}
		s.expectCalls("load")
		s.expectRead(token, 7)
	}
}
