package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// A renewal by the way was stored without a word of it, and the next save is one
// for good: the token from before grants nothing, as after any other.
func TestRenewForGoodAfterALostRenewal(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*visitSession){"Renew": (*visitSession).Renew, "a log-in": naming("ada")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, byName, renewAfter(time.Hour))
				old := r.seed(visit{})
				time.Sleep(time.Hour)
				q, s := r.begin(old)
				s.Data.Count = 1
				r.store.loseAnswerAndLook(opUpdate)
				wantErr(t, s.Save(t.Context()), errBroken)
				r.store.answer(nil)
				do(s)
				out := q.commit()
				q.end()
				wantAction(t, out, session.ActionSet)
				r.wantOpens(out.Token, idOf(old))
				r.wantInert(old)
				time.Sleep(10 * time.Hour)
				r.wantUnknown(old)
				r.wantOpens(out.Token, idOf(old))
				if got := r.data(idOf(old)).Count; got != 1 {
					t.Errorf("count %d, want 1", got)
				}
			})
		})
	}
}

// A request has saved, and another one gives the client a newer token by the way
// before the response of the first begins. That sends none: its secret is not
// the current one any more.
func TestSavedTokenMeetsATimedRenewal(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		then  func(*fakeRequest, *visitSession)
		count int
	}{
		"a change":     {func(_ *fakeRequest, s *visitSession) { s.Data.Count++ }, 3},
		"another save": {func(q *fakeRequest, s *visitSession) { s.Data.Count++; q.save(s) }, 3},
		"Reload": {func(q *fakeRequest, s *visitSession) {
			if err := s.Reload(q.Context()); err != nil {
				q.Errorf("Reload: %v", err)
			}
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, renewAfter(time.Hour))
				token := r.seed(visit{Count: 1})
				time.Sleep(time.Hour - time.Millisecond)
				q, s := r.begin(token)
				s.Data.Count++
				q.save(s)
				time.Sleep(2 * time.Millisecond)
				newer := r.next(token, looking)
				tt.then(q, s)
				out := q.commit()
				if out.Action != session.ActionNone || out.Token != "" {
					t.Errorf("the response sends a token, want none, since the client has a newer one: %v", out.Action)
				}
				if got := r.data(s.ID()).Count; got != tt.count {
					t.Errorf("count %d, want %d", got, tt.count)
				}
				r.wantOpens(newer, idOf(token))
			})
		})
	}
}
