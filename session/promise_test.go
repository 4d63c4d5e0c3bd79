package session_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// A handler saves, and takes its time. Whatever the client has been sent
// meanwhile, the response does not put the old token over it.
func TestSaveThenSlowWhileTheSessionChangesHands(t *testing.T) {
	t.Parallel()
	for what, meanwhile := range meanwhiles {
		for how, end := range map[string]func(*fakeRequest) session.Outcome{
			"commit":  func(q *fakeRequest) session.Outcome { return q.commit() },
			"no body": func(q *fakeRequest) session.Outcome { return q.end() },
			"panic":   func(q *fakeRequest) session.Outcome { return q.x.Abandon(q.Context()) },
		} {
			t.Run(what+"/"+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, byName)
					old := r.seed(visit{Name: meanwhile.user, Count: 1})
					slow, s := r.begin(old)
					s.Data.Count++
					slow.save(s)
					time.Sleep(time.Second)
					meanwhile.do(r, old)
					time.Sleep(time.Second)
					wantAction(t, end(slow), session.ActionNone)
				})
			})
		}
	}
}

// The same where the token was renewed by the way.
func TestSaveThenSlowWhileTheTokenIsRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, renewAfter(time.Hour))
		old := r.seed(visit{Name: "n"})
		time.Sleep(time.Hour - time.Second)
		q, s := r.begin(old)
		s.Data.Count++
		q.save(s) // not due yet
		time.Sleep(time.Second)
		r.next(old, looking)
		wantAction(t, q.commit(), session.ActionNone)
	})
}

// Where nothing happened the token goes out, after one look at the record if the
// handler took its time. A store that gives no answer is no reason to keep it.
func TestSaveThenSlow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		took  time.Duration
		fault error
		calls string
	}{
		{0, nil, "load update"},
		{100 * time.Millisecond, nil, "load update"},
		{101 * time.Millisecond, nil, "load update load"},
		{time.Hour, session.ErrUnavailable, "load update load"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			q, s := r.begin(token)
			s.Data.Count++
			q.save(s)
			time.Sleep(tt.took)
			if tt.fault != nil {
				r.store.failWith(opLoad, tt.fault)
			}
			out := q.commit()
			if out.Token != token {
				t.Errorf("after %v: token %q, want %q", tt.took, out.Token, token)
			}
			r.store.wantCalls(t, tt.calls)
		})
	}
}

// The token that a Save stored goes out though the request then began another
// session, which was not stored: the client's own is dead.
func TestSaveThenRegenerateThatIsNotStored(t *testing.T) {
	t.Parallel()
	for how, end := range map[string]func(*rig, *fakeRequest, *visitSession) session.Outcome{
		"panic": func(r *rig, q *fakeRequest, _ *visitSession) session.Outcome { return q.x.Abandon(r.Context()) },
		"SaveNever": func(_ *rig, q *fakeRequest, s *visitSession) session.Outcome {
			s.SetSave(session.SaveNever)
			return q.commit()
		},
		"failed": func(r *rig, q *fakeRequest, _ *visitSession) session.Outcome {
			r.store.failWith(opCreate, session.ErrUnavailable)
			out, _ := q.tryCommit()
			return out
		},
	} {
		t.Run(how, func(t *testing.T) {
			for _, took := range []time.Duration{0, time.Second} {
				t.Run(fmt.Sprintf("took %v", took), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						r := newRig(t)
						q, s := r.begin(r.seed(visit{Name: "n"}))
						s.Renew()
						q.save(s)
						token := s.Token()
						s.Regenerate()
						s.Data.Name = "new"
						time.Sleep(took)
						out := end(r, q, s)
						r.wantOpens(token, idOf(token))
						if out.Token != token || out.Cookie == nil || out.Cookie.MaxAge != int((24*time.Hour-took)/time.Second) {
							t.Errorf("%s after %v: token %q, cookie %v, want %q for what is left of 24h", how, took, out.Token, out.Cookie, token)
						}
					})
				})
			}
		})
	}
}
