package session_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/echosession/echosession/session"
)

// Save stores the session at once, whether it changed or not and whatever
// SetSave asked for. The commit has nothing more to do.
func TestSave(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q, s := r.begin()
	q.save(s)
	if s.IsNew() {
		t.Error("the session is new after Save, want it stored although it is empty")
	}
	q.save(s)
	s.SetSave(session.SaveNever)
	q.save(s)
	r.store.wantCalls(t, "create update update")
	s.SetSave(session.SaveAlways)
	q.save(s)
	r.forget()
	wantAction(t, q.commit(), session.ActionSet)
	r.store.wantCalls(t, "")
	if got := r.record(s.ID()).Version; got != 4 {
		t.Errorf("the record has the version %d, want 4", got)
	}
}

// A Save that fails leaves everything pending. The commit stores it.
func TestSaveFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	s.Data.Count = 2
	s.Renew()
	next := s.Token()
	r.store.failWith(opUpdate, session.ErrUnavailable)
	wantErr(t, s.Save(t.Context()), session.ErrUnavailable)
	r.log.want(t, session.EventError)
	r.wantData(s, visit{Name: "n", Count: 2})
	if s.Token() != next || next == token {
		t.Errorf("the token is %q, want the one before Save, %q, which is new", s.Token(), next)
	}
	r.store.answer(nil)
	if out := q.commit(); out.Token != next {
		t.Errorf("the response has the token %q, want %q", out.Token, next)
	}
	r.wantOpens(next, idOf(token))
	r.wantStored(idOf(token), visit{Name: "n", Count: 2})
}

// Data of more than MaxBytes is ErrTooLarge, and does not reach the store.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	around, _ := session.JSON().Marshal(&visit{})
	r := newRig(t, func(cfg *visitConfig) { cfg.MaxBytes = len(around) + 10 })
	fits, tooLong := strings.Repeat("x", 10), strings.Repeat("x", 11)
	q, s := r.begin()
	s.Data.Note = tooLong
	wantErr(t, s.Save(t.Context()), session.ErrTooLarge)
	q.wantCommitErr(session.ErrTooLarge)
	r.store.wantCalls(t, "")

	token := r.handle("", noting(fits)).Token
	q, s = r.begin(token)
	s.Data.Note = tooLong
	q.wantCommitErr(session.ErrTooLarge)
	r.wantStored(s.ID(), visit{Note: fits})
	wantErr(t, r.m.Update(t.Context(), s.ID(), func(v *visit) error { v.Note = tooLong; return nil }), session.ErrTooLarge)
	wantNoErr(t, r.m.Update(t.Context(), s.ID(), func(v *visit) error { v.Note = "y" + fits[1:]; return nil }))
}

// Update runs its function on Data with the pending changes, again after a
// conflict, and stores the result. It is a save, whose cookie the commit sends.
func TestUpdate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n", Note: "old"})
	q, s := r.begin(token)
	s.Data.Note = "pending"
	r.otherRequest(token, func(s *visitSession) { s.Data.Count = 10 })
	r.forget()
	runs := 0
	wantNoErr(t, s.Update(t.Context(), func(v *visit) error {
		runs++
		if v != &s.Data || v.Note != "pending" {
			t.Errorf("the function got %+v at %p, want Data at %p with the pending change", *v, v, &s.Data)
		}
		return count(v)
	}))
	if runs != 2 {
		t.Errorf("the function ran %d times, want twice", runs)
	}
	want := visit{Name: "n", Note: "pending", Count: 11}
	r.wantData(s, want)
	r.wantStored(s.ID(), want)
	r.store.wantCalls(t, "update load update")
	r.log.want(t, session.EventSaved)
	r.forget()
	wantAction(t, q.commit(), session.ActionSet)
	q.end()
	r.store.wantCalls(t, "")
	r.log.want(t)
}

// Update creates the record of a new session.
func TestUpdateOfANewSession(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q, s := r.begin()
	wantNoErr(t, s.Update(t.Context(), func(*visit) error { return nil }))
	if s.IsNew() {
		t.Error("the session is new after Update, want it stored")
	}
	r.log.want(t, session.EventCreated)
	out := q.commit()
	wantAction(t, out, session.ActionSet)
	r.wantOpens(out.Token, s.ID())
}

// The function of an Update fails, at once or after a conflict. The session
// stays as it was, and the later commit does not take the changes of others for
// its own.
func TestUpdateFails(t *testing.T) {
	t.Parallel()
	for how, fail := range map[string]func(v *visit) error{
		"error": func(*visit) error { return errBroken },
		"panic": func(*visit) error { panic(errBroken) },
	} {
		for _, conflict := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, conflict %t", how, conflict), func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				token := r.seed(visit{Name: "n", Note: "old", Prefs: map[string]string{"a": "1"}})
				q, s := r.begin(token)
				s.Data.Count = 2
				if conflict {
					r.otherRequest(token, func(s *visitSession) { s.Data.Note = "theirs"; s.Data.Prefs["b"] = "2" })
				}
				before := r.record(s.ID())
				runs := 0
				err := recovered(func() error {
					return s.Update(t.Context(), func(v *visit) error {
						v.Prefs["a"], v.Prefs["c"], v.Name = "x", "3", "gone"
						if runs++; conflict && runs == 1 {
							return nil
						}
						return fail(v)
					})
				})
				wantErr(t, err, errBroken)
				want := visit{Name: "n", Note: "old", Count: 2, Prefs: map[string]string{"a": "1"}}
				r.wantData(s, want)
				r.wantUnchanged(before)
				wantAction(t, q.commit(), session.ActionSet)
				if conflict {
					want.Note, want.Prefs["b"] = "theirs", "2"
				}
				r.wantStored(s.ID(), want)
				q.end()
			})
		}
	}
}

// recovered runs f, and returns its error or what it panics with.
func recovered(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = p.(error)
		}
	}()
	return f()
}

// An Update that is not stored changes neither Data nor the record.
func TestUpdateNotStored(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set func(*rig, *fakeRequest)
		fn  func(*visit) error
		err error
	}{
		"store": {func(r *rig, _ *fakeRequest) { r.store.failWith(opUpdate, session.ErrUnavailable) }, count, session.ErrUnavailable},
		"too large": {func(*rig, *fakeRequest) {}, func(v *visit) error {
			v.Note = strings.Repeat("x", 1000)
			return nil
		}, session.ErrTooLarge},
		"BeforeSave": {func(_ *rig, q *fakeRequest) { q.beforeSave = func(*visitSession) error { return errBroken } }, count, errBroken},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(cfg *visitConfig) { cfg.MaxBytes = 500 })
			token := r.seed(visit{Name: "n"})
			s := r.requestWith(func(q *fakeRequest) { tt.set(r, q) }, sid(token)).get()
			wantErr(t, s.Update(t.Context(), tt.fn), tt.err)
			r.wantData(s, visit{Name: "n"})
			r.wantStored(s.ID(), visit{Name: "n"})
		})
	}
}

// BeforeSave gets what the function made, and can add to it.
func TestUpdateAsksBeforeSave(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.requestWith(func(q *fakeRequest) {
		q.beforeSave = func(s *visitSession) error { s.Data.Note = fmt.Sprint("count ", s.Data.Count); return nil }
	}, sid(r.seed(visit{Name: "n"}))).get()
	wantNoErr(t, s.Update(t.Context(), count))
	r.wantStored(s.ID(), visit{Name: "n", Count: 1, Note: "count 1"})
}

// The function asks for another token, id or age, and fails. The session is
// still the one from before, with its Data.
func TestUpdateFailsAfterOtherCalls(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*visitSession){
		"Renew":      (*visitSession).Renew,
		"Regenerate": (*visitSession).Regenerate,
		"SetMaxAge":  func(s *visitSession) { s.SetMaxAge(maxDays) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			q, s := r.begin(token)
			wantErr(t, s.Update(t.Context(), func(*visit) error { do(s); return errBroken }), errBroken)
			r.wantData(s, visit{Name: "n"})
			s.Data.Count = 2
			out := q.commit()
			wantAction(t, out, session.ActionSet)
			r.wantRecords(1)
			r.wantOpens(out.Token, idOf(token))
			r.wantStored(idOf(token), visit{Name: "n", Count: 2})
		})
	}
}
