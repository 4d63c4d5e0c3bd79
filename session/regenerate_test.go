package session_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

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
			t.Errorf("id %q, token %q, new %v, want all of it to be new", s.ID(), s.Token(), s.IsNew())
		}
		if s.Data.Name != "" || s.Data.Note != "new" {
			t.Errorf("Data %+v, want what New makes", s.Data)
		}
		if now := time.Now(); !s.CreatedAt().Equal(now) || !s.ExpiresAt().Equal(now.Add(24*time.Hour)) {
			t.Errorf("created %v, ends %v, want now and a day later", s.CreatedAt(), s.ExpiresAt())
		}
		s.Data.Name = "kept"
		out := q.commit()
		wantAction(t, out, session.ActionSet)
		if out.Token != s.Token() || out.Cookie.MaxAge != 86400 {
			t.Errorf("token %q, Max-Age %d, want %q and a day", out.Token, out.Cookie.MaxAge, s.Token())
		}
		r.store.wantCalls(t, "create delete") // in this order
		r.log.want(t, session.EventCreated, session.EventDestroyed)
		if e := r.log.one(t, session.EventDestroyed); e.ID != idOf(token) {
			t.Errorf("destroyed %q, want the old record %q", e.ID, idOf(token))
		}
		if r.exists(idOf(token)) || r.data(s.ID()).Name != "kept" || r.len() != 1 {
			t.Errorf("%d records, the old one among them: %v, want only the new one", r.len(), r.exists(idOf(token)))
		}
		if got := r.request(token).get(); !got.IsNew() {
			t.Error("the old token still opens a session")
		}
	})
}

func TestRegenerateLeftEmpty(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q := r.request(token)
	q.get().Regenerate()
	r.forget()
	wantAction(t, q.commit(), session.ActionClear)
	r.store.wantCalls(t, "delete")
	r.log.want(t, session.EventDestroyed)
	r.wantRecords(0)

	// With AllowEmpty there is a session all the same.
	r = newRig(t, allowEmpty)
	q = r.request(r.seed(visit{Name: "n"}))
	q.get().Regenerate()
	r.forget()
	wantAction(t, q.commit(), session.ActionSet)
	r.store.wantCalls(t, "create delete")
}

func TestRegenerateTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	s.Regenerate()
	first := s.ID()
	s.Regenerate()
	if s.ID() == first {
		t.Errorf("id %q, want another one at the second call", s.ID())
	}
	s.Data.Name = "kept"
	r.forget()
	q.commit()
	r.store.wantCalls(t, "create delete")

	// With a save in between both records are left behind.
	q, s = r.begin(s.Token())
	s.Regenerate()
	q.save(s)
	s.Regenerate()
	s.Data.Name = "kept"
	r.forget()
	wantAction(t, q.commit(), session.ActionSet)
	r.store.wantCalls(t, "create delete")
	if r.len() != 1 || r.data(s.ID()).Name != "kept" {
		t.Errorf("%d records, want only that of %q", r.len(), s.ID())
	}
}

// What was asked of the old session is nothing to the new one, but for
// SaveAlways, which is about the request.
func TestRegenerateAfterOtherThings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before func(*visitSession)
		after  func(*visitSession)
		calls  string
		action session.Action
	}{
		"Destroy":           {(*visitSession).Destroy, nil, "create delete", session.ActionSet},
		"Renew":             {(*visitSession).Renew, nil, "create delete", session.ActionSet},
		"SaveNever before":  {func(s *visitSession) { s.SetSave(session.SaveNever) }, nil, "create delete", session.ActionSet},
		"SaveNever after":   {nil, func(s *visitSession) { s.SetSave(session.SaveNever) }, "", session.ActionNone},
		"Destroy after":     {nil, (*visitSession).Destroy, "delete", session.ActionClear},
		"SaveAlways before": {alwaysSave, nil, "create delete", session.ActionSet},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			q, s := r.begin(r.seed(visit{Name: "n"}))
			if tt.before != nil {
				tt.before(s)
			}
			s.Regenerate()
			s.Data.Count = 7
			if tt.after != nil {
				tt.after(s)
			}
			r.forget()
			t.Log(name)
			wantAction(t, q.commit(), tt.action)
			r.store.wantCalls(t, tt.calls)
		})
	}
}

// The new record cannot be saved: the old one stays, and its token is good.
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
	if got := r.request(token).get(); got.IsNew() || r.len() != 1 {
		t.Errorf("%d records, the old token opens a new session: %v, want the old one", r.len(), got.IsNew())
	}
}

// The old record cannot be destroyed: there is no second session beside it,
// and the answer is about a failed destroy.
func TestRegenerateOldNotDestroyed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	var op session.Op
	q := r.requestWith(func(q *fakeRequest) {
		q.failed = func(o session.Op, err error) error { op = o; return err }
	}, sid(token))
	s := q.get()
	s.Regenerate()
	s.Data.Count = 1
	r.store.once(opDelete, func(func() error) error { return errBroken })
	q.wantCommitErr(errBroken)
	if op != session.OpDestroy {
		t.Errorf("the hook was asked about %q, want %q", op, session.OpDestroy)
	}
	if got := r.request(token).get(); got.IsNew() || r.len() != 1 {
		t.Errorf("%d records, the old token opens a new session: %v, want only the old one", r.len(), got.IsNew())
	}
}

// A Save that failed there can be made again.
func TestRegenerateSavedAgain(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]func(*visitSession) error{
		"Save": func(s *visitSession) error { return s.Save(t.Context()) },
		"Update": func(s *visitSession) error {
			return s.Update(t.Context(), count)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			q, s := r.begin(token)
			s.Regenerate()
			s.Data.Name = "kept"
			r.store.once(opDelete, func(func() error) error { return errBroken })
			wantErr(t, again(s), errBroken)
			if err := again(s); err != nil {
				t.Errorf("%s again: %v, want no error", name, err)
				return
			}
			if r.exists(idOf(token)) || r.len() != 1 || r.data(s.ID()).Name != "kept" {
				t.Errorf("%d records, the old one among them: %v, want only the new one", r.len(), r.exists(idOf(token)))
			}
			wantAction(t, q.commit(), session.ActionSet)
		})
	}
}

// NewID fails in Regenerate, which has no error to return: the save asks again.
func TestRegenerateWithoutAnID(t *testing.T) {
	t.Parallel()
	r := newRig(t, withIDs("first", "", "", "second"))
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	s.Regenerate()
	if s.ID() != "" || s.Token() != "" {
		t.Errorf("id %q, token %q, want none: NewID failed", s.ID(), s.Token())
	}
	s.Data.Name = "kept"
	if err := s.Save(t.Context()); err == nil || errors.Is(err, session.ErrGone) {
		t.Errorf("error %v, want that of NewID", err)
	}
	if !r.exists("first") {
		t.Error("the old record was destroyed without a new one")
	}
	q.save(s)
	if s.ID() != "second" || r.exists("first") || r.data("second").Name != "kept" {
		t.Errorf("id %q, want that of the next try, and the old record to be gone", s.ID())
	}
}
