package session_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// A background job's change is no use of the session.
func TestManagerUpdate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rolling(time.Hour, -1))
		token := r.seed(visit{Name: "n"})
		r.overwrite(idOf(token), func(rec *session.Record) { rec.User = "u" })
		before := r.record(idOf(token))
		time.Sleep(time.Minute)
		wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
		r.store.wantCalls(t, "load update")
		r.log.want(t, session.EventSaved)
		after := r.record(idOf(token))
		if !after.SeenAt.Equal(before.SeenAt) || !after.ExpiresAt.Equal(before.ExpiresAt) || !after.CreatedAt.Equal(before.CreatedAt) ||
			after.User != "u" || after.Version != before.Version+1 || after.Name != before.Name || after.Format != "json" {
			t.Errorf("%+v, want all but Data and Version as in %+v", after, before)
		}
		if bytes.Equal(after.Meta, before.Meta) {
			t.Error("the nonce of the write is the same, want another")
		}
		if s := r.request(token).get(); s.Data.Count != 1 || s.IsNew() {
			t.Errorf("the token opens %+v, want the change", s.Data)
		}
	})
}

func TestManagerUpdateWithoutAWrite(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *visitConfig) { cfg.MaxBytes = 200 })
	token := r.seed(visit{Name: "n"})
	for name, tt := range map[string]struct {
		fn  func(*visit) error
		err error
	}{
		"no change":    {func(*visit) error { return nil }, nil},
		"changed back": {func(v *visit) error { v.Count++; v.Count--; return nil }, nil},
		"an error":     {func(v *visit) error { v.Count++; return errBroken }, errBroken},
		"too large":    {func(v *visit) error { v.Note = strings.Repeat("x", 200); return nil }, session.ErrTooLarge},
		"a panic":      {func(v *visit) error { v.Count++; panic(errBroken) }, errBroken},
	} {
		r.forget()
		if err := recovered(func() error { return r.m.Update(t.Context(), idOf(token), tt.fn) }); err != tt.err {
			t.Log(name)
			wantErr(t, err, tt.err)
		}
		r.store.wantCalls(t, "load")
		r.log.want(t)
	}
}

// fn runs again on what came in between, and stored is what it made of that.
func TestManagerUpdateRunsAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	runs := 0
	err := r.m.Update(t.Context(), idOf(token), func(v *visit) error {
		if runs++; runs == 1 {
			r.foreign(token, func(s *visitSession) { s.Data.Count = 10 })
		}
		return count(v)
	})
	if got, want := r.data(idOf(token)), (visit{Name: "n", Count: 11}); err != nil || runs != 2 || !equalVisits(got, want) {
		t.Errorf("%v, %d runs, stored %+v, want two runs and %+v", err, runs, got, want)
	}
	r.log.want(t, session.EventSaved)
}

// What it writes is sealed as the next version, and can be opened again.
func TestManagerUpdateOfASealedSession(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *visitConfig) { cfg.EncryptionKeys = keys(32) })
	token := r.seed(visit{Name: "n"})
	for range 2 {
		wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
	}
	if s := r.request(token).get(); s.Data.Count != 2 {
		t.Errorf("the token opens %+v, want both changes", s.Data)
	}
}

func TestManagerUpdateMeetsTheEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	err := r.m.Update(t.Context(), idOf(token), func(v *visit) error {
		_ = r.store.Store.Delete(t.Context(), idOf(token), 0)
		return count(v)
	})
	wantErr(t, err, session.ErrNotFound)
	if r.len() != 0 {
		t.Error("what was deleted came back")
	}
}

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
