package session_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/echosession/echosession/session"
)

// Save fails because the answer of the store is lost, although the record was
// written. The next save of the request goes on from that record.
func TestSaveAgainAfterALostAcknowledgement(t *testing.T) {
	t.Parallel()
	change := func(n int) func(*visitSession) { return func(s *visitSession) { s.Data.Count = n } }
	for _, tt := range []struct {
		name          string
		stored        bool
		first, second func(*visitSession)
		version       int64
	}{
		{"new, the same", false, change(2), change(2), 2},
		{"new, changed again", false, change(2), change(3), 2},
		{"new, changed back", false, change(2), change(0), 2},
		{"stored, the same", true, change(2), change(2), 3},
		{"stored, changed again", true, change(2), change(3), 3},
		{"stored, changed back", true, change(2), change(0), 3},
		{"Renew", true, (*visitSession).Renew, change(3), 3},
		{"Renew twice", true, (*visitSession).Renew, (*visitSession).Renew, 3},
		{"a change, then Renew", true, change(2), (*visitSession).Renew, 3},
		{"SetMaxAge", true, func(s *visitSession) { s.SetMaxAge(maxDays) }, change(3), 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			q, s := r.beginStored(tt.stored, visit{Name: "n"})
			token := s.Token()
			tt.first(s)
			q.saveWithoutAnswer(s)
			r.log.reset()
			tt.second(s)
			want := s.Data
			q.save(s)
			out := q.commit()
			wantAction(t, out, session.ActionSet)
			r.log.wantNone(t, session.EventConflict)
			r.wantData(s, want)
			r.wantOpens(out.Token, s.ID())
			r.wantStored(s.ID(), want)
			r.wantRecords(1)
			if got := r.record(s.ID()).Version; got != tt.version {
				t.Errorf("the record has the version %d, want %d", got, tt.version)
			}
			if out.Token != token && !r.request(token).get().IsNew() {
				t.Error("the old token still opens the session, want it to open nothing")
			}
		})
	}
}

// Between the write whose answer was lost and the save that works there is one
// that did not reach the store.
func TestSaveAgainAfterTwoFailures(t *testing.T) {
	t.Parallel()
	for _, stored := range []bool{false, true} {
		t.Run(fmt.Sprintf("stored %t", stored), func(t *testing.T) {
			r := newRig(t)
			q, s := r.beginStored(stored, visit{Name: "n"})
			s.Data.Count = 2
			q.saveWithoutAnswer(s)
			s.Data.Count = 3
			r.store.goDown(false, session.ErrUnavailable)
			wantErr(t, s.Save(t.Context()), session.ErrUnavailable)
			r.store.answer(nil)
			s.Data.Count = 4
			r.log.reset()
			q.save(s)
			r.log.wantNone(t, session.EventConflict)
			r.wantRecords(1)
			r.wantStored(s.ID(), visit{Name: s.Data.Name, Count: 4})
		})
	}
}

// Update fails because the answer of the store is lost. The caller makes it
// again, and it counts once.
func TestUpdateAgainAfterALostAcknowledgement(t *testing.T) {
	t.Parallel()
	for _, stored := range []bool{false, true} {
		t.Run(fmt.Sprintf("stored %t", stored), func(t *testing.T) {
			r := newRig(t)
			_, s := r.beginStored(stored, visit{Name: "n"})
			before := s.Data
			r.store.goDown(true, errBroken)
			wantErr(t, s.Update(t.Context(), count), errBroken)
			r.store.answer(nil)
			r.wantData(s, before)
			wantNoErr(t, s.Update(t.Context(), count))
			r.wantData(s, visit{Name: before.Name, Count: 1})
			r.wantStored(s.ID(), visit{Name: before.Name, Count: 1})
			r.wantRecords(1)
		})
	}
}

// Another request writes on top of the record whose answer was lost. Both
// changes stay.
func TestLostAcknowledgementAndAnotherWrite(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	s.Data.Count = 2
	q.saveWithoutAnswer(s)
	r.otherRequest(token, noting("theirs"))
	q.save(s)
	r.wantStored(s.ID(), visit{Name: "n", Count: 2, Note: "theirs"})
}

// The answer to a Renew is lost. To a request with the old token the session is
// gone, and the request that renewed it goes on.
func TestLostRenewIsARenewForOthers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	other, theirs := r.begin(token)
	s.Renew()
	q.saveWithoutAnswer(s)
	theirs.Data.Count = 2
	wantErr(t, theirs.Save(t.Context()), session.ErrGone)
	wantAction(t, other.commit(), session.ActionNone)
	q.save(s)
	out := q.commit()
	if out.Token == token {
		t.Errorf("the response has the token %q, want the new one", out.Token)
	}
	r.wantOpens(out.Token, idOf(token))
}

// The answer to a Renew is lost, and then a background job changes the session.
// It is still the session of the request, with both changes.
func TestLostRenewAndABackgroundJob(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	s.Renew()
	s.Data.Note = "mine"
	q.saveWithoutAnswer(s)
	wantNoErr(t, r.m.Update(t.Context(), s.ID(), count))
	q.save(s)
	out := q.commit()
	wantAction(t, out, session.ActionSet)
	r.wantStored(s.ID(), visit{Name: "n", Count: 1, Note: "mine"})
	r.wantOpens(out.Token, idOf(token))
	r.wantInert(token)
}

// The store carries out a write, but answers with an error, such as a conflict
// with its own first try. A look at the record shows that it succeeded.
func TestOwnWriteIsNoConflict(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		stored bool
		op     string
		err    error
		do     func(*visitSession)
		kind   session.EventKind
		calls  string
	}{
		{"Create, exists", false, opCreate, session.ErrExists, counting, session.EventCreated, "create load"},
		{"Create, conflict", false, opCreate, session.ErrConflict, counting, session.EventCreated, "create load"},
		{"Create, error", false, opCreate, errBroken, counting, session.EventCreated, "create load"},
		{"Update, conflict", true, opUpdate, session.ErrConflict, counting, session.EventSaved, "update load"},
		{"Update, error", true, opUpdate, session.ErrUnavailable, counting, session.EventSaved, "update load"},
		{"Renew, conflict", true, opUpdate, session.ErrConflict, (*visitSession).Renew, session.EventRenewed, "update load"},
		{"Renew, error", true, opUpdate, errBroken, (*visitSession).Renew, session.EventRenewed, "update load"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			q, s := r.beginStored(tt.stored, visit{Name: "n"})
			tt.do(s)
			r.forget()
			r.store.loseAnswer(tt.op, tt.err)
			out := q.commit()
			wantAction(t, out, session.ActionSet)
			r.store.wantCalls(t, tt.calls)
			r.log.want(t, tt.kind)
			r.wantOpens(out.Token, s.ID())
			r.wantStored(s.ID(), s.Data)
			r.wantRecords(1)
			// The next write replaces the right version at its first try.
			r.forget()
			r.handle(out.Token, noting("next"))
			r.store.wantCalls(t, "load update")
		})
	}
}

// The look at the record after a conflict fails. Save fails with that error,
// and can be made again.
func TestLookAfterAConflictFails(t *testing.T) {
	t.Parallel()
	for _, stored := range []bool{false, true} {
		t.Run(fmt.Sprintf("stored %t", stored), func(t *testing.T) {
			r := newRig(t)
			q, s := r.beginStored(stored, visit{Name: "n"})
			s.Data.Count = 2
			r.store.answer(func(op string, _ session.Record, _ func() error) error {
				return map[string]error{opLoad: errBroken, opCreate: session.ErrExists, opUpdate: session.ErrConflict}[op]
			})
			err := s.Save(t.Context())
			wantErr(t, err, errBroken)
			if errors.Is(err, session.ErrGone) {
				t.Errorf("error %v, want no ErrGone", err)
			}
			r.store.answer(nil)
			q.save(s)
		})
	}
}

// What Manager.Update wrote is found in the record if the answer of the store is
// lost. If the look fails too, so does Update.
func TestManagerUpdateSettlesItsOwnWrite(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := idOf(r.seed(visit{Name: "n"}))
	for _, answer := range []error{session.ErrConflict, errBroken} {
		r.store.loseAnswer(opUpdate, answer)
		wantNoErr(t, r.m.Update(t.Context(), id, count))
	}
	r.log.want(t, session.EventSaved, session.EventSaved)
	r.store.goDown(true, errBroken, opUpdate)
	wantErr(t, r.m.Update(t.Context(), id, count), errBroken)
	r.wantStored(id, visit{Name: "n", Count: 3})

	// A conflict, and the look for its reason fails.
	updated := false
	r.store.answer(func(op string, _ session.Record, do func() error) error {
		switch {
		case op == opUpdate:
			updated = true
			return session.ErrConflict
		case updated:
			return session.ErrUnavailable
		}
		return do()
	})
	wantErr(t, r.m.Update(t.Context(), id, count), session.ErrUnavailable)
}

// A stream saves again and again during a long outage. One of those writes was
// carried out, the first or the last. It is no conflict for the next save.
func TestSaveThroughALongOutage(t *testing.T) {
	t.Parallel()
	const saves = 100
	for _, applied := range []int{1, saves - 1, saves} {
		t.Run(fmt.Sprintf("write %d", applied), func(t *testing.T) {
			r := newRig(t)
			q, s := r.begin(r.seed(visit{Name: "n"}))
			n := 0
			r.store.answer(func(op string, _ session.Record, do func() error) error {
				if op == opUpdate {
					if n++; n == applied {
						wantNoErr(t, do())
					}
				}
				return session.ErrUnavailable
			})
			for i := range saves {
				s.Data.Count = i + 1
				wantErr(t, s.Save(t.Context()), session.ErrUnavailable)
			}
			r.store.answer(nil)
			s.Data.Count = 1000
			r.log.reset()
			q.save(s)
			r.log.wantNone(t, session.EventConflict)
			r.wantStored(s.ID(), visit{Name: "n", Count: 1000})
		})
	}
}

// Saves that fail take no memory that grows with their number.
func TestFailedSavesDoNotPileUp(t *testing.T) {
	r := newRig(t)
	_, s := r.begin(r.seed(visit{Name: "n"}))
	r.store.goDown(false, session.ErrUnavailable)
	save := func(n int) (inUse uint64) {
		for range n {
			s.Data.Note = strings.Repeat("x", 50_000)
			wantErr(t, s.Save(t.Context()), session.ErrUnavailable)
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := save(20)
	after := save(1000)
	if after > before+10_000_000 {
		t.Errorf("1000 failed saves of 50 kB took %d MB, want less than 10 MB", (after-before)/1_000_000)
	}
	runtime.KeepAlive(s)
}
