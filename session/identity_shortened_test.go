package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// A time-out that the configuration shortens holds for the sessions that are
// there, at their next load.
func TestShortenedTimeouts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before, after func(*visitConfig)
		do            func(*visitSession) // made of the session while the old setting holds
		end           time.Duration
	}{
		"MaxAge":                         {rolling(24*time.Hour, -1), rolling(2*time.Hour, -1), looking, 2 * time.Hour},
		"AbsoluteTimeout":                {absolute(20 * time.Hour), absolute(2 * time.Hour), counting, 2 * time.Hour},
		"AbsoluteTimeout, set":           {absolute(0), absolute(2 * time.Hour), counting, 2 * time.Hour},
		"AbsoluteTimeout after a log-in": {absolute(0), absolute(2 * time.Hour), naming("bob"), 2 * time.Hour},
		"but not an age of its own": {rolling(24*time.Hour, -1), rolling(2*time.Hour, -1),
			func(s *visitSession) { s.SetMaxAge(5 * time.Hour) }, 5 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				long := newRig(t, byName, tt.before)
				token := long.seed(visit{Name: "ada"})
				if out := long.with(token, tt.do); out.Token != "" {
					token = out.Token
				}
				r := long.another(byName, tt.after)
				time.Sleep(tt.end - time.Millisecond)
				info, err := r.m.Find(t.Context(), idOf(token))
				if end := time.Now().Add(time.Millisecond); err != nil || !info.ExpiresAt.Equal(end) {
					t.Errorf("Find gave the end %v, %v, want %v", info.ExpiresAt, err, end)
				}
				if n := len(r.sessionsOf(info.User)); n != 1 {
					t.Errorf("%d sessions in the list, want 1", n)
				}
				if s, err := r.m.Open(t.Context(), token); err != nil || !s.ExpiresAt().Equal(info.ExpiresAt) {
					t.Errorf("Open gave %v, %v, want the session with that end", s, err)
				}
				time.Sleep(time.Millisecond)
				r.forget()
				r.wantUnknown(token)
				if n := len(r.log.all(session.EventExpired)); n == 0 && name != "but not an age of its own" {
					t.Errorf("no event %q, want one: the store has it as live", session.EventExpired)
				}
				_, err = r.m.Find(t.Context(), idOf(token))
				wantErr(t, err, session.ErrNotFound)
				wantErr(t, r.m.Update(t.Context(), idOf(token), count), session.ErrNotFound)
				wantErr(t, r.m.DeleteOf(t.Context(), "ada", idOf(token)), session.ErrNotFound)
				if n := len(r.sessionsOf(info.User)); n != 0 {
					t.Errorf("%d sessions in the list, want none", n)
				}
			})
		})
	}
}

// A longer one revives nothing: what the store was told holds.
func TestLengthenedTimeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		short := newRig(t, rolling(time.Hour, -1), absolute(2*time.Hour))
		token := short.seed(visit{Name: "n"})
		r := short.another(rolling(24*time.Hour, -1))
		time.Sleep(time.Hour)
		r.wantUnknown(token)
		// But it holds from the next use on.
		token = short.seed(visit{Name: "n"})
		time.Sleep(30 * time.Minute)
		if out := r.with(token, looking); out.Cookie == nil || out.Cookie.MaxAge != 24*60*60 {
			t.Errorf("outcome %+v, want a day", out)
		}
	})
}

// A request that began before the end and saves after it brings nothing back.
func TestSaveAfterTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName, rolling(time.Hour, -1), absolute(90*time.Minute))
		for name, do := range map[string]func(*visitSession){"a change": counting, "a touch": looking, "Renew": (*visitSession).Renew} {
			token := r.seed(visit{Name: "ada"})
			q, s := r.begin(token)
			time.Sleep(2 * time.Hour)
			do(s)
			r.forget()
			t.Log(name)
			wantAction(t, q.commit(), session.ActionNone)
			r.wantUnknown(token)
		}
	})
}
