package session_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/echosession/echosession/session"
)

// errMapped is an answer of the Failed hook.
var errMapped = errors.New("mapped")

// damages are the ways in which a load fails. Each damages what the token
// opens.
var damages = map[string]struct {
	do    func(r *rig, token string)
	cause error
}{
	"load":   {func(r *rig, _ string) { r.store.failWith(opLoad, session.ErrUnavailable) }, session.ErrUnavailable},
	"meta":   {func(r *rig, token string) { r.overwrite(idOf(token), func(rec *session.Record) { rec.Meta = nil }) }, session.ErrCorrupt},
	"decode": {func(r *rig, token string) { r.overwrite(idOf(token), func(rec *session.Record) { rec.Data = nil }) }, session.ErrCorrupt},
}

// answering makes a request of the token whose Failed hook returns answer. It
// compares what the hook is called with, and counts the calls.
func (r *rig) answering(answer error, op session.Op, cause error, token string) (q *fakeRequest, calls *int) {
	calls = new(int)
	return r.requestWith(func(q *fakeRequest) {
		q.failed = func(got session.Op, err error) error {
			*calls++
			if got != op {
				r.Errorf("Failed was called with %q, want %q", got, op)
			}
			wantErr(r.T, err, cause)
			return answer
		}
	}, sid(token)), calls
}

// The answer of the Failed hook to a failed load holds for the whole request.
func TestFailedLoad(t *testing.T) {
	t.Parallel()
	for name, damage := range damages {
		for _, answer := range []error{errMapped, nil, session.ErrDiscard} {
			t.Run(fmt.Sprintf("%s/answer %v", name, answer), func(t *testing.T) {
				r := newRig(t)
				token := r.seed(visit{Name: "n"})
				damage.do(r, token)
				before := r.record(idOf(token))
				q, calls := r.answering(answer, session.OpLoad, damage.cause, token)
				s, err := q.x.Session(t.Context())
				again, errAgain := q.x.Session(t.Context())
				if s != again || err != errAgain || *calls != 1 {
					t.Errorf("Session: %v, %v and then %v, %v after %d calls of Failed, want the same after one call", s, err, again, errAgain, *calls)
				}
				r.store.answer(nil)
				r.forget()
				switch answer {
				case errMapped:
					if s != nil || err != errMapped {
						t.Errorf("Session: %v, %v, want no session and the answer of the hook", s, err)
					}
					wantAction(t, q.commit(), session.ActionNone)
					r.store.wantCalls(t, "")
				case nil:
					if err != nil {
						t.Fatalf("Session: %v, want no error", err)
					}
					q.wantNeverSaved(s, damage.cause)
				case session.ErrDiscard:
					if err != nil || !s.IsNew() || s.ID() == "" || s.ID() == idOf(token) {
						t.Errorf("Session: %v, %v, want a new session", s, err)
					}
					s.Data.Name = "x"
					out := q.commit()
					wantAction(t, out, session.ActionSet)
					if out.Token != s.Token() {
						t.Errorf("the response has the token %q, want %q of the new session", out.Token, s.Token())
					}
					r.store.wantCalls(t, "create")
				}
				r.wantUnchanged(before)
			})
		}
	}
}

// wantNeverSaved fails unless s reads as empty, whatever is asked of it is not
// stored, and the cookie stays.
func (q *fakeRequest) wantNeverSaved(s *visitSession, cause error) {
	q.Helper()
	if !s.IsNew() || s.ID() != "" || s.Token() != "" || !equalVisits(s.Data, visit{}) {
		q.Errorf("the request has %v with %+v, want a session that reads as empty", s, s.Data)
	}
	s.Data.Name = "x"
	s.Renew()
	s.SetMaxAge(1e9)
	wantErr(q.T, s.Save(q.Context()), cause)
	wantErr(q.T, s.Reload(q.Context()), cause)
	wantErr(q.T, s.Update(q.Context(), count), cause)
	s.SetSave(session.SaveAlways)
	s.Regenerate()
	s.Destroy()
	s.Data.Name = "y"
	wantAction(q.T, q.commit(), session.ActionNone)
	q.end()
	q.store.wantCalls(q.T, "")
	q.log.want(q.T)
}

// An error of NewID is a failed load. After ErrDiscard NewID is called again,
// and the request fails with its error.
func TestFailedNewID(t *testing.T) {
	t.Parallel()
	for answer, want := range map[error]error{errMapped: errMapped, nil: nil, session.ErrDiscard: errBroken} {
		t.Run(fmt.Sprintf("answer %v", answer), func(t *testing.T) {
			r := newRig(t, withIDs())
			q, _ := r.answering(answer, session.OpLoad, errBroken, "")
			s, err := q.x.Session(t.Context())
			if !errors.Is(err, want) {
				t.Errorf("Session: %v, %v, want the error %v", s, err, want)
			}
			if want == nil && (s == nil || s.ID() != "") {
				t.Errorf("Session: %v, want a session that reads as empty", s)
			}
			wantAction(t, q.commit(), session.ActionNone)
		})
	}
}

// Peek has the errors of Session, and calls the Failed hook once with it.
func TestPeekFails(t *testing.T) {
	t.Parallel()
	for name, damage := range damages {
		for answer, want := range map[error]error{errBroken: errBroken, session.ErrDiscard: nil, nil: nil} {
			t.Run(fmt.Sprintf("%s/answer %v", name, answer), func(t *testing.T) {
				r := newRig(t)
				token := r.seed(fullVisit())
				damage.do(r, token)
				q, calls := r.answering(answer, session.OpLoad, damage.cause, token)
				for range 2 {
					v, err := q.x.Peek(t.Context())
					if err != want || !equalVisits(v, visit{}) {
						t.Errorf("Peek: %+v, %v, want an empty value and %v", v, err, want)
					}
				}
				if _, err := q.x.Session(t.Context()); err != want || *calls != 1 {
					t.Errorf("Session: %v after %d calls of Failed, want %v after one", err, *calls, want)
				}
			})
		}
	}
}

// A record that cannot be read is ErrCorrupt in every way of loading it, and is
// left as it is. It can be deleted.
func TestCorruptRecords(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(*session.Record){
		"no meta data":    func(r *session.Record) { r.Meta = nil },
		"short meta data": func(r *session.Record) { r.Meta = r.Meta[:len(r.Meta)-1] },
		"long meta data":  func(r *session.Record) { r.Meta = append(r.Meta[:len(r.Meta):len(r.Meta)], 0) },
		"another version": func(r *session.Record) { r.Meta = append([]byte{2}, r.Meta[1:]...) },
		"damaged data":    func(r *session.Record) { r.Data = []byte(`{"Name":`) },
		"no data":         func(r *session.Record) { r.Data = nil },
		"another type":    func(r *session.Record) { r.Data = []byte(`{"Name":7}`) },
		"another format":  func(r *session.Record) { r.Format = "bson" },
		"no format":       func(r *session.Record) { r.Format = "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			r.overwrite(idOf(token), damage)
			before := r.record(idOf(token))
			for what, err := range r.errorsOf(token) {
				if !errors.Is(err, session.ErrCorrupt) || errors.Is(err, session.ErrNotFound) {
					t.Errorf("%s: %v, want ErrCorrupt alone", what, err)
				} else if strings.Contains(err.Error(), secretOf(token)) {
					t.Errorf("%s: %v, want an error without the secret", what, err)
				}
			}
			r.wantUnchanged(before)
			r.log.reset()
			wantNoErr(t, r.m.Delete(t.Context(), idOf(token)))
			r.wantRecords(0)
			r.log.want(t, session.EventRevoked)
		})
	}
}

// errorsOf loads the session of a token in every way, and returns the errors.
func (r *rig) errorsOf(token string) map[string]error {
	errs := map[string]error{"Update": r.m.Update(r.Context(), idOf(token), count)}
	_, errs["Find"] = r.m.Find(r.Context(), idOf(token))
	_, errs["Open"] = r.m.Open(r.Context(), token)
	_, errs["Session"] = r.request(token).x.Session(r.Context())
	_, errs["Peek"] = r.request(token).x.Peek(r.Context())
	return errs
}

// refusing makes a request whose Valid hook calls do and refuses the session.
func (r *rig) refusing(token string, do func(*visitSession)) *fakeRequest {
	return r.requestWith(func(q *fakeRequest) {
		q.valid = func(s *visitSession) (bool, error) { do(s); return false, nil }
	}, sid(token))
}

// A session that Valid refuses is destroyed before the handler runs, which gets
// a new one.
func TestValidRefuses(t *testing.T) {
	t.Parallel()
	for _, change := range []bool{false, true} {
		t.Run(fmt.Sprintf("change %t", change), func(t *testing.T) {
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			calls := 0
			q := r.refusing(token, func(s *visitSession) {
				calls++
				if s.Data.Name != "n" || s.ID() != idOf(token) || s.IsNew() {
					t.Errorf("Valid was called with %v and %+v, want the stored session", s, s.Data)
				}
			})
			q.load()
			r.wantRecords(0)
			s := q.get()
			if !s.IsNew() || s.ID() == idOf(token) || s.Data.Name != "" || calls != 1 {
				t.Errorf("the request has %v with %+v after %d calls of Valid, want a new session after one", s, s.Data, calls)
			}
			r.log.want(t, session.EventDestroyed)
			if v := q.peek(); v.Name != "" {
				t.Errorf("Peek: %+v, want an empty value", v)
			}
			want := session.ActionClear
			if change {
				s.Data.Name, want = "x", session.ActionSet
			}
			wantAction(t, q.commit(), want)
		})
	}
}

// A session that Valid accepts is used. Valid is not called for a new one.
func TestValidAccepts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	calls := 0
	accept := func(q *fakeRequest) { q.valid = func(*visitSession) (bool, error) { calls++; return true, nil } }
	q := r.requestWith(accept, sid(r.seed(visit{Name: "n"})))
	r.wantData(q.get(), visit{Name: "n"})
	wantAction(t, q.commit(), session.ActionNone)
	r.log.want(t)
	q = r.requestWith(accept)
	q.load()
	r.wantData(q.get(), visit{})
	wantAction(t, q.commit(), session.ActionNone)
	if calls != 1 {
		t.Errorf("Valid was called %d times, want once", calls)
	}
}

// An error of Valid is a failed load. An error of the store after Valid refused
// the session is a failed destroy.
func TestValidFails(t *testing.T) {
	t.Parallel()
	for _, op := range []session.Op{session.OpLoad, session.OpDestroy} {
		for answer, want := range map[error]error{errMapped: errMapped, nil: nil, session.ErrDiscard: nil} {
			t.Run(fmt.Sprintf("%s/answer %v", op, answer), func(t *testing.T) {
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
							t.Errorf("Failed was called with %q, want %q", got, op)
						}
						return answer
					}
				}, sid(token))
				s, err := q.x.Session(t.Context())
				if err != want {
					t.Errorf("Session: %v, %v, want the error %v", s, err, want)
				}
				if err == nil && (!s.IsNew() || s.Data.Name != "") {
					t.Errorf("the request has %v with %+v, want an empty session", s, s.Data)
				}
				wantAction(t, q.commit(), session.ActionNone)
				if !r.exists(idOf(token)) {
					t.Error("the record is gone, want it to stay")
				}
			})
		}
	}
}

// While Valid runs, another request or an administrator ends the session. Then
// Valid refuses it, and the request gets a new session that it can store.
func TestRefusedByTwo(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]func(*rig, string){
		"another request": func(r *rig, token string) { r.handle(token, (*visitSession).Destroy) },
		"the Manager":     func(r *rig, token string) { wantNoErr(r.T, r.m.Delete(r.Context(), idOf(token))) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			token := r.seed(visit{Count: 1})
			q := r.refusing(token, func(*visitSession) { first(r, token) })
			s := q.get()
			if !s.IsNew() || s.ID() == "" || s.ID() == idOf(token) || s.Data.Count != 0 {
				t.Errorf("the request has %v, new %v, with %+v, want a new session with an id of its own", s, s.IsNew(), s.Data)
			}
			s.Data.Name = "ada"
			out := q.commit()
			wantAction(t, out, session.ActionSet)
			r.wantOpens(out.Token, s.ID())
			r.wantRecords(1)
		})
	}
}

// While Valid runs, another request writes the user of the session, which began
// before there was a Config.User. Then Valid refuses it, and it is destroyed.
func TestRefusedAfterTheUserWasWritten(t *testing.T) {
	t.Parallel()
	old := newRig(t)
	r := old.another(byName)
	token := old.seed(visit{Name: "ada"})
	q := r.refusing(token, func(*visitSession) { r.handle(token, counting) })
	if s := q.get(); !s.IsNew() || s.ID() == "" {
		t.Errorf("the request has %v, new %v, want a new session with an id", s, s.IsNew())
	}
	wantAction(t, q.commit(), session.ActionClear)
	if r.exists(idOf(token)) {
		t.Error("the refused session exists, want it destroyed")
	}
}
