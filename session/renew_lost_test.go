package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// The response with the new token is lost. The client goes on with the old
// token.
func TestTimedRenewalResponseLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, old := dueRig(t, visit{Name: "n"}, rolling(24*time.Hour, time.Minute))
		r.next(old, looking) // the client never gets this token
		for i := range 40 {
			time.Sleep(time.Hour)
			wantAction(t, r.with(old, counting), session.ActionNone)
			if got := r.data(idOf(old)).Count; got != i+1 {
				t.Fatalf("%d requests with the old token counted to %d, want %d", i+1, got, i+1)
			}
		}
		if info, err := r.m.Find(t.Context(), idOf(old)); err != nil || !info.ExpiresAt.Equal(time.Now().Add(24*time.Hour)) {
			t.Errorf("Find: ends %v, %v, want a day after the last use", info.ExpiresAt, err)
		}
	})
}

// The store's answer to a timed renewal is lost. The client keeps the old
// token, whether or not the write was carried out.
func TestTimedRenewalAcknowledgementLost(t *testing.T) {
	t.Parallel()
	for name, applied := range map[string]bool{"carried out": true, "not carried out": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, old := dueRig(t, visit{Name: "n"})
				r.store.goDown(applied, session.ErrUnavailable)
				wantAction(t, r.with(old, looking), session.ActionNone) // and no error of the request
				r.log.want(t, session.EventError)
				r.store.answer(nil)
				r.wantOpens(old, idOf(old))
				out := r.with(old, counting)
				r.wantStored(idOf(old), visit{Name: "n", Count: 1})
				if applied {
					wantAction(t, out, session.ActionNone)
					return
				}
				wantAction(t, out, session.ActionSet)
				r.wantOpens(out.Token, idOf(old))
			})
		})
	}
}

// The store's answer to a log-in is lost, so Save fails. The commit tries
// again, and the client gets a token that works.
func TestForcedRenewalAcknowledgementLost(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	old := r.seed(visit{})
	q, s := r.begin(old)
	naming("ada")(s)
	q.saveUnheard(s)
	out := q.commit()
	wantAction(t, out, session.ActionSet)
	r.wantOpens(out.Token, idOf(old))
	r.wantInert(old)
	r.wantUser(idOf(old), "ada")
}

// A timed renewal that fails, or that finds the session gone, does not fail the
// request, which did not ask for it.
func TestTimedRenewalFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, tt := range map[string]struct {
			fault error
			kind  session.EventKind
		}{
			"broken": {errBroken, session.EventError},
			"down":   {session.ErrUnavailable, session.EventError},
			"gone":   {session.ErrNotFound, session.EventGone},
		} {
			r, old := dueRig(t, visit{Name: "n"})
			r.store.failWith(opUpdate, tt.fault)
			q := r.requestWith(func(q *fakeRequest) {
				q.failed = func(op session.Op, err error) error {
					t.Errorf("%s: Failed was called with %q and %v, want no call", name, op, err)
					return err
				}
			}, sid(old))
			q.get()
			wantAction(t, q.commit(), session.ActionNone)
			q.end()
			r.log.want(t, tt.kind)
			r.store.answer(nil)
			r.next(old, looking)
		}
	})
}

// The store's answer to a timed renewal is lost, and then the request renews
// the token itself. The token from before grants nothing, as after any forced
// renewal.
func TestRenewForGoodAfterALostRenewal(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*visitSession){"Renew": (*visitSession).Renew, "a log-in": naming("ada")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, old := dueRig(t, visit{}, byName)
				q, s := r.begin(old)
				s.Data.Count = 1
				q.saveUnheard(s)
				do(s)
				out := q.commit()
				q.end()
				wantAction(t, out, session.ActionSet)
				r.wantOpens(out.Token, idOf(old))
				r.wantInert(old)
				time.Sleep(10 * time.Hour)
				r.wantUnknown(old)
				r.wantOpens(out.Token, idOf(old))
				r.wantStored(idOf(old), visit{Name: s.Data.Name, Count: 1})
			})
		})
	}
}

// The store's answer to a timed renewal is lost. A later save, after the
// response began, does not confirm that renewal.
func TestTimedRenewalLostThenALateSave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, old := dueRig(t, visit{Name: "n"})
		q, s := r.begin(old)
		r.store.goDown(true, session.ErrUnavailable)
		q.commit()
		r.store.answer(nil)
		s.Data.Count++
		wantNoErr(t, s.Save(t.Context()))
		q.end()
		time.Sleep(time.Minute)
		r.wantOpens(old, idOf(old))
	})
}

// The store's answer to a log-in or a Renew is lost, and Reload finds it in the
// record. The response sends the token of that record.
func TestReloadAfterALostReply(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*visitSession){
		"log-in": naming("ada"),
		"Renew":  func(s *visitSession) { s.Data.Name = "ada"; s.Renew() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, byName)
				old := r.seed(visit{})
				q, s := r.begin(old)
				change(s)
				q.saveUnheard(s)
				wantNoErr(t, s.Reload(t.Context()))
				r.wantData(s, visit{Name: "ada"})
				out := q.commit()
				wantAction(t, out, session.ActionSet)
				if out.Token == old || out.Token != s.Token() {
					t.Errorf("the response has the token %q, want the new one, %q", out.Token, s.Token())
				}
				r.store.wantCalls(t, "load update load load")
				r.wantOpens(out.Token, idOf(old))
			})
		})
	}
}

// The store's answer to a log-in is lost, and the request takes the log-in
// back. The absolute time-out does not move.
func TestLogInThatWasTakenBackMovesNoTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName, absolute(10*time.Hour))
		old := r.seed(visit{Count: 1})
		time.Sleep(9 * time.Hour)
		q, s := r.begin(old)
		s.Data.Name = "ada"
		q.saveUnheard(s)
		s.Data.Name = ""
		q.save(s)
		if left := time.Until(s.ExpiresAt()); !s.AuthenticatedAt().IsZero() || left > time.Hour || left < time.Hour-time.Second {
			t.Errorf("authenticated at %v, ends in %v, want never and in 1h", s.AuthenticatedAt(), left)
		}
	})
}
