package session_test

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/echosession/echosession/session"
)

// The operations of a store, as a fakeStore names them.
const (
	opLoad       = "load"
	opCreate     = "create"
	opUpdate     = "update"
	opTouch      = "touch"
	opDelete     = "delete"
	opList       = "list"
	opDeleteUser = "delete user"
)

// fakeStore counts the calls of a real store, and lets a test answer them.
type fakeStore struct {
	session.Store

	mu    sync.Mutex
	calls map[string]int
	order []string // the operations in the order of their calls
	fault faultFunc
}

// faultFunc answers one call. do makes the real call. Of r only the ID is set
// in a load, the ID and the Version in a delete, and the User in a call about a
// user.
type faultFunc func(op string, r session.Record, do func() error) error

// newFakeStore makes a fakeStore without a fault.
func newFakeStore(s session.Store) *fakeStore {
	return &fakeStore{Store: s, calls: map[string]int{}}
}

// answer sets the function that answers the calls from now on. nil lets the
// real store answer.
func (s *fakeStore) answer(f faultFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// failWith makes every call of one operation fail without being carried out.
func (s *fakeStore) failWith(op string, err error) {
	s.answer(func(o string, _ session.Record, do func() error) error {
		if o == op {
			return err
		}
		return do()
	})
}

// once lets f answer the next call of one operation, and no other call.
func (s *fakeStore) once(op string, f func(do func() error) error) {
	done := false
	s.answer(func(o string, _ session.Record, do func() error) error {
		s.mu.Lock()
		mine := o == op && !done
		done = done || mine
		s.mu.Unlock()
		if mine {
			return f(do)
		}
		return do()
	})
}

// loseAnswer carries out the next call of one operation, but answers with err.
// A look at the record shows that the call was carried out.
func (s *fakeStore) loseAnswer(op string, err error) {
	s.once(op, func(do func() error) error { return answerAfter(do, err) })
}

// goDown makes every call fail with err, from the next call of one of the
// operations on, or from the next write on if none is named. If applied is true,
// that call is carried out all the same.
func (s *fakeStore) goDown(applied bool, err error, ops ...string) {
	if len(ops) == 0 {
		ops = []string{opCreate, opUpdate, opTouch, opDelete}
	}
	down := false
	s.answer(func(op string, _ session.Record, do func() error) error {
		s.mu.Lock()
		first := !down && slices.Contains(ops, op)
		down = down || first
		fails := down
		s.mu.Unlock()
		if !fails {
			return do()
		}
		if first && applied {
			return answerAfter(do, err)
		}
		return err
	})
}

// answerAfter makes the real call, and answers with err if that succeeds.
func answerAfter(do func() error, err error) error {
	if failed := do(); failed != nil {
		return failed
	}
	return err
}

// call counts a call, and answers it.
func (s *fakeStore) call(op string, r session.Record, do func() error) error {
	s.mu.Lock()
	s.calls[op]++
	s.order = append(s.order, op)
	fault := s.fault
	s.mu.Unlock()
	if fault == nil {
		return do()
	}
	return fault(op, r, do)
}

// Load implements session.Store.
func (s *fakeStore) Load(ctx context.Context, id string) (r session.Record, err error) {
	err = s.call(opLoad, session.Record{ID: id}, func() error {
		r, err = s.Store.Load(ctx, id)
		return err
	})
	return r, err
}

// Create implements session.Store.
func (s *fakeStore) Create(ctx context.Context, r session.Record) error {
	return s.call(opCreate, r, func() error { return s.Store.Create(ctx, r) })
}

// Update implements session.Store.
func (s *fakeStore) Update(ctx context.Context, r session.Record) error {
	return s.call(opUpdate, r, func() error { return s.Store.Update(ctx, r) })
}

// Touch implements session.Store.
func (s *fakeStore) Touch(ctx context.Context, r session.Record) error {
	return s.call(opTouch, r, func() error { return s.Store.Touch(ctx, r) })
}

// Delete implements session.Store.
func (s *fakeStore) Delete(ctx context.Context, id string, version int64) error {
	return s.call(opDelete, session.Record{ID: id, Version: version}, func() error { return s.Store.Delete(ctx, id, version) })
}

// reset forgets the calls so far.
func (s *fakeStore) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.calls)
	s.order = nil
}

// count returns how often an operation was called since the last reset.
func (s *fakeStore) count(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[op]
}

// wantCalls compares the calls since the last reset, in their order, with a
// string such as "load update".
func (s *fakeStore) wantCalls(t *testing.T, want string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := strings.Join(s.order, " "); got != want {
		t.Errorf("the calls of the store are %q, want %q", got, want)
	}
}

// userStore is a fakeStore that is a session.UserStore as well.
type userStore struct{ *fakeStore }

// below returns the real store.
func (s userStore) below() session.UserStore { return s.Store.(session.UserStore) }

// ListUser implements session.UserStore.
func (s userStore) ListUser(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		err := s.call(opList, session.Record{User: user}, func() error {
			for r, err := range s.below().ListUser(ctx, name, user) {
				if !yield(r, err) {
					break
				}
			}
			return nil
		})
		if err != nil {
			yield(session.Record{}, err)
		}
	}
}

// DeleteUser implements session.UserStore.
func (s userStore) DeleteUser(ctx context.Context, name, user, exceptID string) (n int64, err error) {
	err = s.call(opDeleteUser, session.Record{User: user}, func() (err error) {
		n, err = s.below().DeleteUser(ctx, name, user, exceptID)
		return err
	})
	return n, err
}

// statusStore is a fakeStore that is a session.StatusStore as well.
type statusStore struct {
	*fakeStore

	mu      sync.Mutex
	status  session.Status
	watcher func(session.Status)
	stops   int
}

// Watch implements session.StatusStore.
func (s *statusStore) Watch(f func(session.Status)) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watcher = f
	f(s.status)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.watcher, s.stops = nil, s.stops+1
	}
}

// report sets the status, and reports it to the watcher.
func (s *statusStore) report(status session.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status = status; s.watcher != nil {
		s.watcher(status)
	}
}

// eventLog keeps the events that Observe is called with.
type eventLog struct {
	mu     sync.Mutex
	events []session.Event
}

// observe is for Config.Observe.
func (l *eventLog) observe(_ context.Context, e session.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// reset forgets the events so far.
func (l *eventLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = nil
}

// all returns the events of one kind since the last reset.
func (l *eventLog) all(kind session.EventKind) []session.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	var events []session.Event
	for _, e := range l.events {
		if e.Kind == kind {
			events = append(events, e)
		}
	}
	return events
}

// one returns the event of one kind. It ends the test unless there is exactly
// one.
func (l *eventLog) one(t *testing.T, kind session.EventKind) session.Event {
	t.Helper()
	events := l.all(kind)
	if len(events) != 1 {
		t.Fatalf("%d events %q, want one: %+v", len(events), kind, events)
	}
	return events[0]
}

// wantNone fails if there are events of one kind.
func (l *eventLog) wantNone(t *testing.T, kind session.EventKind) {
	t.Helper()
	for _, e := range l.all(kind) {
		t.Errorf("the event %q of %q with %v, want none of that kind", e.Kind, e.ID, e.Err)
	}
}

// want compares the kinds of the events since the last reset, in their order.
func (l *eventLog) want(t *testing.T, kinds ...session.EventKind) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var got []session.EventKind
	for _, e := range l.events {
		got = append(got, e.Kind)
	}
	if !slices.Equal(got, kinds) {
		t.Errorf("the events are %q, want %q", got, kinds)
		for _, e := range l.events {
			t.Logf("  %s %s: %v", e.Kind, e.ID, e.Err)
		}
	}
}

// carrier is a session.Carrier, as echo.Context is one.
type carrier struct {
	mu     sync.Mutex
	values map[string]any
}

// newCarrier makes an empty carrier.
func newCarrier() *carrier { return &carrier{values: map[string]any{}} }

// Get implements session.Carrier.
func (c *carrier) Get(key string) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.values[key]
}

// Set stores a value.
func (c *carrier) Set(key string, value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.values[key] = value
}

// keys returns the keys that have a value, sorted.
func (c *carrier) keys() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.values))
}
