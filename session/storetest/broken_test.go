package storetest_test

import (
	"context"
	"iter"
	"slices"

	"github.com/echosession/echosession/session"
)

// broken is a reference in which some operations do something else.
type broken struct {
	*reference
	load   func(ctx context.Context, id string) (session.Record, error)
	create func(ctx context.Context, r session.Record) error
	update func(ctx context.Context, r session.Record) error
	touch  func(ctx context.Context, r session.Record) error
	delete func(ctx context.Context, id string, version int64) error

	listUser   func(ctx context.Context, name, user string) iter.Seq2[session.Record, error]
	deleteUser func(ctx context.Context, name, user, exceptID string) (int64, error)
	watch      func(f func(session.Status)) (stop func())
}

func (b *broken) Load(ctx context.Context, id string) (session.Record, error) {
	if b.load != nil {
		return b.load(ctx, id)
	}
	return b.reference.Load(ctx, id)
}

func (b *broken) Create(ctx context.Context, r session.Record) error {
	if b.create != nil {
		return b.create(ctx, r)
	}
	return b.reference.Create(ctx, r)
}

func (b *broken) Update(ctx context.Context, r session.Record) error {
	if b.update != nil {
		return b.update(ctx, r)
	}
	return b.reference.Update(ctx, r)
}

func (b *broken) Touch(ctx context.Context, r session.Record) error {
	if b.touch != nil {
		return b.touch(ctx, r)
	}
	return b.reference.Touch(ctx, r)
}

func (b *broken) Delete(ctx context.Context, id string, version int64) error {
	if b.delete != nil {
		return b.delete(ctx, id, version)
	}
	return b.reference.Delete(ctx, id, version)
}

func (b *broken) ListUser(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
	if b.listUser != nil {
		return b.listUser(ctx, name, user)
	}
	return b.reference.ListUser(ctx, name, user)
}

func (b *broken) DeleteUser(ctx context.Context, name, user, exceptID string) (int64, error) {
	if b.deleteUser != nil {
		return b.deleteUser(ctx, name, user, exceptID)
	}
	return b.reference.DeleteUser(ctx, name, user, exceptID)
}

func (b *broken) Watch(f func(session.Status)) (stop func()) {
	if b.watch != nil {
		return b.watch(f)
	}
	return b.reference.Watch(f)
}

// fault is something that a store does wrong. The tests of each source file
// list the faults that its cases must notice.
type fault struct {
	name  string
	fails []string // the cases that must fail
	make  func(ref *reference, b *broken)
}

var faults = slices.Concat(
	loadFaults, createFaults, updateFaults, touchFaults, deleteFaults, generalFaults,
	concurrentFaults, listUserFaults, matchFaults, deleteUserFaults, statusFaults,
)
