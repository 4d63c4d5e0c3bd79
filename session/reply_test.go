package session_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// A handler saves, and the response begins later. The token goes out, after one
// look at the record if it took longer than 100 ms. A store that fails then
// does not keep the token back.
func TestSaveThenSlow(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		took  time.Duration
		down  bool
		calls string
	}{
		"at once":                  {0, false, "load update"},
		"within 100ms":             {100 * time.Millisecond, false, "load update"},
		"after 100ms":              {101 * time.Millisecond, false, "load update load"},
		"later, the store is down": {time.Hour, true, "load update load"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				token := r.seed(visit{Name: "n"})
				q, s := r.begin(token)
				s.Data.Count++
				q.save(s)
				time.Sleep(tt.took)
				if tt.down {
					r.store.failWith(opLoad, session.ErrUnavailable)
				}
				if out := q.commit(); out.Token != token {
					t.Errorf("the response has the token %q, want %q", out.Token, token)
				}
				r.store.wantCalls(t, tt.calls)
			})
		})
	}
}

// A handler saves and takes its time. The session changes hands meanwhile, so
// the response does not send the token of the Save.
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

// A handler saves, and another request renews the token by its age. Whatever
// the handler does then, the response sends no token, because the client has a
// newer one.
func TestSavedTokenMeetsATimedRenewal(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		then  func(*fakeRequest, *visitSession)
		count int
	}{
		"nothing, slowly": {func(*fakeRequest, *visitSession) { time.Sleep(time.Second) }, 2},
		"a change":        {func(_ *fakeRequest, s *visitSession) { s.Data.Count++ }, 3},
		"another save":    {func(q *fakeRequest, s *visitSession) { s.Data.Count++; q.save(s) }, 3},
		"Reload":          {func(q *fakeRequest, s *visitSession) { wantNoErr(q.T, s.Reload(q.Context())) }, 2},
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
				newer := r.nextToken(token, looking)
				tt.then(q, s)
				wantAction(t, q.commit(), session.ActionNone)
				r.wantStored(s.ID(), visit{Count: tt.count})
				r.wantOpens(newer, idOf(token))
			})
		})
	}
}

// A handler saves, and another request saves as well. That does not keep back
// the token of the first Save, which the client waits for.
func TestTokenStaysAfterAForeignSave(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	s.Renew()
	q.save(s)
	r.otherRequest(s.Token(), noting("theirs"))
	wantNoErr(t, s.Reload(t.Context()))
	r.wantData(s, visit{Name: "n", Note: "theirs"})
	out := q.commit()
	wantAction(t, out, session.ActionSet)
	r.wantOpens(out.Token, s.ID())
}

// A handler saves, and an Update gets no answer, because of which the session is
// replaced by a new one that is not stored. Another request has renewed the token
// of the old one, so the response does not send it.
func TestSaveThenRegenerateAfterAnUnansweredWrite(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	q.save(s)
	newer := ""
	r.store.once(opUpdate, func(func() error) error {
		r.otherRequest(token, counting)
		newer = r.nextToken(token, (*visitSession).Renew)
		return errBroken
	})
	wantErr(t, s.Update(t.Context(), count), errBroken)
	s.Regenerate()
	wantAction(t, q.x.Abandon(t.Context()), session.ActionNone)
	r.wantOpens(newer, idOf(token))
}

// A handler saves with a new token, and then begins another session that is not
// stored. The token of the Save goes out, because the one that the client has
// opens nothing.
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
			out, err := q.tryCommit()
			wantErr(r.T, err, session.ErrUnavailable)
			return out
		},
		"failed after an answer was lost": func(r *rig, q *fakeRequest, s *visitSession) session.Outcome {
			r.script("create after", "load before")
			wantErr(r.T, s.Save(r.Context()), errBroken)
			wantNoErr(r.T, s.Reload(r.Context()))
			s.Renew()
			r.script("update before", "load before", "load before", "load before")
			out, err := q.tryCommit()
			wantErr(r.T, err, errBroken)
			r.store.answer(nil)
			return out
		},
	} {
		for _, took := range []time.Duration{0, time.Second} {
			t.Run(fmt.Sprintf("%s after %v", how, took), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					q, s := r.begin(r.seed(visit{Name: "n"}))
					s.Renew()
					q.save(s)
					token := s.Token()
					regenerating("new")(s)
					time.Sleep(took)
					out := end(r, q, s)
					r.wantOpens(token, idOf(token))
					if out.Token != token || out.Cookie == nil || out.Cookie.MaxAge != int((24*time.Hour-took)/time.Second) {
						t.Errorf("the response has the token %q in the cookie %v, want %q for what is left of 24h", out.Token, out.Cookie, token)
					}
				})
			})
		}
	}
}
