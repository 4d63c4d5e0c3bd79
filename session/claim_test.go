package session_test

import (
	"testing"

	"github.com/echosession/echosession/session"
)

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
