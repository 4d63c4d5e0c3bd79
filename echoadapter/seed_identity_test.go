package echoadapter_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

const (
	unknownID = "AAAAAAAAAAAAAAAAAAAAAA"
	aSecret   = "BBBBBBBBBBBBBBBBBBBBBB"
)

var identityBehaviours = []behaviour{
	{"a bad cookie counts 1, each time", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		for _, bad := range []string{
			"x", "x.y", unknownID, unknownID + ".", "." + aSecret, unknownID + "." + aSecret[1:], unknownID + "." + aSecret + ".z",
			unknownID + "!." + aSecret, "../etc/passwd." + aSecret, strings.Repeat("A", 5000) + "." + aSecret,
		} {
			for range 2 {
				s.browserWith(bad).get("/count").expect(t, http.StatusOK, "1")
				s.expectCalls("create") // what cannot be a token never reaches the store
			}
		}
	}},
	{"an unknown id is never adopted", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		b := s.browserWith(unknownID + "." + aSecret)
		b.get("/count").expect(t, http.StatusOK, "1")
		s.expectCalls("load", "create")
		if id := b.id(); id == unknownID || strings.Contains(b.token(), aSecret) {
			t.Errorf("the new token is %q, expected nothing of the client's", b.token())
		}
		s.expectNotStored(unknownID)
		b.get("/count").expect(t, http.StatusOK, "2")
	}},
	{"a wrong secret opens nothing and harms nothing", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		owner := s.returning()
		thief := s.browserWith(owner.id() + "." + aSecret)
		thief.get("/count").expect(t, http.StatusOK, "1")
		if thief.id() == owner.id() {
			t.Errorf("the thief has the session %s of the owner", thief.id())
		}
		owner.get("/count").expect(t, http.StatusOK, "2")
	}},
	{"an expired session is not revived", func(t *testing.T, deferred bool) {
		withClock(t, func(t *testing.T) {
			s := openWithClock(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{MaxAge: time.Hour}})
			b := s.returning()
			old, token := b.id(), b.token()
			s.pass(time.Hour)
			again := s.browserWith(token)
			again.get("/count").expect(t, http.StatusOK, "1")
			if again.id() == old {
				t.Errorf("the new session has the id %s of the expired one", old)
			}
		})
	}},
	{"what Valid refuses is replaced by a new session", func(t *testing.T, deferred bool) {
		var refuse atomic.Bool
		s := open(t, echoadapter.Config[visits]{Defer: deferred,
			Valid: func(_ echo.Context, v *session.Session[visits]) (bool, error) { return !refuse.Load(), nil },
		})
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
	{"what Valid refuses is gone though the handler does nothing", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred,
			Valid: func(_ echo.Context, v *session.Session[visits]) (bool, error) { return v.Data.Name != "", nil },
		})
		b := s.returning()
		old := b.id()
		b.get("/read").expectClearing(t)
		s.expectWrites("delete")
		s.expectNotStored(old)
	}},
	{"Valid sees the stored data, and not a new session", func(t *testing.T, deferred bool) {
		var asked []int
		s := open(t, echoadapter.Config[visits]{Defer: deferred,
			Valid: func(_ echo.Context, v *session.Session[visits]) (bool, error) {
				asked = append(asked, v.Data.Count)
				return true, nil
			},
		})
		b := s.browser()
		b.get("/read")
		b.get("/count")
		if len(asked) != 0 {
			t.Errorf("Valid was asked of the counts %v, expected not to be asked of a new session", asked)
		}
		b.get("/count").expect(t, http.StatusOK, "2")
		b.get("/read").expectNoCookie(t)
		if len(asked) != 2 || asked[0] != 1 || asked[1] != 2 {
			t.Errorf("Valid was asked of the counts %v, expected 1 and 2", asked)
		}
	}},
	{"an error of Valid is a failed load", func(t *testing.T, deferred bool) {
		var op atomic.Value
		var fail atomic.Bool
		s := open(t, echoadapter.Config[visits]{Defer: deferred,
			Valid: func(_ echo.Context, v *session.Session[visits]) (bool, error) {
				if fail.Load() {
					return true, errBroken
				}
				return true, nil
			},
			ErrorHandler: func(_ echo.Context, o session.Op, err error) error {
				if !errors.Is(err, errBroken) {
					t.Errorf("ErrorHandler was given %v, expected that of Valid", err)
				}
				op.Store(o)
				return echo.NewHTTPError(http.StatusTeapot)
			},
		})
		b := s.returning()
		fail.Store(true)
		r := b.get("/count")
		r.expectStatus(t, http.StatusTeapot)
		r.expectNoCookie(t)
		if op.Load() != session.OpLoad {
			t.Errorf("ErrorHandler was asked about %v, expected %q", op.Load(), session.OpLoad)
		}
		s.expectStored(b.id(), visits{Count: 1})
	}},
	{"a generator of ids makes the public part only", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{
			NewID: func(context.Context) (string, error) { return "visitor-7", nil },
		}})
		b := s.browser()
		b.get("/count").expect(t, http.StatusOK, "1")
		b.get("/count").expect(t, http.StatusOK, "2")
		id, secret, _ := strings.Cut(b.token(), ".")
		if id != "visitor-7" || len(secret) != len(aSecret) {
			t.Errorf("the token is %q, expected visitor-7 and a secret of %d characters", b.token(), len(aSecret))
		}
		s.expectStored("visitor-7", visits{Count: 2})
	}},
	{"a generated id that is taken is asked for again", func(t *testing.T, deferred bool) {
		var asked atomic.Int32
		s := open(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{
			NewID: func(context.Context) (string, error) { return "visitor-" + "112345678"[asked.Add(1)-1:][:1], nil },
		}})
		ada := s.returning()
		bob := s.browser()
		bob.get("/count").expect(t, http.StatusOK, "1")
		if ada.id() != "visitor-1" || bob.id() != "visitor-2" {
			t.Errorf("the ids are %q and %q, expected visitor-1 and visitor-2", ada.id(), bob.id())
		}
		ada.get("/count").expect(t, http.StatusOK, "2")
	}},
	{"a generator of ids that fails leaves no session and no cookie", func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{
			NewID: func(context.Context) (string, error) { return "", errBroken },
		}})
		r := s.browser().get("/count")
		r.expectStatus(t, http.StatusInternalServerError)
		r.expectNoCookie(t)
		s.expectCalls()
	}},
}
