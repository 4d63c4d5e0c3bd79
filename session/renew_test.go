package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// saves are the ways in which a request stores its session. Each returns the
// token in the outcome of the commit.
var saves = map[string]func(*fakeRequest, *visitSession) (token string){
	"commit": func(q *fakeRequest, _ *visitSession) string { return q.commit().Token },
	"Save": func(q *fakeRequest, s *visitSession) string {
		q.save(s)
		return q.commit().Token
	},
	"Update": func(q *fakeRequest, s *visitSession) string {
		q.Helper()
		if err := s.Update(q.Context(), count); err != nil {
			q.Fatalf("Update: %v, want no error", err)
		}
		return q.commit().Token
	},
}

// A change of the user renews the token without a call of Renew. The id stays.
func TestChangeOfUserRenews(t *testing.T) {
	t.Parallel()
	for how, save := range saves {
		for _, tt := range []struct {
			from, to string
		}{{"", "ada"}, {"ada", "bob"}, {"ada", ""}} {
			t.Run(how+"/"+tt.from+"-"+tt.to, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, byName)
				old := r.seed(visit{Name: tt.from})
				q, s := r.begin(old)
				if s.Token() != old {
					t.Errorf("the token before the change is %q, want %q of the request", s.Token(), old)
				}
				naming(tt.to)(s)
				token := save(q, s)
				if idOf(token) != idOf(old) || secretOf(token) == secretOf(old) || s.Token() != token {
					t.Errorf("the response has the token %q and the session %q, want both to be one with the same id and a new secret", token, s.Token())
				}
				r.log.want(t, session.EventRenewed)
				if rec := r.record(idOf(old)); rec.User != tt.to || rec.Version != 2 {
					t.Errorf("the record has the user %q and the version %d, want %q and 2", rec.User, rec.Version, tt.to)
				}
				r.wantOpens(token, idOf(old))
				r.wantInert(old)
			})
		}
	}
}

// A new session of a user keeps its first token, which no client has seen yet.
func TestNewSessionOfAUser(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	q, s := r.begin()
	first := s.Token()
	naming("ada")(s)
	if out := q.commit(); out.Token != first {
		t.Errorf("the response has the token %q, want the first one, %q", out.Token, first)
	}
	r.log.want(t, session.EventCreated)
	if rec := r.record(s.ID()); rec.User != "ada" || s.AuthenticatedAt().IsZero() {
		t.Errorf("the record has the user %q, authenticated at %v, want ada and now", rec.User, s.AuthenticatedAt())
	}
}

// Only a change of the user renews a token by itself.
func TestOtherChangesDoNotRenew(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	token := r.seed(visit{Name: "ada"})
	for name, do := range map[string]func(*visitSession){
		"a change":                  counting,
		"SetMaxAge":                 func(s *visitSession) { s.SetMaxAge(time.Hour) },
		"SaveAlways":                savingAlways,
		"a user that is taken back": func(s *visitSession) { s.Data.Name = "bob"; s.Data.Count++; s.Data.Name = "ada" },
	} {
		if out := r.handle(token, do); out.Token != token {
			t.Errorf("%s: the response has the token %q, want %q of the request", name, out.Token, token)
		}
	}
}

// Once the response has begun, a new token cannot be sent. So a change of the
// user is not stored.
func TestChangeOfUserAfterTheCommit(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	token := r.seed(visit{Name: "ada"})
	q, s := r.begin(token)
	q.commit()
	before := r.record(idOf(token))
	naming("bob")(s)
	wantErr(t, s.Save(t.Context()), session.ErrCommitted)
	naming("ada")(s)
	wantErr(t, s.Update(t.Context(), func(v *visit) error { v.Name = "bob"; return nil }), session.ErrCommitted)
	r.wantUnchanged(before)
	r.wantOpens(token, idOf(token))
}

// Only a log-in sets AuthenticatedAt, and only the end of a log-in clears it.
func TestAuthenticatedAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName)
		token := r.seed(visit{})
		var want time.Time
		for _, step := range []struct {
			name string
			do   func(*visitSession)
			want string // "now", "as before" or "zero"
		}{
			{"an anonymous session", counting, "zero"},
			{"ada signs in", naming("ada"), "now"},
			{"a change", counting, "as before"},
			{"Renew", (*visitSession).Renew, "as before"},
			{"SaveAlways", savingAlways, "as before"},
			{"bob takes over", naming("bob"), "now"},
			{"bob signs out", naming(""), "zero"},
			{"a change after that", counting, "zero"},
			{"bob signs in again", naming("bob"), "now"},
			{"Regenerate", func(s *visitSession) { s.Regenerate(); s.Data.Count = 1 }, "zero"},
			{"eve signs in", naming("eve"), "now"},
		} {
			time.Sleep(time.Minute)
			switch step.want {
			case "now":
				want = time.Now()
			case "zero":
				want = time.Time{}
			}
			var s *visitSession
			token = r.handle(token, func(of *visitSession) { s = of; step.do(of) }).Token
			info, err := r.m.Find(t.Context(), s.ID())
			if err != nil || !info.AuthenticatedAt.Equal(want) || !s.AuthenticatedAt().Equal(want) || info.User != s.Data.Name {
				t.Errorf("%s: authenticated at %v, by Find of %q at %v, %v, want %v", step.name, s.AuthenticatedAt(), info.User, info.AuthenticatedAt, err, want)
			}
			if got := r.request(token).get().AuthenticatedAt(); !got.Equal(want) {
				t.Errorf("%s: authenticated at %v in the next request, want %v", step.name, got, want)
			}
		}
	})
}

// Renew is called while a log-in is being saved, which makes a new token
// anyway. It asks for another new token, with the next save.
func TestRenewDuringALogIn(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	q, s := r.begin(r.seed(visit{}))
	s.Data.Name = "ada"
	r.store.once(opUpdate, func(do func() error) error {
		s.Renew() // as another goroutine of the request does
		return do()
	})
	wantNoErr(t, s.Save(t.Context()))
	next := s.Token()
	out := q.commit()
	if out.Token != next {
		t.Errorf("the response has the token %q, want the one that Token gave, %q", out.Token, next)
	}
	r.wantOpens(next, idOf(next))
}

// Two requests of one token renew it at once. The second one is dropped.
func TestTwoForcedRenewalsAtOnce(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*visitSession){"Renew": (*visitSession).Renew, "a log-in": naming("bob")} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, byName)
			old := r.seed(visit{})
			slow, s := r.begin(old)
			do(s)
			token := r.signIn(old, "ada")
			before := r.record(idOf(token))
			r.forget()
			wantAction(t, slow.commit(), session.ActionNone)
			r.log.want(t, session.EventGone)
			r.wantUnchanged(before)
			r.wantOpens(token, idOf(token))
		})
	}
}

// After a timed renewal the old token works on. A forced renewal ends that,
// also if the old token asks for it.
func TestForcedRenewalSupersedesFormerTokens(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"new", "old"} {
		t.Run("by the "+by+" token", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, first := dueRig(t, visit{}, byName)
				second := r.nextToken(first, looking)
				third := r.signIn(map[string]string{"old": first, "new": second}[by], "ada")
				r.wantOpens(third, idOf(third))
				r.wantInert(first)
				r.wantInert(second)
				time.Sleep(30 * time.Second)
				r.wantUnknown(first)
				r.wantUnknown(second)
				r.wantOpens(third, idOf(third))
			})
		})
	}
}

// A hijacked connection has no response that could carry a new token. So Renew
// is lost at the commit. After Hijacked the handler sends the token by itself,
// and Renew works.
func TestForcedRenewalWithoutACookie(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old := r.seed(visit{Name: "n"})
	q, s := r.begin(old)
	s.Renew()
	wantAction(t, q.hijack(), session.ActionNone)
	r.log.one(t, session.EventLost)
	r.wantOpens(old, idOf(old))
	q.x.Hijacked()
	s.Renew()
	q.save(s)
	r.wantOpens(s.Token(), idOf(old))
	r.wantInert(old)
}

// A token is not renewed by its age if the new one cannot be sent in a cookie.
func TestNoTimedRenewalWithoutACookie(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(r *rig, old string){
		"after the response began": func(r *rig, old string) {
			q, s := r.begin(old)
			s.SetSave(session.SaveNever)
			q.commit()
			counting(s)
			q.save(s)
			wantNoErr(r.T, s.Update(r.Context(), count))
			q.end()
		},
		"hijack": func(r *rig, old string) {
			q, s := r.begin(old)
			counting(s)
			if out := q.hijack(); out.Action != session.ActionNone && out.Token != old {
				r.Errorf("the outcome is %+v, want no new token", out)
			}
			q.end()
		},
		"hijack of a request that only reads": func(r *rig, old string) {
			q, _ := r.begin(old)
			wantAction(r.T, q.hijack(), session.ActionNone)
			r.store.wantCalls(r.T, "load")
		},
		"Open": func(r *rig, old string) {
			s, err := r.m.Open(r.Context(), old)
			if err != nil {
				r.Fatalf("Open: %v, want no error", err)
			}
			counting(s)
			if err := s.Save(r.Context()); err != nil || s.Token() != old {
				r.Errorf("Save: %v, and the token is %q, want no error and %q", err, s.Token(), old)
			}
		},
		"Manager.Update": func(r *rig, old string) {
			wantNoErr(r.T, r.m.Update(r.Context(), idOf(old), count))
		},
		"after the request": func(r *rig, old string) {
			q, s := r.begin(old)
			s.SetSave(session.SaveNever)
			q.end()
			counting(s)
			_ = s.Save(r.Context()) // an error: the request is over
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, old := dueRig(t, visit{Name: "n"})
				do(r, old)
				r.log.wantNone(t, session.EventRenewed)
				// The next request renews it, so it is still the current one.
				token := r.nextToken(old, looking)
				r.wantOpens(token, idOf(old))
			})
		})
	}
}

// Save renews the token by its age, and then the connection is hijacked. The
// old token works on, because the response may not carry the new one.
func TestTimedRenewalThenHijack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, old := dueRig(t, visit{Name: "n"})
		q, s := r.begin(old)
		q.save(s)
		q.hijack()
		r.wantOpens(old, idOf(old))
		r.wantOpens(s.Token(), idOf(old))
	})
}

// The store's answer to a log-in is lost, so Save fails. The commit tries
// again, and the client gets a token that works.
func TestForcedRenewalAcknowledgementLost(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	old := r.seed(visit{})
	q, s := r.begin(old)
	naming("ada")(s)
	q.saveWithoutAnswer(s)
	out := q.commit()
	wantAction(t, out, session.ActionSet)
	r.wantOpens(out.Token, idOf(old))
	r.wantInert(old)
	r.wantUser(idOf(old), "ada")
}

// The store's answer to a log-in or a Renew is lost, and Reload finds it in the
// record. The response sends the token of that record.
func TestReloadAfterALostReply(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*visitSession){
		"log-in": naming("ada"),
		"Renew":  func(s *visitSession) { s.Data.Name = "ada"; s.Renew() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, byName)
				old := r.seed(visit{})
				q, s := r.begin(old)
				change(s)
				q.saveWithoutAnswer(s)
				wantNoErr(t, s.Reload(t.Context()))
				r.wantData(s, visit{Name: "ada"})
				out := q.commit()
				wantAction(t, out, session.ActionSet)
				if out.Token == old || out.Token != s.Token() {
					t.Errorf("the response has the token %q, want the new one, %q", out.Token, s.Token())
				}
				r.store.wantCalls(t, "load update load load load")
				r.wantOpens(out.Token, idOf(old))
			})
		})
	}
}

// The store's answer to a log-in is lost, and the request takes the log-in
// back. The absolute time-out does not move.
func TestLogInThatWasTakenBackMovesNoTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName, absolute(10*time.Hour))
		old := r.seed(visit{Count: 1})
		time.Sleep(9 * time.Hour)
		q, s := r.begin(old)
		s.Data.Name = "ada"
		q.saveWithoutAnswer(s)
		s.Data.Name = ""
		q.save(s)
		if left := time.Until(s.ExpiresAt()); !s.AuthenticatedAt().IsZero() || left > time.Hour || left < time.Hour-time.Second {
			t.Errorf("authenticated at %v, ends in %v, want never and in 1h", s.AuthenticatedAt(), left)
		}
	})
}
