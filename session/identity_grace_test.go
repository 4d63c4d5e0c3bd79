package session_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// After Renew the old token is recognised for RenewGrace, and opens nothing.
func TestRenewedTokenDuringTheGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, set := range []func(*visitConfig){func(*visitConfig) {}, grace(time.Minute), grace(time.Millisecond)} {
			r := newRig(t, set)
			old := r.seed(visit{Name: "n"})
			token := r.next(old, (*visitSession).Renew)
			wait := 30 * time.Second // the default
			var cfg visitConfig
			if set(&cfg); cfg.RenewGrace != 0 {
				wait = cfg.RenewGrace
			}
			r.wantInert(old)
			time.Sleep(wait - time.Millisecond)
			r.wantInert(old)
			time.Sleep(time.Millisecond)
			r.wantUnknown(old)
			r.wantOpens(token, idOf(token))
		}
	})
}

// Whatever a request of a superseded token does, nothing comes of it.
func TestSupersededTokenIsInert(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*visitSession) error{
		"nothing":    func(*visitSession) error { return nil },
		"a change":   func(s *visitSession) error { s.Data.Name = "mallory"; return nil },
		"SaveAlways": func(s *visitSession) error { s.SetSave(session.SaveAlways); return nil },
		"Renew":      func(s *visitSession) error { s.Renew(); return nil },
		"Regenerate": func(s *visitSession) error { s.Regenerate(); s.Data.Name = "mallory"; return nil },
		"Destroy":    func(s *visitSession) error { s.Destroy(); return nil },
		"SetMaxAge":  func(s *visitSession) error { s.SetMaxAge(time.Hour); return nil },
		"Save":       func(s *visitSession) error { s.Data.Name = "mallory"; return s.Save(t.Context()) },
		"Update":     func(s *visitSession) error { return s.Update(t.Context(), count) },
		"Reload":     func(s *visitSession) error { return s.Reload(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, set := range []func(*visitConfig){func(*visitConfig) {}, allowEmpty, always} {
				r := newRig(t, byName, set)
				old := r.seed(visit{Name: ""})
				token := r.signIn(old, "ada")
				before := r.record(idOf(token))
				r.forget()
				q, s := r.begin(old)
				switch err := do(s); name {
				case "Save", "Update", "Reload":
					wantErr(t, err, session.ErrGone)
				}
				wantAction(t, q.commit(), session.ActionNone)
				q.end()
				r.store.wantCalls(t, "load")
				r.same(before)
				r.wantRecords(1)
				r.wantOpens(token, idOf(token))
			}
		})
	}
}

// It reads as a new session does, without a hook being asked.
func TestSupersededTokenReadsAsNew(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName, func(cfg *visitConfig) { cfg.New = func() visit { return visit{Note: "new"} } })
	old := r.seed(visit{})
	r.signIn(old, "ada")
	q := r.requestWith(func(q *fakeRequest) {
		q.valid = func(*visitSession) (bool, error) {
			t.Error("Valid was asked about a superseded token")
			return true, nil
		}
		q.beforeSave = func(*visitSession) error { t.Error("BeforeSave was asked about a superseded token"); return nil }
		q.failed = func(op session.Op, err error) error { t.Errorf("Failed was asked: %s: %v", op, err); return err }
	}, sid(old))
	q.load()
	if v, err := q.x.Peek(t.Context()); err != nil || v.Note != "new" || v.Name != "" {
		t.Errorf("Peek gave %+v, %v, want what New makes", v, err)
	}
	s := q.get()
	if s.Data.Note != "new" || s.Data.Name != "" || !s.IsNew() || !s.AuthenticatedAt().IsZero() {
		t.Errorf("Data %+v, new %v, authenticated %v, want what New makes", s.Data, s.IsNew(), s.AuthenticatedAt())
	}
	counting(s)
	q.commit()
	for _, e := range r.log.all(session.EventRejected) {
		if e.ID != idOf(old) || e.Err == nil {
			t.Errorf("event %+v, want the id %s and why", e, idOf(old))
		}
	}
	if n := len(r.log.all(session.EventRejected)); n != 1 {
		t.Errorf("%d events %q, want one", n, session.EventRejected)
	}
}

// The changes of such a request are dropped, and that is told.
func TestSupersededTokenChangesAreObserved(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	old := r.seed(visit{})
	r.signIn(old, "ada")
	r.forget()
	r.with(old, counting)
	events := r.log.all(session.EventGone)
	if len(events) != 1 || !errors.Is(events[0].Err, session.ErrGone) || events[0].ID != idOf(old) {
		t.Errorf("events %q %+v, want one of the session %s: a change was dropped", session.EventGone, events, idOf(old))
	}
	r.forget()
	r.with(old, looking)
	if events := r.log.all(session.EventGone); len(events) != 0 {
		t.Errorf("events %q %+v of a request that changed nothing, want none", session.EventGone, events)
	}
}

// Beside a token that is good, a superseded one does not matter.
func TestSupersededTokenBesideAnother(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old := r.seed(visit{Name: "n"})
	token := r.next(old, (*visitSession).Renew)
	for _, tokens := range [][]string{{old, token}, {token, old}, {old, "x." + secret22, token}} {
		q, s := r.begin(tokens...)
		if s.IsNew() || s.Token() != token {
			t.Errorf("%v: new %v, want the session of the good token", tokens, s.IsNew())
		}
		counting(s)
		wantAction(t, q.commit(), session.ActionSet)
	}
	if got := r.data(idOf(token)).Count; got != 3 {
		t.Errorf("count %d, want 3", got)
	}
	// But it does beside what is unknown, in whichever order.
	for _, tokens := range [][]string{{old, "x." + secret22}, {"x." + secret22, old}, {"?", old}} {
		q := r.request(tokens...)
		counting(q.get())
		wantAction(t, q.commit(), session.ActionNone)
	}
}

// Renewed several times within the grace, all that were replaced are inert. They
// are remembered up to four.
func TestManyRenewalsDuringTheGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		tokens := []string{r.seed(visit{Name: "n"})}
		for range 5 {
			time.Sleep(time.Second)
			tokens = append(tokens, r.next(tokens[len(tokens)-1], (*visitSession).Renew))
		}
		r.wantOpens(tokens[5], idOf(tokens[5]))
		for _, old := range tokens[1:5] {
			r.wantInert(old)
		}
		r.wantUnknown(tokens[0]) // early, which bounds the record
		// Each has a grace of its own.
		time.Sleep(27 * time.Second)
		r.wantUnknown(tokens[1])
		r.wantInert(tokens[2])
		time.Sleep(2 * time.Second)
		r.wantInert(tokens[4])
		time.Sleep(time.Second)
		r.wantUnknown(tokens[4])
		r.wantOpens(tokens[5], idOf(tokens[5]))
	})
}

// What was forgotten leaves the record with the next save.
func TestFormerTokensDoNotPileUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		token := r.seed(visit{Name: "n"})
		size := len(r.record(idOf(token)).Meta)
		for range 10 {
			token = r.next(token, (*visitSession).Renew)
		}
		time.Sleep(30 * time.Second)
		r.with(token, counting)
		if got := len(r.record(idOf(token)).Meta); got > size {
			t.Errorf("the meta data has %d bytes after the grace, want the %d that it began with", got, size)
		}
	})
}
