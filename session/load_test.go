package session_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// unknownToken returns a well-formed token that opens nothing.
func unknownToken(id string) string { return id + "." + secret22 }

// The token is found at any place in the Cookie header, under its exact name.
func TestCookieLines(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	for _, tt := range []struct {
		name  string
		lines []string
		found bool
	}{
		{"alone", []string{"sid=" + token}, true},
		{"first", []string{"sid=" + token + "; b=1"}, true},
		{"last", []string{"a=1; sid=" + token}, true},
		{"between", []string{"a=1; sid=" + token + "; b=2"}, true},
		{"no space", []string{"a=1;sid=" + token + ";b=2"}, true},
		{"many spaces", []string{"  a=1 ; \t sid=" + token + " \t ; b"}, true},
		{"semicolons", []string{";;; sid=" + token + ";;"}, true},
		{"second line", []string{"a=1; b=2", "c=3; sid=" + token}, true},
		{"empty line", []string{"", "sid=" + token}, true},
		{"after one without a value", []string{"sid; sid=" + token}, true},
		{"after an empty one", []string{"sid=; sid=" + token}, true},
		{"after malformed ones", []string{"sid=x; sid=y.z; sid=\"" + token + "\"; sid=a; sid=b; sid=" + token}, true},
		{"after other names", []string{"xsid=1; sidx=2; sid=" + token}, true},
		{"nothing", nil, false},
		{"no cookie", []string{""}, false},
		{"another name", []string{"xsid=" + token + "; sidx=" + token}, false},
		{"another case", []string{"SID=" + token}, false},
		{"space before =", []string{"sid =" + token}, false},
		{"space after =", []string{"sid= " + token}, false},
		{"within a value", []string{"a=sid=" + token}, false},
		{"a value alone", []string{token}, false},
		{"a comma", []string{"a=1, sid=" + token}, false},
		{"quoted", []string{`sid="` + token + `"`}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x := r.m.Begin(nil, session.BeginOptions[visit]{Cookies: tt.lines})
			s, err := x.Session(t.Context())
			if err != nil {
				t.Fatalf("Session: %v, want no error", err)
			}
			if found := !s.IsNew() && s.Data.Name == "n"; found != tt.found {
				t.Errorf("the session was found: %v, want %v", found, tt.found)
			}
		})
	}
}

// An adapter may carry the token in a header field of its own. Each line of it
// is one token, and nothing becomes a cookie.
func TestPlainTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	unknown := []string{unknownToken("a"), unknownToken("b"), unknownToken("c"), unknownToken("d")}
	for _, tt := range []struct {
		lines []string
		loads int
		found bool
	}{
		{[]string{token}, 1, true},
		{[]string{"x", "", token}, 1, true},
		{append(unknown[:3:3], token), 4, true},
		{append(unknown, token), 4, false},
		{[]string{sid(token)}, 0, false},
		{[]string{token + "; " + token}, 0, false},
		{[]string{" " + token}, 0, false},
	} {
		r.forget()
		q := r.requestBy(true, tt.lines...)
		s := q.get()
		if found, loads := !s.IsNew(), r.store.count(opLoad); found != tt.found || loads != tt.loads {
			t.Errorf("%q: found %v after %d loads, want %v after %d", tt.lines, found, loads, tt.found, tt.loads)
		}
		s.Data.Count++
		if out := q.commit(); out.Cookie != nil || out.Token != s.Token() {
			t.Errorf("%q: the outcome is %+v, want the token and no cookie", tt.lines, out)
		}
	}
}

// At most four well-formed tokens are tried. Malformed and repeated ones do not
// count.
func TestCandidatesAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	var unknown []string
	for _, id := range []string{"a", "b", "c", "d"} {
		unknown = append(unknown, unknownToken(id))
	}
	if _, s := r.begin(append(unknown[:3:3], token)...); s.IsNew() {
		t.Error("the fourth token opens nothing, want the session")
	}
	r.store.wantCalls(t, "load load load load")
	r.log.want(t, session.EventRejected, session.EventRejected, session.EventRejected)

	r.forget()
	if _, s := r.begin(append(unknown, token)...); !s.IsNew() {
		t.Error("the fifth token opens the session, want it not to be tried")
	}
	r.store.wantCalls(t, "load load load load")

	r.forget()
	lines := []string{sid("x") + ";" + sid("y") + ";" + sid("z"), sid("") + ";" + sid(".")}
	for range 5 {
		lines = append(lines, sid(unknown[0]))
	}
	if s := r.requestWith(nil, append(lines, sid(token))...).get(); s.IsNew() {
		t.Error("the second well-formed token opens nothing, want the session")
	}
	r.store.wantCalls(t, "load load")
	r.log.want(t, session.EventRejected, session.EventRejected)
}

// A token that is sent several times is tried once.
func TestTheSameCookieTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	if _, s := r.begin(token, token, token); s.IsNew() {
		t.Error("the request has a new session, want the stored one")
	}
	r.store.wantCalls(t, "load")
	r.log.want(t)
}

// The first of two live sessions is used, and the second one is observed.
func TestTwoLiveSessions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first, second, third := r.seed(visit{Name: "1"}), r.seed(visit{Name: "2"}), r.seed(visit{Name: "3"})
	_, s := r.begin(unknownToken("x"), first, second, third)
	r.wantData(s, visit{Name: "1"})
	r.log.want(t, session.EventRejected, session.EventDuplicate)
	if e := r.log.one(t, session.EventDuplicate); e.ID != idOf(second) {
		t.Errorf("the duplicate is %q, want the second session %q", e.ID, idOf(second))
	}
	r.store.wantCalls(t, "load load load")

	// A wrong secret and an unknown id are no second session.
	r.forget()
	_, s = r.begin(first, unknownToken(idOf(second)), unknownToken("x"))
	r.wantData(s, visit{Name: "1"})
	r.log.want(t)
}

// An error of the store at the first token fails the request, because the token
// could open the session. At a later token it does not matter.
func TestErrorOfACandidate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first, second := r.seed(visit{Name: "1"}), r.seed(visit{Name: "2"})
	failOn := func(token string) {
		r.store.answer(func(_ string, rec session.Record, do func() error) error {
			if rec.ID == idOf(token) {
				return errBroken
			}
			return do()
		})
	}
	failOn(first)
	_, err := r.request(first, second).x.Session(t.Context())
	wantErr(t, err, errBroken)
	r.forget()
	failOn(second)
	_, s := r.begin(first, second)
	r.wantData(s, visit{Name: "1"})
	r.log.want(t)
}

// The store is asked once, when the session is first needed.
func TestLoadedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q := r.request(token)
	r.store.wantCalls(t, "")
	for range 3 {
		q.load()
		q.get()
		q.peek()
	}
	r.store.wantCalls(t, "load")

	out := r.request(token).commit()
	wantAction(t, out, session.ActionNone)
	r.store.wantCalls(t, "load")
	if out.Read {
		t.Error("Read is true in a request that did not ask for the session, want false")
	}
	if q, _ = r.begin(strings.Repeat("x", 10)); !q.commit().Read {
		t.Error("Read is false in a request that asked for the session, want true")
	}
}

// A caller gives up while the session is loaded. That is no failed load: the
// next caller loads it.
func TestLoadAfterACallerGaveUp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := r.request(r.seed(visit{Name: "n"}))
	q.failed = func(op session.Op, err error) error {
		t.Errorf("Failed was called with %q and %v, want no call", op, err)
		return err
	}
	_, err := session.FromContext[visit](q.x.Context(canceled(t)))
	wantErr(t, err, context.Canceled)
	r.wantData(q.get(), visit{Name: "n"})
}

// After a timed renewal a client sends the old token beside the current one,
// from cookies of two paths. In either order the current one counts: the old
// token ends, and the current one is renewed in time.
func TestFormerTokenBesideTheCurrentOne(t *testing.T) {
	t.Parallel()
	for _, oldFirst := range []bool{false, true} {
		t.Run(fmt.Sprintf("old first %t", oldFirst), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, old := dueRig(t, visit{Name: "n"})
				token := r.nextToken(old, looking)
				tokens := []string{token, old}
				if oldFirst {
					tokens = []string{old, token}
				}
				q, s := r.begin(tokens...)
				if s.Token() != token {
					t.Errorf("Token is %q, want the current one, %q", s.Token(), token)
				}
				s.Data.Count++
				if out := q.commit(); out.Token != token {
					t.Errorf("the response has the token %q, want the current one, %q", out.Token, token)
				}
				q.end()
				time.Sleep(time.Minute)
				r.wantUnknown(old)

				time.Sleep(time.Hour)
				q, _ = r.begin(tokens...)
				out := q.commit()
				wantAction(t, out, session.ActionSet)
				if out.Token == token {
					t.Errorf("the response has the token %q an hour later, want a new one", out.Token)
				}
				r.wantOpens(out.Token, idOf(old))
				r.log.wantNone(t, session.EventDuplicate)
			})
		})
	}
}

// Only the current token replaces an old one that is sent first. A wrong secret
// does not, and an older token does not.
func TestFormerTokenBesideOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, renewAfter(time.Minute), grace(time.Hour))
		oldest := r.seed(visit{Name: "n"})
		time.Sleep(time.Minute)
		old := r.nextToken(oldest, looking)
		time.Sleep(time.Minute)
		current := r.nextToken(old, looking)
		for name, other := range map[string]string{
			"a wrong secret": unknownToken(idOf(old)),
			"an older token": oldest,
		} {
			q, s := r.begin(old, other)
			if s.IsNew() || s.Token() != old {
				t.Errorf("beside %s: %v, new %v, with the token %q, want the session with %q", name, s, s.IsNew(), s.Token(), old)
			}
			s.Data.Count++
			wantAction(t, q.commit(), session.ActionNone)
			q.end()
			r.wantOpens(old, idOf(old))
			r.wantOpens(current, idOf(old))
		}
		r.wantStored(idOf(old), visit{Name: "n", Count: 2})
	})
}

// A wrong secret behind the current token changes nothing.
func TestCurrentTokenBesideAWrongOne(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token, unknownToken(idOf(token)))
	s.Data.Count++
	if out := q.commit(); out.Token != token || s.Token() != token {
		t.Errorf("the response has the token %q and the session %q, want both to be %q", out.Token, s.Token(), token)
	}
	r.wantOpens(token, idOf(token))
}
