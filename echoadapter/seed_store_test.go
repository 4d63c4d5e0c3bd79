package echoadapter_test

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/echosession/echosession/session"
)

var (
	errBroken = errors.New("the disk is on fire")
	errDown   = errors.Join(errors.New("connection refused"), session.ErrUnavailable)
)

func isNotFound(err error) bool { return errors.Is(err, session.ErrNotFound) }

// recordingStore is a store that tells what it was asked, and fails on demand.
type recordingStore struct {
	session.Store

	mu     sync.Mutex
	calls  []string
	faults map[string]error
	before func(op string) // called without mu before each operation, if set
}

// recordCalls has those of s recorded.
func recordCalls(s session.Store) *recordingStore { return &recordingStore{Store: s} }

// asked records op and returns the error that it is to fail with. An operation
// that fails does not reach the store below.
func (s *recordingStore) asked(op string) error {
	s.mu.Lock()
	s.calls = append(s.calls, op)
	err, before := s.faults[op], s.before
	s.mu.Unlock()
	if before != nil {
		before(op)
	}
	return err
}

// take returns the operations since the last take, in their order.
func (s *recordingStore) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

// writes leaves the loads out.
func writes(calls []string) []string {
	return slices.DeleteFunc(calls, func(op string) bool { return op == "load" })
}

// note adds something that happened elsewhere to what take returns.
func (s *recordingStore) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, what)
}

// fail makes an operation fail: "load", "create", "update", "touch", "delete".
func (s *recordingStore) fail(op string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults == nil {
		s.faults = map[string]error{}
	}
	s.faults[op] = err
}

func (s *recordingStore) failAll(err error) {
	for _, op := range []string{"load", "create", "update", "touch", "delete"} {
		s.fail(op, err)
	}
}

// heal ends all failures.
func (s *recordingStore) heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *recordingStore) Load(ctx context.Context, id string) (session.Record, error) {
	if err := s.asked("load"); err != nil {
		return session.Record{}, err
	}
	return s.Store.Load(ctx, id)
}

func (s *recordingStore) Create(ctx context.Context, r session.Record) error {
	if err := s.asked("create"); err != nil {
		return err
	}
	return s.Store.Create(ctx, r)
}

func (s *recordingStore) Update(ctx context.Context, r session.Record) error {
	if err := s.asked("update"); err != nil {
		return err
	}
	return s.Store.Update(ctx, r)
}

func (s *recordingStore) Touch(ctx context.Context, r session.Record) error {
	if err := s.asked("touch"); err != nil {
		return err
	}
	return s.Store.Touch(ctx, r)
}

func (s *recordingStore) Delete(ctx context.Context, id string, version int64) error {
	if err := s.asked("delete"); err != nil {
		return err
	}
	return s.Store.Delete(ctx, id, version)
}
