package session_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// dueRig makes a rig whose tokens are renewed after an hour, and stores a
// session whose token is an hour old. It is for a bubble of synctest.
func dueRig(t *testing.T, v visit, changes ...func(*visitConfig)) (r *rig, token string) {
	t.Helper()
	r = newRig(t, append(changes, renewAfter(time.Hour))...)
	token = r.seed(v)
	time.Sleep(time.Hour)
	r.forget()
	return r, token
}

// A token that is older than RenewAfter is replaced during an ordinary request.
// Nothing else of the session changes.
func TestTimedRenewal(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		do    func(*visitSession)
		calls string
	}{
		"a read":    {looking, "load update"},
		"a change":  {counting, "load update"},
		"SaveNever": {func(s *visitSession) { s.SetSave(session.SaveNever) }, "load"},
		"Destroy":   {(*visitSession).Destroy, "load delete"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, byName, renewAfter(time.Hour))
				old := r.seed(visit{Name: "ada"})
				time.Sleep(time.Hour - time.Millisecond)
				wantAction(t, r.handle(old, looking), session.ActionNone) // not yet due
				time.Sleep(time.Millisecond)
				r.forget()
				out := r.handle(old, tt.do)
				r.store.wantCalls(t, tt.calls)
				if tt.calls != "load update" {
					return
				}
				wantAction(t, out, session.ActionSet)
				r.log.want(t, session.EventRenewed)
				if idOf(out.Token) != idOf(old) || secretOf(out.Token) == secretOf(old) || out.Cookie.Value != out.Token {
					t.Errorf("the response has the token %q, want the id %s with a new secret", out.Token, idOf(old))
				}
				info, err := r.m.Find(t.Context(), idOf(old))
				if err != nil || info.User != "ada" || !info.AuthenticatedAt.Equal(info.CreatedAt) {
					t.Errorf("Find: %+v, %v, want the same user, authenticated when the session was created", info, err)
				}
				// The next renewal is due an hour later.
				time.Sleep(time.Hour - time.Millisecond)
				if again := r.handle(out.Token, looking); again.Token != "" && again.Token != out.Token {
					t.Errorf("the token within the hour is %q, want no other than %q", again.Token, out.Token)
				}
				time.Sleep(time.Millisecond)
				r.nextToken(out.Token, looking)
			})
		})
	}
}

// A session that was loaded is renewed even if the handler did not ask for it.
// One that was not loaded is not.
func TestTimedRenewalWithoutAsking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, old := dueRig(t, visit{Name: "n"})
		wantAction(t, r.request(old).commit(), session.ActionNone)
		r.store.wantCalls(t, "")
		wantAction(t, r.request(old).loadAndCommit(), session.ActionSet)
		r.store.wantCalls(t, "load update")
	})
}

// The old token works until RenewGrace after the first request with the new
// one.
func TestTimedRenewalIsConfirmed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, old := dueRig(t, visit{Name: "n"}, grace(time.Minute))
		token := r.nextToken(old, looking)
		// Much later no request has shown yet that the response arrived.
		time.Sleep(3 * time.Hour)
		r.wantOpens(old, idOf(old))
		// The old token can be used to save. It is neither renewed nor sent.
		r.forget()
		q, s := r.begin(old)
		counting(s)
		wantAction(t, q.commit(), session.ActionNone)
		r.store.wantCalls(t, "load update")
		r.log.want(t, session.EventSaved)
		if s.Token() != old {
			t.Errorf("Token is %q in a request of the old token, want %q", s.Token(), old)
		}
		r.forget()
		wantAction(t, r.handle(old, looking), session.ActionNone)
		r.store.wantCalls(t, "load")

		// The new token is presented for the first time, and is itself due by now.
		r.forget()
		token = r.nextToken(token, looking)
		r.store.wantCalls(t, "load update")
		time.Sleep(time.Minute - time.Millisecond)
		r.wantOpens(old, idOf(old))
		time.Sleep(time.Millisecond)
		r.wantUnknown(old)
		r.wantOpens(token, idOf(token))
	})
}

// The first request with the new token costs one write, and the next ones cost
// none.
func TestTimedRenewalIsConfirmedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, do := range map[string]func(*visitSession){"read": looking, "change": counting} {
			r, old := dueRig(t, visit{Name: "n"})
			token := r.nextToken(old, looking)
			time.Sleep(time.Minute)
			r.forget()
			if out := r.handle(token, do); out.Token != token {
				t.Errorf("%s: the confirmation sends the token %q, want %q, as every save does", name, out.Token, token)
			}
			r.store.wantCalls(t, "load update")
			r.log.want(t, session.EventSaved)
			r.forget()
			wantAction(t, r.handle(token, looking), session.ActionNone)
			r.store.wantCalls(t, "load")
			r.log.want(t)
			time.Sleep(30 * time.Second)
			r.wantUnknown(old)
		}
	})
}

// The request that renews a token does not confirm that itself, however often
// it saves: its response may be lost.
func TestTimedRenewalIsNotConfirmedByItsOwnRequest(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		do    func(*rig, *visitSession) error
		calls string
	}{
		"nothing": {func(*rig, *visitSession) error { return nil }, "load update"},
		"Save":    {func(r *rig, s *visitSession) error { return s.Save(r.Context()) }, "load update"},
		"Save, then a change": {func(r *rig, s *visitSession) error {
			err := s.Save(r.Context())
			s.Data.Count++
			return err
		}, "load update update"},
		"Update": {func(r *rig, s *visitSession) error { return s.Update(r.Context(), count) }, "load update"},
		"Save, and again when that token is due": {func(r *rig, s *visitSession) error {
			err := s.Save(r.Context())
			time.Sleep(time.Hour)
			return errors.Join(err, s.Save(r.Context()))
		}, "load update update"},
		"SetMaxAge after a Save": {func(r *rig, s *visitSession) error {
			err := s.Save(r.Context())
			s.SetMaxAge(48 * time.Hour)
			return err
		}, "load update update"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, old := dueRig(t, visit{Name: "n"})
				r.handle(old, func(s *visitSession) { wantNoErr(t, tt.do(r, s)) })
				r.store.wantCalls(t, tt.calls)
				time.Sleep(time.Minute)
				r.wantOpens(old, idOf(old))
			})
		})
	}
}

// A timed renewal and its confirmation are no use of the session: only with
// Rolling do they extend it.
func TestTimedRenewalExtendsOnlyWithRolling(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*visitConfig){
		"not rolling": func(*visitConfig) {}, "rolling": rolling(24*time.Hour, 30*time.Minute),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, token := dueRig(t, visit{Name: "n"}, set)
				seenAt := func() time.Time { return r.record(idOf(token)).SeenAt }
				began := seenAt()
				next := r.nextToken(token, looking)
				renewed := seenAt()
				r.handle(next, looking) // confirms the renewal
				for what, got := range map[string]time.Time{"the renewal": renewed, "its confirmation": seenAt()} {
					if moved := got.After(began); moved != (name == "rolling") {
						t.Errorf("SeenAt after %s is %v, and was %v before; it moved: %v, want %v", what, got, began, moved, !moved)
					}
				}
			})
		})
	}
}

// Many requests come at once with a token that is due. One of them renews it.
func TestManyTimedRenewalsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, token := dueRig(t, visit{Name: "n"})
		var all []*fakeRequest
		for range 20 {
			q, _ := r.begin(token)
			all = append(all, q)
		}
		before := r.record(idOf(token)).Version
		sent := map[string]int{}
		for _, q := range all {
			sent[q.commit().Token]++
			q.end()
		}
		if after := r.record(idOf(token)).Version; after != before+1 {
			t.Errorf("20 requests that only read made %d writes, want one", after-before)
		}
		if len(sent) != 2 || sent[""] != 19 {
			t.Errorf("%d of 20 responses have no token, want 19 and one with a new token", sent[""])
		}
	})
}

// A token is renewed again and again within the grace of the ones before. A
// record remembers four of them.
func TestTimedRenewalsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, renewAfter(time.Second), grace(time.Hour))
		tokens := []string{r.seed(visit{Name: "n"})}
		for range 8 {
			time.Sleep(time.Second)
			tokens = append(tokens, r.nextToken(tokens[len(tokens)-1], looking))
		}
		for i, token := range tokens {
			if i < 4 {
				r.wantUnknown(token)
			} else {
				r.wantOpens(token, idOf(token)) // the current one, and four before it
			}
		}
	})
}

// A timed renewal that fails at every request does not keep the session from
// being extended.
func TestRefreshThatFailsStillExtends(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*visitConfig)
		hook   func(*visitSession) error
		want   error
	}{
		"too large":  {func(cfg *visitConfig) { cfg.MaxBytes = 500 }, nil, session.ErrTooLarge},
		"BeforeSave": {func(*visitConfig) {}, func(*visitSession) error { return errBroken }, errBroken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				seeded := newRig(t)
				token := seeded.seed(visit{Name: strings.Repeat("x", 1000)})
				r := seeded.another(rolling(24*time.Hour, time.Minute), renewAfter(time.Hour), tt.change)
				for i := range 30 {
					time.Sleep(time.Hour)
					r.forget()
					q := r.requestWith(func(q *fakeRequest) { q.beforeSave = tt.hook }, sid(token))
					if q.get().IsNew() {
						t.Fatalf("the session is over after %d hours of use, want it to be extended", i+1)
					}
					q.commit()
					q.end()
					r.log.want(t, session.EventError, session.EventTouched)
					wantErr(t, r.log.one(t, session.EventError).Err, tt.want)
				}
			})
		})
	}
}

// A token that is too old by a shortened RenewAfter is replaced at the next
// load.
func TestShortenedRenewAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, before := range []time.Duration{0, 20 * time.Hour} {
			long := newRig(t, renewAfter(before))
			token := long.seed(visit{Name: "n"})
			time.Sleep(time.Hour)
			wantAction(t, long.handle(token, looking), session.ActionNone)
			r := long.another(renewAfter(time.Hour))
			next := r.nextToken(token, looking)
			r.wantOpens(next, idOf(token))
		}
	})
}

// The response with the new token is lost. The client goes on with the old
// token.
func TestTimedRenewalResponseLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, old := dueRig(t, visit{Name: "n"}, rolling(24*time.Hour, time.Minute))
		r.nextToken(old, looking) // the client never gets this token
		for i := range 40 {
			time.Sleep(time.Hour)
			wantAction(t, r.handle(old, counting), session.ActionNone)
			if got := r.data(idOf(old)).Count; got != i+1 {
				t.Fatalf("%d requests with the old token counted to %d, want %d", i+1, got, i+1)
			}
		}
		if info, err := r.m.Find(t.Context(), idOf(old)); err != nil || !info.ExpiresAt.Equal(time.Now().Add(24*time.Hour)) {
			t.Errorf("Find: ends %v, %v, want a day after the last use", info.ExpiresAt, err)
		}
	})
}

// The store's answer to a timed renewal is lost. The client keeps the old
// token, whether or not the write was carried out.
func TestTimedRenewalAcknowledgementLost(t *testing.T) {
	t.Parallel()
	for name, applied := range map[string]bool{"carried out": true, "not carried out": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, old := dueRig(t, visit{Name: "n"})
				r.store.goDown(applied, session.ErrUnavailable)
				wantAction(t, r.handle(old, looking), session.ActionNone) // and no error of the request
				r.log.want(t, session.EventError)
				r.store.answer(nil)
				r.wantOpens(old, idOf(old))
				out := r.handle(old, counting)
				r.wantStored(idOf(old), visit{Name: "n", Count: 1})
				if applied {
					wantAction(t, out, session.ActionNone)
					return
				}
				wantAction(t, out, session.ActionSet)
				r.wantOpens(out.Token, idOf(old))
			})
		})
	}
}

// A timed renewal that fails, or that finds the session gone, does not fail the
// request, which did not ask for it.
func TestTimedRenewalFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, tt := range map[string]struct {
			fault error
			kind  session.EventKind
		}{
			"broken": {errBroken, session.EventError},
			"down":   {session.ErrUnavailable, session.EventError},
			"gone":   {session.ErrNotFound, session.EventGone},
		} {
			r, old := dueRig(t, visit{Name: "n"})
			r.store.failWith(opUpdate, tt.fault)
			q := r.requestWith(func(q *fakeRequest) {
				q.failed = func(op session.Op, err error) error {
					t.Errorf("%s: Failed was called with %q and %v, want no call", name, op, err)
					return err
				}
			}, sid(old))
			q.get()
			wantAction(t, q.commit(), session.ActionNone)
			q.end()
			r.log.want(t, tt.kind)
			r.store.answer(nil)
			r.nextToken(old, looking)
		}
	})
}
