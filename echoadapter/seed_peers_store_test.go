package echoadapter_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// Failures of other libraries: what they store, and for whom.

// A robot sends no cookie and takes none.
func TestReadingLeavesNoRecordForARobot(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{
			Rolling: true, TouchAfter: -1, New: func() visits { return visits{Tags: map[string]int{"start": 1}} },
		}})
		s.echo.GET("/peek", func(c echo.Context) error {
			_, err := session.Peek[visits](c)
			if err != nil {
				return err
			}
			return noContent(c)
		})
		for range 5 {
			for _, path := range []string{"/read", "/peek", "/unused", "/nowhere"} {
				s.browser().get(path).expectNoCookie(t)
			}
		}
		s.expectCalls()
		if n := s.records(); n != 0 {
			t.Errorf("the store has %d records, expected none", n)
		}
	})
}

func TestIDFromTheClientIsNeverAdopted(t *testing.T) {
	t.Parallel()
	saves := map[string]func(echo.Context, *session.Session[visits]) error{
		"change": increment,
		"force":  func(_ echo.Context, v *session.Session[visits]) error { v.SetSave(session.SaveAlways); return nil },
		"save":   func(c echo.Context, v *session.Session[visits]) error { return v.Save(c.Request().Context()) },
		"update": func(c echo.Context, v *session.Session[visits]) error {
			return v.Update(c.Request().Context(), func(d *visits) error { d.Count = 7; return nil })
		},
		"renew":      func(_ echo.Context, v *session.Session[visits]) error { v.Renew(); v.Data.Count = 7; return nil },
		"regenerate": func(_ echo.Context, v *session.Session[visits]) error { v.Regenerate(); v.Data.Count = 7; return nil },
		"reload": func(c echo.Context, v *session.Session[visits]) error {
			err := v.Reload(c.Request().Context())
			v.Data.Count = 7
			return err
		},
	}
	for name, save := range saves {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, deferred bool) {
				s := open(t, echoadapter.Config[visits]{Defer: deferred})
				s.on("/fix", save)
				removed := s.returning()
				dead := removed.token()
				removed.get("/remove")
				for _, token := range []string{unknownID + "." + aSecret, dead} {
					victim := s.browserWith(token)
					victim.get("/fix").expectCookie(t)
					claimed, _, _ := strings.Cut(token, ".")
					if victim.id() == claimed {
						t.Errorf("the client's id %s was adopted", claimed)
					}
					s.expectNotStored(claimed)
					attacker := s.browserWith(token)
					attacker.get("/read").expect(t, http.StatusOK, "0")
				}
			})
		})
	}
}

func TestStoreErrorIsNeverAnEmptySessionNorLeadsToAWrite(t *testing.T) {
	t.Parallel()
	for _, failure := range []error{errBroken, errDown, session.ErrCorrupt, context.DeadlineExceeded} {
		t.Run(failure.Error(), func(t *testing.T) {
			eachMode(t, func(t *testing.T, deferred bool) {
				s := open(t, echoadapter.Config[visits]{Defer: deferred, InContext: true, Session: session.Config[visits]{
					AllowEmpty: true, Rolling: true, TouchAfter: -1,
				}})
				for path, get := range map[string]func(c echo.Context) (any, error){
					"/get":     func(c echo.Context) (any, error) { v, err := session.Get[visits](c); return v, err },
					"/peek":    func(c echo.Context) (any, error) { return session.Peek[visits](c) },
					"/context": func(c echo.Context) (any, error) { return session.FromContext[visits](c.Request().Context()) },
				} {
					s.echo.GET(path, func(c echo.Context) error {
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
		})
	}
}

// Whoever reads the store cannot become one of its users.
func TestStoreHasNoUsableToken(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/renew", func(_ echo.Context, v *session.Session[visits]) error { v.Renew(); return nil })
		b := s.returning()
		for range 2 {
			_, secret, _ := strings.Cut(b.token(), ".")
			r, err := s.store.Store.Load(t.Context(), b.id())
			if err != nil {
				t.Fatalf("Load: %v", err)
			}
			if all := fmt.Appendf(nil, "%s %s %s %s %s %s", r.ID, r.Name, r.User, r.Format, r.Meta, r.Data); bytes.Contains(all, []byte(secret)) {
				t.Errorf("the record %q contains the secret %q", all, secret)
			}
			b.get("/renew")
		}
		for _, e := range s.events.events {
			if text := fmt.Sprintf("%+v", e); strings.Contains(text, b.token()) {
				t.Errorf("the event %s contains the token", text)
			}
		}
	})
}

// The public id that a handler shows or logs is enough to end a session, and
// for nothing else.
func TestPublicIDEndsASession(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		s.on("/id", func(c echo.Context, v *session.Session[visits]) error { return c.String(http.StatusOK, v.ID()) })
		b, other := s.returning(), s.returning()
		id := b.get("/id").body
		s.browserWith(id).get("/read").expect(t, http.StatusOK, "0")
		// A whole token in its place is taken for an id neither here nor by the store.
		s.store.take()
		token := b.token()
		if _, err := s.manager.Find(t.Context(), token); !isNotFound(err) || strings.Contains(err.Error(), token) {
			t.Errorf("Manager.Find of a token: %v, expected ErrNotFound without the token", err)
		}
		if err := s.manager.Delete(t.Context(), token); err != nil {
			t.Errorf("Manager.Delete of a token: %v, expected nothing to be done", err)
		}
		s.expectCalls()
		s.expectStored(id, visits{Count: 1})
		if err := s.manager.Delete(t.Context(), id); err != nil {
			t.Fatalf("Manager.Delete: %v", err)
		}
		s.expectNotStored(id)
		b.get("/read").expect(t, http.StatusOK, "0")
		other.get("/read").expect(t, http.StatusOK, "1")
		s.expectEvents(session.EventRevoked, 1)
	})
}

// contextStore looks at the context of each operation.
type contextStore struct {
	session.Store
	look func(op string, ctx context.Context)
}

func (s contextStore) Load(ctx context.Context, id string) (session.Record, error) {
	s.look("load", ctx)
	return s.Store.Load(ctx, id)
}

func (s contextStore) Update(ctx context.Context, r session.Record) error {
	s.look("update", ctx)
	return s.Store.Update(ctx, r)
}

// A client that goes away ends neither the commit nor its deadline.
func TestStoreIsGivenTheContextOfTheRequest(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		type key struct{}
		s := openInBubble(t, echoadapter.Config[visits]{Defer: deferred})
		var looked []string
		s.store.Store = contextStore{s.store.Store, func(op string, ctx context.Context) {
			looked = append(looked, op)
			_, limited := ctx.Deadline()
			if got := ctx.Value(key{}); got != "mine" || ctx.Err() != nil || limited != (op == "update") {
				t.Errorf("%s: the context has the value %v, the error %v and a deadline: %t, expected mine, none and %t",
					op, got, ctx.Err(), limited, op == "update")
			}
		}}
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "mine"))
		defer cancel()
		s.on("/leave", func(_ echo.Context, v *session.Session[visits]) error {
			v.Data.Count++
			cancel() // as the server does when the client is gone
			return nil
		})
		b := s.returning()
		b.getAs("/leave", func(req *http.Request) { *req = *req.WithContext(ctx) }).expect(t, http.StatusOK, "2")
		if got := strings.Join(looked, " "); got != "load update" {
			t.Errorf("the store was asked for %q, expected load update", got)
		}
	})
}
