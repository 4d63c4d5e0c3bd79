package session_test

import (
	"strings"
	"testing"

	"github.com/echosession/echosession/session"
)

func TestTooLarge(t *testing.T) {
	t.Parallel()
	around, _ := session.JSON().Marshal(&visit{})
	r := newRig(t, func(cfg *visitConfig) { cfg.MaxBytes = len(around) + 10 })
	fits, tooLong := strings.Repeat("x", 10), strings.Repeat("x", 11)
	q, s := r.begin()
	s.Data.Note = tooLong
	wantErr(t, s.Save(t.Context()), session.ErrTooLarge)
	r.store.wantCalls(t, "")
	q.wantCommitErr(session.ErrTooLarge)
	r.store.wantCalls(t, "")

	q = r.request()
	q.get().Data.Note = fits
	token := q.commit().Token
	q, s = r.begin(token)
	s.Data.Note = tooLong
	q.wantCommitErr(session.ErrTooLarge)
	if got := r.data(s.ID()).Note; got != fits {
		t.Errorf("stored %q, want it as it was", got)
	}
	wantErr(t, r.m.Update(t.Context(), s.ID(), func(v *visit) error { v.Note = tooLong; return nil }), session.ErrTooLarge)
	wantNoErr(t, r.m.Update(t.Context(), s.ID(), func(v *visit) error { v.Note = "y" + fits[1:]; return nil }))
}

// Save says what became of it, and the commit has nothing more to do.
func TestSave(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q, s := r.begin()
	if err := s.Save(t.Context()); err != nil || s.IsNew() {
		t.Errorf("%v, new %v, want an empty session to be stored", err, s.IsNew())
	}
	q.save(s) // whether it changed or not
	s.SetSave(session.SaveNever)
	q.save(s) // and whatever SetSave said
	r.store.wantCalls(t, "create update update")
	s.SetSave(session.SaveAlways)
	q.save(s)
	r.forget()
	wantAction(t, q.commit(), session.ActionSet)
	r.store.wantCalls(t, "") // SaveAlways was carried out
	if got := r.record(s.ID()).Version; got != 4 {
		t.Errorf("version %d, want 4", got)
	}
}

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
	if s.Data.Count != 2 || s.Token() != next || next == token {
		t.Errorf("Data %+v, token %q, want all of it to be still pending", s.Data, s.Token())
	}
	r.store.answer(nil)
	if out := q.commit(); out.Token != next {
		t.Errorf("token %q, want %q", out.Token, next)
	}
	if got := r.request(next).get(); got.Data.Count != 2 {
		t.Errorf("stored %+v, want the change", got.Data)
	}
}
