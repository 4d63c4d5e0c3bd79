package storetest_test

import (
	"context"

	"github.com/echosession/echosession/session"
)

var statusFaults = []fault{
	{"watch does not call at once", []string{"Watch/at once"}, func(_ *reference, b *broken) {
		b.watch = func(func(session.Status)) (stop func()) { return func() {} }
	}},
	{"watch reports an unknown status", []string{"Watch/at once"}, func(_ *reference, b *broken) {
		b.watch = func(f func(session.Status)) (stop func()) {
			f(7)
			return func() {}
		}
	}},
	{"watch calls only the first watcher", []string{"Watch/several"}, func(ref *reference, b *broken) {
		watched := false
		b.watch = func(f func(session.Status)) (stop func()) {
			if watched {
				return func() {}
			}
			watched = true
			return ref.Watch(f)
		}
	}},
	{"watch calls after stop", []string{"Watch/stop"}, func(ref *reference, b *broken) {
		var watchers []func(session.Status)
		b.watch = func(f func(session.Status)) (stop func()) {
			watchers = append(watchers, f)
			return ref.Watch(f)
		}
		b.create = func(ctx context.Context, r session.Record) error {
			for _, f := range watchers {
				f(session.StatusConnected)
			}
			return ref.Create(ctx, r)
		}
	}},
}
