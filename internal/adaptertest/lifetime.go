package adaptertest

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/echosession/echosession/session"
)

// aging is a part of a test that takes time. cfg has the sessions' settings.
func aging(name string, cfg sessions, run func(t *testing.T, s *site)) test {
	return test{name: name, run: func(t *testing.T, e env) {
		e.inTime(t, func(t *testing.T) {
			s := e.open(t, config{Session: cfg})
			s.on("/remember", func(_ Context, v *visit) error { v.SetMaxAge(30 * day); return nil })
			s.on("/brief", func(_ Context, v *visit) error { v.SetMaxAge(time.Minute); return nil })
			s.on("/forget", func(_ Context, v *visit) error { v.SetMaxAge(0); return nil })
			s.handle("/known", using(func(c Context, v *visit) error {
				v.SetSave(session.SaveNever)
				return text(c, http.StatusOK, strconv.FormatBool(!v.IsNew()))
			}))
			run(t, s)
		})
	}}
}

// expectLife fails unless the session of token is live for exactly d more.
func (s *site) expectLife(token string, d time.Duration) {
	s.t.Helper()
	s.pass(d - s.backend.Precision())
	s.get("/known", token).expect(s.t, http.StatusOK, "true")
	s.pass(s.backend.Precision())
	s.get("/known", token).expect(s.t, http.StatusOK, "false")
}

func (s *site) expectCookieAge(r reply, want time.Duration) {
	s.t.Helper()
	if got := time.Duration(r.expectCookie(s.t).MaxAge) * time.Second; got != want {
		s.t.Errorf("%s: the cookie lives for %v, expected %v", r.request, got, want)
	}
}

// TestLifetime is about how long a session lives.
func TestLifetime(t *testing.T, e env) {
	hour := sessions{MaxAge: time.Hour}
	browserSession := sessions{MaxAge: time.Hour, Cookie: session.Cookie{BrowserSession: true}}
	each(t, e, []test{
		aging("it ends with its age, for the store and not only the cookie", hour, func(t *testing.T, s *site) {
			b := s.returning()
			s.expectLife(b.token(), time.Hour)
		}),
		aging("every save starts the age again", hour, func(t *testing.T, s *site) {
			b := s.returning()
			for range 5 {
				s.pass(50 * time.Minute)
				s.expectCookieAge(b.get("/count"), time.Hour)
			}
			s.expectLife(b.token(), time.Hour)
		}),
		aging("use alone does not extend it", hour, func(t *testing.T, s *site) {
			b := s.returning()
			token := b.token()
			s.pass(50 * time.Minute)
			b.get("/read").expectNoCookie(t)
			s.expectCalls("load")
			s.expectLife(token, 10*time.Minute)
		}),
		aging("an age of its own is stored with it, and is a change", hour, func(t *testing.T, s *site) {
			b := s.returning()
			s.expectCookieAge(b.get("/remember"), 30*day)
			s.expectCalls("load", "update")
			b.get("/remember").expectNoCookie(t)
			s.expectCalls("load") // it has that age already
			s.pass(20 * day)
			s.expectCookieAge(b.get("/count"), 30*day)
			s.expectLife(b.token(), 30*day)
		}),
		aging("an age of its own wins over a longer configured one", hour, func(t *testing.T, s *site) {
			b := s.returning()
			s.expectCookieAge(b.get("/brief"), time.Minute)
			s.expectLife(b.token(), time.Minute)
		}),
		aging("an age taken back is the configured one again", hour, func(t *testing.T, s *site) {
			b := s.returning()
			b.get("/remember")
			s.expectCookieAge(b.get("/forget"), time.Hour)
			s.expectLife(b.token(), time.Hour)
		}),
		aging("an age alone does not make a new session worth storing", sessions{}, func(t *testing.T, s *site) {
			s.browser().get("/remember").expectNoCookie(t)
			s.expectCalls()
		}),
		aging("a regenerated session has the configured age", hour, func(t *testing.T, s *site) {
			s.on("/regenerate", func(_ Context, v *visit) error { v.Regenerate(); v.Data.Count = 7; return nil })
			b := s.returning()
			b.get("/remember")
			s.expectCookieAge(b.get("/regenerate"), time.Hour)
			s.expectLife(b.token(), time.Hour)
		}),
		aging("a cookie that ends with the browser does not make the record live on", browserSession, func(t *testing.T, s *site) {
			b := s.browser()
			s.expectCookieAge(b.get("/count"), 0)
			s.expectLife(b.token(), time.Hour)
		}),
		aging("a session with an age of its own outlives the browser", browserSession, func(t *testing.T, s *site) {
			b := s.returning()
			s.expectCookieAge(b.get("/remember"), 30*day)
			s.expectLife(b.token(), 30*day)
		}),
	})
}

// TestRolling is about sessions that are extended by use.
func TestRolling(t *testing.T, e env) {
	always := sessions{MaxAge: time.Hour, Rolling: true, TouchAfter: -1}
	each(t, e, []test{
		aging("use extends an unchanged session, and its cookie goes out again", always, func(t *testing.T, s *site) {
			b := s.returning()
			for range 5 {
				s.pass(50 * time.Minute)
				s.expectCookieAge(b.get("/read"), time.Hour)
				s.expectCalls("load", "touch")
			}
			s.expectStored(b.id(), Visits{Count: 1})
			s.expectLife(b.token(), time.Hour)
		}),
		aging("a new session that was given nothing is not stored", sessions{Rolling: true, TouchAfter: -1}, func(t *testing.T, s *site) {
			b := s.browser()
			b.get("/read").expectNoCookie(t)
			b.get("/unused").expectNoCookie(t)
			s.expectCalls()
		}),
		aging("a changed session is saved, not touched", sessions{Rolling: true, TouchAfter: -1}, func(t *testing.T, s *site) {
			b := s.returning()
			s.pass(time.Hour)
			s.expectCookieAge(b.get("/count"), day)
			s.expectCalls("load", "update")
		}),
		aging("it is extended no more often than every TouchAfter", sessions{
			MaxAge: time.Hour, Rolling: true, TouchAfter: 10 * time.Minute,
		}, func(t *testing.T, s *site) {
			b := s.returning()
			s.pass(10*time.Minute - s.backend.Precision())
			b.get("/read").expectNoCookie(t)
			s.expectCalls("load")
			s.pass(s.backend.Precision())
			s.expectCookieAge(b.get("/read"), time.Hour)
			s.expectCalls("load", "touch")
		}),
		aging("it is extended by its own age", always, func(t *testing.T, s *site) {
			b := s.returning()
			b.get("/remember")
			s.pass(29 * day)
			s.expectCookieAge(b.get("/read"), 30*day)
			s.expectLife(b.token(), 30*day)
		}),
		aging("with SaveNever it is not extended", always, func(t *testing.T, s *site) {
			s.on("/prevent", func(_ Context, v *visit) error { v.SetSave(session.SaveNever); return nil })
			b := s.returning()
			s.pass(time.Minute)
			b.get("/prevent").expectNoCookie(t)
			s.expectCalls("load")
		}),
		aging("a use that cannot be stored is no error", always, func(t *testing.T, s *site) {
			b := s.returning()
			s.pass(time.Minute)
			s.store.fail("touch", errBroken)
			r := b.get("/read")
			r.expect(t, http.StatusOK, "1")
			r.expectNoCookie(t)
			s.expectEvents(session.EventError, 1)
		}),
	})
}

func TestAgeOfManyDaysDoesNotEndAtOnce(t *testing.T, e env) {
	for _, age := range []time.Duration{24 * day, 25 * day, 30 * day, 50 * day, 400 * day} {
		e.inTime(t, func(t *testing.T) {
			s := e.open(t, config{Session: sessions{MaxAge: age}})
			b := s.browser()
			s.expectCookieAge(b.get("/count"), age)
			token := b.token()
			s.pass(age - s.backend.Precision())
			s.browserWith(token).get("/read").expect(t, http.StatusOK, "1")
			s.pass(s.backend.Precision())
			s.browserWith(token).get("/read").expect(t, http.StatusOK, "0")
		})
	}
}

// TestRecordEndsWithTheConfiguredAge: the store gets the age with every kind of
// cookie.
func TestRecordEndsWithTheConfiguredAge(t *testing.T, e env) {
	for _, browserSession := range []bool{false, true} {
		e.inTime(t, func(t *testing.T) {
			s := e.open(t, config{Session: sessions{MaxAge: 3 * time.Hour, Cookie: session.Cookie{BrowserSession: browserSession}}})
			b := s.returning()
			r, err := s.store.Store.Load(t.Context(), b.id())
			if err != nil {
				t.Fatalf("Load: %v", err)
			}
			if got := r.ExpiresAt.Sub(r.SeenAt); got != 3*time.Hour {
				t.Errorf("BrowserSession %t: the record ends %v after it was saved, expected 3h", browserSession, got)
			}
			s.pass(3 * time.Hour)
			if _, err := s.store.Store.Load(t.Context(), b.id()); !isNotFound(err) {
				t.Errorf("BrowserSession %t: Load after 3h: %v, expected ErrNotFound", browserSession, err)
			}
		})
	}
}
