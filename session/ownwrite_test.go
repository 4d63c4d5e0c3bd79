package session_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/echosession/echosession/session"
)

// The store applied a write, retried it by itself, and tells of a conflict with
// its own first try, or of an error: a look shows that it is a success.
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
		{"Create", false, opCreate, session.ErrExists, func(s *visitSession) { s.Data.Count = 2 }, session.EventCreated, "create load"},
		{"Create, conflict", false, opCreate, session.ErrConflict, func(s *visitSession) { s.Data.Count = 2 }, session.EventCreated, "create load"},
		{"Update", true, opUpdate, session.ErrConflict, func(s *visitSession) { s.Data.Count = 2 }, session.EventSaved, "update load"},
		{"Create, error", false, opCreate, errBroken, func(s *visitSession) { s.Data.Count = 2 }, session.EventCreated, "create load"},
		{"Update, error", true, opUpdate, session.ErrUnavailable, func(s *visitSession) { s.Data.Count = 2 }, session.EventSaved, "update load"},
		{"Renew, error", true, opUpdate, errBroken, (*visitSession).Renew, session.EventRenewed, "update load"},
		{"Renew", true, opUpdate, session.ErrConflict, (*visitSession).Renew, session.EventRenewed, "update load"},
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
			if got := r.request(out.Token).get(); got.IsNew() || !equalVisits(got.Data, s.Data) {
				t.Errorf("the token opens %+v, new %v, want %+v", got.Data, got.IsNew(), s.Data)
			}
			r.wantRecords(1)
			// The version that the next write replaces is right, too.
			q = r.request(out.Token)
			q.get().Data.Note = "next"
			r.forget()
			q.commit()
			r.store.wantCalls(t, "update")
		})
	}
}

// The look for one's own write fails: then nothing is known.
func TestLookAfterAConflictFails(t *testing.T) {
	t.Parallel()
	for _, stored := range []bool{false, true} {
		t.Run(fmt.Sprintf("stored %v", stored), func(t *testing.T) {
			r := newRig(t)
			q, s := r.beginStored(stored, visit{Name: "n"})
			s.Data.Count = 2
			r.store.answer(func(op string, _ session.Record, do func() error) error {
				switch op {
				case opLoad:
					return errBroken
				case opCreate:
					return session.ErrExists
				}
				return session.ErrConflict
			})
			err := s.Save(t.Context())
			wantErr(t, err, errBroken)
			if errors.Is(err, session.ErrGone) {
				t.Errorf("error %v, want nothing of ErrGone", err)
			}
			r.store.answer(nil)
			q.save(s)
		})
	}
}
