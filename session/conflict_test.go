package session_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// Two requests of one session at once.
func TestMergeAtTheCommit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		theirs, mine func(*visit)
		want         visit
		conflict     string // what the event names
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
			r.foreign(token, func(s *visitSession) { tt.theirs(&s.Data) })
			r.forget()
			wantAction(t, q.commit(), session.ActionSet)
			r.store.wantCalls(t, "update load update")
			if got := r.data(s.ID()); !equalVisits(got, tt.want) || !equalVisits(s.Data, tt.want) {
				t.Errorf("stored %+v, Data %+v, want %+v", got, s.Data, tt.want)
			}
			if tt.conflict == "" {
				r.log.want(t, session.EventSaved)
				return
			}
			r.log.want(t, session.EventConflict, session.EventSaved)
			e := r.log.one(t, session.EventConflict)
			if e.ID != s.ID() || e.Err == nil || !strings.HasSuffix(e.Err.Error(), ": "+tt.conflict) {
				t.Errorf("event %+v, want one that names %s", e, tt.conflict)
			}
			for _, value := range []string{"secret-of-theirs", "secret-of-mine", "private-key"} {
				if strings.Contains(e.Err.Error(), value) {
					t.Errorf("the event says %q, want no values", e.Err)
				}
			}
		})
	}
}

// What was merged is what the next save starts from.
func TestMergeTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n", Count: 1})
	q, s := r.begin(token)
	s.Data.Count = 2
	r.foreign(token, noting("a"))
	q.save(s)
	r.foreign(token, func(s *visitSession) { s.Data.Note, s.Data.Name = "b", "m" })
	s.Data.Count = 3
	q.commit()
	r.wantStored(s.ID(), visit{Name: "m", Count: 3, Note: "b"})
	r.log.wantNone(t, session.EventConflict)
}

func TestCustomMerge(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *visitConfig) {
		cfg.Merge = func(base, mine, theirs *visit) (visit, error) {
			merged := *theirs
			merged.Count += mine.Count - base.Count
			base.Name, mine.Name, theirs.Name = "x", "x", "x" // they are nobody else's
			return merged, nil
		}
	})
	token := r.seed(visit{Name: "n", Count: 10})
	q, s := r.begin(token)
	s.Data.Count += 5
	s.Data.Note = "mine"
	r.foreign(token, func(s *visitSession) { s.Data.Count += 3; s.Data.Note = "theirs" })
	r.forget()
	q.commit()
	want := visit{Name: "n", Count: 18, Note: "theirs"}
	if got := r.data(s.ID()); !equalVisits(got, want) || !equalVisits(s.Data, want) {
		t.Errorf("stored %+v, Data %+v, want %+v", got, s.Data, want)
	}
	r.log.want(t, session.EventSaved)
}

// An error of Merge fails the save, and takes nothing from Data.
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
	r.foreign(token, noting("theirs"))
	wantErr(t, s.Save(t.Context()), errBroken)
	r.wantData(s, visit{Name: "n", Count: 2})
	fail = false
	wantAction(t, q.commit(), session.ActionSet)
	r.wantStored(s.ID(), visit{Name: "n", Count: 2, Note: "theirs"})
}

// What another request did to the session makes the changes of this one void.
func TestGone(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(*rig, string){
		"Renew":        func(r *rig, token string) { r.foreign(token, (*visitSession).Renew) },
		"Regenerate":   func(r *rig, token string) { r.foreign(token, (*visitSession).Regenerate) },
		"Destroy":      func(r *rig, token string) { r.foreign(token, (*visitSession).Destroy) },
		"Delete":       func(r *rig, token string) { _ = r.another().m.Delete(r.Context(), idOf(token)) },
		"another user": func(r *rig, token string) { r.overwrite(idOf(token), func(rec *session.Record) { rec.User = "u" }) },
	} {
		for _, how := range []string{"commit", "save", "update", "reload"} {
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				token := r.seed(visit{Name: "n"})
				q, s := r.begin(token)
				s.Data.Count = 2
				meanwhile(r, token)
				r.forget()
				records := r.len()
				switch how {
				case "save":
					wantErr(t, s.Save(t.Context()), session.ErrGone)
				case "update":
					wantErr(t, s.Update(t.Context(), count), session.ErrGone)
				case "reload":
					wantErr(t, s.Reload(t.Context()), session.ErrGone)
				}
				wantAction(t, q.commit(), session.ActionNone) // it is no error of the request
				q.end()
				r.log.want(t, session.EventGone)
				if e := r.log.one(t, session.EventGone); e.ID != idOf(token) || !errors.Is(e.Err, session.ErrGone) {
					t.Errorf("event %+v, want ErrGone of %q", e, idOf(token))
				}
				if s.Data.Count != 2 {
					t.Errorf("Data %+v, want it as it was", s.Data)
				}
				if r.exists(idOf(token)) && r.data(idOf(token)).Count != 0 || r.len() != records {
					t.Errorf("%d records, want the change to be dropped", r.len())
				}
				// It stays so.
				wantErr(t, s.Save(t.Context()), session.ErrGone)
				wantErr(t, s.Update(t.Context(), func(*visit) error { return nil }), session.ErrGone)
				wantErr(t, s.Reload(t.Context()), session.ErrGone)
			})
		}
	}
}

// A Save that worked is no reason for a cookie when the session is gone by the
// time of the commit: its token is the old one.
func TestGoneAfterASave(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(*visitSession){"Renew": (*visitSession).Renew, "Destroy": (*visitSession).Destroy} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			q, s := r.begin(token)
			q.save(s)
			r.foreign(token, meanwhile)
			s.Data.Count = 2
			if out := q.commit(); out.Action != session.ActionNone {
				t.Errorf("outcome %+v, want nothing: the token is dead", out)
			}
		})
	}
}

// A store that always conflicts is asked a bounded number of times.
func TestConflictsAreBounded(t *testing.T) {
	t.Parallel()
	for how, save := range map[string]func(*rig, *visitSession) error{
		"Save": func(r *rig, s *visitSession) error { return s.Save(r.Context()) },
		"Update": func(r *rig, s *visitSession) error {
			return s.Update(r.Context(), count)
		},
		"Manager.Update": func(r *rig, s *visitSession) error {
			return r.m.Update(r.Context(), s.ID(), count)
		},
	} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				_, s := r.begin(r.seed(visit{Name: "n"}))
				s.Data.Count = 2
				r.store.failWith(opUpdate, session.ErrConflict)
				start := time.Now()
				if err := save(r, s); !errors.Is(err, session.ErrConflict) || errors.Is(err, session.ErrGone) {
					t.Errorf("error %v, want ErrConflict", err)
				}
				if n := r.store.count(opUpdate); n != 32 {
					t.Errorf("%d tries, want 32", n)
				}
				// Pauses below 1, 2, 4 ... 64 and then 128 ms.
				if took := time.Since(start); took < 100*time.Millisecond || took > 127*time.Millisecond+24*128*time.Millisecond {
					t.Errorf("took %v, want pauses that grow to 128ms", took)
				}
				if s.Data.Count != 2 {
					t.Errorf("Data %+v, want it as it was", s.Data)
				}
			})
		})
	}
}
