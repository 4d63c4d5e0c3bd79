package session_test

import (
	"testing"

	"github.com/echosession/echosession/session"
)

// A new record that could not be taken back, and of which no client has the
// token, is no reason to give up the one that came after it.
func TestOrphanDoesNotEndItsSuccessor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old := r.seed(visit{Name: "n"})
	q, s := r.begin(old)
	s.Regenerate()
	s.Data.Name = "new"
	orphan, deletes := s.ID(), 0
	r.store.answer(func(op string, rec session.Record, do func() error) error {
		if op == opDelete {
			if deletes++; deletes <= 2 || rec.ID == orphan {
				return errBroken
			}
		}
		return do()
	})
	wantErr(t, s.Save(t.Context()), errBroken)
	wantNoErr(t, s.Save(t.Context()))
	if r.exists(idOf(old)) {
		t.Error("the old record is there, want it deleted")
	}
	if id := s.ID(); id == orphan || !r.exists(id) {
		t.Errorf("the session is %q, stored %v; want another one than %q, stored", id, r.exists(id), orphan)
	}
	wantAction(t, q.commit(), session.ActionSet)
}
