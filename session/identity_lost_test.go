package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// The response with the new token is lost: the client goes on with the old one.
func TestTimedRenewalResponseLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, renewAfter(time.Hour), rolling(24*time.Hour, time.Minute))
		old := r.seed(visit{Name: "n"})
		time.Sleep(time.Hour)
		r.next(old, looking) // nobody ever sees this token
		for i := range 40 {
			time.Sleep(time.Hour)
			wantAction(t, r.with(old, counting), session.ActionNone)
			if got := r.data(idOf(old)).Count; got != i+1 {
				t.Fatalf("count %d after %d hours, want %d: the old token is the only one that the client has", got, i+2, i+1)
			}
		}
		if info, err := r.m.Find(t.Context(), idOf(old)); err != nil || !info.ExpiresAt.Equal(time.Now().Add(24*time.Hour)) {
			t.Errorf("ends %v, %v, want a day after its last use", info.ExpiresAt, err)
		}
	})
}

// The acknowledgement of the store is lost: the client keeps the old token,
// whether the write landed or not.
func TestTimedRenewalAcknowledgementLost(t *testing.T) {
	t.Parallel()
	for name, landed := range map[string]bool{"landed": true, "not landed": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, renewAfter(time.Hour))
				old := r.seed(visit{Name: "n"})
				time.Sleep(time.Hour)
				r.store.goDown(landed)
				r.forget()
				wantAction(t, r.with(old, looking), session.ActionNone) // it is no error of the request
				r.log.want(t, session.EventError)
				r.store.answer(nil)
				r.wantOpens(old, idOf(old))
				out := r.with(old, counting)
				if got := r.data(idOf(old)).Count; got != 1 {
					t.Errorf("count %d, want 1", got)
				}
				if landed {
					wantAction(t, out, session.ActionNone)
					return
				}
				wantAction(t, out, session.ActionSet)
				r.wantOpens(out.Token, idOf(old))
			})
		})
	}
}

// A log-in whose acknowledgement is lost: it was told to have failed, and the
// next one gets through with the same token for the client.
func TestForcedRenewalAcknowledgementLost(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	old := r.seed(visit{})
	q, s := r.begin(old)
	naming("ada")(s)
	r.store.goDown(true)
	wantErr(t, s.Save(t.Context()), session.ErrUnavailable)
	r.store.answer(nil)
	out := q.commit() // tries again
	wantAction(t, out, session.ActionSet)
	r.wantOpens(out.Token, idOf(old))
	r.wantInert(old)
	if rec := r.record(idOf(old)); rec.User != "ada" {
		t.Errorf("user %q, want ada", rec.User)
	}
}

// A refresh that fails, or meets a session that is gone, is not the request's
// failure: it did not ask for it.
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
			r := newRig(t, renewAfter(time.Hour))
			old := r.seed(visit{Name: "n"})
			time.Sleep(time.Hour)
			r.forget()
			r.store.failWith(opUpdate, tt.fault)
			q := r.requestWith(func(q *fakeRequest) {
				q.failed = func(op session.Op, err error) error {
					t.Errorf("%s: Failed was asked: %s: %v", name, op, err)
					return err
				}
			}, sid(old))
			q.get()
			wantAction(t, q.commit(), session.ActionNone)
			q.end()
			r.log.want(t, tt.kind)
			r.store.answer(nil)
			r.next(old, looking) // later
		}
	})
}

// Many renewals whose responses were lost, each after a new token was used:
// the record does not grow without bound.
func TestTimedRenewalsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, renewAfter(time.Second), grace(time.Hour))
		tokens := []string{r.seed(visit{Name: "n"})}
		for range 8 {
			time.Sleep(time.Second)
			tokens = append(tokens, r.next(tokens[len(tokens)-1], looking))
		}
		for i, token := range tokens {
			if i < 4 {
				r.wantUnknown(token)
			} else {
				r.wantOpens(token, idOf(token)) // the present one, and four before
			}
		}
	})
}
