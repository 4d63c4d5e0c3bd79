package session_test

import (
	"testing"

	"github.com/echosession/echosession/session"
)

// The error page that an error handler writes when the commit failed is the
// response: the token of a Save that went well before goes out with it, for the
// client has no other that still opens the session.
func TestAnswerOfAFailedCommitHasTheSavedToken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Count: 1})
	var written []session.Outcome
	q := r.requestWith(func(q *fakeRequest) {
		q.failed = func(session.Op, error) error {
			written = append(written, q.commit()) // as what writes a response does
			return nil
		}
	}, sid(token))
	s := q.get()
	s.Renew()
	q.save(s)
	s.Data.Count = 2
	r.store.failWith(opUpdate, errBroken)
	q.end()
	r.store.answer(nil)
	if len(written) != 1 {
		t.Fatalf("the error handler was asked %d times, want once", len(written))
	}
	wantAction(t, written[0], session.ActionSet)
	if written[0].Cookie == nil {
		t.Error("no cookie for the response of the error handler, want that of the Save")
	}
	r.wantOpens(written[0].Token, s.ID())
	r.wantInert(token)
}

// Where nothing was saved before, it says nothing, and the client keeps what it
// has.
func TestAnswerOfAFailedCommitWithoutASave(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Count: 1})
	asked := 0
	q := r.requestWith(func(q *fakeRequest) {
		q.failed = func(session.Op, error) error {
			asked++
			wantAction(t, q.commit(), session.ActionNone)
			return nil
		}
	}, sid(token))
	s := q.get()
	s.Renew()
	s.Data.Count = 2
	r.store.failWith(opUpdate, errBroken)
	q.end()
	r.store.answer(nil)
	if asked != 1 {
		t.Errorf("the error handler was asked %d times, want once", asked)
	}
	r.wantOpens(token, s.ID())
}

// A Destroy by another goroutine, while the commit is in the store, comes before
// the header: the response takes the cookie away instead of setting it.
func TestDestroyDuringTheCommit(t *testing.T) {
	t.Parallel()
	for name, stored := range map[string]bool{"a stored session": true, "a new one": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			q, s := r.beginStored(stored, visit{Count: 1})
			s.Data.Count++
			r.store.answer(func(op string, _ session.Record, do func() error) error {
				if op == opUpdate || op == opCreate {
					s.Destroy()
				}
				return do()
			})
			wantAction(t, q.commit(), session.ActionClear)
			q.end()
			r.wantRecords(0)
		})
	}
}
