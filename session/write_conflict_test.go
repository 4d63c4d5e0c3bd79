package session_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// Two requests of one session change it. The commit of the second one merges
// both changes, and observes a field that both changed.
func TestMergeAtTheCommit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		theirs, mine func(*visit)
		want         visit
		conflict     string // the path that the event names
	}{
		{"different fields", func(v *visit) { v.Note = "theirs" }, func(v *visit) { v.Count = 2 },
			visit{Name: "n", Note: "theirs", Count: 2}, ""},
		{"different keys", func(v *visit) { v.Prefs["a"] = "theirs" }, func(v *visit) { v.Prefs["b"] = "mine" },
			visit{Name: "n", Prefs: map[string]string{"a": "theirs", "b": "mine"}}, ""},
		{"the same change", func(v *visit) { v.Count = 2 }, func(v *visit) { v.Count = 2 }, visit{Name: "n", Count: 2}, ""},
		{"the same field", func(v *visit) { v.Note = "secret-of-theirs" }, func(v *visit) { v.Note = "secret-of-mine" },
			visit{Name: "n", Note: "secret-of-mine"}, "Note"},
		{"the same key", func(v *visit) { v.Prefs["private-key"] = "1" }, func(v *visit) { v.Prefs["private-key"] = "2" },
			visit{Name: "n", Prefs: map[string]string{"private-key": "2"}}, "Prefs[...]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			token := r.seed(visit{Name: "n", Prefs: map[string]string{}})
			if tt.want.Prefs == nil {
				tt.want.Prefs = map[string]string{}
			}
			q, s := r.begin(token)
			tt.mine(&s.Data)
			r.otherRequest(token, func(s *visitSession) { tt.theirs(&s.Data) })
			r.forget()
			wantAction(t, q.commit(), session.ActionSet)
			r.store.wantCalls(t, "update load update")
			r.wantStored(s.ID(), tt.want)
			r.wantData(s, tt.want)
			if tt.conflict == "" {
				r.log.want(t, session.EventSaved)
				return
			}
			r.log.want(t, session.EventConflict, session.EventSaved)
			e := r.log.one(t, session.EventConflict)
			if e.ID != s.ID() || e.Err == nil || !strings.HasSuffix(e.Err.Error(), ": "+tt.conflict) {
				t.Errorf("the event is %+v, want one that names %s", e, tt.conflict)
			}
			for _, value := range []string{"secret-of-theirs", "secret-of-mine", "private-key"} {
				if strings.Contains(e.Err.Error(), value) {
					t.Errorf("the event has the error %q, want no values in it", e.Err)
				}
			}
		})
	}
}

// The result of a merge is the base of the next one.
func TestMergeTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n", Count: 1})
	q, s := r.begin(token)
	s.Data.Count = 2
	r.otherRequest(token, noting("a"))
	q.save(s)
	r.otherRequest(token, func(s *visitSession) { s.Data.Note, s.Data.Name = "b", "m" })
	s.Data.Count = 3
	q.commit()
	r.wantStored(s.ID(), visit{Name: "m", Count: 3, Note: "b"})
	r.log.wantNone(t, session.EventConflict)
}

// Config.Merge replaces the merge field by field. It may change its arguments.
func TestCustomMerge(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *visitConfig) {
		cfg.Merge = func(base, mine, theirs *visit) (visit, error) {
			merged := *theirs
			merged.Count += mine.Count - base.Count
			base.Name, mine.Name, theirs.Name = "x", "x", "x"
			return merged, nil
		}
	})
	token := r.seed(visit{Name: "n", Count: 10})
	q, s := r.begin(token)
	s.Data.Count += 5
	s.Data.Note = "mine"
	r.otherRequest(token, func(s *visitSession) { s.Data.Count += 3; s.Data.Note = "theirs" })
	r.forget()
	q.commit()
	want := visit{Name: "n", Count: 18, Note: "theirs"}
	r.wantStored(s.ID(), want)
	r.wantData(s, want)
	r.log.want(t, session.EventSaved)
}

// An error of Config.Merge fails the save, and leaves Data as it was.
func TestMergeFails(t *testing.T) {
	t.Parallel()
	fail := true
	r := newRig(t, func(cfg *visitConfig) {
		cfg.Merge = func(base, mine, theirs *visit) (visit, error) {
			if fail {
				return visit{}, errBroken
			}
			theirs.Count = mine.Count
			return *theirs, nil
		}
	})
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	s.Data.Count = 2
	r.otherRequest(token, noting("theirs"))
	wantErr(t, s.Save(t.Context()), errBroken)
	r.wantData(s, visit{Name: "n", Count: 2})
	fail = false
	wantAction(t, q.commit(), session.ActionSet)
	r.wantStored(s.ID(), visit{Name: "n", Count: 2, Note: "theirs"})
}

// Another request ends the session, renews it or gives it to another user. The
// changes of this request are dropped, in every way of saving and for the rest
// of the request.
func TestGone(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(*rig, string){
		"Renew":        func(r *rig, token string) { r.otherRequest(token, (*visitSession).Renew) },
		"Regenerate":   func(r *rig, token string) { r.otherRequest(token, (*visitSession).Regenerate) },
		"Destroy":      func(r *rig, token string) { r.otherRequest(token, (*visitSession).Destroy) },
		"Delete":       func(r *rig, token string) { _ = r.another().m.Delete(r.Context(), idOf(token)) },
		"another user": func(r *rig, token string) { r.overwrite(idOf(token), func(rec *session.Record) { rec.User = "u" }) },
	} {
		for how, save := range map[string]func(*visitSession) error{
			"commit": func(*visitSession) error { return session.ErrGone },
			"Save":   func(s *visitSession) error { return s.Save(t.Context()) },
			"Update": func(s *visitSession) error { return s.Update(t.Context(), count) },
			"Reload": func(s *visitSession) error { return s.Reload(t.Context()) },
		} {
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				token := r.seed(visit{Name: "n"})
				q, s := r.begin(token)
				s.Data.Count = 2
				meanwhile(r, token)
				r.forget()
				records := r.len()
				wantErr(t, save(s), session.ErrGone)
				wantAction(t, q.commit(), session.ActionNone) // without an error
				q.end()
				r.log.want(t, session.EventGone)
				if e := r.log.one(t, session.EventGone); e.ID != idOf(token) || !errors.Is(e.Err, session.ErrGone) {
					t.Errorf("the event is %+v, want ErrGone of %q", e, idOf(token))
				}
				r.wantData(s, visit{Name: "n", Count: 2})
				r.wantRecords(records)
				if r.exists(idOf(token)) {
					r.wantStored(idOf(token), visit{Name: "n"})
				}
				// It is gone for the rest of the request.
				wantErr(t, s.Save(t.Context()), session.ErrGone)
				wantErr(t, s.Update(t.Context(), count), session.ErrGone)
				wantErr(t, s.Reload(t.Context()), session.ErrGone)
			})
		}
	}
}

// A Save worked, but the session is gone at the commit. No cookie is sent,
// because its token opens nothing.
func TestGoneAfterASave(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(*visitSession){"Renew": (*visitSession).Renew, "Destroy": (*visitSession).Destroy} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			q, s := r.begin(token)
			q.save(s)
			r.otherRequest(token, meanwhile)
			s.Data.Count = 2
			wantAction(t, q.commit(), session.ActionNone)
		})
	}
}

// A store that always conflicts is called a bounded number of times, with
// pauses that grow.
func TestConflictsAreBounded(t *testing.T) {
	t.Parallel()
	for how, save := range map[string]func(*rig, *visitSession) error{
		"Save":           func(r *rig, s *visitSession) error { return s.Save(r.Context()) },
		"Update":         func(r *rig, s *visitSession) error { return s.Update(r.Context(), count) },
		"Manager.Update": func(r *rig, s *visitSession) error { return r.m.Update(r.Context(), s.ID(), count) },
	} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				_, s := r.begin(r.seed(visit{Name: "n"}))
				s.Data.Count = 2
				r.store.failWith(opUpdate, session.ErrConflict)
				start := time.Now()
				if err := save(r, s); !errors.Is(err, session.ErrConflict) || errors.Is(err, session.ErrGone) {
					t.Errorf("error %v, want ErrConflict alone", err)
				}
				if n := r.store.count(opUpdate); n != 32 {
					t.Errorf("%d updates, want 32", n)
				}
				// Pauses below 1, 2, 4 ... 64 and then 128 ms.
				if took := time.Since(start); took < 100*time.Millisecond || took > 127*time.Millisecond+24*128*time.Millisecond {
					t.Errorf("it took %v, want pauses that grow to 128ms", took)
				}
				r.wantData(s, visit{Name: "n", Count: 2})
			})
		})
	}
}

// A conflict with a change of the user drops the changes of the request. The
// token alone does not tell, as after a restored backup.
func TestConflictWithAnotherUser(t *testing.T) {
	t.Parallel()
	for how, save := range map[string]func(*visitSession) error{
		"Save":   func(s *visitSession) error { return s.Save(t.Context()) },
		"Update": func(s *visitSession) error { return s.Update(t.Context(), count) },
		"Reload": func(s *visitSession) error { return s.Reload(t.Context()) },
	} {
		t.Run(how, func(t *testing.T) {
			r := newRig(t, byName)
			token := r.seed(visit{Name: "ada"})
			slow, s := r.begin(token)
			counting(s)
			// By hand, so that the token still fits and the user alone differs.
			r.overwrite(idOf(token), func(rec *session.Record) { rec.User, rec.Data = "bob", []byte(`{"Name":"bob"}`) })
			before := r.record(idOf(token))
			r.forget()
			wantErr(t, save(s), session.ErrGone)
			wantAction(t, slow.commit(), session.ActionNone)
			r.log.want(t, session.EventGone)
			r.wantUnchanged(before)
			r.wantData(s, visit{Name: "ada", Count: 1})
		})
	}
}

// Processes share a session, but have another Config.User or none. Each
// compares the user by its own one.
func TestUserOfAnotherProcess(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	for name, other := range map[string]func(*visitConfig){
		"another name": func(cfg *visitConfig) {
			byName(cfg)
			cfg.User = func(v *visit) string { return "user:" + v.Name }
		},
		"none": func(*visitConfig) {},
	} {
		theirs := r.another(other)
		token := r.seed(visit{Name: "ada"})
		slow, s := r.begin(token)
		theirs.handle(token, noting("theirs"))
		s.Data.Count = 7
		wantAction(t, slow.commit(), session.ActionSet)
		r.wantStored(idOf(token), visit{Name: "ada", Count: 7, Note: "theirs"})

		slow, s = r.begin(token)
		theirs.handle(token, counting)
		s.Destroy()
		wantAction(t, slow.commit(), session.ActionClear)
		if r.exists(idOf(token)) {
			t.Errorf("%s: the record exists after Destroy, want it deleted", name)
		}
	}
}

// A session was stored without a Config.User. The next save or touch writes its
// user, and the token stays.
func TestUserThatIsOutOfDate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		do    func(*visitSession) // nil: the handler does not ask for the session
		after time.Duration
		calls string
	}{
		"a change":           {counting, 0, "update"},
		"SaveAlways":         {savingAlways, 0, "update"},
		"a touch":            {looking, time.Hour, "update"},
		"a touch, not asked": {nil, time.Hour, "update"},
		"nothing to do":      {looking, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				before := newRig(t)
				token := before.seed(visit{Name: "ada"})
				r := before.another(rolling(24*time.Hour, time.Minute), byName)
				time.Sleep(tt.after)
				q := r.request(token)
				q.load()
				if tt.do != nil {
					tt.do(q.get())
				}
				r.forget()
				out := q.commit()
				q.end()
				r.store.wantCalls(t, tt.calls)
				if tt.calls == "" {
					wantAction(t, out, session.ActionNone)
					return
				}
				wantAction(t, out, session.ActionSet)
				rec := r.record(idOf(token))
				if out.Token != token || rec.User != "ada" {
					t.Errorf("the response has the token %q, the record the user %q, want %q and ada", out.Token, rec.User, token)
				}
				r.wantEndsIn(idOf(token), 24*time.Hour)
				info, err := r.m.Find(t.Context(), idOf(token))
				if err != nil || !info.AuthenticatedAt.IsZero() || info.User != "ada" {
					t.Errorf("Find: %+v, %v, want the user ada and no log-in", info, err)
				}
			})
		})
	}
}

// Two requests write such a user at once. That is no conflict of users.
func TestUserThatIsOutOfDateTwice(t *testing.T) {
	t.Parallel()
	before := newRig(t)
	token := before.seed(visit{Name: "ada"})
	r := before.another(byName)
	slow, s := r.begin(token)
	counting(s)
	r.handle(token, noting("theirs"))
	r.forget()
	wantAction(t, slow.commit(), session.ActionSet)
	r.log.want(t, session.EventSaved)
	r.wantUser(idOf(token), "ada")
	r.wantStored(idOf(token), visit{Name: "ada", Count: 1, Note: "theirs"})
}
