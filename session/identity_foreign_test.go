package session_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// Another request renews by the way while a slow one is under way: what the
// slow one changed is stored, but it does not send the token that it knows,
// since the client has a newer one by then.
func TestForeignTimedRenewal(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		do    func(*visitSession)
		count int
	}{
		"a change":           {counting, 1},
		"SetMaxAge":          {func(s *visitSession) { s.SetMaxAge(time.Hour) }, 0},
		"SaveAlways":         {alwaysSave, 0},
		"Save":               {func(s *visitSession) { s.Data.Count++; _ = s.Save(context.Background()) }, 1},
		"Update":             {func(s *visitSession) { _ = s.Update(context.Background(), count) }, 1},
		"Save and a change":  {func(s *visitSession) { s.Data.Count++; _ = s.Save(context.Background()); s.Data.Count++ }, 2},
		"a touch":            {looking, 0},
		"Reload and a touch": {func(s *visitSession) { _ = s.Reload(context.Background()) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, rolling(24*time.Hour, time.Minute), renewAfter(time.Hour))
				old := r.seed(visit{Name: "n"})
				time.Sleep(30 * time.Minute)
				slow, s := r.begin(old)
				time.Sleep(30 * time.Minute)
				token := r.next(old, func(s *visitSession) { s.Data.Note = "theirs" })
				time.Sleep(2 * time.Minute)
				r.forget()
				tt.do(s)
				wantAction(t, slow.commit(), session.ActionNone)
				slow.end()
				if got := r.data(idOf(old)); got.Count != tt.count || got.Note != "theirs" {
					t.Errorf("stored %+v, want the count %d and the note of the other request", got, tt.count)
				}
				if rec := r.record(idOf(old)); time.Since(rec.SeenAt) > time.Second {
					t.Errorf("seen %v, want now, %v: a use of the old token counts, too", rec.SeenAt, time.Now())
				}
				r.wantOpens(token, idOf(old))
				r.wantOpens(old, idOf(old)) // until the new one was presented
				if n := len(r.log.all(session.EventRenewed)) + len(r.log.all(session.EventGone)); n != 0 {
					t.Errorf("%d events %q or %q, want none of the slow request", n, session.EventRenewed, session.EventGone)
				}
			})
		})
	}
}

// Both would renew: one of them does.
func TestTwoTimedRenewalsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, renewAfter(time.Hour))
		old := r.seed(visit{Name: "n"})
		time.Sleep(time.Hour)
		slow := r.request(old)
		counting(slow.get())
		token := r.next(old, looking)
		wantAction(t, slow.commit(), session.ActionNone)
		if got := r.data(idOf(old)).Count; got != 1 {
			t.Errorf("count %d, want the change of the slow one", got)
		}
		r.wantOpens(token, idOf(old))
		r.wantOpens(old, idOf(old))
		r.with(token, looking)
		time.Sleep(30 * time.Second)
		r.wantUnknown(old)
	})
}

// A slow request that signs in with a token that was renewed by the way: it is
// still let in, and its own renewal is the one that counts.
func TestSignInMeetsATimedRenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName, renewAfter(time.Hour))
		old := r.seed(visit{})
		time.Sleep(time.Hour)
		slow := r.request(old)
		naming("ada")(slow.get())
		lost := r.next(old, func(s *visitSession) { s.Data.Note = "theirs" })
		out := slow.commit()
		wantAction(t, out, session.ActionSet)
		r.wantOpens(out.Token, idOf(old))
		r.wantInert(lost)
		r.wantInert(old)
		if got := r.data(idOf(old)); got.Name != "ada" || got.Note != "theirs" {
			t.Errorf("stored %+v, want both changes", got)
		}
	})
}

// The confirmation meets a conflict: it is still one, and nothing is lost.
func TestConfirmationMeetsAConflict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, renewAfter(time.Hour))
		old := r.seed(visit{Name: "n"})
		time.Sleep(time.Hour)
		token := r.next(old, looking)
		slow, _ := r.begin(token)
		r.with(old, counting) // of the old token: no confirmation
		wantAction(t, slow.commit(), session.ActionSet)
		if got := r.data(idOf(old)).Count; got != 1 {
			t.Errorf("count %d, want the change of the other request", got)
		}
		time.Sleep(30 * time.Second)
		r.wantUnknown(old)
	})
}

// Two forced ones at once: the later is void.
func TestTwoForcedRenewalsAtOnce(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*visitSession){"Renew": (*visitSession).Renew, "a log-in": naming("bob")} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, byName)
			old := r.seed(visit{})
			slow := r.request(old)
			do(slow.get())
			token := r.signIn(old, "ada")
			before := r.record(idOf(token))
			r.forget()
			wantAction(t, slow.commit(), session.ActionNone)
			r.log.want(t, session.EventGone)
			r.same(before)
			t.Log(name)
			r.wantOpens(token, idOf(token))
		})
	}
}

// A touch that meets a foreign change takes nothing of it for its own: what is
// saved after it is merged all the same.
func TestSaveAfterATouchThatMetAChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rolling(24*time.Hour, time.Minute), renewAfter(time.Hour))
		old := r.seed(visit{Name: "n"})
		time.Sleep(time.Hour)
		slow, s := r.begin(old)
		r.next(old, func(s *visitSession) { s.Data.Note = "theirs" })
		time.Sleep(2 * time.Minute)
		wantAction(t, slow.commit(), session.ActionNone)
		counting(s)
		slow.save(s)
		if got := r.data(idOf(old)); got.Count != 1 || got.Note != "theirs" {
			t.Errorf("stored %+v, want both changes", got)
		}
	})
}
