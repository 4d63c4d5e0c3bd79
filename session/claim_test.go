package session_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// Another request writes the user of a session that began before there was a
// Config.User: it stays the session of those under way, and ends when they say so.
func TestLogOutAfterTheUserWasWritten(t *testing.T) {
	t.Parallel()
	old := newRig(t)
	r := old.another(byName)
	for name, tt := range map[string]struct {
		do   func(*visitSession)
		want session.Action
	}{
		"Destroy":    {(*visitSession).Destroy, session.ActionClear},
		"Regenerate": {func(s *visitSession) { s.Regenerate(); s.Data.Name = "bob" }, session.ActionSet},
	} {
		token := old.seed(visit{Name: "ada"})
		slow, s := r.begin(token)
		r.with(token, counting)
		if got := r.record(idOf(token)).User; got != "ada" {
			t.Fatalf("%s: the other request stored the user %q, want ada", name, got)
		}
		tt.do(s)
		wantAction(t, slow.commit(), tt.want)
		slow.end()
		if r.exists(idOf(token)) {
			t.Errorf("%s: the session is still there, want it to be over", name)
		}
	}
}

// Processes that name a user differently, or know of none, share a session: it
// is the user as this one sees it that tells whose session it is.
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
		theirs.with(token, noting("theirs"))
		s.Data.Count = 7
		wantAction(t, slow.commit(), session.ActionSet)
		if got := r.data(idOf(token)); got.Count != 7 || got.Note != "theirs" {
			t.Errorf("%s: stored %+v, want the changes of both", name, got)
		}

		slow, s = r.begin(token)
		theirs.with(token, counting)
		s.Destroy()
		wantAction(t, slow.commit(), session.ActionClear)
		if r.exists(idOf(token)) {
			t.Errorf("%s: the session is still there after Destroy, want it to be over", name)
		}
	}
}

// What another request saves does not keep back the token of this one's own
// save, which the client is still waiting for.
func TestTokenStaysAfterAForeignSave(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	s.Renew()
	q.save(s)
	r.foreign(s.Token(), noting("theirs"))
	wantNoErr(t, s.Reload(t.Context()))
	if s.Data.Note != "theirs" {
		t.Errorf("Data %+v after Reload, want the other's note", s.Data)
	}
	out := q.commit()
	wantAction(t, out, session.ActionSet)
	r.wantOpens(out.Token, s.ID())
}

// A new session whose id is taken, and that could not be stored, is not the one
// that has the id.
func TestDestroyOfATakenID(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *visitConfig) {
		cfg.NewID = func(context.Context) (string, error) { return "taken", nil }
	})
	theirs := r.seed(visit{Name: "theirs"})
	q, s := r.begin()
	s.Data.Count = 1
	r.store.failWith(opCreate, errBroken)
	wantErr(t, s.Save(t.Context()), errBroken)
	r.store.answer(nil)
	s.Destroy()
	q.commit()
	q.end()
	r.wantOpens(theirs, "taken")
}

// A session reaches its end by this configuration while the request is under
// way. A log-out ends it for a process with a longer age, too.
func TestDestroyInTheLastMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		long := newRig(t)
		short := long.another(maxAge(time.Hour))
		token := long.seed(visit{Count: 1})
		time.Sleep(time.Hour - time.Millisecond)
		q, s := short.begin(token)
		time.Sleep(2 * time.Millisecond)
		s.Destroy()
		wantAction(t, q.commit(), session.ActionClear)
		if long.exists(idOf(token)) {
			t.Error("the record stays after Destroy, want it to be deleted")
		}
		long.wantUnknown(token)
	})
}
