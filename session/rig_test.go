package session_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

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

// page is an element of a slice in a visit.
type page struct{ Path, Title string }

// The types of the package, for a visit.
type (
	visitSession = session.Session[visit]
	visitConfig  = session.Config[visit]
)

// fullVisit returns a visit with a value in every field.
func fullVisit() visit {
	return visit{
		Name: "n", Count: 1, Pages: []page{{"/a", "A"}, {"/b", "B"}},
		Prefs: map[string]string{"lang": "de", "zone": "utc"}, Note: "keep",
	}
}

// equalVisits compares two visits by their encoding.
func equalVisits(a, b visit) bool {
	x, _ := session.JSON().Marshal(&a)
	y, _ := session.JSON().Marshal(&b)
	return string(x) == string(y)
}

const (
	// rigCookie is the name of the cookie.
	rigCookie = "sid"

	// maxDays is the longest age that a session can have.
	maxDays = 400 * 24 * time.Hour
)

// errBroken is an error of the store that the package does not know.
var errBroken = errors.New("the disk is broken")

// rig is a Manager with a store that can fail and a log of its events.
type rig struct {
	*testing.T
	m     *session.Manager[visit]
	store *fakeStore
	log   *eventLog
}

// newRig makes a Manager with a store of its own. The changes are applied to
// its configuration in their order.
func newRig(t *testing.T, changes ...func(*visitConfig)) *rig {
	t.Helper()
	r := &rig{T: t, store: newFakeStore(memstore.New(memstore.Options{})), log: new(eventLog)}
	cfg := visitConfig{Store: r.store, Cookie: session.Cookie{Name: rigCookie}, Observe: r.log.observe}
	for _, change := range changes {
		change(&cfg)
	}
	m, err := session.New(cfg)
	if err != nil {
		t.Fatalf("New: %v, want no error", err)
	}
	r.m = m
	return r
}

// another makes a second Manager with the store of r. It has the same kind of
// sessions unless a change says otherwise.
func (r *rig) another(changes ...func(*visitConfig)) *rig {
	r.Helper()
	other := newRig(r.T, append([]func(*visitConfig){
		func(cfg *visitConfig) { cfg.Store = r.store },
	}, changes...)...)
	other.store = r.store
	return other
}

// managerOf makes a Manager of T with the store and the cookie of a rig.
func managerOf[T any](t *testing.T, store session.Store) *session.Manager[T] {
	t.Helper()
	m, err := session.New(session.Config[T]{Store: store, Cookie: session.Cookie{Name: rigCookie}})
	if err != nil {
		t.Fatalf("New: %v, want no error", err)
	}
	return m
}

// byName makes Name the user of a session, in a store that finds users.
func byName(cfg *visitConfig) {
	cfg.User = func(v *visit) string { return v.Name }
	if s, ok := cfg.Store.(*fakeStore); ok {
		cfg.Store = userStore{s}
	}
}

// allowEmpty sets AllowEmpty.
func allowEmpty(cfg *visitConfig) { cfg.AllowEmpty = true }

// always makes every use of a session extend it.
func always(cfg *visitConfig) { cfg.Rolling, cfg.TouchAfter = true, -1 }

// rolling makes use extend a session by age, at most once in touch.
func rolling(age, touch time.Duration) func(*visitConfig) {
	return func(cfg *visitConfig) { cfg.MaxAge, cfg.Rolling, cfg.TouchAfter = age, true, touch }
}

// maxAge sets MaxAge.
func maxAge(d time.Duration) func(*visitConfig) {
	return func(cfg *visitConfig) { cfg.MaxAge = d }
}

// absolute sets AbsoluteTimeout.
func absolute(d time.Duration) func(*visitConfig) {
	return func(cfg *visitConfig) { cfg.AbsoluteTimeout = d }
}

// renewAfter sets RenewAfter.
func renewAfter(d time.Duration) func(*visitConfig) {
	return func(cfg *visitConfig) { cfg.RenewAfter = d }
}

// grace sets RenewGrace.
func grace(d time.Duration) func(*visitConfig) {
	return func(cfg *visitConfig) { cfg.RenewGrace = d }
}

// schema sets SchemaVersion and Migrate.
func schema(version int, migrate func(int, []byte) (visit, error)) func(*visitConfig) {
	return func(cfg *visitConfig) { cfg.SchemaVersion, cfg.Migrate = version, migrate }
}

// withIDs makes NewID return these ids, one after the other, and then an error.
func withIDs(ids ...string) func(*visitConfig) {
	return func(cfg *visitConfig) {
		cfg.NewID = func(context.Context) (string, error) {
			if len(ids) == 0 {
				return "", errBroken
			}
			id := ids[0]
			ids = ids[1:]
			return id, nil
		}
	}
}

// seed stores a session with v, forgets the calls and the events of that, and
// returns the token.
func (r *rig) seed(v visit) (token string) {
	r.Helper()
	token, err := sessiontest.Token(r.Context(), r.m, v)
	if err != nil {
		r.Fatalf("storing a session: %v, want no error", err)
	}
	r.forget()
	return token
}

// forget drops the calls of the store and the events so far.
func (r *rig) forget() {
	r.store.reset()
	r.log.reset()
}

// start begins a session outside of a request.
func (r *rig) start() *visitSession {
	r.Helper()
	s, err := r.m.Start(r.Context())
	if err != nil {
		r.Fatalf("Start: %v, want no error", err)
	}
	return s
}

// otherRequest makes another request of the session, which saves what do changes.
// It does not count as calls of the store, and no fault meets it.
func (r *rig) otherRequest(token string, do func(*visitSession)) {
	r.Helper()
	s, err := managerOf[visit](r.T, r.store.Store).Open(r.Context(), token)
	if err != nil {
		r.Fatalf("Open by the other request: %v, want no error", err)
	}
	do(s)
	if err := s.Save(r.Context()); err != nil {
		r.Fatalf("Save by the other request: %v, want no error", err)
	}
}

// record returns what the store has of id. It does not count as a call.
func (r *rig) record(id string) session.Record {
	r.Helper()
	rec, err := r.store.Store.Load(r.Context(), id)
	if err != nil {
		r.Fatalf("the record %q: %v, want it in the store", id, err)
	}
	return rec
}

// overwrite changes the record of id by hand, past the Manager.
func (r *rig) overwrite(id string, change func(*session.Record)) {
	r.Helper()
	rec := r.record(id)
	change(&rec)
	if err := r.store.Store.Update(r.Context(), rec); err != nil {
		r.Fatalf("writing the record %q by hand: %v, want no error", id, err)
	}
}

// exists reports whether the store has a record of id.
func (r *rig) exists(id string) bool {
	r.Helper()
	_, err := r.store.Store.Load(r.Context(), id)
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		r.Fatalf("the record %q: %v, want it or ErrNotFound", id, err)
	}
	return err == nil
}

// len counts the records in the store.
func (r *rig) len() int { return r.store.Store.(*memstore.Store).Len() }

// data decodes the Data in the record of id.
func (r *rig) data(id string) (v visit) {
	r.Helper()
	if err := session.JSON().Unmarshal(r.record(id).Data, &v); err != nil {
		r.Fatalf("decoding the record %q: %v, want no error", id, err)
	}
	return v
}

// sessionsOf lists the sessions of a user, the oldest first.
func (r *rig) sessionsOf(user string) (infos []session.Info[visit]) {
	r.Helper()
	for info, err := range r.m.Sessions(r.Context(), user) {
		if err != nil {
			r.Fatalf("Sessions(%q): %v, want no error", user, err)
		}
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b session.Info[visit]) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return infos
}

// wantStored compares the Data in the record of id.
func (r *rig) wantStored(id string, want visit) {
	r.Helper()
	if got := r.data(id); !equalVisits(got, want) {
		r.Errorf("stored %+v, want %+v", got, want)
	}
}

// wantData compares the Data of a session.
func (r *rig) wantData(s *visitSession, want visit) {
	r.Helper()
	if !equalVisits(s.Data, want) {
		r.Errorf("Data is %+v, want %+v", s.Data, want)
	}
}

// wantRecords compares the number of records in the store.
func (r *rig) wantRecords(want int) {
	r.Helper()
	if got := r.len(); got != want {
		r.Errorf("the store has %d records, want %d", got, want)
	}
}

// wantUser compares the user in the record of id.
func (r *rig) wantUser(id, want string) {
	r.Helper()
	if got := r.record(id).User; got != want {
		r.Errorf("the record has the user %q, want %q", got, want)
	}
}

// wantEndsIn compares the time that the record of id has left.
func (r *rig) wantEndsIn(id string, want time.Duration) {
	r.Helper()
	if got := time.Until(r.record(id).ExpiresAt); got != want {
		r.Errorf("the record ends in %v, want in %v", got, want)
	}
}

// wantUnchanged fails if the record of before.ID is not what it was.
func (r *rig) wantUnchanged(before session.Record) {
	r.Helper()
	after := r.record(before.ID)
	if after.Version != before.Version || string(after.Data) != string(before.Data) || string(after.Meta) != string(before.Meta) ||
		after.User != before.User || !after.SeenAt.Equal(before.SeenAt) || !after.ExpiresAt.Equal(before.ExpiresAt) {
		r.Errorf("the record is %+v, want it unchanged, %+v", after, before)
	}
}

// canceled returns a context that is canceled.
func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// wantErr fails unless errors.Is finds want in err.
func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// wantNoErr fails if there is an error.
func wantNoErr(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("error %v, want none", err)
	}
}

// wantAction compares what the response does with the cookie.
func wantAction(t *testing.T, out session.Outcome, want session.Action) {
	t.Helper()
	names := []string{"none", "set", "clear"}
	if out.Action != want {
		t.Errorf("the action on the cookie is %s, want %s", names[out.Action], names[want])
	}
	if (out.Token != "") != (want == session.ActionSet) {
		t.Errorf("the outcome has the token %q, want one only with the action set, and the action %s", out.Token, names[want])
	}
}

// idOf returns the public part of a token.
func idOf(token string) string {
	id, _, _ := strings.Cut(token, ".")
	return id
}

// secretOf returns what follows the id in a token, with the signature if there
// is one.
func secretOf(token string) string {
	_, secret, _ := strings.Cut(token, ".")
	return secret
}

// signedSecret returns the secret of a token without its signature.
func signedSecret(token string) string { return strings.Split(token, ".")[1] }
