package echoadapter_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

func increment(_ echo.Context, v *session.Session[visits]) error { v.Data.Count++; return nil }

func TestConcurrentUpdatesAddUp(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		const requests = 200
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/update", func(c echo.Context, v *session.Session[visits]) error {
			return v.Update(c.Request().Context(), func(d *visits) error { d.Count++; return nil })
		})
		b := s.returning()
		var clients sync.WaitGroup
		for range requests {
			clients.Go(func() {
				if r, err := b.fetch("/update"); err != nil || r.status != http.StatusOK {
					t.Errorf("GET /update: %d %q, %v, expected 200", r.status, r.body, err)
				}
			})
		}
		clients.Wait()
		s.expectStored(b.id(), visits{Count: 1 + requests})
		s.expectEvents(session.EventConflict, 0)
	})
}

// What a slow request may do once it is let go, besides changing its data.
type slowEnd struct {
	name string
	then func(echo.Context, *session.Session[visits]) error
}

var slowEnds = []slowEnd{
	{"changes", increment},
	{"is forced", func(_ echo.Context, v *session.Session[visits]) error { v.SetSave(session.SaveAlways); return nil }},
	{"renews", func(_ echo.Context, v *session.Session[visits]) error { v.Renew(); return nil }},
	{"takes another age", func(_ echo.Context, v *session.Session[visits]) error { v.SetMaxAge(day / 2); return nil }},
}

func TestSlowRequestAfterDestroyBringsNothingBack(t *testing.T) {
	t.Parallel()
	for _, row := range slowEnds {
		t.Run(row.name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, deferred bool) {
				told := &complaints{answer: teapot}
				s := open(t, echoadapter.Config[visits]{Defer: deferred, ErrorHandler: told.handle})
				held := s.hold("/slow", onlyRead, row.then)
				b := s.returning()
				id, token := b.id(), b.token()
				held.begin(s.browserWith(token), "/slow")
				b.get("/remove").expectClearing(t)
				r := held.end(t)
				r.expectStatus(t, http.StatusOK)
				r.expectNoCookie(t)
				s.expectNotStored(id)
				if n := s.records(); n != 0 {
					t.Errorf("the store has %d records, expected none", n)
				}
				s.expectEvents(session.EventGone, 1)
				s.expectEvents(session.EventError, 0)
				told.expect(t)
				s.browserWith(token).get("/read").expect(t, http.StatusOK, "0")
			})
		})
	}
}

func TestSlowRequestWithTheOldTokenDuringARenewalIsDropped(t *testing.T) {
	t.Parallel()
	for _, row := range append(slices.Clone(slowEnds), []slowEnd{
		{"regenerates and keeps the data", regenerateKeeping},
		{"removes", func(_ echo.Context, v *session.Session[visits]) error { v.Destroy(); return nil }},
		{"regenerates", func(_ echo.Context, v *session.Session[visits]) error { v.Regenerate(); return nil }},
		{"regenerates and changes", func(_ echo.Context, v *session.Session[visits]) error { v.Regenerate(); v.Data.Count = 7; return nil }},
	}...) {
		t.Run(row.name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, deferred bool) {
				told := &complaints{answer: teapot}
				s := open(t, echoadapter.Config[visits]{Defer: deferred, ErrorHandler: told.handle})
				held := s.hold("/slow", onlyRead, row.then)
				s.on("/renew", func(_ echo.Context, v *session.Session[visits]) error {
					v.Renew()
					v.Data.Name = "Ada"
					return nil
				})
				b := s.returning()
				id, old := b.id(), b.token()
				held.begin(s.browserWith(old), "/slow")
				b.get("/renew").expectCookie(t)
				if b.token() == old || b.id() != id {
					t.Errorf("the token changed: %t, the id: %t, expected the token alone to change", b.token() != old, b.id() != id)
				}
				r := held.end(t)
				r.expectStatus(t, http.StatusOK)
				r.expectNoCookie(t)
				s.expectStored(id, visits{Count: 1, Name: "Ada"})
				s.expectEvents(session.EventGone, 1)
				told.expect(t)
				if n := s.records(); n != 1 {
					t.Errorf("the store has %d records, expected 1", n)
				}
				b.get("/count").expect(t, http.StatusOK, "2")
			})
		})
	}
}

func TestGoroutinesOfOneRequestGetTheSameSession(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred, InContext: true})
		s.echo.GET("/crowd", func(c echo.Context) error {
			var crowd sync.WaitGroup
			var got [8]*session.Session[visits]
			start := make(chan struct{})
			ctx := c.Request().Context()
			for i := range got {
				crowd.Go(func() {
					<-start
					var err error
					switch i % 4 {
					case 0:
						if p, err := session.Peek[visits](c); err != nil || p.Count != 1 {
							t.Errorf("Peek: %+v, %v, expected the count 1", p, err)
						}
						fallthrough
					case 1, 2:
						got[i], err = session.Get[visits](c)
					case 3:
						got[i], err = session.FromContext[visits](ctx)
					}
					if err != nil || got[i].Token() == "" || got[i].IsNew() {
						t.Errorf("Get: %v, %v, expected the stored session", got[i], err)
					}
				})
			}
			close(start)
			crowd.Wait()
			for _, v := range got {
				if v != got[0] {
					t.Errorf("the sessions are %p, expected one", got)
					break
				}
			}
			got[0].Data.Count++
			return noContent(c)
		})
		b := s.returning()
		b.get("/crowd").expectCookie(t)
		s.expectCalls("load", "update")
		s.expectStored(b.id(), visits{Count: 2})
	})
}
