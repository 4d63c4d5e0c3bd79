package session_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// The duration of an event is the time in the store, and only that.
func TestEventDuration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rolling(time.Hour, time.Minute))
		r.store.answer(func(_ string, _ session.Record, do func() error) error {
			time.Sleep(5 * time.Millisecond)
			return do()
		})
		token := r.seed(visit{Name: "n"})
		r.handle(token, counting)
		time.Sleep(time.Minute)
		r.handle(token, looking)
		wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
		r.handle(token, (*visitSession).Regenerate)
		s := r.start()
		wantNoErr(t, s.Save(t.Context()))
		wantNoErr(t, r.m.Delete(t.Context(), s.ID()))
		r.log.want(t, session.EventSaved, session.EventTouched, session.EventSaved, session.EventDestroyed, session.EventCreated, session.EventRevoked)
		for _, e := range r.log.events {
			if e.Duration != 5*time.Millisecond {
				t.Errorf("the event %q has the duration %v, want 5ms", e.Kind, e.Duration)
			}
		}
	})
}

// The event of a rejected token says why: a client that missed a log-in differs
// from one that guesses.
func TestRejectedTokensDiffer(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	old := r.seed(visit{})
	r.signIn(old, "ada")
	for token, want := range map[string]string{
		old:                          "superseded token",
		unknownToken(idOf(old)):      "wrong secret",
		unknownToken("unknown"):      session.ErrNotFound.Error(),
		"not a token of any session": "malformed token",
	} {
		r.forget()
		r.begin(token)
		if err := r.log.one(t, session.EventRejected).Err; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the event has the error %v, want %q", err, want)
		}
	}
}

// An error of the function of an Update is returned as it is, and not observed.
// An error of the store is observed.
func TestUpdateErrorIsNotObserved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, s := r.begin(r.seed(visit{Name: "n"}))
	if err := s.Update(t.Context(), func(*visit) error { return errBroken }); err != errBroken {
		t.Errorf("Update: %v, want the error of the function as it is", err)
	}
	r.log.want(t)
	r.store.failWith(opUpdate, session.ErrUnavailable)
	wantErr(t, s.Update(t.Context(), count), session.ErrUnavailable)
	r.log.want(t, session.EventError)
}
