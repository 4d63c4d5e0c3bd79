package adaptertest

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/echosession/echosession/session"
)

// TestValid is about the hook that may refuse a stored session.
func TestValid(t *testing.T, e env) {
	each(t, e, []test{
		{name: "what it refuses is replaced by a new session", run: func(t *testing.T, e env) {
			var refuse atomic.Bool
			s := e.open(t, config{Valid: func(_ Context, v *visit) (bool, error) { return !refuse.Load(), nil }})
			b := s.returning()
			old, token := b.id(), b.token()
			refuse.Store(true)
			r := b.get("/count")
			r.expect(t, http.StatusOK, "1")
			r.expectCookie(t)
			if b.id() == old {
				t.Errorf("the new session has the id %s of the refused one", old)
			}
			s.expectNotStored(old)
			refuse.Store(false)
			s.browserWith(token).get("/read").expect(t, http.StatusOK, "0")
			b.get("/count").expect(t, http.StatusOK, "2")
		}},
		{name: "what it refuses is gone even if the handler does nothing", run: func(t *testing.T, e env) {
			s := e.open(t, config{Valid: func(_ Context, v *visit) (bool, error) { return v.Data.Name != "", nil }})
			b := s.returning()
			old := b.id()
			b.get("/read").expectClearing(t)
			s.expectWrites("delete")
			s.expectNotStored(old)
		}},
		{name: "it sees the stored data once in a request, and not a new session", run: func(t *testing.T, e env) {
			var asked []int
			s := e.open(t, config{Valid: func(_ Context, v *visit) (bool, error) {
				asked = append(asked, v.Data.Count)
				return true, nil
			}})
			b := s.browser()
			b.get("/read")
			b.get("/count")
			if len(asked) != 0 {
				t.Errorf("Valid was asked about the counts %v, expected not to be asked about a new session", asked)
			}
			id := b.id()
			b.get("/count").expect(t, http.StatusOK, "2")
			b.get("/read").expectNoCookie(t)
			if len(asked) != 2 || asked[0] != 1 || asked[1] != 2 {
				t.Errorf("Valid was asked about the counts %v, expected 1 and 2", asked)
			}
			if b.id() != id {
				t.Errorf("the id is %s, expected that of the valid session, %s", b.id(), id)
			}
		}},
		{name: "it is not asked if nobody uses the session, and loading is deferred", run: func(t *testing.T, e env) {
			var asked atomic.Int32
			s := e.open(t, config{
				Session: sessions{Rolling: true, TouchAfter: -1, AllowEmpty: true},
				Valid:   func(Context, *visit) (bool, error) { asked.Add(1); return true, nil },
			})
			b := s.returning()
			if e.deferred {
				s.store.failAll(errBroken)
			}
			b.get("/unused").expectStatus(t, http.StatusNoContent)
			if n := asked.Load(); n != 0 == e.deferred {
				t.Errorf("Valid was asked %d times, expected none exactly if loading is deferred", n)
			}
			if e.deferred {
				for _, b := range []*browser{s.browser(), s.browserWith(unknownID + "." + aSecret)} {
					r := b.get("/unused")
					r.expectStatus(t, http.StatusNoContent)
					r.expectNoCookie(t)
				}
				s.expectCalls()
			}
		}},
		{name: "what it saw may be in the response, which varies then", run: func(t *testing.T, e env) {
			for _, field := range []string{"", "X-Session"} {
				s := e.open(t, config{Header: field, Valid: func(c Context, v *visit) (bool, error) {
					c.Set("count", v.Data.Count)
					return true, nil
				}})
				s.handle("/seen", func(c Context) error {
					if e.deferred {
						if _, err := session.Get[Visits](c); err != nil {
							return err
						}
					}
					count, _ := c.Get("count").(int)
					return text(c, http.StatusOK, strconv.Itoa(count))
				})
				req := s.request(http.MethodGet, "/seen", s.token(7))
				want := "Cookie"
				if field != "" {
					want = field
					req.Header[field] = []string{strings.TrimPrefix(req.Header.Get("Cookie"), cookieName+"=")}
					req.Header.Del("Cookie")
				}
				r := s.do(req)
				r.expect(t, http.StatusOK, "7")
				r.expectNoCookie(t)
				r.expectHeader(t, "Vary", want)
			}
		}},
	})
}

// TestValidFails: an error of Valid counts as a failed load.
func TestValidFails(t *testing.T, e env) {
	for name, tt := range map[string]struct {
		answer error
		status int
		body   string
		cookie bool
	}{
		"another error": {e.teapot(), http.StatusTeapot, e.teapotPage(), false},
		"waved through": {nil, http.StatusOK, "1", false},
		"discarded":     {session.ErrDiscard, http.StatusOK, "1", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := &complaints{answer: tt.answer}
			s := e.open(t, config{
				Valid: func(Context, *visit) (bool, error) { return true, errBroken },
				ErrorHandler: func(c Context, op session.Op, err error) error {
					if !errors.Is(err, errBroken) {
						t.Errorf("ErrorHandler was asked about %v, expected that of Valid", err)
					}
					return asked.handle(c, op, err)
				},
			})
			token := s.token(7)
			got := s.get("/count", token)
			got.expect(t, tt.status, tt.body)
			asked.expect(t, session.OpLoad)
			if tt.cookie {
				s.expectRead(got.expectToken(t), 1)
			} else {
				got.expectNoCookie(t)
			}
			s.expectRead(token, 7)
		})
	}
}

// meddle calls from within a hook everything that could wait for the hook itself.
func meddle(t *testing.T, c Context, v *visit) {
	if again, err := session.Get[Visits](c); v != nil && (err != nil || again != v) {
		t.Errorf("Get in a hook: %p, %v, expected the hook's session %p", again, err, v)
	}
	_, _ = session.Peek[Visits](c)
	_, _ = session.FromContext[Visits](c.Request().Context())
	if v == nil {
		return
	}
	for name, call := range map[string]func(Context, *visit) error{"Save": save, "Reload": reload, "Update": updateCount(1)} {
		if err := call(c, v); err == nil {
			t.Errorf("%s in a hook: no error, expected one", name)
		}
	}
	_, _, _, _, _ = v.ID(), v.Token(), v.IsNew(), v.CreatedAt(), v.ExpiresAt()
}

// soon fetches path. A response that does not come means a deadlock.
func (b *browser) soon(path string) reply {
	b.site.t.Helper()
	select {
	case r := <-b.start(path):
		if r.err != nil {
			b.site.t.Fatalf("GET %s: %v", path, r.err)
		}
		return r.reply
	case <-time.After(20 * time.Second):
		b.site.t.Fatalf("GET %s: no response in 20 s, expected that no hook waits for itself", path)
		return reply{}
	}
}

func TestHooksNeverWaitForThemselves(t *testing.T, e env) {
	s := e.open(t, config{
		InContext:    true,
		Valid:        func(c Context, v *visit) (bool, error) { meddle(t, c, v); return v.Data.Name != "invalid", nil },
		BeforeSave:   func(c Context, v *visit) error { meddle(t, c, v); return nil },
		ErrorHandler: func(c Context, _ session.Op, _ error) error { meddle(t, c, nil); return e.teapot() },
	})
	s.on("/save", func(c Context, v *visit) error { v.Data.Count++; return save(c, v) })
	s.on("/update", func(c Context, v *visit) error {
		return v.Update(c.Request().Context(), func(d *Visits) error {
			if err := save(c, v); err == nil {
				t.Error("Save in the function of an Update: no error, expected one")
			}
			d.Count++
			return nil
		})
	})
	s.on("/spoil", func(_ Context, v *visit) error { v.Data.Name = "invalid"; return nil })

	b := s.browser()
	b.soon("/count").expect(t, http.StatusOK, "1")
	b.soon("/count").expect(t, http.StatusOK, "2")
	b.soon("/save").expect(t, http.StatusOK, "3")
	b.soon("/update").expect(t, http.StatusOK, "4")
	for op, path := range map[string]string{"load": "/read", "update": "/count", "delete": "/remove"} {
		s.store.fail(op, errBroken)
		b.soon(path).expect(t, http.StatusTeapot, e.teapotPage())
		s.store.heal()
	}
	b.soon("/spoil").expect(t, http.StatusOK, "4")
	b.soon("/count").expect(t, http.StatusOK, "1")
	b.soon("/remove").expectClearing(t)
}

func TestErrorOfASessionCallInAHookIsNoHarm(t *testing.T, e env) {
	s := e.open(t, config{BeforeSave: save})
	r := s.browser().soon("/count")
	r.expect(t, http.StatusInternalServerError, e.errorPage(http.StatusInternalServerError))
	r.expectNoCookie(t)
	s.expectCalls()
}
