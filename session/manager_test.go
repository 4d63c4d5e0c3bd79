package session_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// Start begins a session that Save stores and Token opens.
func TestStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(cfg *visitConfig) { cfg.New = func() visit { return visit{Note: "new"} } })
		s := r.start()
		now := time.Now()
		if !s.IsNew() || s.Data.Note != "new" || s.Manager() != r.m || !s.CreatedAt().Equal(now) || !s.ExpiresAt().Equal(now.Add(24*time.Hour)) {
			t.Errorf("new %v, Data %+v, created at %v, ends at %v, want a new session with what New makes for a day", s.IsNew(), s.Data, s.CreatedAt(), s.ExpiresAt())
		}
		r.store.wantCalls(t, "")
		if err := s.Save(t.Context()); err != nil || s.IsNew() {
			t.Errorf("Save: %v, new %v, want no error and a stored session", err, s.IsNew())
		}
		r.store.wantCalls(t, "create")
		r.log.want(t, session.EventCreated)
		r.wantOpens(s.Token(), s.ID())
		r.wantStored(s.ID(), visit{Note: "new"})
	})
}

// Open returns the session of a token, which can be saved and renewed.
func TestOpen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	s, err := r.m.Open(t.Context(), token)
	if err != nil || s.IsNew() || s.Data.Name != "n" || s.ID() != idOf(token) || s.Token() != token {
		t.Fatalf("Open: %v, %v with %+v, want the stored session", s, err, s.Data)
	}
	s.Data.Count = 1
	s.Renew()
	if err := s.Save(t.Context()); err != nil || s.Token() == token {
		t.Errorf("Save: %v, and the token is %q, want no error and another token", err, s.Token())
	}
	r.wantClosed(token)
	if s, err = r.m.Open(t.Context(), s.Token()); err != nil || s.Data.Count != 1 {
		t.Errorf("Open: %v, %v, want what was saved", s, err)
	}
	for _, bad := range []string{"", idOf(token), token + ".x", " " + token, rigCookie + "=" + token} {
		r.forget()
		s, err := r.m.Open(t.Context(), bad)
		wantErr(t, err, session.ErrNotFound)
		if s != nil || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("Open: %v, %v, want no session, and an error without the token", s, err)
		}
		r.store.wantCalls(t, "")
	}
	r.store.failWith(opLoad, session.ErrUnavailable)
	_, err = r.m.Open(t.Context(), token)
	wantErr(t, err, session.ErrUnavailable)
}

// Find returns all of the record.
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
		if err != nil || info.ID != idOf(token) || info.User != "u" || info.Data.Name != "n" || !info.CreatedAt.Equal(start) ||
			!info.SeenAt.Equal(start.Add(time.Minute)) || !info.ExpiresAt.Equal(start.Add(61*time.Minute)) {
			t.Errorf("Find: %+v, %v, want all of the record", info, err)
		}
	})
}

// An id without a live session of this kind is ErrNotFound, and for Delete no
// error. A malformed one never reaches the store.
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
			t.Errorf("%s: Find: %+v, %v, want an empty Info, and an error without a secret", name, info, err)
		}
		r.store.wantCalls(t, tt.calls)
		r.store.reset()
		err = r.m.Update(t.Context(), tt.id, func(*visit) error { t.Error("the function ran, want it not to"); return nil })
		wantErr(t, err, session.ErrNotFound)
		r.store.wantCalls(t, tt.calls)
		r.store.reset()
		wantNoErr(t, r.m.Delete(t.Context(), tt.id))
		r.store.wantCalls(t, tt.calls)
		r.log.want(t)
	}
	r.wantRecords(2)
}

// A malformed id, such as a whole token, reaches neither the store nor an error
// text.
func TestMalformedIDs(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	token := r.seed(visit{Name: "ada"})
	for _, id := range []string{
		"", token, ".", "a.b", "a b", "ä", "a\x00", "a/../b", "$where", `{"$ne":1}`, strings.Repeat("i", 65), strings.Repeat("i", 1<<20),
	} {
		_, find := r.m.Find(t.Context(), id)
		n, others := r.m.DeleteOthers(t.Context(), "ada", id)
		if n != 0 {
			t.Errorf("DeleteOthers: %d, want 0", n)
		}
		for what, err := range map[string]error{
			"Find":         find,
			"Update":       r.m.Update(t.Context(), id, count),
			"DeleteOf":     r.m.DeleteOf(t.Context(), "ada", id),
			"DeleteOthers": others,
		} {
			wantErr(t, err, session.ErrNotFound)
			if err != nil && id != "" && id != "." && strings.Contains(err.Error(), id) {
				t.Errorf("%s: the error %q, want one without the id", what, err)
			}
		}
		wantNoErr(t, r.m.Delete(t.Context(), id))
	}
	r.store.wantCalls(t, "")
	r.wantOpens(token, idOf(token))
}

// Delete ends a session and observes it as revoked. A session that is not there
// is no error.
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
		t.Errorf("the event is %+v, want the id %s and the user u", e, idOf(token))
	}
	r.wantRecords(0)
	r.wantUnknown(token)
}

// Close ends the watch of the store, which stays open. It can be called twice.
func TestCloseEndsTheWatch(t *testing.T) {
	t.Parallel()
	r, store := gateRig(t, connected)
	for range 2 {
		wantNoErr(t, r.m.Close())
	}
	if store.watcher != nil || store.stops == 0 {
		t.Error("stop was not called, want the watch to end")
	}
	_, err := r.m.Find(t.Context(), "x")
	wantErr(t, err, session.ErrNotFound)
	wantNoErr(t, newRig(t).m.Close())
}

// Manager.Update changes Data. That is no use of the session.
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
			t.Errorf("the record is %+v, want all except Data, Version and Meta to be as in %+v", after, before)
		}
		if bytes.Equal(after.Meta, before.Meta) {
			t.Error("Meta is the same, want another nonce in it")
		}
		r.wantOpens(token, idOf(token))
		r.wantStored(idOf(token), visit{Name: "n", Count: 1})
	})
}

// Manager.Update moves no end, and renews no token that is due.
func TestManagerUpdateMovesNoEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName, rolling(time.Hour, -1), absolute(3*time.Hour), renewAfter(time.Minute))
		token := r.seed(visit{Name: "ada"})
		before := r.record(idOf(token))
		time.Sleep(30 * time.Minute)
		wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
		after := r.record(idOf(token))
		if !after.SeenAt.Equal(before.SeenAt) || !after.ExpiresAt.Equal(before.ExpiresAt) || after.Version != before.Version+1 {
			t.Errorf("the record is %+v, want the times of %+v", after, before)
		}
	})
}

// Manager.Update writes nothing if there is no change, or if its function
// fails.
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
			t.Logf("%s:", name)
			wantErr(t, err, tt.err)
		}
		r.store.wantCalls(t, "load")
		r.log.want(t)
	}
}

// The function of Manager.Update runs again on what another request stored
// meanwhile.
func TestManagerUpdateRunsAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	runs := 0
	wantNoErr(t, r.m.Update(t.Context(), idOf(token), func(v *visit) error {
		if runs++; runs == 1 {
			r.otherRequest(token, func(s *visitSession) { s.Data.Count = 10 })
		}
		return count(v)
	}))
	if runs != 2 {
		t.Errorf("the function ran %d times, want twice", runs)
	}
	r.wantStored(idOf(token), visit{Name: "n", Count: 11})
	r.log.want(t, session.EventSaved)
}

// What Manager.Update seals can be opened again.
func TestManagerUpdateOfASealedSession(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *visitConfig) { cfg.EncryptionKeys = keys(32) })
	token := r.seed(visit{Name: "n"})
	for range 2 {
		wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
	}
	r.wantData(r.request(token).get(), visit{Name: "n", Count: 2})
}

// A session that ends during Manager.Update is ErrNotFound, and does not come
// back.
func TestManagerUpdateMeetsTheEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	err := r.m.Update(t.Context(), idOf(token), func(v *visit) error {
		_ = r.store.Store.Delete(t.Context(), idOf(token), 0)
		return count(v)
	})
	wantErr(t, err, session.ErrNotFound)
	r.wantRecords(0)
}

// Manager.Update may not change the user, because it cannot give the client the
// new token.
func TestManagerUpdateMayNotChangeTheUser(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	token := r.seed(visit{Name: "ada"})
	before := r.record(idOf(token))
	for _, name := range []string{"bob", ""} {
		if err := r.m.Update(t.Context(), idOf(token), func(v *visit) error { v.Name = name; return nil }); err == nil {
			t.Errorf("Update to the user %q: no error, want one", name)
		}
	}
	r.wantUnchanged(before)
	wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
	r.wantUser(idOf(token), "ada")
	r.wantStored(idOf(token), visit{Name: "ada", Count: 1})
	r.wantOpens(token, idOf(token))
}

// Manager.Update writes the user of a session that was stored without a
// Config.User.
func TestManagerUpdateWritesTheUser(t *testing.T) {
	t.Parallel()
	old := newRig(t)
	token := old.seed(visit{Name: "ada"})
	r := old.another(byName)
	wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
	r.wantUser(idOf(token), "ada")
	r.wantOpens(token, idOf(token)) // the token stays, as this is no log-in
	if infos := r.sessionsOf("ada"); len(infos) != 1 || infos[0].ID != idOf(token) {
		t.Errorf("Sessions: %+v, want the session %s", infos, idOf(token))
	}
	if n, err := r.m.DeleteUser(t.Context(), "ada"); n != 1 || err != nil {
		t.Errorf("DeleteUser: %d, %v, want 1", n, err)
	}
}
