package session_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/echosession/echosession/session"
)

// The operations of a store, as a faultyStore names them.
const (
	opLoad   = "load"
	opCreate = "create"
	opUpdate = "update"
	opTouch  = "touch"
	opDelete = "delete"
)

// faultyStore counts the calls of a real store and lets a test answer them.
type faultyStore struct {
	session.Store

	mu    sync.Mutex
	calls map[string]int
	order []string // "create", "delete" and so on, as they came
	fault faultFunc
}

// faultFunc answers one call. do makes the real one; r has only an ID in a
// load or a delete.
type faultFunc func(op string, r session.Record, do func() error) error

func newFaultyStore(s session.Store) *faultyStore {
	return &faultyStore{Store: s, calls: map[string]int{}}
}

// answer sets the fault; nil is none.
func (s *faultyStore) answer(f faultFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// failWith makes one kind of operation fail without being made.
func (s *faultyStore) failWith(op string, err error) {
	s.answer(func(o string, _ session.Record, do func() error) error {
		if o == op {
			return err
		}
		return do()
	})
}

// once makes the next operation of a kind go as f says, and no other.
func (s *faultyStore) once(op string, f func(do func() error) error) {
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

// loseReply makes the next write, but answers that it failed, and fails every
// look at what became of it.
func (s *faultyStore) loseReply() {
	made := false
	s.answer(func(op string, _ session.Record, do func() error) error {
		switch {
		case op != opLoad && !made:
			made = true
			_ = do()
		case !made:
			return do()
		}
		return session.ErrUnavailable
	})
}

func (s *faultyStore) call(op string, r session.Record, do func() error) error {
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

func (s *faultyStore) Load(ctx context.Context, id string) (r session.Record, err error) {
	err = s.call(opLoad, session.Record{ID: id}, func() error {
		r, err = s.Store.Load(ctx, id)
		return err
	})
	return r, err
}

func (s *faultyStore) Create(ctx context.Context, r session.Record) error {
	return s.call(opCreate, r, func() error { return s.Store.Create(ctx, r) })
}

func (s *faultyStore) Update(ctx context.Context, r session.Record) error {
	return s.call(opUpdate, r, func() error { return s.Store.Update(ctx, r) })
}

func (s *faultyStore) Touch(ctx context.Context, r session.Record) error {
	return s.call(opTouch, r, func() error { return s.Store.Touch(ctx, r) })
}

func (s *faultyStore) Delete(ctx context.Context, id string, version int64) error {
	return s.call(opDelete, session.Record{ID: id, Version: version}, func() error { return s.Store.Delete(ctx, id, version) })
}

// reset forgets the calls made so far.
func (s *faultyStore) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.calls)
	s.order = nil
}

func (s *faultyStore) count(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[op]
}

// wantCalls compares the calls since the last reset with "load update", in
// their order. A delete may look at the record right before.
func (s *faultyStore) wantCalls(t *testing.T, want string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := strings.ReplaceAll(strings.Join(s.order, " "), "load delete", "delete"); got != want {
		t.Errorf("calls of the store: %q, want %q", got, want)
	}
}

// eventLog is what Observe was told.
type eventLog struct {
	mu     sync.Mutex
	events []session.Event
}

func (l *eventLog) observe(_ context.Context, e session.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

func (l *eventLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = nil
}

// all returns the events of one kind.
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
		t.Errorf("events %q, want %q", got, kinds)
		for _, e := range l.events {
			t.Logf("  %s %s: %v", e.Kind, e.ID, e.Err)
		}
	}
}

// bag is a carrier as echo.Context is one.
type bag struct {
	mu     sync.Mutex
	values map[string]any
}

func newBag() *bag { return &bag{values: map[string]any{}} }

func (b *bag) Get(key string) any {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.values[key]
}

func (b *bag) Set(key string, value any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.values[key] = value
}

func (b *bag) keys() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.values))
}
