package session_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

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
			t.Fatalf("Sessions gave %d, want the 3 of ada: %+v", len(infos), infos)
		}
		for i, of := range []int{0, 2, 4} {
			info, rec := infos[i], r.record(idOf(tokens[of]))
			if info.ID != rec.ID || info.User != "ada" || info.Data.Count != of || info.Data.Name != "ada" {
				t.Errorf("info %+v, want id %s of ada with the count %d", info, rec.ID, of)
			}
			if !info.CreatedAt.Equal(rec.CreatedAt) || !info.AuthenticatedAt.Equal(rec.CreatedAt) || !info.SeenAt.Equal(rec.SeenAt) || !info.ExpiresAt.Equal(rec.ExpiresAt) {
				t.Errorf("info %+v, want the times of the record %+v", info, rec)
			}
		}
		if got := r.sessionsOf("eve"); len(got) != 0 {
			t.Errorf("Sessions of eve gave %+v, want none", got)
		}
		r.forget()
		if got := r.sessionsOf(""); len(got) != 0 {
			t.Errorf("Sessions of nobody gave %+v, want none: those are strangers to each other", got)
		}
		r.store.wantCalls(t, "")
	})
}

func TestDeleteOf(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	ada, bob := r.seed(visit{Name: "ada"}), r.seed(visit{Name: "bob"})
	nobody := r.seed(visit{})
	other := r.another(byName, func(cfg *visitConfig) { cfg.Cookie.Name = "other" }).seed(visit{Name: "ada"})
	for what, call := range map[string][2]string{
		"another user's":  {"ada", idOf(bob)},
		"an unknown id":   {"ada", "unknown"},
		"a whole token":   {"ada", ada},
		"an empty id":     {"ada", ""},
		"another kind's":  {"ada", idOf(other)},
		"nobody's":        {"", idOf(nobody)},
		"nobody's of ada": {"ada", idOf(nobody)},
	} {
		if err := r.m.DeleteOf(t.Context(), call[0], call[1]); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("DeleteOf of %s: %v, want ErrNotFound", what, err)
		}
	}
	if r.len() != 4 {
		t.Fatalf("%d records, want all 4", r.len())
	}
	r.forget()
	wantNoErr(t, r.m.DeleteOf(t.Context(), "ada", idOf(ada)))
	r.log.want(t, session.EventRevoked)
	if e := r.log.one(t, session.EventRevoked); e.ID != idOf(ada) || e.User != "ada" || e.Err != nil {
		t.Errorf("event %+v, want one of ada's session %s", e, idOf(ada))
	}
	if r.exists(idOf(ada)) || r.len() != 3 {
		t.Errorf("%d records, want only ada's to be gone", r.len())
	}
	r.wantUnknown(ada)
	wantErr(t, r.m.DeleteOf(t.Context(), "ada", idOf(ada)), session.ErrNotFound)
}

// A device whose record is damaged can still be signed out.
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
			t.Errorf("the record with damaged %s is still there", what)
		}
	}
}

func TestDeleteUser(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	first, second, bob := r.seed(visit{Name: "ada"}), r.seed(visit{Name: "ada"}), r.seed(visit{Name: "bob"})
	other := r.another(byName, func(cfg *visitConfig) { cfg.Cookie.Name = "other" }).seed(visit{Name: "ada"})
	r.seed(visit{})
	r.forget()
	if n, err := r.m.DeleteUser(t.Context(), "ada"); n != 2 || err != nil {
		t.Errorf("DeleteUser gave %d, %v, want the 2 of ada", n, err)
	}
	r.store.wantCalls(t, opDeleteUser+" "+opDeleteUser)
	r.log.want(t, session.EventRevoked)
	if e := r.log.one(t, session.EventRevoked); e.User != "ada" || e.ID != "" {
		t.Errorf("event %+v, want one of the user ada", e)
	}
	r.wantUnknown(first)
	r.wantUnknown(second)
	r.wantOpens(bob, idOf(bob))
	if !r.exists(idOf(other)) || r.len() != 3 {
		t.Errorf("%d records, ada's of another kind among them: %v, want 3 and that one", r.len(), r.exists(idOf(other)))
	}
	r.forget()
	if n, err := r.m.DeleteUser(t.Context(), ""); n != 0 || err != nil {
		t.Errorf("DeleteUser of nobody gave %d, %v, want nothing: those are strangers to each other", n, err)
	}
	r.store.wantCalls(t, "")
}

func TestDeleteOthers(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	keep, other, bob := r.seed(visit{Name: "ada"}), r.seed(visit{Name: "ada"}), r.seed(visit{Name: "bob"})
	for _, id := range []string{"", keep, "a b"} {
		if n, err := r.m.DeleteOthers(t.Context(), "ada", id); n != 0 || !errors.Is(err, session.ErrNotFound) {
			t.Errorf("DeleteOthers but %q gave %d, %v, want ErrNotFound: it would be all", id, n, err)
		}
	}
	if n, err := r.m.DeleteOthers(t.Context(), "ada", idOf(keep)); n != 1 || err != nil {
		t.Errorf("DeleteOthers gave %d, %v, want 1", n, err)
	}
	r.wantOpens(keep, idOf(keep))
	r.wantOpens(bob, idOf(bob))
	r.wantUnknown(other)
	if n, err := r.m.DeleteOthers(t.Context(), "", idOf(keep)); n != 0 || err != nil || r.len() != 2 {
		t.Errorf("DeleteOthers of nobody gave %d, %v and %d records, want nothing and 2", n, err, r.len())
	}
}

// Without the ability, or without User, nothing is pretended.
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
					t.Errorf("Sessions gave %+v, want an error alone", info)
				}
			}
			if n != 1 {
				t.Errorf("Sessions yielded %d times, want one error", n)
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
