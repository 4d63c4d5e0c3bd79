package session_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// Another program's shape is read, and the record is in this one's after it.
func TestManagerUpdateOfAnOlderShape(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old, err := managerOf[visitV1](t, r.store).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	old.Data.Name = "n"
	wantNoErr(t, old.Save(t.Context()))
	wantNoErr(t, r.m.Update(t.Context(), old.ID(), count))
	want, _ := session.JSON().Marshal(&visit{Name: "n", Count: 1})
	if got := r.record(old.ID()).Data; !bytes.Equal(got, want) {
		t.Errorf("stored %s, want %s", got, want)
	}
	q, _ := r.begin(old.Token())
	wantAction(t, q.commit(), session.ActionNone)
}

// Event durations are the time in the store.
func TestEventDuration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rolling(time.Hour, time.Minute))
		r.store.answer(func(_ string, _ session.Record, do func() error) error {
			time.Sleep(5 * time.Millisecond)
			return do()
		})
		token := r.seed(visit{Name: "n"})
		q := r.request(token)
		q.get().Data.Count = 1
		q.commit()
		time.Sleep(time.Minute)
		r.request(token).loadAndCommit()
		_ = r.m.Update(t.Context(), idOf(token), count)
		q = r.request(token)
		q.get().Regenerate()
		q.commit()
		if s, err := r.m.Start(t.Context()); err == nil {
			_ = s.Save(t.Context())
			_ = r.m.Delete(t.Context(), s.ID())
		}
		r.log.want(t, session.EventSaved, session.EventTouched, session.EventSaved, session.EventDestroyed, session.EventCreated, session.EventRevoked)
		for _, e := range r.log.events {
			if e.Duration != 5*time.Millisecond {
				t.Errorf("%s: %v, want 5ms", e.Kind, e.Duration)
			}
		}
	})
}
