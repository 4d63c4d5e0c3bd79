package session_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

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
				t.Errorf("token %q, Max-Age %d, want the same token for an hour", out.Token, out.Cookie.MaxAge)
			}
			r.store.wantCalls(t, "load touch")
			r.log.want(t, session.EventTouched)
			rec := r.record(idOf(token))
			if now := time.Now(); !rec.SeenAt.Equal(now) || !rec.ExpiresAt.Equal(now.Add(time.Hour)) || !s.ExpiresAt().Equal(rec.ExpiresAt) {
				t.Errorf("seen %v, ends %v, by the session %v, want now (%v) and an hour later", rec.SeenAt, rec.ExpiresAt, s.ExpiresAt(), now)
			}
			if rec.Version != before.Version || !rec.CreatedAt.Equal(before.CreatedAt) {
				t.Errorf("version %d, created %v, want %d and %v: a touch is no change", rec.Version, rec.CreatedAt, before.Version, before.CreatedAt)
			}
		}
	})
}

// At every request, but not twice in one millisecond, as that moves nothing.
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

// Use counts whether or not the handler asked, if the adapter loaded; a
// deferred session that nobody asked for is not extended.
func TestRollingOfWhatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rolling(time.Hour, time.Minute))
		token := r.seed(visit{Name: "n"})
		time.Sleep(time.Minute)
		wantAction(t, r.request(token).commit(), session.ActionNone)
		r.store.wantCalls(t, "")
		q := r.request(token)
		wantAction(t, q.loadAndCommit(), session.ActionSet)
		r.store.wantCalls(t, "load touch")
		time.Sleep(time.Minute - time.Millisecond)
		wantAction(t, r.request(token).loadAndCommit(), session.ActionNone)
	})
}

// A save extends as well, and needs no touch.
func TestRollingAndASave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rolling(time.Hour, time.Minute))
		token := r.seed(visit{Name: "n"})
		time.Sleep(2 * time.Minute)
		r.forget()
		q := r.request(token)
		q.get().Data.Count++
		q.commit()
		r.store.wantCalls(t, "load update")
		if rec := r.record(idOf(token)); !rec.ExpiresAt.Equal(time.Now().Add(time.Hour)) {
			t.Errorf("ends %v, want in an hour", rec.ExpiresAt)
		}
	})
}

// A session's own age is what a touch extends by.
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
			t.Errorf("cookie %v, want Max-Age 36000", k)
		}
		if rec := r.record(idOf(token)); !rec.ExpiresAt.Equal(time.Now().Add(10 * time.Hour)) {
			t.Errorf("ends %v, want in ten hours", rec.ExpiresAt)
		}
	})
}

// Where a session's own age is shorter than TouchAfter, use extends it all the
// same.
func TestRollingWithAShortAgeOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, touch := range []time.Duration{0, 2 * time.Hour} {
		t.Run(fmt.Sprintf("touch %v", touch), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, rolling(24*time.Hour, touch))
				q, s := r.begin()
				s.Data.Count = 1
				s.SetMaxAge(30 * time.Minute)
				token := q.commit().Token
				for i := range 6 {
					time.Sleep(20 * time.Minute)
					if q := r.request(token); q.get().IsNew() {
						t.Fatalf("TouchAfter %v: over after %d minutes, although it was used every 20 and has an age of 30", touch, 20*(i+1))
					} else {
						q.commit()
					}
				}
			})
		})
	}
}

// The request did not depend on the touch: it goes on, without a cookie.
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
			t.Errorf("an error of %q, want %q", e.ID, idOf(token))
		}
	})
}

func TestRollingTouchMeetsAnotherRequest(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		meanwhile func(*rig, string) // between the load and the touch
		action    session.Action
		events    []session.EventKind
		calls     string
	}{
		"a change": {
			func(r *rig, token string) { r.overwrite(idOf(token), func(*session.Record) {}) },
			session.ActionSet, []session.EventKind{session.EventTouched}, "touch load touch",
		},
		"a save": { // which extends it
			func(r *rig, token string) { r.foreign(token, counting) },
			session.ActionSet, nil, "touch load",
		},
		"a log-out": {
			func(r *rig, token string) { _ = r.store.Store.Delete(r.Context(), idOf(token), 0) },
			session.ActionNone, []session.EventKind{session.EventGone}, "touch",
		},
		"a renewal": {
			func(r *rig, token string) { r.foreign(token, (*visitSession).Renew) },
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
					t.Errorf("outcome %+v, want the same token for an hour", out)
				}
			})
		})
	}
}
