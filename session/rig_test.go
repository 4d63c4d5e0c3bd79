package session_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/sessiontest"
)

// visit is the Data of most tests.
type visit struct {
	Name  string
	Count int
	Pages []page
	Prefs map[string]string
	Note  string
}

type page struct{ Path, Title string }

const rigCookie = "sid"

// rig is a Manager with a store that can fail and a log of its events.
type rig struct {
	*testing.T
	m     *session.Manager[visit]
	store *faultyStore
	log   *eventLog
}

func newRig(t *testing.T, changes ...func(*session.Config[visit])) *rig {
	t.Helper()
	r := &rig{T: t, store: newFaultyStore(memstore.New(memstore.Options{})), log: new(eventLog)}
	cfg := session.Config[visit]{Store: r.store, Cookie: session.Cookie{Name: rigCookie}, Observe: r.log.observe}
	for _, change := range changes {
		change(&cfg)
	}
	m, err := session.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	r.m = m
	return r
}

// another is a second Manager on the store of r, of the same kind unless a
// change says otherwise.
func (r *rig) another(changes ...func(*session.Config[visit])) *rig {
	r.Helper()
	return newRig(r.T, append([]func(*session.Config[visit]){
		func(cfg *session.Config[visit]) { cfg.Store = r.store },
	}, changes...)...).sharing(r)
}

func (r *rig) sharing(with *rig) *rig {
	r.store = with.store
	return r
}

// seed stores a session, and forgets what that took.
func (r *rig) seed(v visit) (token string) {
	r.Helper()
	token, err := sessiontest.Token(r.Context(), r.m, v)
	if err != nil {
		r.Fatalf("seed: %v", err)
	}
	r.forget()
	return token
}

func (r *rig) forget() {
	r.store.reset()
	r.log.reset()
}

// record is what the store has; it does not count as a call.
func (r *rig) record(id string) session.Record {
	r.Helper()
	rec, err := r.store.Store.Load(r.Context(), id)
	if err != nil {
		r.Fatalf("the record %q: %v", id, err)
	}
	return rec
}

// overwrite writes the record of id by hand, as another process would.
func (r *rig) overwrite(id string, change func(*session.Record)) {
	r.Helper()
	rec := r.record(id)
	change(&rec)
	if err := r.store.Store.Update(r.Context(), rec); err != nil {
		r.Fatalf("overwrite: %v", err)
	}
}

// foreign makes another request of the session, past the faults and the counts.
func (r *rig) foreign(token string, do func(*visitSession)) {
	r.Helper()
	s, err := managerOf[visit](r.T, r.store.Store, nil).Open(r.Context(), token)
	if err != nil {
		r.Fatalf("the other request: %v", err)
	}
	do(s)
	if err := s.Save(r.Context()); err != nil {
		r.Fatalf("the other request: %v", err)
	}
}

// exists reports whether the store has a record of id.
func (r *rig) exists(id string) bool {
	r.Helper()
	_, err := r.store.Store.Load(r.Context(), id)
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		r.Fatalf("the record %q: %v", id, err)
	}
	return err == nil
}

// len is how many records there are.
func (r *rig) len() int { return r.store.Store.(*memstore.Store).Len() }

// data is what the store has of the value.
func (r *rig) data(id string) (v visit) {
	r.Helper()
	if err := session.JSON().Unmarshal(r.record(id).Data, &v); err != nil {
		r.Fatalf("the data of %q: %v", id, err)
	}
	return v
}

// fakeRequest is one request, and the adapter's hooks of it.
type fakeRequest struct {
	*rig
	x            *session.Exchange[visit]
	scheme, host string
	valid        func(*session.Session[visit]) (bool, error)
	beforeSave   func(*session.Session[visit]) error
	failed       func(session.Op, error) error
}

// request begins one that presents the tokens, each in a cookie.
func (r *rig) request(tokens ...string) *fakeRequest {
	var lines []string
	for _, token := range tokens {
		lines = append(lines, rigCookie+"="+token)
	}
	return r.requestWith(nil, lines...)
}

// requestWith sets the hooks before the request begins, with these lines of
// the Cookie header.
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

// carrying is a request with the lines in a field of their own, or in Cookie.
func carrying(plain bool, q *fakeRequest, lines ...string) session.BeginOptions[visit] {
	if plain {
		return session.BeginOptions[visit]{Tokens: lines, Hooks: q}
	}
	return session.BeginOptions[visit]{Cookies: lines, Hooks: q}
}

func (q *fakeRequest) Context() context.Context { return q.T.Context() }

func (q *fakeRequest) Origin() (scheme, host string) { return q.scheme, q.host }

func (q *fakeRequest) Valid(s *session.Session[visit]) (bool, error) { return q.valid(s) }

func (q *fakeRequest) BeforeSave(s *session.Session[visit]) error { return q.beforeSave(s) }

func (q *fakeRequest) Failed(op session.Op, err error) error {
	if q.failed != nil {
		return q.failed(op, err)
	}
	return err
}

// get is what a handler does first.
func (q *fakeRequest) get() *session.Session[visit] {
	q.Helper()
	s, err := q.x.Session(q.Context())
	if err != nil {
		q.Fatalf("Session: %v", err)
	}
	return s
}

// commit is the first byte of the response.
func (q *fakeRequest) commit() session.Outcome {
	q.Helper()
	out, err := q.x.Commit(q.Context(), false)
	if err != nil {
		q.Fatalf("Commit: %v", err)
	}
	return out
}

// end is the end of the handler.
func (q *fakeRequest) end() session.Outcome {
	q.Helper()
	out, err := q.x.End(q.Context())
	if err != nil {
		q.Fatalf("End: %v", err)
	}
	return out
}

func (q *fakeRequest) save(s *session.Session[visit]) {
	q.Helper()
	if err := s.Save(q.Context()); err != nil {
		q.Fatalf("Save: %v", err)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func wantAction(t *testing.T, out session.Outcome, want session.Action) {
	t.Helper()
	names := []string{"nothing", "set", "clear"}
	if out.Action != want {
		t.Errorf("the response is to %s the cookie, want %s", names[out.Action], names[want])
	}
	if (out.Token != "") != (want == session.ActionSet) {
		t.Errorf("token %q in an outcome that is to %s", out.Token, names[want])
	}
}

func idOf(token string) string {
	id, _, _ := strings.Cut(token, ".")
	return id
}

func secretOf(token string) string {
	_, secret, _ := strings.Cut(token, ".")
	return secret
}

var errBroken = errors.New("the disk is broken")
