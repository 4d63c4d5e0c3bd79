package session_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// What cannot be decoded is yielded with what is known of it, and the list goes on.
func TestSessionsWithDamagedRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName, func(cfg *visitConfig) { cfg.SchemaVersion = 1 })
		newer := r.another(byName, func(cfg *visitConfig) { cfg.SchemaVersion = 2 })
		want := map[string]error{}
		for _, tt := range []struct {
			by     *rig
			change func(*session.Record)
			want   error
		}{
			{r, func(*session.Record) {}, nil},
			{r, func(rec *session.Record) { rec.Data = []byte(`{"Name":1}`) }, session.ErrCorrupt},
			{r, func(rec *session.Record) { rec.Format = "gob" }, session.ErrCorrupt},
			{r, func(rec *session.Record) { rec.Format = "sealed" }, session.ErrCorrupt},
			{r, func(rec *session.Record) { rec.Meta = nil }, session.ErrCorrupt},
			{newer, func(*session.Record) {}, nil}, // it decodes
			{newer, func(rec *session.Record) { rec.Data = []byte(`{"Name":1}`) }, session.ErrSchema},
			{r, func(*session.Record) {}, nil},
		} {
			time.Sleep(time.Second)
			id := idOf(tt.by.seed(visit{Name: "ada"}))
			r.overwrite(id, tt.change)
			want[id] = tt.want
		}
		for info, err := range r.m.Sessions(t.Context(), "ada") {
			expected, listed := want[info.ID]
			if !listed || !errors.Is(err, expected) || expected == nil && err != nil {
				t.Errorf("Sessions gave %+v, %v, want each of the user's once, this one with %v", info, err, expected)
			}
			delete(want, info.ID)
			rec := r.record(info.ID)
			if info.User != "ada" || !info.CreatedAt.Equal(rec.CreatedAt) || !info.SeenAt.Equal(rec.SeenAt) || !info.ExpiresAt.Equal(rec.ExpiresAt) {
				t.Errorf("info %+v with %v, want the user and the times of %+v", info, err, rec)
			}
			if err == nil && info.Data.Name != "ada" || err != nil && info.Data.Name != "" {
				t.Errorf("info %+v with %v, want the Data exactly where there is no error", info, err)
			}
		}
		if len(want) != 0 {
			t.Errorf("Sessions left out %v, want all of the user's", want)
		}
	})
}

// What is over by the configuration, though the store has it, is in no list.
func TestSessionsThatAreOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		long := newRig(t, byName)
		long.seed(visit{Name: "ada"})
		r := long.another(byName, maxAge(time.Hour))
		if n := len(r.sessionsOf("ada")); n != 1 {
			t.Errorf("%d sessions before the hour is over, want 1", n)
		}
		time.Sleep(time.Hour)
		if n := len(r.sessionsOf("ada")); n != 0 {
			t.Errorf("%d sessions after the hour, want none", n)
		}
		if n := len(long.sessionsOf("ada")); n != 1 {
			t.Errorf("%d sessions where a day is the age, want 1", n)
		}
	})
}

func TestSessionsOfAStoreThatFails(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	r.seed(visit{Name: "ada"})
	for _, fault := range []error{errBroken, session.ErrUnavailable, context.Canceled} {
		r.store.failWith(opList, fault)
		n := 0
		for info, err := range r.m.Sessions(t.Context(), "ada") {
			n++
			wantErr(t, err, fault)
			if info.ID != "" || info.User != "" {
				t.Errorf("info %+v with the store's error, want an empty one", info)
			}
		}
		if n != 1 {
			t.Errorf("%d results, want the error alone", n)
		}
		r.store.failWith(opDeleteUser, fault)
		r.forget()
		_, err := r.m.DeleteUser(t.Context(), "ada")
		wantErr(t, err, fault)
		r.log.want(t) // nothing was revoked
	}
	r.wantRecords(1)
}

// Who has seen enough may stop.
func TestSessionsStopEarly(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	for range 3 {
		r.overwrite(idOf(r.seed(visit{Name: "ada"})), func(rec *session.Record) { rec.Data = nil })
	}
	n := 0
	for range r.m.Sessions(t.Context(), "ada") {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d results after a break, want 1", n)
	}
}

// A list waits for a store that is not connected, as everything does, and then
// fails; it is never an empty one.
func TestSessionsWhileTheStoreIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName, func(cfg *visitConfig) {
			users := cfg.Store.(userStore)
			cfg.Store = struct {
				*statusStore
				session.UserStore
			}{&statusStore{fakeStore: users.fakeStore, status: session.StatusDisconnected}, users}
		})
		r.store.failWith(opList, session.ErrUnavailable)
		for _, took := range []time.Duration{10 * time.Second, 0, 0} {
			start := time.Now()
			var errs []error
			for _, err := range r.m.Sessions(t.Context(), "ada") {
				errs = append(errs, err)
			}
			if len(errs) != 1 || !errors.Is(errs[0], session.ErrUnavailable) {
				t.Errorf("Sessions of a store that is down gave the errors %v, want ErrUnavailable", errs)
			}
			if got := time.Since(start); got != took {
				t.Errorf("it took %v, want %v: the ReconnectTimeout is counted once", got, took)
			}
		}
		if n := r.store.count(opList); n != 1 {
			t.Errorf("the store was asked %d times, want once: the others fail at once", n)
		}
		// The one a second that tries finds out that it is back.
		time.Sleep(time.Second)
		r.store.answer(nil)
		r.forget()
		r.sessionsOf("ada")
		r.log.want(t, session.EventStoreUp)
	})
}
