package session_test

import (
	"context"
	"errors"
	"net/http"

	"github.com/echosession/echosession/session"
)

// fakeRequest is one request, and the adapter's side of it.
type fakeRequest struct {
	*rig
	x            *session.Exchange[visit]
	scheme, host string
	valid        func(*visitSession) (bool, error)
	beforeSave   func(*visitSession) error
	failed       func(session.Op, error) error
}

// request makes a request that presents the tokens, each in a cookie. It loads
// nothing yet.
func (r *rig) request(tokens ...string) *fakeRequest {
	var lines []string
	for _, token := range tokens {
		lines = append(lines, rigCookie+"="+token)
	}
	return r.requestWith(nil, lines...)
}

// requestWith makes a request with these lines in its Cookie header. set, if
// there is one, sets the hooks before it begins.
func (r *rig) requestWith(set func(*fakeRequest), lines ...string) *fakeRequest {
	q := &fakeRequest{rig: r, scheme: "https", host: "example.com"}
	if set != nil {
		set(q)
	}
	q.x = r.m.Begin(nil, session.BeginOptions[visit]{
		Cookies: lines, Hooks: q, HasValid: q.valid != nil, HasBeforeSave: q.beforeSave != nil,
	})
	return q
}

// requestBy makes a request with these lines in its Cookie header. If byField
// is true, the lines are tokens in a header field of their own.
func (r *rig) requestBy(byField bool, lines ...string) *fakeRequest {
	q := r.requestWith(nil, lines...)
	if byField {
		q.x = r.m.Begin(nil, session.BeginOptions[visit]{Tokens: lines, Hooks: q})
	}
	return q
}

// begin makes a request that presents the tokens, and loads its session.
func (r *rig) begin(tokens ...string) (*fakeRequest, *visitSession) {
	r.Helper()
	q := r.request(tokens...)
	return q, q.get()
}

// beginStored begins a request of a session that is stored with v. If stored is
// false it begins one of a client without a session.
func (r *rig) beginStored(stored bool, v visit) (*fakeRequest, *visitSession) {
	r.Helper()
	if stored {
		return r.begin(r.seed(v))
	}
	return r.begin()
}

// Context implements session.Hooks.
func (q *fakeRequest) Context() context.Context { return q.T.Context() }

// Origin implements session.Hooks.
func (q *fakeRequest) Origin() (scheme, host string) { return q.scheme, q.host }

// Valid implements session.Hooks.
func (q *fakeRequest) Valid(s *visitSession) (bool, error) { return q.valid(s) }

// BeforeSave implements session.Hooks.
func (q *fakeRequest) BeforeSave(s *visitSession) error { return q.beforeSave(s) }

// Failed implements session.Hooks. Without a hook of the test it returns err.
func (q *fakeRequest) Failed(op session.Op, err error) error {
	if q.failed != nil {
		return q.failed(op, err)
	}
	return err
}

// load loads the session before the handler runs.
func (q *fakeRequest) load() {
	q.Helper()
	if err := q.x.Load(q.Context()); err != nil {
		q.Fatalf("Load: %v, want no error", err)
	}
}

// get returns the session, as a handler asks for it.
func (q *fakeRequest) get() *visitSession {
	q.Helper()
	s, err := q.x.Session(q.Context())
	if err != nil {
		q.Fatalf("Session: %v, want no error", err)
	}
	return s
}

// peek returns a copy of the Data.
func (q *fakeRequest) peek() visit {
	q.Helper()
	v, err := q.x.Peek(q.Context())
	if err != nil {
		q.Errorf("Peek: %v, want no error", err)
	}
	return v
}

// commit commits before the first byte of the response.
func (q *fakeRequest) commit() session.Outcome {
	q.Helper()
	out, err := q.tryCommit()
	if err != nil {
		q.Fatalf("Commit: %v, want no error", err)
	}
	return out
}

// tryCommit is commit for a test that looks at the error.
func (q *fakeRequest) tryCommit() (session.Outcome, error) { return q.x.Commit(q.Context(), false) }

// wantCommitErr commits, and fails unless that is the error want, with nothing
// to send to the client.
func (q *fakeRequest) wantCommitErr(want error) {
	q.Helper()
	out, err := q.tryCommit()
	wantErr(q.T, err, want)
	wantAction(q.T, out, session.ActionNone)
}

// hijack commits before the handler takes over the connection.
func (q *fakeRequest) hijack() session.Outcome {
	q.Helper()
	out, err := q.x.Commit(q.Context(), true)
	if err != nil {
		q.Errorf("Commit before a hijack: %v, want no error", err)
	}
	return out
}

// end ends the request after its handler.
func (q *fakeRequest) end() session.Outcome {
	q.Helper()
	out, err := q.x.End(q.Context())
	if err != nil {
		q.Fatalf("End: %v, want no error", err)
	}
	return out
}

// save saves the session.
func (q *fakeRequest) save(s *visitSession) {
	q.Helper()
	if err := s.Save(q.Context()); err != nil {
		q.Fatalf("Save: %v, want no error", err)
	}
}

// saveWithoutAnswer saves the session while the answer of the store is lost: the
// write is carried out, but Save fails. After it the store is up again.
func (q *fakeRequest) saveWithoutAnswer(s *visitSession) {
	q.Helper()
	q.store.goDown(true, session.ErrUnavailable)
	wantErr(q.T, s.Save(q.Context()), session.ErrUnavailable)
	q.store.answer(nil)
}

// loadAndCommit makes a request that is loaded, but whose handler does not ask
// for the session.
func (q *fakeRequest) loadAndCommit() session.Outcome {
	q.Helper()
	q.load()
	return q.commit()
}

// handle makes a whole request in which do is the handler, and returns the
// outcome of its commit.
func (r *rig) handle(token string, do func(*visitSession)) session.Outcome {
	r.Helper()
	q, s := r.begin(token)
	do(s)
	out := q.commit()
	q.end()
	return out
}

// nextToken makes a whole request that gives the client another token, and returns
// that token.
func (r *rig) nextToken(token string, do func(*visitSession)) string {
	r.Helper()
	out := r.handle(token, do)
	wantAction(r.T, out, session.ActionSet)
	if out.Token == token {
		r.Fatalf("the token is the same as before, want another one")
	}
	return out.Token
}

// signIn makes a whole request that makes name the user, and returns the new
// token.
func (r *rig) signIn(token, name string) string {
	r.Helper()
	return r.nextToken(token, naming(name))
}

// setCookie returns the cookie of a request that stores a session.
func (r *rig) setCookie(scheme, host string) *http.Cookie {
	r.Helper()
	q := r.requestWith(func(q *fakeRequest) { q.scheme, q.host = scheme, host })
	q.get().Data.Count = 1
	out := q.commit()
	wantAction(r.T, out, session.ActionSet)
	if out.Cookie == nil {
		r.Fatal("the outcome has no cookie, want one")
	}
	return out.Cookie
}

// looking is a handler that changes nothing.
func looking(*visitSession) {}

// counting is a handler that adds 1 to Count.
func counting(s *visitSession) { s.Data.Count++ }

// naming returns a handler that sets Name.
func naming(name string) func(*visitSession) {
	return func(s *visitSession) { s.Data.Name = name }
}

// noting returns a handler that sets Note.
func noting(note string) func(*visitSession) {
	return func(s *visitSession) { s.Data.Note = note }
}

// regenerating returns a handler that begins a new session with name in it.
func regenerating(name string) func(*visitSession) {
	return func(s *visitSession) { s.Regenerate(); s.Data.Name = name }
}

// savingAlways is a handler that saves whether or not there is a change.
func savingAlways(s *visitSession) { s.SetSave(session.SaveAlways) }

// count adds 1 to Count in an Update.
func count(v *visit) error { v.Count++; return nil }

// wantOpens fails unless the token opens the session of the id.
func (r *rig) wantOpens(token, id string) {
	r.Helper()
	if _, s := r.begin(token); s.IsNew() || s.ID() != id {
		r.Errorf("a request with the token has %v, new %v, want the session %s", s, s.IsNew(), id)
	}
	s, err := r.m.Open(r.Context(), token)
	if err != nil || s.ID() != id {
		r.Errorf("Open: %v, %v, want the session %s", s, err, id)
	}
}

// wantUnknown fails unless the token opens nothing: a request with it gets a
// new session, which can be saved.
func (r *rig) wantUnknown(token string) {
	r.Helper()
	_, s := r.begin(token)
	if !s.IsNew() || s.ID() == "" || s.ID() == idOf(token) || s.Data.Name != "" {
		r.Errorf("a request with the token has %v, new %v, with %+v, want a new session with an id of its own", s, s.IsNew(), s.Data)
	}
	r.wantClosed(token)
}

// wantInert fails unless the token is recognised as superseded: a request with
// it gets a session that reads as empty and new, and that cannot be saved.
func (r *rig) wantInert(token string) {
	r.Helper()
	_, s := r.begin(token)
	if !s.IsNew() || s.ID() != "" || s.Token() != "" || s.Data.Name != "" {
		r.Errorf("a request with the token has %v, new %v, with %+v, want a session that reads as empty and new and has no id", s, s.IsNew(), s.Data)
	}
	if err := s.Save(r.Context()); !errors.Is(err, session.ErrGone) {
		r.Errorf("Save with a superseded token: %v, want ErrGone", err)
	}
	r.wantClosed(token)
}

// wantClosed fails unless the token opens nothing outside of requests.
func (r *rig) wantClosed(token string) {
	r.Helper()
	if s, err := r.m.Open(r.Context(), token); !errors.Is(err, session.ErrNotFound) {
		r.Errorf("Open: %v, %v, want ErrNotFound", s, err)
	}
}
