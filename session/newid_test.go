package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

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
					t.Errorf("id %q: error %v, want one that names NewID but not the id", id, err)
				}
				if _, err := r.request().x.Session(t.Context()); err == nil {
					t.Errorf("id %q: Session gave no error", id)
				}
				r.log.want(t, session.EventError)
				r.store.wantCalls(t, "")
				return
			}
			if err != nil || s.ID() != id || idOf(s.Token()) != id || len(secretOf(s.Token())) != 22 {
				t.Errorf("id %q: %v, token %q", id, err, s.Token())
				return
			}
			if err := s.Save(t.Context()); err != nil {
				t.Errorf("id %q: %v", id, err)
			}
			if again, err := r.m.Open(t.Context(), s.Token()); err != nil || again.ID() != id {
				t.Errorf("id %q: Open gave %v, %v", id, again, err)
			}
		})
	}
}

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
			t.Errorf("token %q, id %q, want a new id and a new secret", out.Token, s.ID())
		}
		r.store.wantCalls(t, "create load create load create")
		r.log.want(t, session.EventCreated)
		if r.data("taken").Name != "first" || r.record("taken").Version != before.Version {
			t.Error("the record of the other session was changed")
		}
		if got := r.request(out.Token).get().Data.Name; got != "second" {
			t.Errorf("the new token opens %q, want the second session", got)
		}
		if got := r.request(token).get().Data.Name; got != "first" {
			t.Errorf("the other token opens %q, want the first session", got)
		}
	})
}

// The id is that of a session of another kind, or of one that the store has but
// does not show any more.
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
				t.Errorf("%v, id %q, want the next id", err, s.ID())
			}
		})
	}
}

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
			t.Errorf("%d tries, want a few", n)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("took %v, want less than a commit's 10s", took)
		}
		if after := r.record("same"); after.Version != before.Version || !bytes.Equal(after.Data, before.Data) || !bytes.Equal(after.Meta, before.Meta) {
			t.Error("the record of the other session was changed")
		}
		if got := r.request(token).get().Data.Name; got != "first" {
			t.Errorf("the other token opens %q, want the first session", got)
		}
	})
}
