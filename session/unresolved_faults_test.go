package session_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/echosession/echosession/session"
)

// Each test of this file plays one interleaving that once broke a promise.

// script answers the calls of the store in their order, as the steps say, and
// then as the store does. A step is an operation and what happens to it:
// "delete before" fails without being carried out, "delete after" is carried out
// and fails, "delete" goes well.
func (r *rig) script(steps ...string) {
	r.store.answer(func(op string, _ session.Record, do func() error) error {
		r.Helper()
		r.store.mu.Lock()
		if len(steps) == 0 {
			r.store.mu.Unlock()
			return do()
		}
		step := steps[0]
		steps = steps[1:]
		r.store.mu.Unlock()
		want, how, _ := strings.Cut(step, " ")
		if op != want {
			r.Errorf("the call is %q, want %q", op, step)
		}
		switch how {
		case "before":
			return errBroken
		case "after":
			return answerAfter(do, errBroken)
		}
		return do()
	})
}

// The new record of a Regenerate is taken back, but the answer to that is lost.
// The next save must not create the same id, because the deletion of that id may
// come at any time.
func TestTakeBackWithoutAnAnswerNeverCreatesTheIDAgain(t *testing.T) {
	t.Parallel()
	for _, takenBack := range []string{"delete after", "delete before", "delete"} {
		r := newRig(t)
		token := r.seed(visit{Name: "n"})
		q, s := r.begin(token)
		s.Regenerate()
		s.Data.Name = "new"
		first := s.ID()
		created := map[string]int{}
		r.script("create", "delete before", "load before", takenBack)
		wantErr(t, s.Save(t.Context()), errBroken)
		if s.ID() != first {
			t.Errorf("%s: the id is %q after a Save that failed, want it as before, %q", takenBack, s.ID(), first)
		}
		r.store.answer(func(op string, rec session.Record, do func() error) error {
			if op == opCreate {
				created[rec.ID]++
			}
			return do()
		})
		out := q.commit()
		q.end()
		wantAction(t, out, session.ActionSet)
		if created[first] != 0 || len(created) != 1 {
			t.Errorf("%s: the commit created %v, want another id than %q", takenBack, created, first)
		}
		r.wantOpens(out.Token, idOf(out.Token))
		r.wantUnknown(token)
		r.wantRecords(1)
	}
}

// A routine renewal lands without an answer. A Renew that the application asks for
// afterwards is another renewal: once it is saved, the old token is dead.
func TestRenewAfterALostRoutineRenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, token := dueRig(t, visit{Name: "n"})
		q, s := r.begin(token)
		s.Data.Count = 1
		r.script("update after", "load before")
		wantErr(t, s.Save(t.Context()), errBroken)
		s.Renew()
		wantNoErr(t, s.Reload(t.Context()))
		s.Data.Count = 2
		q.save(s)
		r.wantInert(token)
		out := q.commit()
		r.wantOpens(out.Token, s.ID())
	})
}

// An Update lands without an answer, the next save finds that out and fails, and
// another request counts on. What the failed Update stored is no change by this
// request, so a later change of another field keeps the count of the other request.
func TestOwnFailedUpdateIsNoChange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	r.store.goDown(true, errBroken)
	wantErr(t, s.Update(t.Context(), count), errBroken)
	r.wantData(s, visit{Name: "n"})
	s.Data.Note = "mine"
	r.store.answer(func(op string, rec session.Record, do func() error) error {
		if op == opUpdate && rec.Version == 2 {
			return errBroken
		}
		return do()
	})
	wantErr(t, s.Save(t.Context()), errBroken)
	r.store.answer(nil)
	r.otherRequest(token, counting)
	q.commit()
	r.wantStored(s.ID(), visit{Name: "n", Count: 2, Note: "mine"})
	r.log.wantNone(t, session.EventConflict)
}

// Of a Regenerate that copies Data and a log-out of the same session at the same
// moment exactly one wins, whichever is first.
func TestLogOutBesideARegenerateWithACopy(t *testing.T) {
	t.Parallel()
	for name, logOut := range map[string]func(*rig, string) error{
		"Manager.Delete": func(r *rig, token string) error { return r.m.Delete(r.Context(), idOf(token)) },
		"DeleteOf":       func(r *rig, token string) error { return r.m.DeleteOf(r.Context(), "ada", idOf(token)) },
		"Destroy": func(r *rig, token string) error {
			q, s := r.begin(token)
			s.Destroy()
			if out := q.commit(); out.Action != session.ActionClear {
				return session.ErrNotFound // it found the session gone
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, byName)
			token := r.seed(visit{Name: "ada"})
			regenerate := func() session.Outcome {
				q, s := r.begin(token)
				data := s.Data
				s.Regenerate()
				s.Data = data
				return q.commit()
			}
			// The log-out comes while the new record is there and the old one still is.
			r.store.once(opDelete, func(do func() error) error {
				r.store.answer(nil)
				wantNoErr(t, logOut(r, token))
				return do()
			})
			wantAction(t, regenerate(), session.ActionNone)
			r.wantRecords(0)

			// The whole Regenerate comes between the look and the delete of the log-out.
			token = r.seed(visit{Name: "ada"})
			var out session.Outcome
			r.store.once(opDelete, func(do func() error) error {
				r.store.answer(nil)
				out = regenerate()
				return do()
			})
			wantErr(t, logOut(r, token), session.ErrNotFound)
			wantAction(t, out, session.ActionSet)
			r.wantOpens(out.Token, idOf(out.Token))
			r.wantRecords(1)
		})
	}
}

// A routine renewal lands without an answer, and the touch that follows finds
// that out. The cookie has the new secret.
func TestTouchAfterALostRenewalSendsTheNewSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, token := dueRig(t, visit{Name: "n"}, always)
		q, s := r.begin(token)
		r.script("update after", "load before")
		out := q.commit()
		wantAction(t, out, session.ActionSet)
		if out.Token == token {
			t.Error("the response has the old token, want the new one")
		}
		r.wantOpens(out.Token, s.ID())
	})
}

// A Renew stays asked for if an Update fails whose function regenerates.
func TestFailedUpdateKeepsRenew(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	s.Renew()
	s.SetMaxAge(maxDays)
	wantErr(t, s.Update(t.Context(), func(*visit) error {
		s.Regenerate()
		return errBroken
	}), errBroken)
	out := q.commit()
	wantAction(t, out, session.ActionSet)
	r.wantInert(token)
	r.wantOpens(out.Token, idOf(token))
	if age := r.record(idOf(token)).ExpiresAt.Sub(r.record(idOf(token)).SeenAt); age != maxDays {
		t.Errorf("the age is %v, want that of SetMaxAge, %v", age, maxDays)
	}
}

// A commit runs into its deadline after it created a record. The record is taken
// back all the same.
func TestTakeBackAfterTheDeadline(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	token := r.seed(visit{Name: "ada"})
	q, s := r.begin(token)
	s.Regenerate()
	s.Data.Name = "ada"
	ctx, cancel := context.WithCancel(t.Context())
	r.store.once(opDelete, func(func() error) error {
		cancel()
		return context.Canceled
	})
	out, err := q.x.Commit(ctx, false)
	if err == nil {
		t.Error("the commit: no error, want one")
	}
	wantAction(t, out, session.ActionNone)
	q.end()
	r.wantRecords(1)
	r.wantOpens(token, idOf(token))
}

// Destroy was carried out by a Save. Regenerate begins a new session, and what is
// put into it is stored.
func TestRegenerateAfterDestroyAndSave(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	token := r.seed(visit{Name: "ada"})
	q, s := r.begin(token)
	s.Destroy()
	q.save(s)
	s.Regenerate()
	s.Data.Name = "bob"
	out := q.commit()
	wantAction(t, out, session.ActionSet)
	r.wantOpens(out.Token, idOf(out.Token))
	r.wantUser(idOf(out.Token), "bob")
	r.wantRecords(1)
}

// What is put into Data after Destroy was carried out is not stored, and is
// observed.
func TestDataAfterDestroyWasCarriedOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q, s := r.begin(r.seed(visit{Name: "n"}))
	s.Destroy()
	q.save(s)
	r.log.wantNone(t, session.EventLost)
	s.Data.Name = "late"
	wantAction(t, q.commit(), session.ActionClear)
	r.log.one(t, session.EventLost)
	r.wantRecords(0)
}

// versionStore answers a load with a version that no store has.
type versionStore struct {
	session.Store
	version int64
}

func (s versionStore) Load(ctx context.Context, id string) (session.Record, error) {
	r, err := s.Store.Load(ctx, id)
	r.Version = s.version
	return r, err
}

// Versions begin with 1. A record without one is damaged, and not one that is not
// stored: a log-out must delete it.
func TestVersionBelowOneIsCorrupt(t *testing.T) {
	t.Parallel()
	for _, version := range []int64{0, -1} {
		r := newRig(t)
		token := r.seed(visit{Name: "n"})
		damaged := r.another(func(cfg *visitConfig) { cfg.Store = versionStore{r.store, version} })
		_, err := damaged.request(token).x.Session(t.Context())
		wantErr(t, err, session.ErrCorrupt)
		wantErr(t, damaged.m.Update(t.Context(), idOf(token), count), session.ErrCorrupt)
		wantNoErr(t, damaged.m.Delete(t.Context(), idOf(token)))
		r.wantRecords(0)
	}
}

// The record of a failed write is resolved by one load before the next operation,
// whatever that operation is.
func TestUnansweredWriteIsResolvedByOneLoad(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		next  func(*rig, *fakeRequest, *visitSession) error
		calls string
	}{
		"Save":    {func(r *rig, _ *fakeRequest, s *visitSession) error { return s.Save(r.Context()) }, "load update"},
		"Update":  {func(r *rig, _ *fakeRequest, s *visitSession) error { return s.Update(r.Context(), count) }, "load update"},
		"commit":  {func(r *rig, q *fakeRequest, _ *visitSession) error { _, err := q.tryCommit(); return err }, "load update"},
		"Destroy": {func(r *rig, q *fakeRequest, s *visitSession) error { s.Destroy(); _, err := q.tryCommit(); return err }, "load delete"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			q, s := r.begin(r.seed(visit{Name: "n"}))
			s.Data.Count = 1
			r.script("update after", "load before")
			if err := s.Save(t.Context()); !errors.Is(err, errBroken) {
				t.Fatalf("Save: error %v, want %v", err, errBroken)
			}
			r.forget()
			wantNoErr(t, tt.next(r, q, s))
			r.store.wantCalls(t, tt.calls)
			r.log.wantNone(t, session.EventConflict)
		})
	}
}

// A write failed, and another request took its version: it can land no more, so
// it is a conflict, and is made again.
func TestFailedWriteWhoseVersionIsTaken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	r.store.once(opUpdate, func(func() error) error {
		r.otherRequest(token, noting("theirs"))
		return errBroken
	})
	wantNoErr(t, s.Update(t.Context(), count))
	q.commit()
	r.wantStored(s.ID(), visit{Name: "n", Count: 1, Note: "theirs"})
}

// A write failed, and several others came in between: whether it was made as well,
// nobody can tell. One of them renewed the token, so the response does not carry
// the token of an earlier save.
func TestFailedWriteAndANewerToken(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(do func() error) error{
		"not made": func(func() error) error { return errBroken },
		"made":     func(do func() error) error { return answerAfter(do, errBroken) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			q, s := r.begin(token)
			s.Data.Note = "saved"
			q.save(s)
			newer := ""
			r.store.once(opUpdate, func(do func() error) error {
				err := fail(do)
				r.otherRequest(token, counting)
				newer = r.nextToken(token, (*visitSession).Renew)
				return err
			})
			wantErr(t, s.Update(t.Context(), count), errBroken)
			wantAction(t, q.commit(), session.ActionNone)
			r.wantOpens(newer, s.ID())
		})
	}
}

// The answers to both writes of a new session are lost, so the session that it
// replaces was not ended. The response does not carry the new token beside it.
func TestUnansweredRegenerateSendsNoToken(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	token := r.seed(visit{Name: "ada"})
	q, s := r.begin(token)
	regenerating("ada")(s)
	r.script("create after", "load before")
	wantErr(t, s.Save(t.Context()), errBroken)
	r.script("load", "update after", "load before")
	out, err := q.tryCommit()
	wantErr(t, err, errBroken)
	wantAction(t, out, session.ActionNone)
	r.wantOpens(token, idOf(token))
}

// The answer to a create is lost, and a commit that has nothing to do cannot find out
// what became of it. A Destroy after the response still deletes the record.
func TestDestroyAfterACommitThatFoundOutNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q, s := r.begin()
	r.script("create after", "load before")
	wantErr(t, s.Update(t.Context(), count), errBroken)
	r.store.failWith(opLoad, errBroken)
	wantAction(t, q.commit(), session.ActionNone)
	r.store.answer(nil)
	s.Destroy()
	q.save(s)
	r.wantRecords(0)
}
