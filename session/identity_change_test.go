package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// A change of the user is a change of privilege: the token is renewed without
// anybody asking for it, and the id stays.
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
					t.Errorf("token %q, want that of the request: nothing changed yet", s.Token())
				}
				naming(tt.to)(s)
				token := save(q, s)
				if idOf(token) != idOf(old) || secretOf(token) == secretOf(old) || s.Token() != token {
					t.Errorf("token %q, by the session %q, want the same id with a new secret", token, s.Token())
				}
				r.log.want(t, session.EventRenewed)
				if rec := r.record(idOf(old)); rec.User != tt.to || rec.Version != 2 {
					t.Errorf("user %q in version %d, want %q in one update", rec.User, rec.Version, tt.to)
				}
				r.wantOpens(token, idOf(old))
				r.wantInert(old)
			})
		}
	}
}

// A new session of a user has its first token, which is as good.
func TestNewSessionOfAUser(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	q, s := r.begin()
	first := s.Token()
	naming("ada")(s)
	if out := q.commit(); out.Token != first {
		t.Errorf("token %q, want the first one, %q", out.Token, first)
	}
	r.log.want(t, session.EventCreated)
	if rec := r.record(s.ID()); rec.User != "ada" || s.AuthenticatedAt().IsZero() {
		t.Errorf("user %q, authenticated %v, want ada and now", rec.User, s.AuthenticatedAt())
	}
}

func TestOtherChangesDoNotRenew(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	token := r.seed(visit{Name: "ada"})
	for name, do := range map[string]func(*visitSession){
		"a change":       counting,
		"SetMaxAge":      func(s *visitSession) { s.SetMaxAge(time.Hour) },
		"SaveAlways":     alwaysSave,
		"there and back": func(s *visitSession) { s.Data.Name = "bob"; s.Data.Count++; s.Data.Name = "ada" },
	} {
		if out := r.with(token, do); out.Token != token {
			t.Errorf("%s: token %q, want that of the request", name, out.Token)
		}
	}
}

// The response has begun: the new token cannot be sent, so nothing is stored.
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
	r.same(before)
	r.wantOpens(token, idOf(token))
}

// AuthenticatedAt is moved by a log-in and by nothing else.
func TestAuthenticatedAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName)
		token := r.seed(visit{})
		var last time.Time
		for _, step := range []struct {
			name  string
			do    func(*visitSession)
			moves bool
			zero  bool
		}{
			{"nobody", counting, false, true},
			{"ada signs in", naming("ada"), true, false},
			{"a change", counting, false, false},
			{"Renew", (*visitSession).Renew, false, false},
			{"SaveAlways", alwaysSave, false, false},
			{"bob takes over", naming("bob"), true, false},
			{"bob signs out", naming(""), false, true},
			{"a change of nobody", counting, false, true},
			{"bob signs in again", naming("bob"), true, false},
			{"Regenerate", func(s *visitSession) { s.Regenerate(); s.Data.Count = 1 }, false, true},
			{"eve signs in", naming("eve"), true, false},
		} {
			time.Sleep(time.Minute)
			if step.moves {
				last = time.Now()
			}
			want := last
			if step.zero {
				want = time.Time{}
			}
			var s *visitSession
			token = r.with(token, func(of *visitSession) { s = of; step.do(of) }).Token
			info, err := r.m.Find(t.Context(), s.ID())
			if err != nil || !info.AuthenticatedAt.Equal(want) || !s.AuthenticatedAt().Equal(want) || info.User != s.Data.Name {
				t.Errorf("%s: authenticated %v, by Find %v, %v, of %q, want %v", step.name, s.AuthenticatedAt(), info.AuthenticatedAt, err, info.User, want)
			}
			if !r.request(token).get().AuthenticatedAt().Equal(want) {
				t.Errorf("%s: authenticated %v in the next request, want %v", step.name, r.request(token).get().AuthenticatedAt(), want)
			}
		}
	})
}

// Not a request of the session itself: it could not give the client its token.
func TestManagerUpdateMayNotChangeTheUser(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	token := r.seed(visit{Name: "ada"})
	before := r.record(idOf(token))
	for _, name := range []string{"bob", ""} {
		if err := r.m.Update(t.Context(), idOf(token), func(v *visit) error { v.Name = name; return nil }); err == nil {
			t.Errorf("Update to the user %q: no error, want one", name)
		}
	}
	r.same(before)
	wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
	if rec := r.record(idOf(token)); rec.User != "ada" || r.data(idOf(token)).Count != 1 {
		t.Errorf("user %q with %+v, want ada with the change", rec.User, r.data(idOf(token)))
	}
	r.wantOpens(token, idOf(token))
}
