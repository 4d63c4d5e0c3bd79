package session_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/echosession/echosession/session"
)

var errMapped = errors.New("mapped")

// A load that fails, and what the hook may make of it.
func TestFailedLoad(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		damage func(*rig, string)
		cause  error
	}{
		"load":   {func(r *rig, _ string) { r.store.failWith(opLoad, session.ErrUnavailable) }, session.ErrUnavailable},
		"meta":   {func(r *rig, token string) { r.overwrite(idOf(token), func(rec *session.Record) { rec.Meta = nil }) }, session.ErrCorrupt},
		"decode": {func(r *rig, token string) { r.overwrite(idOf(token), func(rec *session.Record) { rec.Data = nil }) }, session.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			for _, answer := range []error{errMapped, nil, session.ErrDiscard} {
				t.Run(fmt.Sprintf("answer %v", answer), func(t *testing.T) {
					r := newRig(t)
					token := r.seed(visit{Name: "n"})
					tt.damage(r, token)
					before, _ := r.store.Store.Load(t.Context(), idOf(token))
					asked := 0
					q := r.requestWith(func(q *fakeRequest) {
						q.failed = func(op session.Op, err error) error {
							asked++
							if op != session.OpLoad {
								t.Errorf("the hook was asked about %q, want %q", op, session.OpLoad)
							}
							wantErr(t, err, tt.cause)
							return answer
						}
					}, sid(token))
					s, err := q.x.Session(t.Context())
					again, errAgain := q.x.Session(t.Context())
					if s != again || err != errAgain || asked != 1 {
						t.Errorf("%v, %v and then %v, %v, asked %d times, want the same at every call", s, err, again, errAgain, asked)
					}
					r.store.answer(nil)
					r.forget()
					switch answer {
					case errMapped: // it is the answer from then on
						if s != nil || err != errMapped {
							t.Errorf("%v, %v, want no session and the hook's answer", s, err)
						}
						wantAction(t, q.commit(), session.ActionNone)
						r.store.wantCalls(t, "")
					case nil: // it reads as empty and is never saved; the cookie stays
						if err != nil || !s.IsNew() || s.ID() != "" || s.Token() != "" || !equalVisits(s.Data, visit{}) {
							t.Errorf("%v, %v with %+v, want a session that reads as empty", s, err, s.Data)
						}
						s.Data.Name = "x"
						s.Renew()
						s.SetMaxAge(1e9)
						wantErr(t, s.Save(t.Context()), tt.cause)
						wantErr(t, s.Reload(t.Context()), tt.cause)
						wantErr(t, s.Update(t.Context(), count), tt.cause)
						s.SetSave(session.SaveAlways)
						s.Regenerate()
						s.Destroy()
						s.Data.Name = "y"
						wantAction(t, q.commit(), session.ActionNone)
						q.end()
						r.store.wantCalls(t, "")
						r.log.want(t)
					case session.ErrDiscard: // it is unknown: the next save replaces the cookie
						if err != nil || !s.IsNew() || s.ID() == "" || s.ID() == idOf(token) {
							t.Errorf("%v, %v, want a new session", s, err)
						}
						s.Data.Name = "x"
						out := q.commit()
						wantAction(t, out, session.ActionSet)
						if out.Token != s.Token() {
							t.Errorf("token %q, want that of the new session", out.Token)
						}
						r.store.wantCalls(t, "create")
					}
					if after, _ := r.store.Store.Load(t.Context(), idOf(token)); after.Version != before.Version {
						t.Errorf("the record has version %d, want it as it was, %d", after.Version, before.Version)
					}
				})
			}
		})
	}
}

// What NewID says of a new session is a failed load, too; and of the one that
// is to follow a discarded one.
func TestFailedNewID(t *testing.T) {
	t.Parallel()
	for _, answer := range []error{errMapped, nil, session.ErrDiscard} {
		t.Run(fmt.Sprintf("answer %v", answer), func(t *testing.T) {
			r := newRig(t, withIDs())
			q := r.requestWith(func(q *fakeRequest) {
				q.failed = func(op session.Op, err error) error {
					wantErr(t, err, errBroken)
					return answer
				}
			})
			s, err := q.x.Session(t.Context())
			switch {
			case answer == nil && (err != nil || s == nil || s.ID() != ""):
				t.Errorf("%v, %v, want a session that reads as empty", s, err)
			case answer == errMapped && err != errMapped, answer == session.ErrDiscard && !errors.Is(err, errBroken):
				t.Errorf("answered with %v: %v, %v", answer, s, err)
			}
			wantAction(t, q.commit(), session.ActionNone)
		})
	}
}

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
