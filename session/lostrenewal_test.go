package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

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
