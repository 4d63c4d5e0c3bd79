package session_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// A token that is older than RenewAfter is replaced by the way, whatever the
// request does, and nothing else of the session changes.
func TestTimedRenewal(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		do    func(*visitSession)
		calls string
	}{
		"a read":    {looking, "load update"},
		"a change":  {counting, "load update"},
		"SaveNever": {func(s *visitSession) { s.SetSave(session.SaveNever) }, "load"},
		"Destroy":   {(*visitSession).Destroy, "load delete"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, byName, renewAfter(time.Hour))
				old := r.seed(visit{Name: "ada"})
				time.Sleep(time.Hour - time.Millisecond)
				wantAction(t, r.with(old, looking), session.ActionNone) // not yet
				time.Sleep(time.Millisecond)
				r.forget()
				q := r.request(old)
				tt.do(q.get())
				out := q.commit()
				q.end()
				r.store.wantCalls(t, tt.calls)
				if tt.calls != "load update" {
					return
				}
				wantAction(t, out, session.ActionSet)
				r.log.want(t, session.EventRenewed)
				if idOf(out.Token) != idOf(old) || secretOf(out.Token) == secretOf(old) || out.Cookie.Value != out.Token {
					t.Errorf("token %q, want the id %s with a new secret", out.Token, idOf(old))
				}
				info, err := r.m.Find(t.Context(), idOf(old))
				if err != nil || info.User != "ada" || !info.AuthenticatedAt.Equal(info.CreatedAt) {
					t.Errorf("Find gave %+v, %v, want the same user, signed in when it was created", info, err)
				}
				// The next one is due an hour later.
				r.forget()
				time.Sleep(time.Hour - time.Millisecond)
				if again := r.with(out.Token, looking); again.Token != "" && again.Token != out.Token {
					t.Errorf("token %q within the hour, want no other one", again.Token)
				}
				time.Sleep(time.Millisecond)
				r.next(out.Token, looking)
			})
		})
	}
}

// A request that was loaded but asked nothing renews, one that is not loaded
// does not.
func TestTimedRenewalWithoutAsking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, renewAfter(time.Hour))
		old := r.seed(visit{Name: "n"})
		time.Sleep(time.Hour)
		r.forget()
		wantAction(t, r.request(old).commit(), session.ActionNone)
		r.store.wantCalls(t, "")
		q := r.request(old)
		q.load()
		wantAction(t, q.commit(), session.ActionSet)
		r.store.wantCalls(t, "load update")
	})
}

// The old token works until RenewGrace after the first request that presented
// the new one, which costs one write.
func TestTimedRenewalIsConfirmed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, renewAfter(time.Hour), grace(time.Minute))
		old := r.seed(visit{Name: "n"})
		time.Sleep(time.Hour)
		token := r.next(old, looking)
		// Long after the grace: nobody has shown that the response arrived.
		time.Sleep(3 * time.Hour)
		r.wantOpens(old, idOf(old))
		r.forget()
		q := r.request(old)
		counting(q.get())
		wantAction(t, q.commit(), session.ActionNone) // saved, but neither renewed nor sent
		r.store.wantCalls(t, "load update")
		r.log.want(t, session.EventSaved)
		if s := q.get(); s.Token() != old {
			t.Errorf("Token is %q in a request of the old one, want that", s.Token())
		}
		r.forget()
		wantAction(t, r.with(old, looking), session.ActionNone)
		r.store.wantCalls(t, "load") // and not renewed again

		// The new one is presented, an hour after it was made.
		confirmed := r.with(token, looking)
		r.store.wantCalls(t, "load load update")
		token = confirmed.Token // it was due by itself by then
		time.Sleep(time.Minute - time.Millisecond)
		r.wantOpens(old, idOf(old))
		time.Sleep(time.Millisecond)
		r.wantUnknown(old)
		r.wantOpens(token, idOf(token))
	})
}

// The confirmation is one write, and not one for each request.
func TestTimedRenewalIsConfirmedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, do := range map[string]func(*visitSession){"read": looking, "change": counting} {
			r := newRig(t, renewAfter(time.Hour))
			old := r.seed(visit{Name: "n"})
			time.Sleep(time.Hour)
			token := r.next(old, looking)
			time.Sleep(time.Minute)
			r.forget()
			if out := r.with(token, do); out.Token != token {
				t.Errorf("%s: token %q with the confirmation, want the same %q: every save sends it", name, out.Token, token)
			}
			r.store.wantCalls(t, "load update")
			r.log.want(t, session.EventSaved)
			r.forget()
			wantAction(t, r.with(token, looking), session.ActionNone)
			r.store.wantCalls(t, "load")
			r.log.want(t)
			time.Sleep(30 * time.Second)
			r.wantUnknown(old)
		}
	})
}

// A forced renewal ends the mildness: a token that still worked does so no more.
func TestForcedRenewalSupersedesFormerTokens(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"new", "old"} {
		t.Run(fmt.Sprintf("by %v", by), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, byName, renewAfter(time.Hour))
				first := r.seed(visit{})
				time.Sleep(time.Hour)
				second := r.next(first, looking)
				from := second
				if by == "old" {
					from = first // its log-in counts, too
				}
				third := r.signIn(from, "ada")
				r.wantOpens(third, idOf(third))
				r.wantInert(first)
				r.wantInert(second)
				time.Sleep(30 * time.Second)
				r.wantUnknown(first)
				r.wantUnknown(second)
				r.wantOpens(third, idOf(third))
			})
		})
	}
}
