package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// Only a log-in moves the absolute end.
func TestAbsoluteTimeout(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		do    func(*visitSession)
		moves bool
	}{
		"use":                 {looking, false},
		"a change":            {counting, false},
		"SaveAlways":          {alwaysSave, false},
		"Renew":               {(*visitSession).Renew, false},
		"SetMaxAge":           {func(s *visitSession) { s.SetMaxAge(maxDays); s.Data.Count++ }, false},
		"signing out":         {naming(""), false},
		"signing in as other": {naming("bob"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, byName, rolling(time.Hour, -1), absolute(3*time.Hour))
				token := r.seed(visit{Name: "ada"})
				end := time.Now().Add(3 * time.Hour)
				for i := range 3 {
					time.Sleep(50 * time.Minute)
					out := r.with(token, tt.do)
					wantAction(t, out, session.ActionSet)
					token = out.Token
					if tt.moves && i == 0 {
						end = time.Now().Add(3 * time.Hour)
					}
					age := min(time.Until(end), time.Hour)
					if name == "SetMaxAge" {
						age = time.Until(end)
					}
					if got := time.Duration(out.Cookie.MaxAge) * time.Second; got != age {
						t.Errorf("Max-Age %v, want %v", got, age)
					}
					s := r.request(token).get()
					if rec := r.record(idOf(token)); !rec.ExpiresAt.Equal(time.Now().Add(age)) || !s.ExpiresAt().Equal(rec.ExpiresAt) {
						t.Errorf("ends %v, by the session %v, want in %v", rec.ExpiresAt, s.ExpiresAt(), age)
					}
				}
				for time.Until(end) > 50*time.Minute {
					time.Sleep(30 * time.Minute)
					wantAction(t, r.with(token, looking), session.ActionSet)
				}
				time.Sleep(time.Until(end) - time.Millisecond)
				r.wantOpens(token, idOf(token))
				time.Sleep(time.Millisecond)
				r.wantUnknown(token)
			})
		})
	}
}

// What was signed out keeps the end that it had, and a new log-in has its own.
func TestAbsoluteTimeoutAfterSigningOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName, rolling(24*time.Hour, -1), absolute(3*time.Hour))
		token := r.seed(visit{})
		time.Sleep(time.Hour)
		token = r.signIn(token, "ada")
		end := time.Now().Add(3 * time.Hour)
		time.Sleep(time.Hour)
		token = r.signIn(token, "")
		time.Sleep(time.Hour)
		if s := r.request(token).get(); !s.ExpiresAt().Equal(end) || !s.AuthenticatedAt().IsZero() {
			t.Errorf("ends %v, authenticated %v, want the end of the last log-in, %v, and nobody", s.ExpiresAt(), s.AuthenticatedAt(), end)
		}
		token = r.signIn(token, "ada")
		if s := r.request(token).get(); !s.ExpiresAt().Equal(time.Now().Add(3 * time.Hour)) {
			t.Errorf("ends %v, want 3h from now: she signed in again", s.ExpiresAt())
		}
	})
}

// A session that is not stored yet tells the end that a save would give it.
func TestAbsoluteTimeoutOfANewSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName, absolute(time.Hour))
		q, s := r.begin()
		if !s.ExpiresAt().Equal(time.Now().Add(time.Hour)) {
			t.Errorf("ends %v, want in an hour", s.ExpiresAt())
		}
		s.SetMaxAge(time.Minute)
		if !s.ExpiresAt().Equal(time.Now().Add(time.Minute)) {
			t.Errorf("ends %v, want in a minute: the shorter counts", s.ExpiresAt())
		}
		s.SetMaxAge(0)
		time.Sleep(30 * time.Minute)
		counting(s)
		out := q.commit()
		if out.Cookie.MaxAge != 30*60 || !s.ExpiresAt().Equal(time.Now().Add(30*time.Minute)) {
			t.Errorf("Max-Age %d until %v, want half an hour: it was made half an hour ago", out.Cookie.MaxAge, s.ExpiresAt())
		}
	})
}

// Manager.Update is no use: it moves nothing.
func TestManagerUpdateMovesNoEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName, rolling(time.Hour, -1), absolute(3*time.Hour), renewAfter(time.Minute))
		token := r.seed(visit{Name: "ada"})
		before := r.record(idOf(token))
		time.Sleep(30 * time.Minute)
		wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
		after := r.record(idOf(token))
		if !after.SeenAt.Equal(before.SeenAt) || !after.ExpiresAt.Equal(before.ExpiresAt) || after.Version != before.Version+1 {
			t.Errorf("record %+v, want the times of %+v", after, before)
		}
	})
}
