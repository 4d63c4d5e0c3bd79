package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// A request that renews the token by the way does not confirm that itself,
// however often it saves: its response may be lost.
func TestTimedRenewalIsNotConfirmedByItsOwnRequest(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		do    func(*rig, *visitSession) error
		calls string
	}{
		"nothing": {func(*rig, *visitSession) error { return nil }, "load update"},
		"Save":    {func(r *rig, s *visitSession) error { return s.Save(r.Context()) }, "load update"},
		"Save, then a change": {func(r *rig, s *visitSession) error {
			err := s.Save(r.Context())
			s.Data.Count++
			return err
		}, "load update update"},
		"Update": {func(r *rig, s *visitSession) error {
			return s.Update(r.Context(), count)
		}, "load update"},
		"SetMaxAge after a Save": {func(r *rig, s *visitSession) error {
			err := s.Save(r.Context())
			s.SetMaxAge(48 * time.Hour)
			return err
		}, "load update update"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, renewAfter(time.Hour))
				old := r.seed(visit{Name: "n"})
				time.Sleep(time.Hour)
				var failed error
				r.forget()
				r.with(old, func(s *visitSession) { failed = tt.do(r, s) }) // the response is lost
				wantNoErr(t, failed)
				r.store.wantCalls(t, tt.calls)
				time.Sleep(time.Minute)
				r.wantOpens(old, idOf(old))
			})
		})
	}
}

// The renewal landed, and nobody heard of it; then the stream saves, when no
// cookie can be sent any more.
func TestTimedRenewalLostThenALateSave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, renewAfter(time.Hour))
		old := r.seed(visit{Name: "n"})
		time.Sleep(time.Hour)
		q, s := r.begin(old)
		r.store.goDown(true)
		q.commit()
		r.store.answer(nil)
		s.Data.Count++
		wantNoErr(t, s.Save(t.Context()))
		q.end()
		time.Sleep(time.Minute)
		r.wantOpens(old, idOf(old))
	})
}

// A log-in landed, and nobody heard of it; Reload finds it. The token of what it
// found goes out with the response.
func TestReloadAfterALostReply(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*visitSession){
		"log-in": naming("ada"),
		"Renew":  func(s *visitSession) { s.Data.Name = "ada"; s.Renew() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, byName)
				old := r.seed(visit{})
				q, s := r.begin(old)
				change(s)
				r.store.goDown(true)
				wantErr(t, s.Save(t.Context()), session.ErrUnavailable)
				r.store.answer(nil)
				wantNoErr(t, s.Reload(t.Context()))
				if s.Data.Name != "ada" {
					t.Errorf("Data %+v, want what landed", s.Data)
				}
				out := q.commit()
				wantAction(t, out, session.ActionSet)
				if out.Token == old || out.Token != s.Token() {
					t.Errorf("the response has the token %q, want the new one, %q", out.Token, s.Token())
				}
				r.store.wantCalls(t, "load update load load")
				r.wantOpens(out.Token, idOf(old))
			})
		})
	}
}

// A log-in that landed unheard, and was then taken back, is none: it does not
// prolong the session.
func TestLogInThatWasTakenBackMovesNoTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName, absolute(10*time.Hour))
		old := r.seed(visit{Count: 1})
		time.Sleep(9 * time.Hour)
		q, s := r.begin(old)
		s.Data.Name = "ada"
		r.store.goDown(true)
		wantErr(t, s.Save(t.Context()), session.ErrUnavailable)
		r.store.answer(nil)
		s.Data.Name = ""
		q.save(s)
		if left := time.Until(s.ExpiresAt()); !s.AuthenticatedAt().IsZero() || left > time.Hour || left < time.Hour-time.Second {
			t.Errorf("authenticated at %v, ends in %v, want never and in 1h", s.AuthenticatedAt(), left)
		}
	})
}

// Renew that comes while a log-in is being saved, which has a new token of its
// own, asks for another one with the next save.
func TestRenewDuringALogIn(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	q, s := r.begin(r.seed(visit{}))
	s.Data.Name = "ada"
	r.store.once(opUpdate, func(do func() error) error {
		s.Renew() // as another goroutine of the request does
		return do()
	})
	wantNoErr(t, s.Save(t.Context()))
	next := s.Token()
	out := q.commit()
	if out.Token != next {
		t.Errorf("the response has the token %q, want the one that Token gave, %q", out.Token, next)
	}
	r.wantOpens(next, idOf(next))
}
