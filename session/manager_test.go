package session_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

func TestStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(cfg *visitConfig) { cfg.New = func() visit { return visit{Note: "new"} } })
		s := r.start()
		now := time.Now()
		if !s.IsNew() || s.Data.Note != "new" || s.Manager() != r.m || !s.CreatedAt().Equal(now) || !s.ExpiresAt().Equal(now.Add(24*time.Hour)) {
			t.Errorf("new %v, Data %+v, created %v, ends %v", s.IsNew(), s.Data, s.CreatedAt(), s.ExpiresAt())
		}
		r.store.wantCalls(t, "")
		if err := s.Save(t.Context()); err != nil || s.IsNew() {
			t.Errorf("Save: %v, new %v", err, s.IsNew())
		}
		r.store.wantCalls(t, "create")
		r.log.want(t, session.EventCreated)
		if got := r.request(s.Token()).get(); got.Data.Note != "new" || got.ID() != s.ID() {
			t.Errorf("the token opens %+v, want what was stored", got.Data)
		}
	})
}

func TestOpen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	s, err := r.m.Open(t.Context(), token)
	if err != nil || s.IsNew() || s.Data.Name != "n" || s.ID() != idOf(token) || s.Token() != token {
		t.Fatalf("%v, %v with %+v, want the stored session", s, err, s.Data)
	}
	s.Data.Count = 1
	s.Renew()
	if err := s.Save(t.Context()); err != nil || s.Token() == token {
		t.Errorf("Save: %v, token %q, want a new one", err, s.Token())
	}
	_, err = r.m.Open(t.Context(), token)
	wantErr(t, err, session.ErrNotFound)
	if s, err = r.m.Open(t.Context(), s.Token()); err != nil || s.Data.Count != 1 {
		t.Errorf("%v, %v, want what was saved", s, err)
	}
	for _, bad := range []string{"", idOf(token), token + ".x", " " + token, rigCookie + "=" + token} {
		r.forget()
		s, err := r.m.Open(t.Context(), bad)
		wantErr(t, err, session.ErrNotFound)
		if s != nil || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%v, %v, want no session, and an error that does not repeat the token", s, err)
		}
		r.store.wantCalls(t, "")
	}
	r.store.failWith(opLoad, session.ErrUnavailable)
	_, err = r.m.Open(t.Context(), token)
	wantErr(t, err, session.ErrUnavailable)
}

func TestFind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rolling(time.Hour, -1))
		start := time.Now()
		token := r.seed(visit{Name: "n"})
		r.overwrite(idOf(token), func(rec *session.Record) { rec.User = "u" })
		time.Sleep(time.Minute)
		r.request(token).loadAndCommit()
		time.Sleep(time.Minute)
		info, err := r.m.Find(t.Context(), idOf(token))
		if err != nil {
			t.Fatal(err)
		}
		if info.ID != idOf(token) || info.User != "u" || info.Data.Name != "n" || !info.CreatedAt.Equal(start) ||
			!info.SeenAt.Equal(start.Add(time.Minute)) || !info.ExpiresAt.Equal(start.Add(61*time.Minute)) {
			t.Errorf("%+v, want everything of the record", info)
		}
	})
}

// What is no id of a live session of this kind is ErrNotFound to all of them,
// whatever it is; a whole token never reaches the store.
func TestIDsOfNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	other := r.another(func(cfg *visitConfig) { cfg.Cookie.Name = "other" }).seed(visit{Name: "o"})
	for name, tt := range map[string]struct{ id, calls string }{
		"empty":        {"", ""},
		"whole token":  {token, ""},
		"secret part":  {"." + secretOf(token), ""},
		"65 bytes":     {strings.Repeat("a", 65), ""},
		"space":        {"a b", ""},
		"query":        {`{"$ne":1}`, ""},
		"unknown":      {"unknown", "load"},
		"64 bytes":     {strings.Repeat("a", 64), "load"},
		"another kind": {idOf(other), "load"},
	} {
		r.forget()
		info, err := r.m.Find(t.Context(), tt.id)
		wantErr(t, err, session.ErrNotFound)
		if info.ID != "" || info.Data.Name != "" || strings.Contains(err.Error(), secretOf(token)) {
			t.Errorf("%s: Find gave %+v, %v", name, info, err)
		}
		r.store.wantCalls(t, tt.calls)
		r.store.reset()
		err = r.m.Update(t.Context(), tt.id, func(*visit) error { t.Error("fn was called"); return nil })
		wantErr(t, err, session.ErrNotFound)
		r.store.wantCalls(t, tt.calls)
		r.store.reset()
		if err := r.m.Delete(t.Context(), tt.id); err != nil {
			t.Errorf("%s: Delete gave %v, want no error", name, err)
		}
		r.store.wantCalls(t, tt.calls)
		r.log.want(t)
	}
	if !r.exists(idOf(token)) || !r.exists(idOf(other)) {
		t.Error("a record is gone, want both to be left alone")
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	r.overwrite(idOf(token), func(rec *session.Record) { rec.User = "u" })
	r.store.failWith(opLoad, session.ErrUnavailable)
	wantErr(t, r.m.Delete(t.Context(), idOf(token)), session.ErrUnavailable)
	r.store.failWith(opDelete, errBroken)
	wantErr(t, r.m.Delete(t.Context(), idOf(token)), errBroken)
	r.log.want(t)
	r.store.answer(nil)
	for range 2 {
		wantNoErr(t, r.m.Delete(t.Context(), idOf(token)))
	}
	r.log.want(t, session.EventRevoked)
	if e := r.log.one(t, session.EventRevoked); e.ID != idOf(token) || e.User != "u" {
		t.Errorf("event %+v, want the id and the user", e)
	}
	if r.len() != 0 || !r.request(token).get().IsNew() {
		t.Error("the session is still there")
	}
}
