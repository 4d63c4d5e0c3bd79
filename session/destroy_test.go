package session_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// Destroy and then Save delete the record at once, before and after the
// response began. Nothing that is asked for later brings it back.
func TestDestroyAndSave(t *testing.T) {
	t.Parallel()
	for _, begun := range []bool{false, true} {
		t.Run(fmt.Sprintf("begun %t", begun), func(t *testing.T) {
			r := newRig(t)
			q, s := r.begin(r.seed(visit{Name: "n"}))
			if begun {
				q.commit()
			}
			s.Destroy()
			r.forget()
			q.save(s)
			r.store.wantCalls(t, "delete")
			r.log.want(t, session.EventDestroyed)
			if !begun {
				wantAction(t, q.commit(), session.ActionClear)
			}
			for what, err := range map[string]error{
				"Save":   s.Save(t.Context()),
				"Update": s.Update(t.Context(), count),
				"Reload": s.Reload(t.Context()),
			} {
				if err == nil {
					t.Errorf("%s of a destroyed session: no error, want one", what)
				}
			}
			s.Data.Count++
			s.Renew()
			s.Regenerate()
			q.end()
			r.store.wantCalls(t, "delete")
			r.wantRecords(0)
		})
	}
}

// Update after Destroy is an error, and does not run its function.
func TestUpdateOfADestroyedSession(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q, s := r.begin(r.seed(visit{Name: "n"}))
	s.Destroy()
	if err := s.Update(t.Context(), func(*visit) error { t.Error("the function ran, want it not to"); return nil }); err == nil {
		t.Error("Update: no error, want one")
	}
	wantAction(t, q.commit(), session.ActionClear)
}

// Destroy clears no cookie if the client sent none of the name.
func TestDestroyWithoutACookie(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := r.requestWith(nil, "other=1; xsid=2")
	q.get().Destroy()
	wantAction(t, q.commit(), session.ActionNone)
}

// Destroy clears a cookie that opens nothing.
func TestDestroyOfWhatOpensNothing(t *testing.T) {
	t.Parallel()
	for _, token := range []string{unknownToken("x"), "malformed", ""} {
		r := newRig(t)
		wantAction(t, r.handle(token, (*visitSession).Destroy), session.ActionClear)
		if n := r.store.count(opDelete); n != 0 {
			t.Errorf("%q: %d deletes, want none", token, n)
		}
	}
}

// Another request destroys the session first. Destroy then has what it wants,
// without an error.
func TestDestroyOfWhatIsDestroyed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	r.otherRequest(token, (*visitSession).Destroy)
	s.Destroy()
	r.forget()
	if out := q.commit(); out.Token != "" {
		t.Errorf("the outcome is %+v, want no token", out)
	}
	r.wantRecords(0)
	r.log.wantNone(t, session.EventError)
}

// The session belongs to another user by now. Destroy leaves it alone.
func TestDestroyOfAnotherUsers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	r.overwrite(idOf(token), func(rec *session.Record) { rec.User = "u" })
	before := r.record(idOf(token))
	s.Destroy()
	wantAction(t, q.commit(), session.ActionNone)
	r.wantUnchanged(before)
	r.log.one(t, session.EventGone)
}

// Another goroutine calls Destroy while the commit writes to the store. The
// response clears the cookie instead of setting it.
func TestDestroyDuringTheCommit(t *testing.T) {
	t.Parallel()
	for _, stored := range []bool{false, true} {
		t.Run(fmt.Sprintf("stored %t", stored), func(t *testing.T) {
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

// A Destroy after the response began is an error if the store fails.
func TestLateDestroyFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	q.commit()
	s.Destroy()
	r.store.failWith(opDelete, errBroken)
	_, err := q.x.End(t.Context())
	wantErr(t, err, errBroken)
	r.wantRecords(1)
}

// A new session could not be stored because its id is taken. Destroy leaves the
// session that has the id alone.
func TestDestroyOfATakenID(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *visitConfig) {
		cfg.NewID = func(context.Context) (string, error) { return "taken", nil }
	})
	theirs := r.seed(visit{Name: "theirs"})
	q, s := r.begin()
	s.Data.Count = 1
	r.store.failWith(opCreate, errBroken)
	wantErr(t, s.Save(t.Context()), errBroken)
	r.store.answer(nil)
	s.Destroy()
	q.commit()
	q.end()
	r.wantOpens(theirs, "taken")
}

// The session ends by the age of this process while the request runs. Destroy
// also deletes it for a process with a longer age.
func TestDestroyInTheLastMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		long := newRig(t)
		short := long.another(maxAge(time.Hour))
		token := long.seed(visit{Count: 1})
		time.Sleep(time.Hour - time.Millisecond)
		q, s := short.begin(token)
		time.Sleep(2 * time.Millisecond)
		s.Destroy()
		wantAction(t, q.commit(), session.ActionClear)
		long.wantRecords(0)
		long.wantUnknown(token)
	})
}

// A session began before there was a Config.User, and another request writes
// its user. It is still the session of a request under way, which can end it.
func TestLogOutAfterTheUserWasWritten(t *testing.T) {
	t.Parallel()
	old := newRig(t)
	r := old.another(byName)
	for name, tt := range map[string]struct {
		do   func(*visitSession)
		want session.Action
	}{
		"Destroy":    {(*visitSession).Destroy, session.ActionClear},
		"Regenerate": {regenerating("bob"), session.ActionSet},
	} {
		token := old.seed(visit{Name: "ada"})
		slow, s := r.begin(token)
		r.handle(token, counting)
		if got := r.record(idOf(token)).User; got != "ada" {
			t.Fatalf("%s: the record has the user %q after the other request, want ada", name, got)
		}
		tt.do(s)
		wantAction(t, slow.commit(), tt.want)
		slow.end()
		if r.exists(idOf(token)) {
			t.Errorf("%s: the record exists, want it deleted", name)
		}
	}
}

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
			q.saveWithoutAnswer(s)
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
			theirs := r.nextToken(token, (*visitSession).Renew)
			before := r.record(idOf(token))
			if err := s.Save(t.Context()); !errors.Is(err, session.ErrGone) {
				t.Errorf("Save with a superseded token: %v, want ErrGone", err)
			}
			wantAction(t, q.commit(), session.ActionNone)
			r.wantUnchanged(before)
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
	q.saveWithoutAnswer(s)
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
