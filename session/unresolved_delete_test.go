package session_test

import (
	"errors"
	"testing"

	"github.com/echosession/echosession/session"
)

// Destroy also deletes a record whose write was not acknowledged.
func TestDestroyAfterALostAcknowledgement(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stored bool
		do     func(*visitSession)
	}{
		"a new session": {false, naming("ada")},
		"Renew":         {true, (*visitSession).Renew},
		"a log-in":      {true, naming("ada")},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, byName)
			q, s := r.beginStored(tt.stored, visit{Count: 1})
			tt.do(s)
			q.saveUnheard(s)
			s.Destroy()
			wantAction(t, q.commit(), session.ActionClear)
			q.end()
			r.wantRecords(0)
		})
	}
}

// A write that failed gives the request no right to what other requests made of
// the session since.
func TestFailedWriteIsNoClaim(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*visitSession){"a change": counting, "Renew": (*visitSession).Renew} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			q, s := r.begin(token)
			do(s)
			r.store.failWith(opUpdate, errBroken)
			wantErr(t, s.Save(t.Context()), errBroken)
			r.store.answer(nil)
			theirs := r.next(token, (*visitSession).Renew)
			before := r.record(idOf(token))
			if err := s.Save(t.Context()); !errors.Is(err, session.ErrGone) {
				t.Errorf("Save with a superseded token: %v, want ErrGone", err)
			}
			wantAction(t, q.commit(), session.ActionNone)
			r.same(before)
			r.wantOpens(theirs, idOf(token))
		})
	}
}

// A first save fails, and Regenerate begins another session. The first record
// goes if it was written, and is not missed if it was not.
func TestRegenerateAfterALostSave(t *testing.T) {
	t.Parallel()
	for name, applied := range map[string]bool{"written": true, "not written": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			q, s := r.begin()
			s.Data.Count = 1
			r.store.goDown(applied, errBroken)
			wantErr(t, s.Save(t.Context()), errBroken)
			r.store.answer(nil)
			s.Regenerate()
			s.Data.Count = 2
			wantAction(t, q.commit(), session.ActionSet)
			r.wantRecords(1)
			r.wantStored(s.ID(), visit{Count: 2})
		})
	}
}

// Regenerate stores a new record, but can delete neither the old one nor, to
// take it back, the new one. The request forgets neither of them.
func TestNewSessionThatCannotBeTakenBack(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		then    func(*visitSession)
		want    session.Action
		records int
	}{
		"Destroy":    {(*visitSession).Destroy, session.ActionClear, 0},
		"try again":  {looking, session.ActionSet, 1},
		"Regenerate": {regenerating("bob"), session.ActionSet, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, byName)
			token := r.seed(visit{Name: "ada"})
			q, s := r.begin(token)
			regenerating("bob")(s)
			r.store.failWith(opDelete, errBroken)
			wantErr(t, s.Save(t.Context()), errBroken)
			r.wantRecords(2)
			r.store.answer(nil)
			tt.then(s)
			out := q.commit()
			q.end()
			wantAction(t, out, tt.want)
			r.wantRecords(tt.records)
			r.wantClosed(token)
			if tt.want == session.ActionSet {
				r.wantOpens(out.Token, s.ID())
			}
		})
	}
}

// The new record of the first try cannot be deleted at all. The second try
// stores one with another id, which is the session from then on.
func TestOrphanDoesNotEndItsSuccessor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old := r.seed(visit{Name: "n"})
	q, s := r.begin(old)
	regenerating("new")(s)
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
	q.save(s)
	if r.exists(idOf(old)) {
		t.Error("the old record exists, want it deleted")
	}
	if id := s.ID(); id == orphan || !r.exists(id) {
		t.Errorf("the session has the id %q, stored %v, want another id than %q, stored", id, r.exists(id), orphan)
	}
	wantAction(t, q.commit(), session.ActionSet)
}

// The answer to the delete of the old record is lost. That the record is gone
// at the next save is no log-out by another request.
func TestSaveAgainAfterALostDelete(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	token := r.seed(visit{Name: "ada"})
	q, s := r.begin(token)
	regenerating("bob")(s)
	r.store.goDown(true, errBroken, opDelete)
	wantErr(t, s.Save(t.Context()), errBroken)
	r.store.answer(nil)
	if r.exists(idOf(token)) {
		t.Fatal("the old record exists, want it deleted")
	}
	q.save(s)
	out := q.commit()
	q.end()
	wantAction(t, out, session.ActionSet)
	r.wantRecords(1)
	r.wantOpens(out.Token, s.ID())
	r.wantUser(s.ID(), "bob")
}

// An Update that fails brings back what two calls of Regenerate left behind.
// That the request itself deleted a part of it is no log-out.
func TestUpdateThatFailsAfterTwoRegenerations(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q, s := r.begin(r.seed(visit{Name: "n"}))
	regenerating("a")(s)
	q.saveUnheard(s)
	regenerating("b")(s)
	deletes := 0
	r.store.answer(func(op string, _ session.Record, do func() error) error {
		if op == opDelete {
			if deletes++; deletes == 2 {
				return session.ErrUnavailable
			}
		}
		return do()
	})
	wantErr(t, s.Update(t.Context(), count), session.ErrUnavailable)
	r.store.answer(nil)
	wantNoErr(t, s.Update(t.Context(), count))
	r.wantRecords(1)
	r.wantStored(s.ID(), visit{Name: "b", Count: 1})
}
