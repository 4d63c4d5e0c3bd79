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
	del    func(ctx context.Context, id string, version int64) error

	list    func(ctx context.Context, name, user string) iter.Seq2[session.Record, error]
	delUser func(ctx context.Context, name, user, exceptID string) (int64, error)
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
	if b.del != nil {
		return b.del(ctx, id, version)
	}
	return b.reference.Delete(ctx, id, version)
}

func (b *broken) ListUser(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
	if b.list != nil {
		return b.list(ctx, name, user)
	}
	return b.reference.ListUser(ctx, name, user)
}

func (b *broken) DeleteUser(ctx context.Context, name, user, exceptID string) (int64, error) {
	if b.delUser != nil {
		return b.delUser(ctx, name, user, exceptID)
	}
	return b.reference.DeleteUser(ctx, name, user, exceptID)
}

// fault is what a store does wrong, with the cases that must notice it.
type fault struct {
	name  string
	fails []string
	make  func(ref *reference, b *broken)
}

var faults = slices.Concat(readFaults, updateFaults, touchFaults, deleteFaults, listFaults, matchFaults, deleteUserFaults)
