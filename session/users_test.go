package session_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// Sessions lists the sessions of a user, with all of each record. No user has
// no sessions.
func TestSessionsOfAUser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName)
		var tokens []string
		for i, name := range []string{"ada", "bob", "ada", "", "ada"} {
			time.Sleep(time.Second)
			tokens = append(tokens, r.seed(visit{Name: name, Count: i}))
		}
		infos := r.sessionsOf("ada")
		if len(infos) != 3 {
			t.Fatalf("Sessions: %+v, want the 3 of ada", infos)
		}
		for i, of := range []int{0, 2, 4} {
			info, rec := infos[i], r.record(idOf(tokens[of]))
			if info.ID != rec.ID || info.User != "ada" || info.Data.Count != of || info.Data.Name != "ada" {
				t.Errorf("the info is %+v, want the id %s of ada with the count %d", info, rec.ID, of)
			}
			if !info.CreatedAt.Equal(rec.CreatedAt) || !info.AuthenticatedAt.Equal(rec.CreatedAt) || !info.SeenAt.Equal(rec.SeenAt) || !info.ExpiresAt.Equal(rec.ExpiresAt) {
				t.Errorf("the info is %+v, want the times of the record %+v", info, rec)
			}
		}
		if got := r.sessionsOf("eve"); len(got) != 0 {
			t.Errorf("Sessions of eve: %+v, want none", got)
		}
		r.forget()
		if got := r.sessionsOf(""); len(got) != 0 {
			t.Errorf("Sessions of no user: %+v, want none", got)
		}
		r.store.wantCalls(t, "")
	})
}

// A session that is over by the configuration is not listed, even if the store
// still has its record.
func TestSessionsThatAreOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		long := newRig(t, byName)
		long.seed(visit{Name: "ada"})
		r := long.another(byName, maxAge(time.Hour))
		if n := len(r.sessionsOf("ada")); n != 1 {
			t.Errorf("%d sessions before the end of the hour, want 1", n)
		}
		time.Sleep(time.Hour)
		if n := len(r.sessionsOf("ada")); n != 0 {
			t.Errorf("%d sessions after the hour, want none", n)
		}
		if n := len(long.sessionsOf("ada")); n != 1 {
			t.Errorf("%d sessions where the age is a day, want 1", n)
		}
	})
}

// The caller of Sessions may stop at any result.
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

// An error of the store is the only result of Sessions, and one of DeleteUser.
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
				t.Errorf("the info is %+v, want an empty one with the error of the store", info)
			}
		}
		if n != 1 {
			t.Errorf("%d results, want the error alone", n)
		}
		r.store.failWith(opDeleteUser, fault)
		r.forget()
		_, err := r.m.DeleteUser(t.Context(), "ada")
		wantErr(t, err, fault)
		r.log.want(t)
	}
	r.wantRecords(1)
}

// Sessions waits for a store that is not connected, and then fails at once. It
// is never an empty list.
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
				t.Errorf("Sessions: the errors %v, want ErrUnavailable alone", errs)
			}
			if got := time.Since(start); got != took {
				t.Errorf("it took %v, want %v: the ReconnectTimeout counts once", got, took)
			}
		}
		if n := r.store.count(opList); n != 1 {
			t.Errorf("%d calls of the store, want one", n)
		}
		// One call a second goes through, and finds the store up again.
		time.Sleep(time.Second)
		r.store.answer(nil)
		r.forget()
		r.sessionsOf("ada")
		r.log.want(t, session.EventStoreUp)
	})
}

// A record that cannot be decoded is listed with its error and what is known of
// it, and the list goes on.
func TestSessionsWithDamagedRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName, func(cfg *visitConfig) { cfg.SchemaVersion = 1 })
		newer := r.another(byName, func(cfg *visitConfig) { cfg.SchemaVersion = 2 })
		want := map[string]error{}
		for _, tt := range []struct {
			by     *rig // which stores the session
			change func(*session.Record)
			want   error
		}{
			{r, func(*session.Record) {}, nil},
			{r, func(rec *session.Record) { rec.Data = []byte(`{"Name":1}`) }, session.ErrCorrupt},
			{r, func(rec *session.Record) { rec.Format = "gob" }, session.ErrCorrupt},
			{r, func(rec *session.Record) { rec.Format = "sealed" }, session.ErrCorrupt},
			{r, func(rec *session.Record) { rec.Meta = nil }, session.ErrCorrupt},
			{newer, func(*session.Record) {}, nil},
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
				t.Errorf("Sessions: %+v, %v, want each session once, this one with %v", info, err, expected)
			}
			delete(want, info.ID)
			rec := r.record(info.ID)
			if info.User != "ada" || !info.CreatedAt.Equal(rec.CreatedAt) || !info.SeenAt.Equal(rec.SeenAt) || !info.ExpiresAt.Equal(rec.ExpiresAt) {
				t.Errorf("the info is %+v with %v, want the user and the times of %+v", info, err, rec)
			}
			if err == nil && info.Data.Name != "ada" || err != nil && info.Data.Name != "" {
				t.Errorf("the info is %+v with %v, want Data only without an error", info, err)
			}
		}
		if len(want) != 0 {
			t.Errorf("Sessions left out %v, want all sessions of the user", want)
		}
	})
}

// damagedStore is a store that cannot decode the record of one id. read leaves
// of it what the store can read all the same.
type damagedStore struct {
	userStore
	id   string
	read func(*session.Record)
}

// decode returns ErrCorrupt for the damaged record.
func (s damagedStore) decode(r session.Record) (session.Record, error) {
	if r.ID != s.id {
		return r, nil
	}
	r.Version, r.Meta, r.Data = 0, nil, nil
	s.read(&r)
	return r, fmt.Errorf("a field: %w", session.ErrCorrupt)
}

// Load implements session.Store.
func (s damagedStore) Load(ctx context.Context, id string) (session.Record, error) {
	r, err := s.userStore.Load(ctx, id)
	if err != nil {
		return r, err
	}
	return s.decode(r)
}

// ListUser implements session.UserStore.
func (s damagedStore) ListUser(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		for r, err := range s.userStore.ListUser(ctx, name, user) {
			if err == nil {
				r, err = s.decode(r)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// What a store can read of a record that it cannot decode.
var (
	readAll     = func(*session.Record) {}
	readNothing = func(r *session.Record) { *r = session.Record{} }
	readName    = func(r *session.Record) { *r = session.Record{ID: r.ID, Name: r.Name} }
)

// damaged makes a Manager whose store cannot decode the record of the token.
func (r *rig) damaged(token string, read func(*session.Record)) *rig {
	r.Helper()
	return r.another(byName, func(cfg *visitConfig) {
		cfg.Store = damagedStore{userStore{r.store}, idOf(token), read}
	})
}

// A record that the store cannot decode is listed with what the store can read
// of it, and the list goes on. An error without an id ends the list.
func TestSessionsThatTheStoreCannotDecode(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(*session.Record){"all": readAll, "name": readName, "nothing": readNothing} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, byName)
			for range 10 {
				r.seed(visit{Name: "ada"})
			}
			token := r.seed(visit{Name: "ada"})
			want := r.record(idOf(token))
			read(&want)
			n, failed := 0, 0
			for info, err := range r.damaged(token, read).m.Sessions(t.Context(), "ada") {
				n++
				if err == nil {
					continue
				}
				failed = n
				wantErr(t, err, session.ErrCorrupt)
				if info.ID != want.ID || info.User != want.User || info.Data.Name != "" || !info.SeenAt.Equal(want.SeenAt) ||
					!info.CreatedAt.Equal(want.CreatedAt) || !info.ExpiresAt.Equal(want.ExpiresAt) {
					t.Errorf("the info is %+v, want the id, the user and the times of %+v", info, want)
				}
			}
			if ends := name == "nothing"; failed == 0 || !ends && n != 11 || ends && n != failed {
				t.Errorf("%d results, the damaged one after %d, want 11, or the end of the list if nothing is known of it", n, failed-1)
			}
		})
	}
}

// Without Config.User, or with a store that has no users, all calls about users
// are ErrUnsupported.
func TestUsersUnsupported(t *testing.T) {
	t.Parallel()
	for what, set := range map[string]func(*visitConfig){
		"a store without users": func(cfg *visitConfig) {
			plain := struct{ session.Store }{cfg.Store}
			byName(cfg)
			cfg.Store = plain
		},
		"no User": func(cfg *visitConfig) { byName(cfg); cfg.User = nil },
	} {
		t.Run(what, func(t *testing.T) {
			r := newRig(t, set)
			token := r.seed(visit{Name: "ada"})
			r.forget()
			n := 0
			for info, err := range r.m.Sessions(t.Context(), "ada") {
				n++
				wantErr(t, err, errors.ErrUnsupported)
				if info.ID != "" {
					t.Errorf("Sessions: %+v, want an error alone", info)
				}
			}
			if n != 1 {
				t.Errorf("Sessions: %d results, want one error", n)
			}
			wantErr(t, r.m.DeleteOf(t.Context(), "ada", idOf(token)), errors.ErrUnsupported)
			_, err := r.m.DeleteUser(t.Context(), "ada")
			wantErr(t, err, errors.ErrUnsupported)
			_, err = r.m.DeleteOthers(t.Context(), "ada", idOf(token))
			wantErr(t, err, errors.ErrUnsupported)
			r.store.wantCalls(t, "")
			if !r.exists(idOf(token)) {
				t.Error("the session is gone, want it left alone")
			}
		})
	}
}
