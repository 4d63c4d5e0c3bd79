package echoadapter_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/session"
)

var rollingBehaviours = []behaviour{
	overTime("rolling: use extends an unchanged session, and its cookie goes out again", session.Config[visits]{
		MaxAge: time.Hour, Rolling: true, TouchAfter: -1,
	}, func(t *testing.T, s *site) {
		b := s.returning()
		for range 5 {
			s.pass(50 * time.Minute)
			s.expectCookieAge(b.get("/read"), time.Hour)
			s.expectCalls("load", "touch")
		}
		s.expectStored(b.id(), visits{Count: 1})
		s.expectLife(b.token(), time.Hour)
	}),
	overTime("rolling: a new session that nobody gave anything is not stored", session.Config[visits]{Rolling: true, TouchAfter: -1}, func(t *testing.T, s *site) {
		b := s.browser()
		b.get("/read").expectNoCookie(t)
		b.get("/unused").expectNoCookie(t)
		s.expectCalls()
	}),
	overTime("rolling: a changed session is saved, not touched", session.Config[visits]{Rolling: true, TouchAfter: -1}, func(t *testing.T, s *site) {
		b := s.returning()
		s.pass(time.Hour)
		s.expectCookieAge(b.get("/count"), day)
		s.expectCalls("load", "update")
	}),
	overTime("rolling: extends no more often than every TouchAfter", session.Config[visits]{
		MaxAge: time.Hour, Rolling: true, TouchAfter: 10 * time.Minute,
	}, func(t *testing.T, s *site) {
		b := s.returning()
		s.pass(10*time.Minute - precision())
		b.get("/read").expectNoCookie(t)
		s.expectCalls("load")
		s.pass(precision())
		s.expectCookieAge(b.get("/read"), time.Hour)
		s.expectCalls("load", "touch")
	}),
	overTime("rolling: extends a session by its own age", session.Config[visits]{MaxAge: time.Hour, Rolling: true, TouchAfter: -1}, func(t *testing.T, s *site) {
		b := s.returning()
		b.get("/remember")
		s.pass(29 * day)
		s.expectCookieAge(b.get("/read"), 30*day)
		s.expectLife(b.token(), 30*day)
	}),
	overTime("rolling: prevented is not extended", session.Config[visits]{MaxAge: time.Hour, Rolling: true, TouchAfter: -1}, func(t *testing.T, s *site) {
		s.on("/prevent", func(_ echo.Context, v *session.Session[visits]) error { v.SetSave(session.SaveNever); return nil })
		b := s.returning()
		s.pass(time.Minute)
		s.store.take()
		b.get("/prevent").expectNoCookie(t)
		s.expectCalls("load")
	}),
	overTime("rolling: a use that cannot be stored is no error", session.Config[visits]{MaxAge: time.Hour, Rolling: true, TouchAfter: -1}, func(t *testing.T, s *site) {
		b := s.returning()
		s.pass(time.Minute)
		s.store.fail("touch", errBroken)
		r := b.get("/read")
		r.expect(t, http.StatusOK, "1")
		r.expectNoCookie(t)
		s.expectEvents(session.EventError, 1)
	}),
}
