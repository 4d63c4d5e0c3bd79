package session_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// The session that a log-in replaces reaches its end meanwhile, as while a
// password is checked. That is no log-out: the new one begins.
func TestRegenerateOfWhatExpires(t *testing.T) {
	t.Parallel()
	for _, before := range []string{"", "eve"} {
		t.Run(fmt.Sprintf("before %v", before), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, byName)
				token := r.seed(visit{Name: before, Count: 1})
				time.Sleep(24*time.Hour - 100*time.Millisecond)
				q, s := r.begin(token)
				time.Sleep(300 * time.Millisecond)
				s.Regenerate()
				s.Data.Name = "ada"
				out := q.commit()
				q.end()
				wantAction(t, out, session.ActionSet)
				r.wantOpens(out.Token, s.ID())
				if got := r.record(s.ID()).User; got != "ada" {
					t.Errorf("after %q the session is of %q, want ada", before, got)
				}
				r.log.wantNone(t, session.EventGone)
			})
		})
	}
}

// Two log-ins meet over a session of nobody, as by a double click: the one that
// comes second did not meet a log-out, and its answer is what a browser keeps.
func TestTwoLogInsOverOneSession(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	token := r.seed(visit{Count: 1})
	first, second := r.request(token), r.request(token)
	for _, q := range []*fakeRequest{first, second} {
		s := q.get()
		s.Regenerate()
		s.Data.Name = "ada"
	}
	for _, q := range []*fakeRequest{first, second} {
		out := q.commit()
		q.end()
		wantAction(t, out, session.ActionSet)
		r.wantOpens(out.Token, q.get().ID())
	}
	if r.exists(idOf(token)) {
		t.Error("the session of nobody is still there, want it to be over")
	}
}

// Where somebody was logged in the log-out counts, and the second log-in does not
// undo it.
func TestTwoLogInsOverTheSessionOfAUser(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	token := r.seed(visit{Name: "eve"})
	q, s := r.begin(token)
	r.with(token, (*visitSession).Destroy)
	s.Regenerate()
	s.Data.Name = "ada"
	wantAction(t, q.commit(), session.ActionNone)
	if r.len() != 0 || len(r.log.all(session.EventGone)) != 1 {
		t.Errorf("%d records and %d events gone, want none and one", r.len(), len(r.log.all(session.EventGone)))
	}
}
