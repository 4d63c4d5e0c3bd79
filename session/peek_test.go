package session_test

import (
	"testing"

	"github.com/echosession/echosession/session"
)

// Peek gives what was loaded, and it shares nothing with Data.
func TestPeek(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(fullVisit())
	q := r.request(token)
	peek := func() visit {
		t.Helper()
		v, err := q.x.Peek(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	first := peek()
	if !equalVisits(first, fullVisit()) {
		t.Errorf("Peek gave %+v, want what is stored", first)
	}
	r.store.wantCalls(t, "load")
	s := q.get()
	first.Prefs["lang"], first.Pages[0].Title, first.Count = "x", "x", 9
	if !equalVisits(s.Data, fullVisit()) || !equalVisits(peek(), fullVisit()) {
		t.Errorf("Data %+v, Peek %+v, want neither to be changed by what was peeked", s.Data, peek())
	}
	s.Data.Prefs["lang"], s.Data.Pages[0].Title, s.Data.Count = "y", "y", 8
	if !equalVisits(peek(), fullVisit()) {
		t.Errorf("Peek gave %+v, want what was loaded", peek())
	}
	q.commit()
	if got := peek(); !equalVisits(got, s.Data) {
		t.Errorf("Peek gave %+v after the save, want what was stored", got)
	}
	r.store.wantCalls(t, "load update")
}

// What was peeked is never saved.
func TestPeekIsNotSaved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := r.request(r.seed(fullVisit()))
	v, err := q.x.Peek(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v.Prefs["lang"] = "x"
	out := q.commit()
	wantAction(t, out, session.ActionNone)
	if !out.Read {
		t.Error("Read is false, but the session was looked at")
	}
	q.end()
	r.store.wantCalls(t, "load")
	r.log.want(t)
}

func TestPeekOfANewSession(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *visitConfig) {
		cfg.New = func() visit { return visit{Prefs: map[string]string{"a": "1"}} }
	})
	q := r.request()
	for range 2 {
		v, err := q.x.Peek(t.Context())
		if err != nil || v.Prefs["a"] != "1" {
			t.Errorf("%+v, %v, want what New makes", v, err)
		}
		v.Prefs["a"] = "2"
		if s := q.get(); s.Data.Prefs["a"] != "1" || !s.IsNew() {
			t.Errorf("Data %+v, want it to share nothing with what was peeked", s.Data)
		}
	}
	wantAction(t, q.commit(), session.ActionNone)
}

// After Destroy was carried out there is nothing left to see, and of a session
// that is gone neither.
func TestPeekAfterTheEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*rig, string, *visitSession){
		"destroyed": func(r *rig, _ string, s *visitSession) { s.Destroy() },
		"gone":      func(r *rig, token string, _ *visitSession) { r.foreign(token, (*visitSession).Renew) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			token := r.seed(fullVisit())
			q, s := r.begin(token)
			end(r, token, s)
			_ = s.Save(t.Context())
			if v, err := q.x.Peek(t.Context()); err != nil || !equalVisits(v, visit{}) {
				t.Errorf("Peek gave %+v, %v, want an empty value", v, err)
			}
		})
	}
}
