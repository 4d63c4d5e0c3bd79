package session_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// A client that has the former token as well as the current one, as in cookies
// of two paths, has presented the current one, whichever it sends first: the
// former one ends, and the token is renewed in time.
func TestFormerTokenBesideTheCurrentOne(t *testing.T) {
	t.Parallel()
	for name, formerFirst := range map[string]bool{"former first": true, "current first": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, old := dueRig(t, visit{Name: "n"})
				token := r.next(old, looking)
				r.forget()
				tokens := func() []string {
					if formerFirst {
						return []string{old, token}
					}
					return []string{token, old}
				}
				q, s := r.begin(tokens()...)
				if s.Token() != token {
					t.Error("Token is not the current one")
				}
				s.Data.Count++
				out := q.commit()
				wantAction(t, out, session.ActionSet)
				if out.Token != token {
					t.Error("the response sends another token than the current one")
				}
				q.end()
				time.Sleep(time.Minute)
				r.wantUnknown(old)

				time.Sleep(time.Hour)
				q = r.request(tokens()...)
				q.get()
				out = q.commit()
				wantAction(t, out, session.ActionSet)
				if out.Token == token {
					t.Error("the token is the same after an hour, want a new one")
				}
				r.wantOpens(out.Token, idOf(old))
				r.log.wantNone(t, session.EventDuplicate)
			})
		})
	}
}

// Only the current secret takes the place of a former one: not a wrong one, and
// not one that is older still.
func TestFormerTokenBesideOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, renewAfter(time.Minute), grace(time.Hour))
		oldest := r.seed(visit{Name: "n"})
		time.Sleep(time.Minute)
		old := r.next(oldest, looking)
		time.Sleep(time.Minute)
		current := r.next(old, looking)
		for name, other := range map[string]string{
			"a wrong secret": idOf(old) + "." + secret22,
			"an older one":   oldest,
		} {
			q, s := r.begin(old, other)
			if s.IsNew() || s.Token() != old {
				t.Errorf("beside %s: new %v, want the session that the former token opens, and that as its token", name, s.IsNew())
			}
			s.Data.Count++
			wantAction(t, q.commit(), session.ActionNone)
			q.end()
			r.wantOpens(old, idOf(old))
			r.wantOpens(current, idOf(old))
		}
		if got := r.data(idOf(old)).Count; got != 2 {
			t.Errorf("count %d, want 2", got)
		}
	})
}

// The current one stays what it is beside a wrong one.
func TestCurrentTokenBesideAWrongOne(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token, idOf(token)+"."+secret22)
	s.Data.Count++
	out := q.commit()
	wantAction(t, out, session.ActionSet)
	if out.Token != token || s.Token() != token {
		t.Error("the response sends another token, want the one that was presented first")
	}
	r.wantOpens(token, idOf(token))
}

// The event of a token that opens nothing tells a log-in that passed the client
// by from a guess.
func TestRejectedTokensDiffer(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	old := r.seed(visit{})
	r.signIn(old, "ada")
	for token, want := range map[string]string{
		old:                          "superseded token",
		idOf(old) + "." + secret22:   "wrong secret",
		"unknown." + secret22:        session.ErrNotFound.Error(),
		"not a token of any session": "malformed token",
	} {
		r.forget()
		r.request(token).get()
		events := r.log.all(session.EventRejected)
		if len(events) != 1 {
			t.Fatalf("%s: %d events rejected, want one", want, len(events))
		}
		if err := events[0].Err; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the event says %v, want %q", err, want)
		}
	}
}
