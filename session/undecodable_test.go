package session_test

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/echosession/echosession/session"
)

// damagedStore cannot decode the record of one id. read leaves what it can tell
// of it all the same.
type damagedStore struct {
	userStore
	id   string
	read func(*session.Record)
}

func (s damagedStore) decode(r session.Record) (session.Record, error) {
	if r.ID != s.id {
		return r, nil
	}
	r.Version, r.Meta, r.Data = 0, nil, nil
	s.read(&r)
	return r, fmt.Errorf("a field: %w", session.ErrCorrupt)
}

func (s damagedStore) Load(ctx context.Context, id string) (session.Record, error) {
	r, err := s.userStore.Load(ctx, id)
	if err != nil {
		return r, err
	}
	return s.decode(r)
}

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

// What a store can tell of a record that it cannot decode.
var (
	readAll     = func(*session.Record) {}
	readNothing = func(r *session.Record) { *r = session.Record{} }
	readName    = func(r *session.Record) { *r = session.Record{ID: r.ID, Name: r.Name} }
)

// damaged returns a Manager to which the record of the token is damaged.
func (r *rig) damaged(token string, read func(*session.Record)) *rig {
	r.Helper()
	return r.another(byName, func(cfg *visitConfig) {
		cfg.Store = damagedStore{userStore{r.store}, idOf(token), read}
	})
}

// What the store cannot decode is yielded with what that could read, and the list
// goes on. An error without an id is the store's own, and ends it.
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
					t.Errorf("info %+v, want the id, the user and the times of %+v", info, want)
				}
			}
			if ends := name == "nothing"; failed == 0 || !ends && n != 11 || ends && n != failed {
				t.Errorf("%d results, the damaged one after %d, want 11, or the end where nothing is known of it", n, failed-1)
			}
		})
	}
}

// A device whose record the store cannot decode can be signed out, as far as the
// store can tell whose it is.
func TestDeleteOfWhatTheStoreCannotDecode(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		read           func(*session.Record)
		deleted, ofAda error
	}{
		"all":          {readAll, nil, nil},
		"name":         {readName, nil, session.ErrNotFound},
		"nothing":      {readNothing, session.ErrCorrupt, session.ErrCorrupt},
		"another kind": {func(r *session.Record) { r.Name = "other" }, session.ErrCorrupt, session.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, byName)
			token := r.seed(visit{Name: "ada"})
			damaged := r.damaged(token, tt.read)
			if err := damaged.m.DeleteOf(t.Context(), "bob", idOf(token)); err == nil || !r.exists(idOf(token)) {
				t.Errorf("DeleteOf another user: %v, and the record exists: %v, want an error and the record", err, r.exists(idOf(token)))
			}
			r.log.reset()
			for what, op := range map[string]struct {
				do   func() error
				want error
			}{
				"DeleteOf": {func() error { return damaged.m.DeleteOf(t.Context(), "ada", idOf(token)) }, tt.ofAda},
				"Delete":   {func() error { return damaged.m.Delete(t.Context(), idOf(token)) }, tt.deleted},
			} {
				token = r.seed(visit{Name: "ada"})
				damaged = r.damaged(token, tt.read)
				wantErr(t, op.do(), op.want)
				if gone := !r.exists(idOf(token)); gone != (op.want == nil) {
					t.Errorf("after %s the record is gone: %v, want %v", what, gone, op.want == nil)
				}
				events := []session.EventKind{session.EventRevoked}
				if op.want != nil {
					events = nil
				}
				damaged.log.want(t, events...)
			}
			// To everything else it is damaged, and stays.
			token = r.seed(visit{Name: "ada"})
			damaged = r.damaged(token, tt.read)
			_, err := damaged.m.Find(t.Context(), idOf(token))
			wantErr(t, err, session.ErrCorrupt)
			_, err = damaged.m.Open(t.Context(), token)
			wantErr(t, err, session.ErrCorrupt)
			wantErr(t, damaged.m.Update(t.Context(), idOf(token), count), session.ErrCorrupt)
			if !r.exists(idOf(token)) {
				t.Error("the record is gone, want it left as it is")
			}
		})
	}
}
