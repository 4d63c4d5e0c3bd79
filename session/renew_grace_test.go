package session_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// After Renew the old token is recognised as superseded for RenewGrace, and is
// unknown after that.
func TestRenewedTokenDuringTheGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct{ set, want time.Duration }{
			{0, 30 * time.Second}, {time.Minute, time.Minute}, {time.Millisecond, time.Millisecond},
		} {
			r := newRig(t, grace(tt.set))
			old := r.seed(visit{Name: "n"})
			token := r.nextToken(old, (*visitSession).Renew)
			r.wantInert(old)
			time.Sleep(tt.want - time.Millisecond)
			r.wantInert(old)
			time.Sleep(time.Millisecond)
			r.wantUnknown(old)
			r.wantOpens(token, idOf(token))
		}
	})
}

// A request with a superseded token changes nothing, in the store and in the
// client.
func TestSupersededTokenIsInert(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*visitSession) error{
		"nothing":    func(*visitSession) error { return nil },
		"a change":   func(s *visitSession) error { s.Data.Name = "mallory"; return nil },
		"SaveAlways": func(s *visitSession) error { s.SetSave(session.SaveAlways); return nil },
		"Renew":      func(s *visitSession) error { s.Renew(); return nil },
		"Regenerate": func(s *visitSession) error { regenerating("mallory")(s); return nil },
		"Destroy":    func(s *visitSession) error { s.Destroy(); return nil },
		"SetMaxAge":  func(s *visitSession) error { s.SetMaxAge(time.Hour); return nil },
		"Save":       func(s *visitSession) error { s.Data.Name = "mallory"; return s.Save(t.Context()) },
		"Update":     func(s *visitSession) error { return s.Update(t.Context(), count) },
		"Reload":     func(s *visitSession) error { return s.Reload(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, set := range []func(*visitConfig){func(*visitConfig) {}, allowEmpty, always} {
				r := newRig(t, byName, set)
				old := r.seed(visit{Name: ""})
				token := r.signIn(old, "ada")
				before := r.record(idOf(token))
				r.forget()
				q, s := r.begin(old)
				switch err := do(s); name {
				case "Save", "Update", "Reload":
					wantErr(t, err, session.ErrGone)
				}
				wantAction(t, q.commit(), session.ActionNone)
				q.end()
				r.store.wantCalls(t, "load")
				r.wantUnchanged(before)
				r.wantRecords(1)
				r.wantOpens(token, idOf(token))
			}
		})
	}
}

// A superseded token reads as a new session. No hook is called.
func TestSupersededTokenReadsAsNew(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName, func(cfg *visitConfig) { cfg.New = func() visit { return visit{Note: "new"} } })
	old := r.seed(visit{})
	r.signIn(old, "ada")
	q := r.requestWith(func(q *fakeRequest) {
		q.valid = func(*visitSession) (bool, error) { t.Error("Valid was called, want no call"); return true, nil }
		q.beforeSave = func(*visitSession) error { t.Error("BeforeSave was called, want no call"); return nil }
		q.failed = func(op session.Op, err error) error {
			t.Errorf("Failed was called with %q and %v, want no call", op, err)
			return err
		}
	}, sid(old))
	q.load()
	if v := q.peek(); v.Note != "new" || v.Name != "" {
		t.Errorf("Peek: %+v, want what New makes", v)
	}
	s := q.get()
	if s.Data.Note != "new" || s.Data.Name != "" || !s.IsNew() || !s.AuthenticatedAt().IsZero() {
		t.Errorf("Data is %+v, new %v, authenticated at %v, want what New makes", s.Data, s.IsNew(), s.AuthenticatedAt())
	}
	counting(s)
	q.commit()
	if e := r.log.one(t, session.EventRejected); e.ID != idOf(old) || e.Err == nil {
		t.Errorf("the event is %+v, want the id %s and an error", e, idOf(old))
	}
}

// What a request with a superseded token changes is dropped and observed.
func TestSupersededTokenChangesAreObserved(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	old := r.seed(visit{})
	r.signIn(old, "ada")
	r.forget()
	r.handle(old, counting)
	if e := r.log.one(t, session.EventGone); e.ID != idOf(old) || !errors.Is(e.Err, session.ErrGone) {
		t.Errorf("the event is %+v, want ErrGone of the session %s", e, idOf(old))
	}
	r.forget()
	r.handle(old, looking)
	r.log.wantNone(t, session.EventGone)
}

// A superseded token beside one that opens a session is ignored. Beside tokens
// that open nothing it makes the request inert, in either order.
func TestSupersededTokenBesideAnother(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old := r.seed(visit{Name: "n"})
	token := r.nextToken(old, (*visitSession).Renew)
	for _, tokens := range [][]string{{old, token}, {token, old}, {old, "x." + secret22, token}} {
		q, s := r.begin(tokens...)
		if s.IsNew() || s.Token() != token {
			t.Errorf("%v open %v, new %v, want the session of the good token", tokens, s, s.IsNew())
		}
		counting(s)
		wantAction(t, q.commit(), session.ActionSet)
	}
	r.wantStored(idOf(token), visit{Name: "n", Count: 3})
	for _, tokens := range [][]string{{old, "x." + secret22}, {"x." + secret22, old}, {"?", old}} {
		q, s := r.begin(tokens...)
		counting(s)
		wantAction(t, q.commit(), session.ActionNone)
	}
}

// Each of several renewals within the grace makes the token before it inert,
// with a grace of its own. A record remembers four old tokens.
func TestManyRenewalsDuringTheGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		tokens := []string{r.seed(visit{Name: "n"})}
		for range 5 {
			time.Sleep(time.Second)
			tokens = append(tokens, r.nextToken(tokens[len(tokens)-1], (*visitSession).Renew))
		}
		r.wantOpens(tokens[5], idOf(tokens[5]))
		for _, old := range tokens[1:5] {
			r.wantInert(old)
		}
		r.wantUnknown(tokens[0]) // before its grace is over, to bound the record
		time.Sleep(27 * time.Second)
		r.wantUnknown(tokens[1])
		r.wantInert(tokens[2])
		time.Sleep(2 * time.Second)
		r.wantInert(tokens[4])
		time.Sleep(time.Second)
		r.wantUnknown(tokens[4])
		r.wantOpens(tokens[5], idOf(tokens[5]))
	})
}

// Old tokens leave the record with the first save after their grace.
func TestFormerTokensDoNotPileUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		token := r.seed(visit{Name: "n"})
		size := len(r.record(idOf(token)).Meta)
		for range 10 {
			token = r.nextToken(token, (*visitSession).Renew)
		}
		time.Sleep(30 * time.Second)
		r.handle(token, counting)
		if got := len(r.record(idOf(token)).Meta); got > size {
			t.Errorf("the meta data has %d bytes after the grace, want at most %d as at first", got, size)
		}
	})
}

// The longest RenewGrace does not keep a session from being read. A longer one
// is refused.
func TestLongestRenewGrace(t *testing.T) {
	t.Parallel()
	const longest = 876000 * time.Hour
	for _, d := range []time.Duration{longest + 1, math.MaxInt64} {
		_, err := session.New(visitConfig{Store: memstore.New(memstore.Options{}), RenewGrace: d})
		if problem, ok := errors.AsType[*session.ConfigError](err); !ok || problem.Field != "RenewGrace" {
			t.Errorf("New with a RenewGrace of %v: %v, want a problem of RenewGrace", d, err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName, grace(longest))
		old := r.seed(visit{})
		token := r.signIn(old, "ada")
		for range 2 {
			r.wantInert(old)
			r.wantOpens(token, idOf(old))
			time.Sleep(23 * time.Hour)
		}
	})
}

// Another request renews the token by its age while a slow request runs. The
// changes of the slow request are stored. But it does not send its token,
// because the client has a newer one.
func TestForeignTimedRenewal(t *testing.T) {
	t.Parallel()
	ctx := context.Background() // the context of t is outside of the bubble
	for name, tt := range map[string]struct {
		do    func(*visitSession)
		count int
	}{
		"a change":           {counting, 1},
		"SetMaxAge":          {func(s *visitSession) { s.SetMaxAge(time.Hour) }, 0},
		"SaveAlways":         {savingAlways, 0},
		"Save":               {func(s *visitSession) { s.Data.Count++; wantNoErr(t, s.Save(ctx)) }, 1},
		"Update":             {func(s *visitSession) { wantNoErr(t, s.Update(ctx, count)) }, 1},
		"Save and a change":  {func(s *visitSession) { s.Data.Count++; wantNoErr(t, s.Save(ctx)); s.Data.Count++ }, 2},
		"a touch":            {looking, 0},
		"Reload and a touch": {func(s *visitSession) { wantNoErr(t, s.Reload(ctx)) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, rolling(24*time.Hour, time.Minute), renewAfter(time.Hour))
				old := r.seed(visit{Name: "n"})
				time.Sleep(30 * time.Minute)
				slow, s := r.begin(old)
				time.Sleep(30 * time.Minute)
				token := r.nextToken(old, noting("theirs"))
				time.Sleep(2 * time.Minute)
				r.forget()
				tt.do(s)
				wantAction(t, slow.commit(), session.ActionNone)
				slow.end()
				r.wantStored(idOf(old), visit{Name: "n", Count: tt.count, Note: "theirs"})
				if rec := r.record(idOf(old)); time.Since(rec.SeenAt) > time.Second {
					t.Errorf("SeenAt is %v, want %v: a use of the old token counts, too", rec.SeenAt, time.Now())
				}
				r.wantOpens(token, idOf(old))
				r.wantOpens(old, idOf(old))
				r.log.wantNone(t, session.EventRenewed)
				r.log.wantNone(t, session.EventGone)
			})
		})
	}
}

// The token of two requests is due. Only one of them renews it.
func TestTwoTimedRenewalsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, old := dueRig(t, visit{Name: "n"})
		slow, s := r.begin(old)
		counting(s)
		token := r.nextToken(old, looking)
		wantAction(t, slow.commit(), session.ActionNone)
		r.wantStored(idOf(old), visit{Name: "n", Count: 1})
		r.wantOpens(token, idOf(old))
		r.wantOpens(old, idOf(old))
		r.handle(token, looking)
		time.Sleep(30 * time.Second)
		r.wantUnknown(old)
	})
}

// A slow request logs in with a token that another request renewed by its age.
// Its log-in is stored, and its new token is the one that counts.
func TestSignInMeetsATimedRenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, old := dueRig(t, visit{}, byName)
		slow, s := r.begin(old)
		naming("ada")(s)
		lost := r.nextToken(old, noting("theirs"))
		out := slow.commit()
		wantAction(t, out, session.ActionSet)
		r.wantOpens(out.Token, idOf(old))
		r.wantInert(lost)
		r.wantInert(old)
		r.wantStored(idOf(old), visit{Name: "ada", Note: "theirs"})
	})
}

// The first request with the new token meets a conflict. It confirms the
// renewal all the same, and no change is lost.
func TestConfirmationMeetsAConflict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, old := dueRig(t, visit{Name: "n"})
		token := r.nextToken(old, looking)
		slow, _ := r.begin(token)
		r.handle(old, counting) // does not confirm, as it is of the old token
		wantAction(t, slow.commit(), session.ActionSet)
		r.wantStored(idOf(old), visit{Name: "n", Count: 1})
		time.Sleep(30 * time.Second)
		r.wantUnknown(old)
	})
}

// A touch meets the change of another request. The save after it still merges
// with that change.
func TestSaveAfterATouchThatMetAChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, old := dueRig(t, visit{Name: "n"}, rolling(24*time.Hour, time.Minute))
		slow, s := r.begin(old)
		r.nextToken(old, noting("theirs"))
		time.Sleep(2 * time.Minute)
		wantAction(t, slow.commit(), session.ActionNone)
		counting(s)
		slow.save(s)
		r.wantStored(idOf(old), visit{Name: "n", Count: 1, Note: "theirs"})
	})
}

// The store's answer to a timed renewal is lost, and then the request renews
// the token itself. The token from before grants nothing, as after any forced
// renewal.
func TestRenewForGoodAfterALostRenewal(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*visitSession){"Renew": (*visitSession).Renew, "a log-in": naming("ada")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, old := dueRig(t, visit{}, byName)
				q, s := r.begin(old)
				s.Data.Count = 1
				q.saveWithoutAnswer(s)
				do(s)
				out := q.commit()
				q.end()
				wantAction(t, out, session.ActionSet)
				r.wantOpens(out.Token, idOf(old))
				r.wantInert(old)
				time.Sleep(10 * time.Hour)
				r.wantUnknown(old)
				r.wantOpens(out.Token, idOf(old))
				r.wantStored(idOf(old), visit{Name: s.Data.Name, Count: 1})
			})
		})
	}
}

// The store's answer to a timed renewal is lost. A later save, after the
// response began, does not confirm that renewal.
func TestTimedRenewalLostThenALateSave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, old := dueRig(t, visit{Name: "n"})
		q, s := r.begin(old)
		r.store.goDown(true, session.ErrUnavailable)
		q.commit()
		r.store.answer(nil)
		s.Data.Count++
		wantNoErr(t, s.Save(t.Context()))
		q.end()
		time.Sleep(time.Minute)
		r.wantOpens(old, idOf(old))
	})
}
