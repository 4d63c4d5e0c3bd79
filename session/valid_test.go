package session_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/echosession/echosession/session"
)

// Valid refuses the session: it is destroyed at once, whatever the handler does.
func TestValidRefuses(t *testing.T) {
	t.Parallel()
	for _, change := range []bool{false, true} {
		t.Run(fmt.Sprintf("change %v", change), func(t *testing.T) {
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			asked := 0
			q := r.requestWith(func(q *fakeRequest) {
				q.valid = func(s *visitSession) (bool, error) {
					asked++
					if s.Data.Name != "n" || s.ID() != idOf(token) || s.IsNew() {
						t.Errorf("asked about %v with %+v, want the stored session", s, s.Data)
					}
					return false, nil
				}
			}, sid(token))
			q.load()
			if r.len() != 0 {
				t.Error("the record is still there")
			}
			s := q.get()
			if !s.IsNew() || s.ID() == idOf(token) || s.Data.Name != "" || asked != 1 {
				t.Errorf("%v with %+v, asked %d times, want a new session and once", s, s.Data, asked)
			}
			r.log.want(t, session.EventDestroyed)
			if v, err := q.x.Peek(t.Context()); err != nil || v.Name != "" {
				t.Errorf("Peek gave %+v, %v, want an empty value", v, err)
			}
			want := session.ActionClear
			if change {
				s.Data.Name, want = "x", session.ActionSet
			}
			wantAction(t, q.commit(), want)
		})
	}
}

func TestValidAccepts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := r.requestWith(func(q *fakeRequest) {
		q.valid = func(*visitSession) (bool, error) { return true, nil }
	}, sid(r.seed(visit{Name: "n"})))
	if s := q.get(); s.Data.Name != "n" || s.IsNew() {
		t.Errorf("%v with %+v, want the stored session", s, s.Data)
	}
	wantAction(t, q.commit(), session.ActionNone)
	r.log.want(t)

	// Of a session that is new there is nothing to ask.
	q = r.requestWith(func(q *fakeRequest) {
		q.valid = func(*visitSession) (bool, error) { t.Error("asked about a new session"); return false, nil }
	})
	if err := q.x.Load(t.Context()); err != nil || !q.get().IsNew() {
		t.Errorf("%v, new %v, want a new session", err, q.get().IsNew())
	}
	wantAction(t, q.commit(), session.ActionNone)
}

// An error of Valid counts as a failed load; one of the store, where it refused,
// as a failed destroy.
func TestValidFails(t *testing.T) {
	t.Parallel()
	for _, op := range []session.Op{session.OpLoad, session.OpDestroy} {
		t.Run(fmt.Sprintf("op %v", op), func(t *testing.T) {
			for _, answer := range []error{errMapped, nil, session.ErrDiscard} {
				t.Run(fmt.Sprintf("answer %v", answer), func(t *testing.T) {
					r := newRig(t)
					token := r.seed(visit{Name: "n"})
					q := r.requestWith(func(q *fakeRequest) {
						q.valid = func(*visitSession) (bool, error) {
							if op == session.OpLoad {
								return false, errBroken
							}
							r.store.failWith(opDelete, errBroken)
							return false, nil
						}
						q.failed = func(got session.Op, err error) error {
							wantErr(t, err, errBroken)
							if got != op {
								t.Errorf("the hook was asked about %q, want %q", got, op)
							}
							return answer
						}
					}, sid(token))
					s, err := q.x.Session(t.Context())
					if want := answer; errors.Is(want, session.ErrDiscard) && err != nil || want != session.ErrDiscard && err != want {
						t.Errorf("%s answered with %v: %v, %v", op, answer, s, err)
					}
					if err == nil && (!s.IsNew() || s.Data.Name != "") {
						t.Errorf("%s answered with %v: %v with %+v, want an empty session", op, answer, s, s.Data)
					}
					wantAction(t, q.commit(), session.ActionNone)
					if !r.exists(idOf(token)) {
						t.Errorf("%s answered with %v: the record is gone", op, answer)
					}
				})
			}
		})
	}
}
