package session_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// Without Rolling, use does not extend a session.
func TestNotRollingByDefault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		token := r.seed(visit{Name: "n"})
		time.Sleep(23 * time.Hour)
		wantAction(t, r.handle(token, looking), session.ActionNone)
		r.store.wantCalls(t, "load")
	})
}

// With Rolling, use extends a session at most once in TouchAfter. That is a
// touch, which changes only the times.
func TestRollingExtends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rolling(time.Hour, time.Minute))
		token := r.seed(visit{Name: "n"})
		before := r.record(idOf(token))
		for _, step := range []struct {
			after time.Duration
			due   bool
		}{
			{0, false},
			{time.Minute - time.Millisecond, false},
			{time.Millisecond, true},
			{time.Minute - 1, false},
			{1, true},
			{59 * time.Minute, true},
		} {
			time.Sleep(step.after)
			r.forget()
			q, s := r.begin(token)
			out := q.commit()
			if !step.due {
				wantAction(t, out, session.ActionNone)
				r.store.wantCalls(t, "load")
				continue
			}
			wantAction(t, out, session.ActionSet)
			if out.Token != token || out.Cookie.MaxAge != 3600 {
				t.Errorf("the response has the token %q with Max-Age %d, want %q for an hour", out.Token, out.Cookie.MaxAge, token)
			}
			r.store.wantCalls(t, "load touch")
			r.log.want(t, session.EventTouched)
			rec := r.record(idOf(token))
			if now := time.Now(); !rec.SeenAt.Equal(now) || !rec.ExpiresAt.Equal(now.Add(time.Hour)) || !s.ExpiresAt().Equal(rec.ExpiresAt) {
				t.Errorf("seen at %v, ends at %v, by the session at %v, want %v and an hour later", rec.SeenAt, rec.ExpiresAt, s.ExpiresAt(), now)
			}
			if rec.Version != before.Version || !rec.CreatedAt.Equal(before.CreatedAt) {
				t.Errorf("the version is %d, created at %v, want %d and %v as before", rec.Version, rec.CreatedAt, before.Version, before.CreatedAt)
			}
		}
	})
}

// With a negative TouchAfter every request extends the session, except for a
// second one in the same millisecond, which would move nothing.
func TestRollingAlways(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rolling(time.Hour, -1))
		token := r.seed(visit{Name: "n"})
		for _, calls := range []string{"load", "load touch"} {
			r.forget()
			r.request(token).loadAndCommit()
			r.store.wantCalls(t, calls)
			time.Sleep(time.Millisecond)
		}
	})
}

// A session that the adapter loaded is extended even if the handler did not ask
// for it. One that was not loaded is not.
func TestRollingOfWhatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rolling(time.Hour, time.Minute))
		token := r.seed(visit{Name: "n"})
		time.Sleep(time.Minute)
		wantAction(t, r.request(token).commit(), session.ActionNone)
		r.store.wantCalls(t, "")
		wantAction(t, r.request(token).loadAndCommit(), session.ActionSet)
		r.store.wantCalls(t, "load touch")
		time.Sleep(time.Minute - time.Millisecond)
		wantAction(t, r.request(token).loadAndCommit(), session.ActionNone)
	})
}

// A save extends the session as well, without a touch.
func TestRollingAndASave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rolling(time.Hour, time.Minute))
		token := r.seed(visit{Name: "n"})
		time.Sleep(2 * time.Minute)
		r.handle(token, counting)
		r.store.wantCalls(t, "load update")
		r.wantEndsIn(idOf(token), time.Hour)
	})
}

// A session with an age of its own is extended by that age.
func TestRollingWithAnAgeOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rolling(time.Hour, time.Minute))
		q, s := r.begin()
		s.Data.Count = 1
		s.SetMaxAge(10 * time.Hour)
		token := q.commit().Token
		time.Sleep(5 * time.Hour)
		if k := r.request(token).loadAndCommit().Cookie; k == nil || k.MaxAge != 36000 {
			t.Errorf("the cookie is %v, want Max-Age 36000", k)
		}
		r.wantEndsIn(idOf(token), 10*time.Hour)
	})
}

// A session whose own age is shorter than TouchAfter is extended by use, too.
func TestRollingWithAShortAgeOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, touch := range []time.Duration{0, 2 * time.Hour} {
		t.Run(fmt.Sprintf("TouchAfter %v", touch), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, rolling(24*time.Hour, touch))
				q, s := r.begin()
				s.Data.Count = 1
				s.SetMaxAge(30 * time.Minute)
				token := q.commit().Token
				for i := range 6 {
					time.Sleep(20 * time.Minute)
					q, s := r.begin(token)
					if s.IsNew() {
						t.Fatalf("the session is over after %d minutes, want it to live while it is used every 20 minutes", 20*(i+1))
					}
					q.commit()
				}
			})
		})
	}
}

// A session with a shorter age of its own is extended after the same part of
// its age as the others. One with a longer age is extended as often as they
// are.
func TestTouchAfterOfAnOwnAge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name             string
		age, after, want time.Duration
	}{
		{"a sixth of the age, extended in a quarter of that", 4 * time.Hour, 6 * time.Hour, time.Hour},
		{"twice the age", 48 * time.Hour, 6 * time.Hour, 6 * time.Hour},
		{"the configured age", 24 * time.Hour, 6 * time.Hour, 6 * time.Hour},
		{"half of the age, extended in half of that", 12 * time.Hour, 12 * time.Hour, 6 * time.Hour},
		{"extended at every request", time.Hour, -1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, rolling(24*time.Hour, tt.after))
				token := r.seed(visit{Name: "n"})
				r.handle(token, func(s *visitSession) { s.SetMaxAge(tt.age); s.Data.Count++ })
				began := r.record(idOf(token)).SeenAt
				if tt.want > 0 {
					time.Sleep(tt.want - time.Millisecond)
					r.handle(token, looking)
					if seen := r.record(idOf(token)).SeenAt; !seen.Equal(began) {
						t.Errorf("extended after %v, want after %v", seen.Sub(began), tt.want)
					}
				}
				time.Sleep(time.Millisecond)
				r.handle(token, looking)
				if seen := r.record(idOf(token)).SeenAt; !seen.Equal(time.Now()) {
					t.Errorf("not extended after %v, want it to be", time.Since(began))
				}
			})
		})
	}
}

// A touch that fails does not fail the request, but no cookie is sent.
func TestRollingTouchFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rolling(time.Hour, time.Minute))
		token := r.seed(visit{Name: "n"})
		time.Sleep(time.Minute)
		r.store.failWith(opTouch, errBroken)
		wantAction(t, r.request(token).loadAndCommit(), session.ActionNone)
		r.log.want(t, session.EventError)
		if e := r.log.one(t, session.EventError); e.ID != idOf(token) {
			t.Errorf("the event is of %q, want %q", e.ID, idOf(token))
		}
	})
}

// Another request changes the session between the load and the touch.
func TestRollingTouchMeetsAnotherRequest(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		meanwhile func(r *rig, token string)
		action    session.Action
		events    []session.EventKind
		calls     string
	}{
		"a change": {
			func(r *rig, token string) { r.overwrite(idOf(token), func(*session.Record) {}) },
			session.ActionSet, []session.EventKind{session.EventTouched}, "touch load touch",
		},
		"a save": { // extends the session
			func(r *rig, token string) { r.otherRequest(token, counting) },
			session.ActionSet, nil, "touch load",
		},
		"a log-out": {
			func(r *rig, token string) { _ = r.store.Store.Delete(r.Context(), idOf(token), 0) },
			session.ActionNone, []session.EventKind{session.EventGone}, "touch",
		},
		"a renewal": {
			func(r *rig, token string) { r.otherRequest(token, (*visitSession).Renew) },
			session.ActionNone, []session.EventKind{session.EventGone}, "touch load",
		},
		"another user": {
			func(r *rig, token string) {
				r.overwrite(idOf(token), func(rec *session.Record) { rec.User = "other" })
			},
			session.ActionNone, []session.EventKind{session.EventGone}, "touch load",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, rolling(time.Hour, time.Minute))
				token := r.seed(visit{Name: "n"})
				time.Sleep(time.Minute)
				q := r.request(token)
				q.load()
				tt.meanwhile(r, token)
				r.forget()
				out := q.commit()
				wantAction(t, out, tt.action)
				r.store.wantCalls(t, tt.calls)
				r.log.want(t, tt.events...)
				if out.Action == session.ActionSet && (out.Token != token || out.Cookie.MaxAge != 3600) {
					t.Errorf("the outcome is %+v, want the token %q for an hour", out, token)
				}
			})
		})
	}
}

// A touch gets no answer, and a look finds that others wrote twice. The touch is
// made again, or the request finds out that its session is gone.
func TestFailedTouchThatOthersOvertook(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		second func(*visitSession)
		event  session.EventKind
		action session.Action
	}{
		"a change": {counting, session.EventTouched, session.ActionSet},
		"a Renew":  {(*visitSession).Renew, session.EventGone, session.ActionNone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, always)
				token := r.seed(visit{Name: "n"})
				q := r.request(token)
				q.load()
				time.Sleep(time.Minute)
				r.store.once(opTouch, func(func() error) error {
					r.otherRequest(token, counting)
					r.handle(token, tt.second)
					time.Sleep(time.Minute)
					r.log.reset()
					return errBroken
				})
				wantAction(t, q.commit(), tt.action)
				r.log.want(t, tt.event)
			})
		})
	}
}

// A touch meets the SetMaxAge of another request. The cookie is sent with that
// age.
func TestTouchAfterAForeignSetMaxAge(t *testing.T) {
	t.Parallel()
	for _, browser := range []bool{false, true} {
		t.Run(fmt.Sprintf("BrowserSession %v", browser), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, rolling(24*time.Hour, time.Minute), func(cfg *visitConfig) { cfg.Cookie.BrowserSession = browser })
				old := r.seed(visit{Name: "n"})
				time.Sleep(2 * time.Hour)
				q, _ := r.begin(old)
				r.handle(old, func(s *visitSession) { s.SetMaxAge(30 * 24 * time.Hour) })
				time.Sleep(2 * time.Hour)
				out := q.commit()
				wantAction(t, out, session.ActionSet)
				if want := 30 * 24 * 60 * 60; out.Cookie.MaxAge != want {
					t.Errorf("the cookie has Max-Age %d, want %d", out.Cookie.MaxAge, want)
				}
			})
		})
	}
}

// A request gives the session a longer age, and another request extends it by
// the old age between the look at the record and the write. The longer age
// holds.
func TestLongerAgeBesideATouch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rolling(24*time.Hour, -1))
		token := r.seed(visit{Count: 1})
		const month = 30 * 24 * time.Hour
		q, s := r.begin(token)
		s.SetMaxAge(month)
		var written time.Time
		r.store.answer(func(op string, rec session.Record, do func() error) error {
			if op != opUpdate || !written.IsZero() {
				return do()
			}
			written = rec.SeenAt
			time.Sleep(time.Second)
			rec.SeenAt = time.Now().UTC()
			rec.ExpiresAt = rec.SeenAt.Add(24 * time.Hour)
			wantNoErr(t, r.store.Store.Touch(t.Context(), rec))
			return do()
		})
		out := q.commit()
		r.store.answer(nil)
		wantAction(t, out, session.ActionSet)
		if want := int(month.Seconds()); out.Cookie.MaxAge < want-1 || out.Cookie.MaxAge > want {
			t.Errorf("the cookie has Max-Age %d, want %d", out.Cookie.MaxAge, want)
		}
		rec := r.record(s.ID())
		if !rec.SeenAt.Equal(written.Add(time.Second)) {
			t.Errorf("seen at %v, want %v as by the other request", rec.SeenAt, written.Add(time.Second))
		}
		if info, err := r.m.Find(t.Context(), s.ID()); err != nil || info.ExpiresAt.Before(written.Add(month)) {
			t.Errorf("Find: ends at %v, %v, want not before %v, when the cookie ends", info.ExpiresAt, err, written.Add(month))
		}
	})
}

// A session that already lasts until its absolute end is not touched again.
func TestAbsoluteTimeoutEndsTouching(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rolling(2*time.Hour, -1), absolute(3*time.Hour))
		token := r.seed(visit{Name: "n"})
		time.Sleep(time.Hour)
		wantAction(t, r.handle(token, looking), session.ActionSet) // extended to the absolute end
		time.Sleep(time.Hour)
		r.forget()
		wantAction(t, r.handle(token, looking), session.ActionNone)
		r.store.wantCalls(t, "load")
	})
}
