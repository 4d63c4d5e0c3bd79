package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// The times of a session that is not stored are those that a save would give
// it.
func TestTimesOfASession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxAge(time.Hour))
		start := time.Now()
		q, s := r.begin()
		want := func(created, expires time.Time) {
			t.Helper()
			if !s.CreatedAt().Equal(created) || !s.ExpiresAt().Equal(expires) {
				t.Errorf("created at %v, ends at %v, want %v and %v", s.CreatedAt(), s.ExpiresAt(), created, expires)
			}
		}
		time.Sleep(time.Minute)
		want(start, start.Add(61*time.Minute)) // as if it were saved now
		s.SetMaxAge(2 * time.Hour)
		want(start, start.Add(121*time.Minute))
		q.save(s)
		time.Sleep(time.Minute)
		want(start, start.Add(121*time.Minute)) // as it was saved
		rec := r.record(s.ID())
		if !rec.CreatedAt.Equal(start) || !rec.SeenAt.Equal(start.Add(time.Minute)) || !rec.ExpiresAt.Equal(s.ExpiresAt()) {
			t.Errorf("the record is %+v, want the times of the session", rec)
		}
		s.SetMaxAge(0)
		want(start, start.Add(62*time.Minute))
		q.save(s)
		want(start, start.Add(62*time.Minute))
		for _, at := range []time.Time{s.CreatedAt(), s.ExpiresAt()} {
			if at.Location() != time.UTC {
				t.Errorf("the time is %v, want UTC", at)
			}
		}
	})
}

// SetMaxAge rounds up to whole milliseconds and down to 400 days. Zero or less
// is the configured age.
func TestSetMaxAgeClamps(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ set, want time.Duration }{
		{maxDays + 1, maxDays},
		{1 << 62, maxDays},
		{maxDays, maxDays},
		{time.Second, time.Second},
		{1, time.Millisecond},
		{time.Millisecond, time.Millisecond},
		{time.Millisecond + 1, 2 * time.Millisecond},
		{0, time.Hour},
		{-1, time.Hour},
		{-1 << 63, time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, maxAge(time.Hour))
			s := r.start()
			s.SetMaxAge(tt.set)
			if got := time.Until(s.ExpiresAt()); got != tt.want {
				t.Errorf("SetMaxAge(%v): the session ends in %v, want in %v", tt.set, got, tt.want)
			}
			wantNoErr(t, s.Save(t.Context()))
			r.wantEndsIn(s.ID(), tt.want)
		})
	}
}

// An age of its own holds for every later save of the session, until SetMaxAge
// takes it back.
func TestOwnAgeStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxAge(time.Hour))
		q, s := r.begin(r.seed(visit{Name: "n"}))
		s.SetMaxAge(time.Minute)
		token := q.commit().Token
		for _, step := range []struct {
			do  func(*visitSession)
			age time.Duration
		}{
			{counting, time.Minute},
			{(*visitSession).Renew, time.Minute},
			{func(s *visitSession) { s.SetMaxAge(0) }, time.Hour},
			{counting, time.Hour},
		} {
			time.Sleep(59 * time.Second)
			q, s := r.begin(token)
			step.do(s)
			token = q.commit().Token
			r.wantEndsIn(s.ID(), step.age)
		}
	})
}

// Reload drops the changes of the request and reads the store again.
func TestReload(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n", Prefs: map[string]string{"a": "1"}})
	q, s := r.begin(token)
	s.Data.Count, s.Data.Prefs["b"] = 5, "2"
	r.otherRequest(token, noting("theirs"))
	wantNoErr(t, s.Reload(t.Context()))
	r.wantData(s, visit{Name: "n", Note: "theirs", Prefs: map[string]string{"a": "1"}})
	r.store.wantCalls(t, "load load")
	r.forget()
	wantAction(t, q.commit(), session.ActionNone)
	q.end()
	r.store.wantCalls(t, "")
	r.log.want(t)
}

// Reload of a new session makes its Data anew.
func TestReloadOfANewSession(t *testing.T) {
	t.Parallel()
	n := 0
	r := newRig(t, func(cfg *visitConfig) {
		cfg.New = func() visit { n++; return visit{Count: n} }
	})
	q, s := r.begin()
	s.Data.Name = "n"
	before := s.Data.Count
	wantNoErr(t, s.Reload(t.Context()))
	if s.Data.Name != "" || s.Data.Count == before || !s.IsNew() {
		t.Errorf("Data is %+v, new %v, want what New makes now", s.Data, s.IsNew())
	}
	wantAction(t, q.commit(), session.ActionNone)
	r.store.wantCalls(t, "")
}

// A Reload that fails leaves Data as it was.
func TestReloadFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, s := r.begin(r.seed(visit{Name: "n"}))
	s.Data.Count = 5
	r.store.failWith(opLoad, session.ErrUnavailable)
	wantErr(t, s.Reload(t.Context()), session.ErrUnavailable)
	r.store.answer(nil)
	r.overwrite(s.ID(), func(rec *session.Record) { rec.Data = []byte("{") })
	wantErr(t, s.Reload(t.Context()), session.ErrCorrupt)
	r.wantData(s, visit{Name: "n", Count: 5})
	r.log.want(t, session.EventError, session.EventError)
}

// NewID gives the public part of the token, in the characters and the length
// that an id may have.
func TestNewID(t *testing.T) {
	t.Parallel()
	for id, good := range map[string]bool{
		"a":                     true,
		strings.Repeat("a", 64): true,
		"azAZ09_-":              true,
		"":                      false,
		strings.Repeat("a", 65): false,
		"a.b":                   false,
		"a b":                   false,
		"ä":                     false,
		"a\n":                   false,
		"a/":                    false,
	} {
		t.Run(id, func(t *testing.T) {
			r := newRig(t, withIDs(id, id))
			s, err := r.m.Start(t.Context())
			if !good {
				if err == nil || !strings.Contains(err.Error(), "NewID") || id != "" && strings.Contains(err.Error(), id) {
					t.Errorf("Start: %v, want an error that names NewID but not the id", err)
				}
				if _, err := r.request().x.Session(t.Context()); err == nil {
					t.Error("Session: no error, want one")
				}
				r.log.want(t, session.EventError)
				r.store.wantCalls(t, "")
				return
			}
			if err != nil || s.ID() != id || idOf(s.Token()) != id || len(secretOf(s.Token())) != 22 {
				t.Fatalf("Start: %v, with the token %q, want one with the id %q", err, s.Token(), id)
			}
			wantNoErr(t, s.Save(t.Context()))
			r.wantOpens(s.Token(), id)
		})
	}
}

// An error of NewID fails Start and the request.
func TestNewIDFails(t *testing.T) {
	t.Parallel()
	r := newRig(t, withIDs())
	_, err := r.m.Start(t.Context())
	wantErr(t, err, errBroken)
	q := r.request()
	_, err = q.x.Session(t.Context())
	wantErr(t, err, errBroken)
	wantAction(t, q.commit(), session.ActionNone)
}

// If the id is taken, the session gets another id and another secret.
func TestIDIsTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withIDs("taken", "taken", "taken", "free"))
		token := r.seed(visit{Name: "first"})
		before := r.record("taken")
		q, s := r.begin()
		first := s.Token()
		s.Data.Name = "second"
		out := q.commit()
		wantAction(t, out, session.ActionSet)
		if out.Token != s.Token() || s.ID() != "free" || secretOf(out.Token) == secretOf(first) {
			t.Errorf("the token is %q, the id %q, want a new id and a new secret", out.Token, s.ID())
		}
		r.store.wantCalls(t, "create load create load create")
		r.log.want(t, session.EventCreated)
		r.wantUnchanged(before)
		r.wantOpens(token, "taken")
		r.wantOpens(out.Token, "free")
		r.wantStored("free", visit{Name: "second"})
	})
}

// An id is also taken by a session of another kind, and by a record that the
// store does not show.
func TestIDIsTakenByWhatCannotBeLoaded(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(*rig){
		"another kind": func(r *rig) { r.overwrite("taken", func(rec *session.Record) { rec.Name = "other" }) },
		"corrupt":      func(r *rig) { r.overwrite("taken", func(rec *session.Record) { rec.Meta = []byte("?") }) },
		"expired": func(r *rig) {
			r.store.once(opCreate, func(func() error) error { return fmt.Errorf("not collected: %w", session.ErrExists) })
			_ = r.store.Store.Delete(r.Context(), "taken", 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, withIDs("taken", "taken", "free"))
			r.seed(visit{Name: "first"})
			take(r)
			s := r.start()
			if err := s.Save(t.Context()); err != nil || s.ID() != "free" {
				t.Errorf("Save: %v, with the id %q, want no error and the id free", err, s.ID())
			}
		})
	}
}

// A NewID that always returns the id of another session makes the save fail
// after a few tries.
func TestNewIDThatAlwaysGivesTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(cfg *visitConfig) {
			cfg.NewID = func(context.Context) (string, error) { return "same", nil }
		})
		token := r.seed(visit{Name: "first"})
		before := r.record("same")
		start := time.Now()
		s := r.start()
		s.Data.Name = "second"
		if err := s.Save(t.Context()); !errors.Is(err, session.ErrExists) && !errors.Is(err, session.ErrConflict) {
			t.Errorf("error %v, want ErrExists or ErrConflict", err)
		}
		if n := r.store.count(opCreate); n < 2 || n > 8 {
			t.Errorf("%d creates, want 2 to 8", n)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("it took %v, want less than the 10s of a commit", took)
		}
		r.wantUnchanged(before)
		r.wantOpens(token, "same")
	})
}
