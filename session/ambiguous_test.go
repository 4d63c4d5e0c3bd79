package session_test

import (
	"fmt"
	"testing"

	"github.com/echosession/echosession/session"
)

// A write landed, but all that came of it was an error; the next one of the
// same request goes on from there.
func TestSaveAgainAfterALostAcknowledgement(t *testing.T) {
	t.Parallel()
	change := func(n int) func(*visitSession) { return func(s *visitSession) { s.Data.Count = n } }
	for _, tt := range []struct {
		name          string
		stored        bool
		op            string
		first, second func(*visitSession)
		version       int64
	}{
		{"new, the same", false, opCreate, change(2), change(2), 2},
		{"new, changed again", false, opCreate, change(2), change(3), 2},
		{"new, changed back", false, opCreate, change(2), change(0), 2},
		{"stored, the same", true, opUpdate, change(2), change(2), 3},
		{"stored, changed again", true, opUpdate, change(2), change(3), 3},
		{"stored, changed back", true, opUpdate, change(2), change(0), 3},
		{"Renew", true, opUpdate, (*visitSession).Renew, change(3), 3},
		{"Renew twice", true, opUpdate, (*visitSession).Renew, (*visitSession).Renew, 3},
		{"a change, then Renew", true, opUpdate, change(2), (*visitSession).Renew, 3},
		{"SetMaxAge", true, opUpdate, func(s *visitSession) { s.SetMaxAge(maxDays) }, change(3), 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			q := r.request()
			token := ""
			if tt.stored {
				token = r.seed(visit{Name: "n"})
				q = r.request(token)
			}
			s := q.get()
			tt.first(s)
			r.store.loseAnswerAndLook(tt.op)
			wantErr(t, s.Save(t.Context()), errBroken)
			r.log.reset()
			tt.second(s)
			want := s.Data
			q.save(s)
			out := q.commit()
			wantAction(t, out, session.ActionSet)
			r.log.wantNone(t, session.EventConflict)
			got := r.request(out.Token).get()
			if got.IsNew() || !equalVisits(got.Data, want) || !equalVisits(s.Data, want) {
				t.Errorf("the token opens %+v, new %v, Data is %+v, want %+v", got.Data, got.IsNew(), s.Data, want)
			}
			if rec := r.record(s.ID()); rec.Version != tt.version || r.len() != 1 {
				t.Errorf("version %d in %d records, want %d in one", rec.Version, r.len(), tt.version)
			}
			if token != "" && out.Token != token && !r.request(token).get().IsNew() {
				t.Error("the old token still opens the session")
			}
		})
	}
}

// The same, with a try in between that did not reach the store at all.
func TestSaveAgainAfterTwoFailures(t *testing.T) {
	t.Parallel()
	for _, stored := range []bool{false, true} {
		t.Run(fmt.Sprintf("stored %v", stored), func(t *testing.T) {
			r := newRig(t)
			q, op := r.request(), opCreate
			if stored {
				q, op = r.request(r.seed(visit{Name: "n"})), opUpdate
			}
			s := q.get()
			s.Data.Count = 2
			r.store.loseAnswerAndLook(op)
			wantErr(t, s.Save(t.Context()), errBroken)
			s.Data.Count = 3
			r.store.failWith(op, session.ErrUnavailable)
			wantErr(t, s.Save(t.Context()), session.ErrUnavailable)
			r.store.answer(nil)
			s.Data.Count = 4
			r.log.reset()
			q.save(s)
			r.log.wantNone(t, session.EventConflict)
			if r.len() != 1 || r.data(s.ID()).Count != 4 {
				t.Errorf("stored %v: %d records with %+v, want one with 4", stored, r.len(), r.data(s.ID()))
			}
		})
	}
}

// An Update of the caller's that failed so and is made again counts once.
func TestUpdateAgainAfterALostAcknowledgement(t *testing.T) {
	t.Parallel()
	for _, stored := range []bool{false, true} {
		t.Run(fmt.Sprintf("stored %v", stored), func(t *testing.T) {
			r := newRig(t)
			q, op := r.request(), opCreate
			if stored {
				q, op = r.request(r.seed(visit{Name: "n"})), opUpdate
			}
			s := q.get()
			add := count
			r.store.loseAnswerAndLook(op)
			wantErr(t, s.Update(t.Context(), add), errBroken)
			if s.Data.Count != 0 {
				t.Errorf("stored %v: Count is %d after the error, want 0", stored, s.Data.Count)
			}
			wantNoErr(t, s.Update(t.Context(), add))
			if got := r.data(s.ID()).Count; got != 1 || s.Data.Count != 1 || r.len() != 1 {
				t.Errorf("stored %v: %d in the store, %d in Data, %d records, want 1 in one: the first try was told to have failed", stored, got, s.Data.Count, r.len())
			}
		})
	}
}

// It landed, and somebody else wrote on top of it: then it is a change like any
// other, and both stay.
func TestLostAcknowledgementAndAnotherWrite(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	s.Data.Count = 2
	r.store.loseAnswerAndLook(opUpdate)
	wantErr(t, s.Save(t.Context()), errBroken)
	r.foreign(token, func(s *visitSession) { s.Data.Note = "theirs" })
	q.save(s)
	r.wantStored(s.ID(), visit{Name: "n", Count: 2, Note: "theirs"})
}

// A Renew that landed without a word, and then another request with the new
// token, which the client cannot have, or the old one: it is gone for that.
func TestLostRenewIsARenewForOthers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, other := r.request(token), r.request(token)
	s, theirs := q.get(), other.get()
	s.Renew()
	r.store.loseAnswerAndLook(opUpdate)
	wantErr(t, s.Save(t.Context()), errBroken)
	theirs.Data.Count = 2
	wantErr(t, theirs.Save(t.Context()), session.ErrGone)
	wantAction(t, other.commit(), session.ActionNone)
	q.save(s)
	if out := q.commit(); out.Token == token || r.request(out.Token).get().IsNew() {
		t.Errorf("outcome %+v, want the new token", out)
	}
}

// A Renew that landed without a word, and then a change by a background job,
// which does not ask for tokens: it is still this request's session.
func TestLostRenewAndABackgroundJob(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	s.Renew()
	s.Data.Note = "mine"
	r.store.loseAnswerAndLook(opUpdate)
	wantErr(t, s.Save(t.Context()), errBroken)
	wantNoErr(t, r.m.Update(t.Context(), s.ID(), count))
	q.save(s)
	out := q.commit()
	wantAction(t, out, session.ActionSet)
	r.wantStored(s.ID(), visit{Name: "n", Count: 1, Note: "mine"})
	if out.Token == token || r.request(out.Token).get().IsNew() || !r.request(token).get().IsNew() {
		t.Errorf("token %q, want the new one to open the session, and the old one not", out.Token)
	}
}

// What may have landed is destroyed as well.
func TestDestroyAfterALostAcknowledgement(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *visitConfig) { cfg.User = func(v *visit) string { return v.Name } })
	q, s := r.begin()
	s.Data.Name = "u"
	r.store.loseAnswerAndLook(opCreate)
	wantErr(t, s.Save(t.Context()), errBroken)
	s.Destroy()
	q.commit()
	r.wantRecords(0)
}
