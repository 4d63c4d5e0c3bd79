package session_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// Regenerate begins a new session with the Data that New makes. The commit
// stores it, and then deletes the old record.
func TestRegenerate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(cfg *visitConfig) {
			cfg.New = func() visit { return visit{Note: "new"} }
		})
		token := r.seed(visit{Name: "n"})
		q, s := r.begin(token)
		s.SetMaxAge(time.Hour)
		q.save(s)
		r.forget()
		time.Sleep(time.Minute)
		s.Regenerate()
		if s.ID() == idOf(token) || secretOf(s.Token()) == secretOf(token) || !s.IsNew() {
			t.Errorf("the session has the token %q, new %v, want a new id and a new secret", s.Token(), s.IsNew())
		}
		r.wantData(s, visit{Note: "new"})
		if now := time.Now(); !s.CreatedAt().Equal(now) || !s.ExpiresAt().Equal(now.Add(24*time.Hour)) {
			t.Errorf("created at %v, ends at %v, want now and a day later", s.CreatedAt(), s.ExpiresAt())
		}
		s.Data.Name = "kept"
		out := q.commit()
		wantAction(t, out, session.ActionSet)
		if out.Token != s.Token() || out.Cookie.MaxAge != 86400 {
			t.Errorf("the response has the token %q with Max-Age %d, want %q and a day", out.Token, out.Cookie.MaxAge, s.Token())
		}
		r.store.wantCalls(t, "create delete")
		r.log.want(t, session.EventCreated, session.EventDestroyed)
		if e := r.log.one(t, session.EventDestroyed); e.ID != idOf(token) {
			t.Errorf("destroyed %q, want the old record %q", e.ID, idOf(token))
		}
		r.wantRecords(1)
		r.wantStored(s.ID(), visit{Name: "kept", Note: "new"})
		r.wantUnknown(token)
	})
}

// A regenerated session that is left empty is not stored, and the cookie is
// cleared. With AllowEmpty it is stored.
func TestRegenerateLeftEmpty(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q, s := r.begin(r.seed(visit{Name: "n"}))
	s.Regenerate()
	r.forget()
	wantAction(t, q.commit(), session.ActionClear)
	r.store.wantCalls(t, "delete")
	r.log.want(t, session.EventDestroyed)
	r.wantRecords(0)

	r = newRig(t, allowEmpty)
	q, s = r.begin(r.seed(visit{Name: "n"}))
	s.Regenerate()
	r.forget()
	wantAction(t, q.commit(), session.ActionSet)
	r.store.wantCalls(t, "create delete")
}

// Regenerate can be called twice. A record that was saved in between is deleted
// as well.
func TestRegenerateTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q, s := r.begin(r.seed(visit{Name: "n"}))
	s.Regenerate()
	first := s.ID()
	s.Regenerate()
	if s.ID() == first {
		t.Errorf("the id is %q after the second call, want another one", s.ID())
	}
	s.Data.Name = "kept"
	r.forget()
	q.commit()
	r.store.wantCalls(t, "create delete")

	q, s = r.begin(s.Token())
	s.Regenerate()
	q.save(s)
	s.Regenerate()
	s.Data.Name = "kept"
	r.forget()
	wantAction(t, q.commit(), session.ActionSet)
	r.store.wantCalls(t, "create delete")
	r.wantRecords(1)
	r.wantStored(s.ID(), visit{Name: "kept"})
}

// What was asked of the old session does not hold for the new one. Of
// Regenerate, SetSave(SaveNever) and Destroy the last call counts.
func TestRegenerateAfterOtherThings(t *testing.T) {
	t.Parallel()
	never := func(s *visitSession) { s.SetSave(session.SaveNever) }
	for name, tt := range map[string]struct {
		before, after func(*visitSession)
		calls         string
		action        session.Action
	}{
		"Destroy before":    {(*visitSession).Destroy, looking, "create delete", session.ActionSet},
		"Renew before":      {(*visitSession).Renew, looking, "create delete", session.ActionSet},
		"SaveNever before":  {never, looking, "create delete", session.ActionSet},
		"SaveAlways before": {savingAlways, looking, "create delete", session.ActionSet},
		"SaveNever after":   {looking, never, "", session.ActionNone},
		"Destroy after":     {looking, (*visitSession).Destroy, "delete", session.ActionClear},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			q, s := r.begin(r.seed(visit{Name: "n"}))
			tt.before(s)
			s.Regenerate()
			s.Data.Count = 7
			tt.after(s)
			r.forget()
			wantAction(t, q.commit(), tt.action)
			r.store.wantCalls(t, tt.calls)
		})
	}
}

// The new record cannot be stored. The old one stays, and its token works.
func TestRegenerateNotSaved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	s.Regenerate()
	s.Data.Count = 1
	r.store.failWith(opCreate, errBroken)
	q.wantCommitErr(errBroken)
	r.store.answer(nil)
	r.wantRecords(1)
	r.wantOpens(token, idOf(token))
}

// The old record cannot be deleted. The new one is taken back, and the error is
// one of Destroy.
func TestRegenerateOldNotDestroyed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, calls := r.answering(errBroken, session.OpDestroy, errBroken, token)
	s := q.get()
	s.Regenerate()
	s.Data.Count = 1
	r.store.once(opDelete, func(func() error) error { return errBroken })
	q.wantCommitErr(errBroken)
	if *calls != 1 {
		t.Errorf("Failed was called %d times, want once", *calls)
	}
	r.wantRecords(1)
	r.wantOpens(token, idOf(token))
}

// The old record cannot be deleted at the first try. The next Save or Update
// does both.
func TestRegenerateSavedAgain(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]func(*visitSession) error{
		"Save":   func(s *visitSession) error { return s.Save(t.Context()) },
		"Update": func(s *visitSession) error { return s.Update(t.Context(), count) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			q, s := r.begin(token)
			regenerating("kept")(s)
			r.store.once(opDelete, func(func() error) error { return errBroken })
			wantErr(t, again(s), errBroken)
			wantNoErr(t, again(s))
			r.wantRecords(1)
			r.wantStored(s.ID(), visit{Name: "kept", Count: s.Data.Count})
			wantAction(t, q.commit(), session.ActionSet)
		})
	}
}

// A save stored the session, and then Regenerate was called twice. The first
// session is ended and the second one cannot be, so the commit fails. The response
// does not carry the token of the first one.
func TestCommitThatEndsOneOfTwoSessions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	q.save(s)
	regenerating("second")(s)
	r.script("create after", "load before")
	wantErr(t, s.Save(t.Context()), errBroken)
	regenerating("third")(s)
	r.script("create", "delete", "delete before", "load", "delete")
	out, err := q.tryCommit()
	wantErr(t, err, errBroken)
	wantAction(t, out, session.ActionNone)
	r.wantUnknown(token)
}

// flickeringStore answers loads with a record that has no version while isDamaged is
// true.
type flickeringStore struct {
	session.Store
	isDamaged *bool
}

func (s flickeringStore) Load(ctx context.Context, id string) (session.Record, error) {
	r, err := s.Store.Load(ctx, id)
	if *s.isDamaged {
		r.Version = 0
	}
	return r, err
}

// The old record looks damaged once, and its delete fails. It is deleted by the
// version that the request knows when it is tried again, so that the session stays
// which another request has made of it.
func TestRegenerateOfWhatLooksDamaged(t *testing.T) {
	t.Parallel()
	isDamaged := false
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.another(func(cfg *visitConfig) { cfg.Store = flickeringStore{r.store, &isDamaged} }).begin(token)
	regenerating("copy")(s)
	deletes := 0
	r.store.answer(func(op string, _ session.Record, do func() error) error {
		switch {
		case op == opDelete && deletes < 2:
			deletes++
			isDamaged = deletes == 1
			return []error{session.ErrConflict, errBroken}[deletes-1]
		case op == opLoad && deletes == 2:
			return errBroken
		}
		return do()
	})
	wantErr(t, s.Save(t.Context()), errBroken)
	r.store.answer(nil)
	newer := r.nextToken(token, (*visitSession).Renew)
	wantErr(t, s.Save(t.Context()), session.ErrGone)
	wantAction(t, q.commit(), session.ActionNone)
	r.wantOpens(newer, idOf(token))
}

// NewID fails in Regenerate, which has no error to return. The save calls it
// again, and keeps the old record until there is a new one.
func TestRegenerateWithoutAnID(t *testing.T) {
	t.Parallel()
	r := newRig(t, withIDs("first", "", "", "second"))
	q, s := r.begin(r.seed(visit{Name: "n"}))
	s.Regenerate()
	if s.ID() != "" || s.Token() != "" {
		t.Errorf("the id is %q, the token %q, want neither", s.ID(), s.Token())
	}
	s.Data.Name = "kept"
	if err := s.Save(t.Context()); err == nil || errors.Is(err, session.ErrGone) {
		t.Errorf("Save: %v, want the error of NewID", err)
	}
	if !r.exists("first") {
		t.Error("the old record is gone, want it to stay until there is a new one")
	}
	q.save(s)
	if s.ID() != "second" || r.exists("first") {
		t.Errorf("the id is %q, the old record exists: %v, want the id second and no old record", s.ID(), r.exists("first"))
	}
	r.wantStored("second", visit{Name: "kept"})
}

// Another request renewed the token. So the session is not this request's any
// more, which can neither replace nor destroy it.
func TestRegenerateOfWhatIsGone(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*visitSession){
		"Regenerate":            (*visitSession).Regenerate,
		"Regenerate, kept data": regenerating("kept"),
		"Destroy":               (*visitSession).Destroy,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			q, s := r.begin(token)
			theirs := r.nextToken(token, (*visitSession).Renew)
			before := r.record(idOf(token))
			do(s)
			r.forget()
			wantAction(t, q.commit(), session.ActionNone)
			q.end()
			r.wantRecords(1)
			r.wantUnchanged(before)
			r.log.one(t, session.EventGone)
			r.log.wantNone(t, session.EventError)
			r.wantOpens(theirs, idOf(token))
		})
	}
}

// Another request destroyed the session, with or without a user. Regenerate
// does not undo that.
func TestRegenerateOfWhatIsDestroyed(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*visitConfig){"anonymous": func(*visitConfig) {}, "of a user": byName} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, set)
			token := r.seed(visit{Name: "eve"})
			q, s := r.begin(token)
			r.handle(token, (*visitSession).Destroy)
			regenerating("ada")(s)
			wantAction(t, q.commit(), session.ActionNone)
			r.wantRecords(0)
			r.log.one(t, session.EventGone)
		})
	}
}

// The session that a log-in replaces ends while the request runs, for example
// while a password is checked. That is no log-out: the new session begins.
func TestRegenerateOfWhatExpires(t *testing.T) {
	t.Parallel()
	for name, user := range map[string]string{"anonymous": "", "of a user": "eve"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, byName)
				token := r.seed(visit{Name: user, Count: 1})
				time.Sleep(24*time.Hour - 100*time.Millisecond)
				q, s := r.begin(token)
				time.Sleep(300 * time.Millisecond)
				regenerating("ada")(s)
				out := q.commit()
				q.end()
				wantAction(t, out, session.ActionSet)
				r.wantOpens(out.Token, s.ID())
				r.wantUser(s.ID(), "ada")
				r.log.wantNone(t, session.EventGone)
			})
		})
	}
}

// Another request extends the session that a Regenerate replaces, and then somebody
// ends it. That is a log-out, even after the end that the session had at first.
func TestRegenerateOfWhatIsExtendedAndDestroyed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rolling(time.Hour, time.Minute))
		token := r.seed(visit{Name: "n"})
		q, s := r.begin(token)
		regenerating("copy")(s)
		time.Sleep(time.Hour / 2)
		r.store.once(opDelete, func(do func() error) error {
			r.otherRequest(token, counting)
			r.store.once(opDelete, func(do func() error) error {
				time.Sleep(time.Hour / 2)
				wantNoErr(t, r.m.Delete(t.Context(), idOf(token)))
				return do()
			})
			return do()
		})
		wantAction(t, q.commit(), session.ActionNone)
		r.log.one(t, session.EventGone)
		r.wantRecords(0)
	})
}

// Two log-ins replace one anonymous session, as a double click makes them. Both
// get a session, because neither of them meets a log-out.
func TestTwoLogInsOverOneSession(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	token := r.seed(visit{Count: 1})
	first, s1 := r.begin(token)
	second, s2 := r.begin(token)
	regenerating("ada")(s1)
	regenerating("ada")(s2)
	for _, q := range []*fakeRequest{first, second} {
		out := q.commit()
		q.end()
		wantAction(t, out, session.ActionSet)
		r.wantOpens(out.Token, q.get().ID())
	}
	if r.exists(idOf(token)) {
		t.Error("the anonymous session exists, want it deleted")
	}
}
