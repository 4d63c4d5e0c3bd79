package session_test

import (
	"strings"
	"testing"

	"github.com/echosession/echosession/session"
)

// Where in the Cookie header the token is found.
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
		{"after another's", []string{"xsid=1; sidx=2; sid=" + token}, true},
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
				t.Fatal(err)
			}
			if found := !s.IsNew() && s.Data.Name == "n"; found != tt.found {
				t.Errorf("found is %v, want %v", found, tt.found)
			}
		})
	}
}

func TestCandidatesAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	var unknown []string
	for _, id := range []string{"a", "b", "c", "d"} {
		unknown = append(unknown, id+"."+secret22)
	}
	if s := r.request(append(unknown[:3:3], token)...).get(); s.IsNew() {
		t.Error("the fourth candidate was not tried")
	}
	r.store.wantCalls(t, "load load load load")
	r.log.want(t, session.EventRejected, session.EventRejected, session.EventRejected)

	r.forget()
	if s := r.request(append(unknown, token)...).get(); !s.IsNew() {
		t.Error("a fifth candidate was tried")
	}
	r.store.wantCalls(t, "load load load load")

	// Malformed ones and repetitions do not count.
	r.forget()
	lines := []string{sid("x") + ";" + sid("y") + ";" + sid("z"), sid("") + ";" + sid(".")}
	for range 5 {
		lines = append(lines, sid(unknown[0]))
	}
	if s := r.requestWith(nil, append(lines, sid(token))...).get(); s.IsNew() {
		t.Error("the second well-formed candidate was not tried")
	}
	r.store.wantCalls(t, "load load")
	r.log.want(t, session.EventRejected, session.EventRejected)
}

func TestTheSameCookieTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	if s := r.request(token, token, token).get(); s.IsNew() {
		t.Error("a new session, want the stored one")
	}
	r.store.wantCalls(t, "load")
	r.log.want(t)
}

func TestTwoLiveSessions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first, second, third := r.seed(visit{Name: "1"}), r.seed(visit{Name: "2"}), r.seed(visit{Name: "3"})
	q := r.request("x."+secret22, first, second, third)
	if s := q.get(); s.Data.Name != "1" {
		t.Errorf("Data of session %q, want that of the first one sent", s.Data.Name)
	}
	r.log.want(t, session.EventRejected, session.EventDuplicate)
	if e := r.log.one(t, session.EventDuplicate); e.ID != idOf(second) {
		t.Errorf("duplicate %q, want the second session %q", e.ID, idOf(second))
	}
	r.store.wantCalls(t, "load load load")

	// What only looks like a second one is none.
	r.forget()
	q = r.request(first, idOf(second)+"."+secret22, "x."+secret22)
	if s := q.get(); s.Data.Name != "1" {
		t.Errorf("Data of session %q, want that of the first one sent", s.Data.Name)
	}
	r.log.want(t)
}

// The first candidate decides: its error is not passed over, since it could be
// the session. One of a later candidate harms nobody.
func TestErrorOfACandidate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first, second := r.seed(visit{Name: "1"}), r.seed(visit{Name: "2"})
	failOn := func(token string) {
		r.store.answer(func(op string, rec session.Record, do func() error) error {
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
	if s := r.request(first, second).get(); s.Data.Name != "1" {
		t.Errorf("Data of session %q, want that of the first one sent", s.Data.Name)
	}
	r.log.want(t)
}

// Nothing is asked of the store before somebody asks for the session.
func TestLoadedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q := r.request(token)
	r.store.wantCalls(t, "")
	for range 3 {
		q.load()
		q.get()
		if _, err := q.x.Peek(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r.store.wantCalls(t, "load")

	q = r.request(token)
	out := q.commit()
	wantAction(t, out, session.ActionNone)
	r.store.wantCalls(t, "load")
	if out.Read {
		t.Error("Read is true, but nobody looked at the session")
	}
	if q = r.request(strings.Repeat("x", 10)); !q.get().IsNew() || !q.commit().Read {
		t.Error("Read is false, but somebody looked at the session")
	}
}

// An adapter may carry the token in a header field of its own: each line is
// one, and nothing becomes a cookie.
func TestPlainTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	for _, tt := range []struct {
		lines []string
		loads int
		found bool
	}{
		{[]string{token}, 1, true},
		{[]string{"x", "", token}, 1, true},
		{[]string{"a." + secret22, "b." + secret22, "c." + secret22, token}, 4, true},
		{[]string{"a." + secret22, "b." + secret22, "c." + secret22, "d." + secret22, token}, 4, false},
		{[]string{sid(token)}, 0, false},
		{[]string{token + "; " + token}, 0, false},
		{[]string{" " + token}, 0, false},
	} {
		r.forget()
		q := r.request()
		q.x = r.m.Begin(nil, session.BeginOptions[visit]{Tokens: tt.lines, Hooks: q})
		s := q.get()
		if s.IsNew() == tt.found || r.store.count(opLoad) != tt.loads {
			t.Errorf("%q: new %v after %d loads, want found %v after %d", tt.lines, s.IsNew(), r.store.count(opLoad), tt.found, tt.loads)
		}
		s.Data.Count++
		if out := q.commit(); out.Cookie != nil || out.Token != s.Token() {
			t.Errorf("%q: outcome %+v, want the token and no cookie", tt.lines, out)
		}
	}
}

// Other cookies are none of ours: there is nothing to take away.
func TestDestroyWithoutACookie(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := r.requestWith(nil, "other=1; xsid=2")
	q.get().Destroy()
	wantAction(t, q.commit(), session.ActionNone)
}

// A client that presents what opens nothing still has it: Destroy takes it away.
func TestDestroyOfWhatOpensNothing(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]session.Action{
		"x." + secret22: session.ActionClear,
		"malformed":     session.ActionClear,
		"":              session.ActionClear,
	} {
		t.Run(token, func(t *testing.T) {
			r := newRig(t)
			q := r.request(token)
			q.get().Destroy()
			wantAction(t, q.commit(), want)
			if n := r.store.count(opDelete); n != 0 {
				t.Errorf("%q: %d deletes, want none", token, n)
			}
		})
	}
}
