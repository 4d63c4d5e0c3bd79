package storetest_test

import (
	"context"
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
	del    func(ctx context.Context, id string) error
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

func (b *broken) Delete(ctx context.Context, id string) error {
	if b.del != nil {
		return b.del(ctx, id)
	}
	return b.reference.Delete(ctx, id)
}

// fault is what a store does wrong, with the cases that must notice it.
type fault struct {
	name  string
	fails []string
	make  func(ref *reference, b *broken)
}

var faults = slices.Concat(readFaults, updateFaults, touchFaults)
