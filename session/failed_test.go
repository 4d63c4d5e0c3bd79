package session_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/echosession/echosession/session"
)

// A save that fails: nothing of it is in the response, whatever the hook says.
func TestFailedSave(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		do func(*rig, *visitSession)
		op session.Op
	}{
		"update":  {func(r *rig, s *visitSession) { s.Data.Count++; r.store.failWith(opUpdate, errBroken) }, session.OpSave},
		"renew":   {func(r *rig, s *visitSession) { s.Renew(); r.store.failWith(opUpdate, errBroken) }, session.OpSave},
		"destroy": {func(r *rig, s *visitSession) { s.Destroy(); r.store.failWith(opDelete, errBroken) }, session.OpDestroy},
		"create": {func(r *rig, s *visitSession) {
			s.Regenerate()
			s.Data.Count++
			r.store.failWith(opCreate, errBroken)
		}, session.OpSave},
	} {
		t.Run(name, func(t *testing.T) {
			for _, answer := range []error{errMapped, nil} {
				t.Run(fmt.Sprintf("answer %v", answer), func(t *testing.T) {
					r := newRig(t)
					token := r.seed(visit{Name: "n"})
					var ops []session.Op
					q := r.requestWith(func(q *fakeRequest) {
						q.failed = func(op session.Op, err error) error {
							ops = append(ops, op)
							wantErr(t, err, errBroken)
							return answer
						}
					}, sid(token))
					s := q.get()
					tt.do(r, s)
					out, err := q.tryCommit()
					if err != answer || len(ops) != 1 || ops[0] != tt.op {
						t.Errorf("%v, the hook was asked about %q, want %v and once about %q", err, ops, answer, tt.op)
					}
					wantAction(t, out, session.ActionNone)
					r.log.want(t, session.EventError)
					if e := r.log.one(t, session.EventError); !errors.Is(e.Err, errBroken) {
						t.Errorf("the event says %v, want %v", e.Err, errBroken)
					}
					r.store.answer(nil)
					q.end()
					if r.request(token).get().Data.Count != 0 || r.len() != 1 {
						t.Error("want the session to be as it was")
					}
				})
			}
		})
	}
}
