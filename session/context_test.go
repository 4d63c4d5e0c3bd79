package session_test

import (
	"context"
	"strings"
	"testing"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/sessiontest"
)

// newManager makes a Manager of T with a store of its own.
func newManager[T any](t *testing.T, name string) *session.Manager[T] {
	t.Helper()
	m, err := session.New(session.Config[T]{Store: memstore.New(memstore.Options{}), Cookie: session.Cookie{Name: name}})
	if err != nil {
		t.Fatalf("New: %v, want no error", err)
	}
	return m
}

// bound begins a request of m in c, as a middleware does.
func bound[T any](t *testing.T, c *carrier, m *session.Manager[T]) *session.Exchange[T] {
	t.Helper()
	x := m.Begin(nil, session.BeginOptions[T]{})
	if mine, err := x.Bind(c); err != nil || !mine {
		t.Fatalf("Bind: %v, %v, want true", mine, err)
	}
	return x
}

// get returns the session of T in c.
func get[T any](t *testing.T, c *carrier) *session.Session[T] {
	t.Helper()
	s, err := session.Get[T](c)
	if err != nil {
		t.Fatalf("Get: %v, want no error", err)
	}
	return s
}

// Without a session of the type there is ErrNoSession, which names the type.
func TestNoSession(t *testing.T) {
	t.Parallel()
	c := newCarrier()
	check := func() {
		t.Helper()
		s, err := session.Get[visit](c)
		wantErr(t, err, session.ErrNoSession)
		if s != nil || !strings.Contains(err.Error(), "session_test.visit") {
			t.Errorf("Get: %v, %v, want no session and an error that names the type", s, err)
		}
		_, err = session.Peek[visit](c)
		wantErr(t, err, session.ErrNoSession)
		_, err = session.FromContext[visit](t.Context())
		wantErr(t, err, session.ErrNoSession)
	}
	check()
	bound(t, c, newManager[page](t, "other"))
	check()
	c.Set(c.keys()[0], "something else")
	check()
}

// Sessions of several types share one carrier, and each is found by its type.
func TestSeveralTypes(t *testing.T) {
	t.Parallel()
	c := newCarrier()
	xs := bound(t, c, newManager[visit](t, "a"))
	ps := bound(t, c, newManager[page](t, "b"))
	bound(t, c, newManager[map[string]int](t, "c"))
	if len(c.keys()) != 1 {
		t.Errorf("the carrier has the keys %q, want one", c.keys())
	}
	s, p := get[visit](t, c), get[page](t, c)
	if want, err := xs.Session(t.Context()); err != nil || s != want {
		t.Errorf("Get: %v, want %v, %v", s, want, err)
	}
	if want, err := ps.Session(t.Context()); err != nil || p != want {
		t.Errorf("Get: %v, want %v, %v", p, want, err)
	}
	s.Data.Name, p.Data.Path = "n", "/p"
	if again := get[visit](t, c); again != s {
		t.Errorf("the second Get: %p, want the same session as before, %p", again, s)
	}
	if v, err := session.Peek[visit](c); err != nil || v.Name != "" {
		t.Errorf("Peek: %+v, %v, want an empty value, as is stored", v, err)
	}
	_, err := session.Get[[]string](c)
	wantErr(t, err, session.ErrNoSession)

	// A context finds what its carrier has.
	ctx := session.WithCarrier(t.Context(), c)
	if got, err := session.FromContext[visit](ctx); err != nil || got != s {
		t.Errorf("FromContext: %v, %v, want %v", got, err, s)
	}
	type key struct{}
	if got, err := session.FromContext[page](context.WithValue(ctx, key{}, 1)); err != nil || got != p {
		t.Errorf("FromContext: %v, %v, want %v", got, err, p)
	}
	_, err = session.FromContext[map[string]int](ctx)
	wantNoErr(t, err)
	// The context of a request does not find what was bound after it.
	_, err = session.FromContext[map[string]int](xs.Context(t.Context()))
	wantErr(t, err, session.ErrNoSession)
}

// Two types of one name, declared in two functions, are two types.
func TestTypesOfOneName(t *testing.T) {
	t.Parallel()
	c := newCarrier()
	first, second := oneThing(t, c), anotherThing(t, c)
	if first() != "first" || second() != "second" {
		t.Errorf("Get of the two types: %q and %q, want first and second", first(), second())
	}
}

// oneThing begins a session of a type that has the name thing.
func oneThing(t *testing.T, c *carrier) func() string {
	type thing struct{ Name string }
	bound(t, c, newManager[thing](t, "a"))
	get[thing](t, c).Data.Name = "first"
	return func() string { return get[thing](t, c).Data.Name }
}

// anotherThing begins a session of another type that has the name thing.
func anotherThing(t *testing.T, c *carrier) func() string {
	type thing struct{ Name string }
	bound(t, c, newManager[thing](t, "b"))
	get[thing](t, c).Data.Name = "second"
	return func() string { return get[thing](t, c).Data.Name }
}

// Of two middlewares of one Manager the outer one counts. Two Managers of one
// type are an error.
func TestBindTwice(t *testing.T) {
	t.Parallel()
	c, m := newCarrier(), newManager[visit](t, "first")
	outer := bound(t, c, m)
	bound(t, c, newManager[page](t, "between"))
	inner := m.Begin(nil, session.BeginOptions[visit]{})
	if mine, err := inner.Bind(c); err != nil || mine {
		t.Errorf("Bind of the same Manager: %v, %v, want false", mine, err)
	}
	other := newManager[visit](t, "second").Begin(nil, session.BeginOptions[visit]{})
	if mine, err := other.Bind(c); err == nil || mine || !strings.Contains(err.Error(), `"first"`) || !strings.Contains(err.Error(), `"second"`) {
		t.Errorf("Bind of another Manager: %v, %v, want an error that names both cookies", mine, err)
	}
	if want, err := outer.Session(t.Context()); err != nil || get[visit](t, c) != want {
		t.Errorf("Get: %p, want the session of the outer one, %p, %v", get[visit](t, c), want, err)
	}
}

// Get and Peek use the context of the request, and FromContext its own one.
func TestGetUsesTheContextOfTheRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q, c := r.request(r.seed(visit{Name: "n"})), newCarrier()
	_, err := q.x.Bind(c)
	wantNoErr(t, err)
	if v, err := session.Peek[visit](c); err != nil || v.Name != "n" {
		t.Errorf("Peek: %+v, %v, want the stored session", v, err)
	}
	r.wantData(get[visit](t, c), visit{Name: "n"})
	q.end()
	_, err = session.FromContext[visit](r.request(unknownToken("x")).x.Context(canceled(t)))
	wantErr(t, err, context.Canceled)
}

// Peek returns a copy of what is stored.
func TestPeek(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := r.request(r.seed(fullVisit()))
	wantPeek := func(want visit) {
		t.Helper()
		if got := q.peek(); !equalVisits(got, want) {
			t.Errorf("Peek: %+v, want %+v", got, want)
		}
	}
	wantPeek(fullVisit())
	r.store.wantCalls(t, "load")
	peeked, s := q.peek(), q.get()
	peeked.Prefs["lang"], peeked.Pages[0].Title, peeked.Count = "x", "x", 9
	r.wantData(s, fullVisit())
	wantPeek(fullVisit())
	s.Data.Prefs["lang"], s.Data.Pages[0].Title, s.Data.Count = "y", "y", 8
	wantPeek(fullVisit())
	q.commit()
	wantPeek(s.Data)
	r.store.wantCalls(t, "load update")
}

// A change of what Peek returned is not saved.
func TestPeekIsNotSaved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := r.request(r.seed(fullVisit()))
	q.peek().Prefs["lang"] = "x"
	out := q.commit()
	wantAction(t, out, session.ActionNone)
	if !out.Read {
		t.Error("Read is false after Peek, want true")
	}
	q.end()
	r.store.wantCalls(t, "load")
	r.log.want(t)
}

// Peek of a new session returns what New makes.
func TestPeekOfANewSession(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *visitConfig) {
		cfg.New = func() visit { return visit{Prefs: map[string]string{"a": "1"}} }
	})
	q := r.request()
	for range 2 {
		v := q.peek()
		if v.Prefs["a"] != "1" {
			t.Errorf("Peek: %+v, want what New makes", v)
		}
		v.Prefs["a"] = "2"
		r.wantData(q.get(), visit{Prefs: map[string]string{"a": "1"}})
	}
	wantAction(t, q.commit(), session.ActionNone)
}

// Peek of a session that is destroyed or gone returns an empty value.
func TestPeekAfterTheEnd(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		end  func(r *rig, token string, s *visitSession)
		want error // of Save
	}{
		"destroyed": {func(r *rig, _ string, s *visitSession) { s.Destroy() }, nil},
		"gone":      {func(r *rig, token string, _ *visitSession) { r.otherRequest(token, (*visitSession).Renew) }, session.ErrGone},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			token := r.seed(fullVisit())
			q, s := r.begin(token)
			tt.end(r, token, s)
			wantErr(t, s.Save(t.Context()), tt.want)
			if v := q.peek(); !equalVisits(v, visit{}) {
				t.Errorf("Peek: %+v, want an empty value", v)
			}
		})
	}
}

// sessiontest.New makes a session that a handler finds, for each type one. It
// panics if T cannot be stored.
func TestSessiontest(t *testing.T) {
	t.Parallel()
	c := newCarrier()
	made := sessiontest.New(c, fullVisit())
	s := get[visit](t, c)
	if s != made || s.IsNew() || !equalVisits(s.Data, fullVisit()) {
		t.Errorf("Get: %p, new %v, with %+v, want the stored session that was made, %p", s, s.IsNew(), s.Data, made)
	}
	if v, err := session.Peek[visit](c); err != nil || !equalVisits(v, fullVisit()) {
		t.Errorf("Peek: %+v, %v, want what was made", v, err)
	}
	wantNoErr(t, s.Save(t.Context()))
	sessiontest.New(c, page{Path: "/"})
	if p := get[page](t, c); p.Data.Path != "/" {
		t.Errorf("Get: %+v, want what was made second", p.Data)
	}
	if again := get[visit](t, c); again != s {
		t.Errorf("Get: %p, want the first session, %p", again, s)
	}
	defer func() {
		if recover() == nil {
			t.Error("New of a func did not panic, want it to")
		}
	}()
	sessiontest.New(c, func() {})
}

// sessiontest.Token stores a session and returns its token.
func TestSessiontestToken(t *testing.T) {
	t.Parallel()
	m := newManager[visit](t, "m")
	token, err := sessiontest.Token(t.Context(), m, fullVisit())
	wantNoErr(t, err)
	if s, err := m.Open(t.Context(), token); err != nil || !equalVisits(s.Data, fullVisit()) {
		t.Errorf("Open: %v, %v, want what was stored", s, err)
	}
	_, err = sessiontest.Token(canceled(t), m, fullVisit())
	wantErr(t, err, context.Canceled)
}
