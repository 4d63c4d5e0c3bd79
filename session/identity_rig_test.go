package session_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/echosession/echosession/session"
)

// byName makes Name the user of a session, in a store that finds them.
func byName(cfg *visitConfig) {
	cfg.User = func(v *visit) string { return v.Name }
	if s, ok := cfg.Store.(*faultyStore); ok {
		cfg.Store = userStore{s}
	}
}

// userStore is a faultyStore that is a UserStore as well, as the store below it
// is. Its operations are opList and opDeleteUser.
type userStore struct{ *faultyStore }

const (
	opList       = "list"
	opDeleteUser = "delete user"
)

func (s userStore) below() session.UserStore { return s.Store.(session.UserStore) }

func (s userStore) ListUser(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		err := s.call(opList, session.Record{User: user}, func() error {
			for r, err := range s.below().ListUser(ctx, name, user) {
				if !yield(r, err) {
					break
				}
			}
			return nil
		})
		if err != nil {
			yield(session.Record{}, err)
		}
	}
}

func (s userStore) DeleteUser(ctx context.Context, name, user, exceptID string) (n int64, err error) {
	err = s.call(opDeleteUser, session.Record{User: user}, func() (err error) {
		n, err = s.below().DeleteUser(ctx, name, user, exceptID)
		return err
	})
	return n, err
}

// grace and renewAfter set how tokens are replaced.
func grace(d time.Duration) func(*visitConfig) {
	return func(cfg *visitConfig) { cfg.RenewGrace = d }
}

func renewAfter(d time.Duration) func(*visitConfig) {
	return func(cfg *visitConfig) { cfg.RenewAfter = d }
}

// with makes a request of token in which do is the handler, and returns what
// the response says.
func (r *rig) with(token string, do func(*visitSession)) session.Outcome {
	r.Helper()
	q := r.request(token)
	do(q.get())
	out := q.commit()
	q.end()
	return out
}

// next is with for a handler after which the client has another token, which it
// returns.
func (r *rig) next(token string, do func(*visitSession)) string {
	r.Helper()
	out := r.with(token, do)
	wantAction(r.T, out, session.ActionSet)
	if out.Token == token {
		r.Fatalf("the token is the same as before, want another one")
	}
	return out.Token
}

// signIn is a request of token that makes name the user.
func (r *rig) signIn(token, name string) string {
	r.Helper()
	return r.next(token, naming(name))
}

func naming(name string) func(*visitSession) {
	return func(s *visitSession) { s.Data.Name = name }
}

func looking(*visitSession) {}

func counting(s *visitSession) { s.Data.Count++ }

// wantOpens compares what the token opens: the session of the id.
func (r *rig) wantOpens(token, id string) {
	r.Helper()
	q := r.request(token)
	if s := q.get(); s.IsNew() || s.ID() != id {
		r.Errorf("the token opens %v, new %v, want the session %s", s, s.IsNew(), id)
	}
	s, err := r.m.Open(r.Context(), token)
	if err != nil || s.ID() != id {
		r.Errorf("Open gave %v, %v, want the session %s", s, err, id)
	}
}

// wantUnknown fails unless the token is one that nobody knows: the request gets
// a new session of its own, which can be saved.
func (r *rig) wantUnknown(token string) {
	r.Helper()
	s := r.request(token).get()
	if !s.IsNew() || s.ID() == "" || s.ID() == idOf(token) || s.Data.Name != "" {
		r.Errorf("the token opens %v, new %v, with %+v, want a new session with an id of its own", s, s.IsNew(), s.Data)
	}
	r.wantClosed(token)
}

// wantInert fails unless the token is recognised as one that was superseded.
func (r *rig) wantInert(token string) {
	r.Helper()
	s := r.request(token).get()
	if !s.IsNew() || s.ID() != "" || s.Token() != "" || s.Data.Name != "" {
		r.Errorf("the token opens %v, new %v, with %+v, want one that reads as empty and new and has no id", s, s.IsNew(), s.Data)
	}
	if err := s.Save(r.Context()); !errors.Is(err, session.ErrGone) {
		r.Errorf("Save with a superseded token: %v, want ErrGone", err)
	}
	r.wantClosed(token)
}

// wantClosed fails unless the token opens nothing outside of requests.
func (r *rig) wantClosed(token string) {
	r.Helper()
	if s, err := r.m.Open(r.Context(), token); !errors.Is(err, session.ErrNotFound) {
		r.Errorf("Open gave %v, %v, want ErrNotFound", s, err)
	}
}

// same fails where the record of id is not as it was.
func (r *rig) same(before session.Record) {
	r.Helper()
	after := r.record(before.ID)
	if after.Version != before.Version || string(after.Data) != string(before.Data) || string(after.Meta) != string(before.Meta) ||
		after.User != before.User || !after.SeenAt.Equal(before.SeenAt) || !after.ExpiresAt.Equal(before.ExpiresAt) {
		r.Errorf("the record became %+v, want it as it was, %+v", after, before)
	}
}

func wantNoErr(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("error %v, want none", err)
	}
}

// signedSecret is the secret of a token with or without a signature.
func signedSecret(token string) string { return strings.Split(token, ".")[1] }
