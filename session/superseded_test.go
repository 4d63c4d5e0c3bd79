package session_test

import (
	"testing"

	"github.com/echosession/echosession/session"
)

// Another request gave the session a new token meanwhile: it is not this one's
// any more, neither to be replaced nor to be destroyed.
func TestRegenerateOfWhatIsGone(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*visitSession){
		"Regenerate":            (*visitSession).Regenerate,
		"Regenerate, kept data": func(s *visitSession) { s.Regenerate(); s.Data.Count = 1 },
		"Destroy":               (*visitSession).Destroy,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			q, s := r.begin(token)
			var theirs string
			r.foreign(token, func(s *visitSession) { s.Renew(); theirs = s.Token() })
			do(s)
			r.forget()
			wantAction(t, q.commit(), session.ActionNone)
			q.end()
			if got := r.request(theirs).get(); got.IsNew() || r.len() != 1 {
				t.Errorf("%d records, the other's token opens a new session: %v, want only theirs, untouched", r.len(), got.IsNew())
			}
			if len(r.log.all(session.EventGone)) != 1 || len(r.log.all(session.EventError)) != 0 {
				t.Error("want the event gone, and no error")
			}
		})
	}
}

// Another request logged out meanwhile: that is what this one wanted.
func TestDestroyOfWhatIsDestroyed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	r.foreign(token, (*visitSession).Destroy)
	s.Destroy()
	r.forget()
	if out := q.commit(); out.Token != "" || r.len() != 0 {
		t.Errorf("outcome %+v and %d records, want no token and none", out, r.len())
	}
	r.log.wantNone(t, session.EventError)
}

// Nor is it where it is another user's by now.
func TestDestroyOfAnotherUsers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	r.overwrite(idOf(token), func(rec *session.Record) { rec.User = "u" })
	s.Destroy()
	wantAction(t, q.commit(), session.ActionNone)
	if !r.exists(idOf(token)) || len(r.log.all(session.EventGone)) != 1 {
		t.Errorf("the record exists: %v, want it to stay, and the event gone", r.exists(idOf(token)))
	}
}

// A log-out meanwhile holds: what Regenerate would put in its place is dropped.
func TestRegenerateOfWhatIsDestroyed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	r.foreign(token, (*visitSession).Destroy)
	s.Regenerate()
	s.Data.Count = 1
	wantAction(t, q.commit(), session.ActionNone)
	if r.len() != 0 || len(r.log.all(session.EventGone)) != 1 {
		t.Errorf("%d records, want none, and the event gone", r.len())
	}
}
