package echoadapter_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// slow is a request that is held in its handler.
type slow struct {
	entered chan struct{}
	release chan struct{}
	free    func() // lets it go on
	done    <-chan timed
}

// hold makes path a route that gets its session, does first, waits for the end
// of the test's turn and does then.
func (s *site) hold(path string, first, then func(echo.Context, *session.Session[visits]) error) *slow {
	h := &slow{entered: make(chan struct{}), release: make(chan struct{})}
	h.free = sync.OnceFunc(func() { close(h.release) })
	s.t.Cleanup(h.free) // a server waits for its handlers, also where the test failed
	s.on(path, func(c echo.Context, v *session.Session[visits]) error {
		if err := first(c, v); err != nil {
			return err
		}
		close(h.entered)
		<-h.release
		return then(c, v)
	})
	return h
}

// begin sends b there, and returns once it waits.
func (h *slow) begin(b *browser, path string) {
	h.done = b.start(path)
	select {
	case <-h.entered:
	case r := <-h.done:
		b.site.t.Fatalf("GET %s ended before it was held: %d %q, %v", path, r.status, r.body, r.err)
	}
}

// end lets the request go on, and returns its response.
func (h *slow) end(t *testing.T) reply {
	t.Helper()
	h.free()
	r := <-h.done
	if r.err != nil {
		t.Fatalf("the slow request: %v", r.err)
	}
	return r.reply
}

func onlyRead(echo.Context, *session.Session[visits]) error { return nil }

// An explicit save of what is gone tells the handler, and still brings nothing
// back.
func TestSaveAfterAnothersDestroyIsErrGone(t *testing.T) {
	t.Parallel()
	saves := map[string]func(context.Context, *session.Session[visits]) error{
		"Save":   func(ctx context.Context, v *session.Session[visits]) error { return v.Save(ctx) },
		"Reload": func(ctx context.Context, v *session.Session[visits]) error { return v.Reload(ctx) },
		"Update": func(ctx context.Context, v *session.Session[visits]) error {
			return v.Update(ctx, func(d *visits) error { d.Count++; return nil })
		},
	}
	for name, save := range saves {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, deferred bool) {
				s := open(t, echoadapter.Config[visits]{Defer: deferred})
				held := s.hold("/slow", increment, func(c echo.Context, v *session.Session[visits]) error {
					for range 2 {
						if err := save(c.Request().Context(), v); !isGone(err) {
							t.Errorf("%s of a destroyed session: %v, expected ErrGone", name, err)
						}
					}
					return nil
				})
				b := s.returning()
				held.begin(s.browserWith(b.token()), "/slow")
				b.get("/remove").expectClearing(t)
				held.end(t).expectNoCookie(t)
				if n := s.records(); n != 0 {
					t.Errorf("the store has %d records, expected none", n)
				}
			})
		})
	}
}

// A request that only reads has nothing to lose: it is not even told, unless its
// use was to be stored.
func TestSlowReaderOfASessionThatIsGoneSendsNoCookie(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/remove", "/renew"} {
		for _, rolling := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/rolling=%t", path[1:], rolling), func(t *testing.T) {
				eachMode(t, func(t *testing.T, deferred bool) {
					withClock(t, func(t *testing.T) {
						s := openWithClock(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{Rolling: rolling, TouchAfter: -1}})
						held := s.hold("/slow", onlyRead, onlyRead)
						s.on("/renew", func(_ echo.Context, v *session.Session[visits]) error { v.Renew(); return nil })
						b := s.returning()
						id, old := b.id(), b.token()
						s.pass(time.Minute)
						held.begin(s.browserWith(old), "/slow")
						s.pass(time.Minute)
						b.get(path).expectStatus(t, http.StatusOK)
						s.pass(time.Minute)
						before, live := s.stored(id)
						r := held.end(t)
						r.expect(t, http.StatusOK, "1")
						r.expectNoCookie(t)
						if after, still := s.stored(id); still != live || !after.ExpiresAt.Equal(before.ExpiresAt) {
							t.Errorf("the record is there: %t, until %v, expected %t, %v as before", still, after.ExpiresAt, live, before.ExpiresAt)
						}
						want := 0
						if rolling {
							want = 1
						}
						s.expectEvents(session.EventGone, want)
						s.expectEvents(session.EventError, 0)
					})
				})
			})
		}
	}
}

// A request that was sent with a token just before it was replaced finds
// nothing, and does no harm.
func TestRequestWithAReplacedTokenFindsNothingAndLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/read", "/count", "/remove", "/force", "/regenerate", "/save"} {
		t.Run(path[1:], func(t *testing.T) {
			eachMode(t, func(t *testing.T, deferred bool) {
				s := open(t, echoadapter.Config[visits]{Defer: deferred})
				s.on("/renew", func(_ echo.Context, v *session.Session[visits]) error { v.Renew(); return nil })
				s.on("/force", func(_ echo.Context, v *session.Session[visits]) error { v.SetSave(session.SaveAlways); return nil })
				s.on("/regenerate", func(_ echo.Context, v *session.Session[visits]) error { v.Regenerate(); v.Data.Count++; return nil })
				s.on("/save", func(c echo.Context, v *session.Session[visits]) error {
					if err := v.Save(c.Request().Context()); !isGone(err) {
						t.Errorf("Save: %v, expected ErrGone", err)
					}
					return nil
				})
				b := s.returning()
				id, old := b.id(), b.token()
				b.get("/renew").expectCookie(t)
				s.store.take()
				late := s.browserWith(old)
				r := late.get(path)
				r.expectStatus(t, http.StatusOK)
				r.expectNoCookie(t)
				s.expectWrites()
				s.expectStored(id, visits{Count: 1})
				b.get("/count").expect(t, http.StatusOK, "2")
			})
		})
	}
}

func regenerateKeeping(_ echo.Context, v *session.Session[visits]) error {
	data := v.Data
	v.Regenerate()
	v.Data = data
	return nil
}

// What a log-out ended does not come back under another id either.
func TestSlowRegenerationAfterDestroyBringsNothingBack(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		held := s.hold("/slow", onlyRead, regenerateKeeping)
		b := s.returning()
		held.begin(s.browserWith(b.token()), "/slow")
		b.get("/remove").expectClearing(t)
		r := held.end(t)
		r.expectStatus(t, http.StatusOK)
		r.expectNoCookie(t)
		if n := s.records(); n != 0 {
			t.Errorf("the store has %d records, expected none", n)
		}
		s.expectEvents(session.EventGone, 1)
	})
}
