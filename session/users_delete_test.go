package session_test

import (
	"errors"
	"testing"

	"github.com/echosession/echosession/session"
)

// DeleteOf ends a session of the user. Any other session is ErrNotFound.
func TestDeleteOf(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	ada, bob := r.seed(visit{Name: "ada"}), r.seed(visit{Name: "bob"})
	anonymous := r.seed(visit{})
	other := r.another(byName, func(cfg *visitConfig) { cfg.Cookie.Name = "other" }).seed(visit{Name: "ada"})
	for what, call := range map[string][2]string{
		"another user's":            {"ada", idOf(bob)},
		"an unknown id":             {"ada", "unknown"},
		"a whole token":             {"ada", ada},
		"an empty id":               {"ada", ""},
		"another kind's":            {"ada", idOf(other)},
		"an anonymous one":          {"", idOf(anonymous)},
		"an anonymous one, for ada": {"ada", idOf(anonymous)},
	} {
		if err := r.m.DeleteOf(t.Context(), call[0], call[1]); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("DeleteOf of %s: %v, want ErrNotFound", what, err)
		}
	}
	r.wantRecords(4)
	r.forget()
	wantNoErr(t, r.m.DeleteOf(t.Context(), "ada", idOf(ada)))
	r.log.want(t, session.EventRevoked)
	if e := r.log.one(t, session.EventRevoked); e.ID != idOf(ada) || e.User != "ada" || e.Err != nil {
		t.Errorf("the event is %+v, want one of ada's session %s", e, idOf(ada))
	}
	r.wantRecords(3)
	r.wantUnknown(ada)
	wantErr(t, r.m.DeleteOf(t.Context(), "ada", idOf(ada)), session.ErrNotFound)
}

// A session whose record is damaged can be ended by its user.
func TestDeleteOfADamagedRecord(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	for what, change := range map[string]func(*session.Record){
		"data": func(rec *session.Record) { rec.Data = []byte("{") },
		"meta": func(rec *session.Record) { rec.Meta = []byte("?") },
	} {
		token := r.seed(visit{Name: "ada"})
		r.overwrite(idOf(token), change)
		wantErr(t, r.m.DeleteOf(t.Context(), "bob", idOf(token)), session.ErrNotFound)
		wantNoErr(t, r.m.DeleteOf(t.Context(), "ada", idOf(token)))
		if r.exists(idOf(token)) {
			t.Errorf("the record with damaged %s exists, want it deleted", what)
		}
	}
}

// A session whose record the store cannot decode can be ended if the store can
// read whose it is.
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
				t.Errorf("DeleteOf for bob: %v, and the record exists: %v, want an error and the record", err, r.exists(idOf(token)))
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
			// Every other call is ErrCorrupt, and the record stays.
			token = r.seed(visit{Name: "ada"})
			damaged = r.damaged(token, tt.read)
			_, err := damaged.m.Find(t.Context(), idOf(token))
			wantErr(t, err, session.ErrCorrupt)
			_, err = damaged.m.Open(t.Context(), token)
			wantErr(t, err, session.ErrCorrupt)
			wantErr(t, damaged.m.Update(t.Context(), idOf(token), count), session.ErrCorrupt)
			if !r.exists(idOf(token)) {
				t.Error("the record is gone, want it to stay")
			}
		})
	}
}

// A session that is sealed by another key can be ended.
func TestSealedByAnotherKeyIsDeleted(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName, sealing(key("a")))
	one, two := r.seed(secretVisit()), r.seed(secretVisit())
	other := r.another(byName, sealing(key("b")))
	wantNoErr(t, other.m.DeleteOf(t.Context(), "ada", idOf(one)))
	wantNoErr(t, other.m.Delete(t.Context(), idOf(two)))
	r.wantRecords(0)
}

// DeleteUser ends all sessions of the user, of this kind alone.
func TestDeleteUser(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	first, second, bob := r.seed(visit{Name: "ada"}), r.seed(visit{Name: "ada"}), r.seed(visit{Name: "bob"})
	other := r.another(byName, func(cfg *visitConfig) { cfg.Cookie.Name = "other" }).seed(visit{Name: "ada"})
	r.seed(visit{})
	r.forget()
	if n, err := r.m.DeleteUser(t.Context(), "ada"); n != 2 || err != nil {
		t.Errorf("DeleteUser: %d, %v, want the 2 of ada", n, err)
	}
	r.store.wantCalls(t, opDeleteUser+" "+opDeleteUser)
	r.log.want(t, session.EventRevoked)
	if e := r.log.one(t, session.EventRevoked); e.User != "ada" || e.ID != "" {
		t.Errorf("the event is %+v, want one of the user ada without an id", e)
	}
	r.wantUnknown(first)
	r.wantUnknown(second)
	r.wantOpens(bob, idOf(bob))
	r.wantRecords(3)
	if !r.exists(idOf(other)) {
		t.Error("ada's session of another kind is gone, want it to stay")
	}
	r.forget()
	if n, err := r.m.DeleteUser(t.Context(), ""); n != 0 || err != nil {
		t.Errorf("DeleteUser of no user: %d, %v, want 0 and no error", n, err)
	}
	r.store.wantCalls(t, "")
}

// A store deletes the records of a user one after the other. Regenerate moves a
// session from a record that it has not reached yet to one that it has passed.
// DeleteUser finds it all the same.
func TestDeleteUserOfASessionThatMoves(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	token := r.seed(visit{Name: "ada"})
	moved := false
	r.store.answer(func(op string, _ session.Record, do func() error) error {
		if op != opDeleteUser || moved {
			return do()
		}
		moved = true
		token = r.nextToken(token, func(s *visitSession) {
			data := s.Data
			s.Regenerate()
			s.Data = data
		})
		return nil // as the store met neither record
	})
	n, err := r.m.DeleteUser(t.Context(), "ada")
	wantNoErr(t, err)
	if n != 1 {
		t.Errorf("DeleteUser: %d, want 1", n)
	}
	r.wantUnknown(token)
	r.wantRecords(0)
}

// DeleteUser looks again a bounded number of times at a store that finds more
// at every look. What was deleted counts, also if the store fails then.
func TestDeleteUserIsBounded(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fails   int // the call of the store that fails; 0: none
		deleted int64
		calls   int
	}{
		"a store that finds more":            {0, 4, 4},
		"a store that fails after two looks": {3, 2, 3},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, byName)
			r.seed(visit{Name: "ada"})
			unseen := newRig(t, func(cfg *visitConfig) { cfg.Store = r.store.Store }, byName) // past the faults of r
			calls := 0
			r.store.answer(func(op string, _ session.Record, do func() error) error {
				if calls++; calls == tt.fails {
					return errBroken
				}
				err := do()
				unseen.seed(visit{Name: "ada"})
				return err
			})
			n, err := r.m.DeleteUser(t.Context(), "ada")
			if n != tt.deleted || calls != tt.calls || errors.Is(err, errBroken) != (tt.fails != 0) {
				t.Errorf("DeleteUser: %d in %d calls of the store, %v, want %d in %d", n, calls, err, tt.deleted, tt.calls)
			}
		})
	}
}

// DeleteOthers ends all sessions of the user except for one. Without a valid id
// to keep it ends none.
func TestDeleteOthers(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	keep, other, bob := r.seed(visit{Name: "ada"}), r.seed(visit{Name: "ada"}), r.seed(visit{Name: "bob"})
	for _, id := range []string{"", keep, "a b"} {
		if n, err := r.m.DeleteOthers(t.Context(), "ada", id); n != 0 || !errors.Is(err, session.ErrNotFound) {
			t.Errorf("DeleteOthers except for %q: %d, %v, want ErrNotFound", id, n, err)
		}
	}
	if n, err := r.m.DeleteOthers(t.Context(), "ada", idOf(keep)); n != 1 || err != nil {
		t.Errorf("DeleteOthers: %d, %v, want 1", n, err)
	}
	r.wantOpens(keep, idOf(keep))
	r.wantOpens(bob, idOf(bob))
	r.wantUnknown(other)
	if n, err := r.m.DeleteOthers(t.Context(), "", idOf(keep)); n != 0 || err != nil || r.len() != 2 {
		t.Errorf("DeleteOthers of no user: %d, %v with %d records left, want 0 and 2", n, err, r.len())
	}
}
