package session_test

import (
	"context"
	"strings"
	"testing"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/sessiontest"
)

// bound makes a session of T in c, as a middleware does.
func bound[T any](t *testing.T, c *carrier, m *session.Manager[T]) *session.Exchange[T] {
	t.Helper()
	x := m.Begin(nil, session.BeginOptions[T]{})
	if mine, err := x.Bind(c); err != nil || !mine {
		t.Fatalf("Bind: %v, %v, want true", mine, err)
	}
	return x
}

func newManager[T any](t *testing.T, name string) *session.Manager[T] {
	t.Helper()
	m, err := session.New(session.Config[T]{Store: memstore.New(memstore.Options{}), Cookie: session.Cookie{Name: name}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestNoSession(t *testing.T) {
	t.Parallel()
	c := newCarrier()
	check := func() {
		t.Helper()
		s, err := session.Get[visit](c)
		wantErr(t, err, session.ErrNoSession)
		if s != nil || !strings.Contains(err.Error(), "session_test.visit") {
			t.Errorf("%v, %v, want no session and an error that names the type", s, err)
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

// Sessions of several types in one context, of which each finds its own.
func TestSeveralTypes(t *testing.T) {
	t.Parallel()
	c := newCarrier()
	xs := bound(t, c, newManager[visit](t, "a"))
	ps := bound(t, c, newManager[page](t, "b"))
	bound(t, c, newManager[map[string]int](t, "c"))
	if len(c.keys()) != 1 {
		t.Errorf("keys %q in the carrier, want one", c.keys())
	}
	s, err := session.Get[visit](c)
	if want, _ := xs.Session(t.Context()); err != nil || s != want {
		t.Errorf("Get gave %v, %v, want %v", s, err, want)
	}
	p, err := session.Get[page](c)
	if want, _ := ps.Session(t.Context()); err != nil || p != want {
		t.Errorf("Get gave %v, %v, want %v", p, err, want)
	}
	s.Data.Name, p.Data.Path = "n", "/p"
	if again, _ := session.Get[visit](c); again != s {
		t.Error("the second Get gave another session")
	}
	if v, err := session.Peek[visit](c); err != nil || v.Name != "" {
		t.Errorf("Peek gave %+v, %v, want what is stored, nothing", v, err)
	}
	if _, err := session.Get[[]string](c); err == nil {
		t.Error("Get of a type that is not there gave no error")
	}

	// A context has all that the carrier has.
	ctx := session.WithCarrier(t.Context(), c)
	if got, err := session.FromContext[visit](ctx); err != nil || got != s {
		t.Errorf("FromContext gave %v, %v, want %v", got, err, s)
	}
	type key struct{}
	if got, err := session.FromContext[page](context.WithValue(ctx, key{}, 1)); err != nil || got != p {
		t.Errorf("FromContext gave %v, %v, want %v", got, err, p)
	}
	if _, err := session.FromContext[map[string]int](ctx); err != nil {
		t.Errorf("FromContext: %v", err)
	}
	if _, err := session.FromContext[map[string]int](xs.Context(t.Context())); err == nil {
		t.Error("FromContext gave a session that was bound later, on another context")
	}
}

// Two types may have one name: those of two functions, or packages.
func TestTypesOfOneName(t *testing.T) {
	t.Parallel()
	c := newCarrier()
	first, second := oneThing(t, c), anotherThing(t, c)
	if first() != "first" || second() != "second" {
		t.Errorf("%q and %q, want each to find its own", first(), second())
	}
}

func oneThing(t *testing.T, c *carrier) func() string {
	type thing struct{ Name string }
	bound(t, c, newManager[thing](t, "a"))
	return named(t, c, "first", func(v *thing) *string { return &v.Name })
}

func anotherThing(t *testing.T, c *carrier) func() string {
	type thing struct{ Name string }
	bound(t, c, newManager[thing](t, "b"))
	return named(t, c, "second", func(v *thing) *string { return &v.Name })
}

// named sets the name of the session's value, and reads it by another Get.
func named[T any](t *testing.T, c *carrier, name string, field func(*T) *string) func() string {
	s, err := session.Get[T](c)
	if err != nil {
		t.Fatal(err)
	}
	*field(&s.Data) = name
	return func() string {
		s, err := session.Get[T](c)
		if err != nil {
			t.Fatal(err)
		}
		return *field(&s.Data)
	}
}

// The outer middleware of one Manager wins; two of one type are a mistake.
func TestBindTwice(t *testing.T) {
	t.Parallel()
	c, m := newCarrier(), newManager[visit](t, "first")
	outer := bound(t, c, m)
	bound(t, c, newManager[page](t, "between"))
	s, err := outer.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	inner := m.Begin(nil, session.BeginOptions[visit]{})
	if mine, err := inner.Bind(c); err != nil || mine {
		t.Errorf("Bind: %v, %v, want false: the outer one does it all", mine, err)
	}
	other := newManager[visit](t, "second").Begin(nil, session.BeginOptions[visit]{})
	if mine, err := other.Bind(c); err == nil || mine || !strings.Contains(err.Error(), `"first"`) || !strings.Contains(err.Error(), `"second"`) {
		t.Errorf("Bind: %v, %v, want an error that names both cookies", mine, err)
	}
	if got, err := session.Get[visit](c); err != nil || got != s {
		t.Errorf("Get gave %v, %v, want that of the outer one, %v", got, err, s)
	}
}

// The hooks' context is that of calls without one of their own.
func TestGetUsesTheContextOfTheRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := r.request(r.seed(visit{Name: "n"}))
	c := newCarrier()
	if _, err := q.x.Bind(c); err != nil {
		t.Fatal(err)
	}
	if v, err := session.Peek[visit](c); err != nil || v.Name != "n" {
		t.Errorf("Peek gave %+v, %v", v, err)
	}
	if s, err := session.Get[visit](c); err != nil || s.Data.Name != "n" {
		t.Errorf("Get gave %v, %v", s, err)
	}
	q.end()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	other := r.request("x." + secret22)
	if _, err := session.FromContext[visit](other.x.Context(ctx)); err == nil {
		t.Error("FromContext with a canceled context: no error")
	} else {
		wantErr(t, err, context.Canceled)
	}
}

func TestSessiontest(t *testing.T) {
	t.Parallel()
	c := newCarrier()
	made := sessiontest.New(c, fullVisit())
	s, err := session.Get[visit](c)
	if err != nil || s != made || s.IsNew() || !equalVisits(s.Data, fullVisit()) {
		t.Errorf("Get gave %v, %v, want the session that was made", s, err)
	}
	if v, err := session.Peek[visit](c); err != nil || !equalVisits(v, fullVisit()) {
		t.Errorf("Peek gave %+v, %v", v, err)
	}
	s.Data.Count = 2
	if made.Data.Count != 2 {
		t.Error("what the handler changed is not in the session")
	}
	wantNoErr(t, s.Save(t.Context()))
	sessiontest.New(c, page{Path: "/"})
	if p, err := session.Get[page](c); err != nil || p.Data.Path != "/" {
		t.Errorf("Get gave %v, %v", p, err)
	}
	if again, err := session.Get[visit](c); err != nil || again != s {
		t.Errorf("Get gave %v, %v, want the first one still to be there", again, err)
	}

	m := newManager[visit](t, "m")
	token, err := sessiontest.Token(t.Context(), m, fullVisit())
	if err != nil {
		t.Fatal(err)
	}
	if s, err := m.Open(t.Context(), token); err != nil || !equalVisits(s.Data, fullVisit()) {
		t.Errorf("Open gave %v, %v", s, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = sessiontest.Token(ctx, m, fullVisit())
	wantErr(t, err, context.Canceled)
	defer func() {
		if recover() == nil {
			t.Error("New of what cannot be stored did not panic")
		}
	}()
	sessiontest.New(c, func() {})
}
