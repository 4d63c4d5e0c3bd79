package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// The function User is new: who was stored without it is somebody all along. It
// is written by the way, and the token stays.
func TestUserThatIsOutOfDate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		ask   bool // the handler asks for the session
		do    func(*visitSession)
		after time.Duration
		calls string
	}{
		"a change":              {true, counting, 0, "update"},
		"SaveAlways":            {true, alwaysSave, 0, "update"},
		"a touch":               {true, looking, time.Hour, "update"},
		"a touch, not asked":    {false, nil, time.Hour, "update"},
		"nothing is to be done": {true, looking, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				before := newRig(t)
				token := before.seed(visit{Name: "ada"})
				r := before.another(rolling(24*time.Hour, time.Minute), byName)
				time.Sleep(tt.after)
				q := r.request(token)
				if tt.ask {
					tt.do(q.get())
				} else {
					q.load()
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
					t.Errorf("token %q, user %q, want ada with the same token %q", out.Token, rec.User, token)
				}
				if !rec.SeenAt.Equal(time.Now()) || !rec.ExpiresAt.Equal(time.Now().Add(24*time.Hour)) {
					t.Errorf("seen %v until %v, want now and a day", rec.SeenAt, rec.ExpiresAt)
				}
				info, err := r.m.Find(t.Context(), idOf(token))
				if err != nil || !info.AuthenticatedAt.IsZero() || info.User != "ada" {
					t.Errorf("Find gave %+v, %v, want ada, and not that she signed in now", info, err)
				}
			})
		})
	}
}

// It is no conflict of users when two requests write it at once.
func TestUserThatIsOutOfDateTwice(t *testing.T) {
	t.Parallel()
	before := newRig(t)
	token := before.seed(visit{Name: "ada"})
	r := before.another(byName)
	slow := r.request(token)
	counting(slow.get())
	r.with(token, noting("theirs"))
	r.forget()
	wantAction(t, slow.commit(), session.ActionSet)
	r.log.want(t, session.EventSaved)
	if rec, got := r.record(idOf(token)), r.data(idOf(token)); rec.User != "ada" || got.Count != 1 || got.Note != "theirs" {
		t.Errorf("user %q with %+v, want ada with both changes", rec.User, got)
	}
}

// But it is when the other one changed the user: the later is void.
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
			// By hand: the digest is still that of the token, as after a restored
			// backup, so that it is the user alone that differs.
			r.overwrite(idOf(token), func(rec *session.Record) { rec.User, rec.Data = "bob", []byte(`{"Name":"bob"}`) })
			before := r.record(idOf(token))
			r.forget()
			wantErr(t, save(s), session.ErrGone)
			wantAction(t, slow.commit(), session.ActionNone)
			r.log.want(t, session.EventGone)
			r.same(before)
			if s.Data.Name != "ada" {
				t.Errorf("Data %+v, want it as it was", s.Data)
			}
		})
	}
}
