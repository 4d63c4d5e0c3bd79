package session_test

import (
	"context"
	"time"

	"github.com/echosession/echosession/session"
)

// stagedKV is the KV of a world whose store is FromKV. Its writes are where the
// store of such a world changes; in some worlds each call is a point of the
// schedule. It never fails: the faults are those of the store above it.
type stagedKV struct {
	w      *world
	values map[string]kvEntry // of the current actor
}

type kvEntry struct {
	value []byte
	ends  time.Time
}

// storeCall is the call of a store that a call of the KV belongs to.
type storeCall struct {
	by *author
	op string
}

type storeCallKey struct{}

// calling returns ctx with a call in it, for the KV to know whose it is.
func (w *world) calling(ctx context.Context, by *author, op string) context.Context {
	if w.stage.kv == nil {
		return ctx
	}
	return context.WithValue(ctx, storeCallKey{}, storeCall{by, op})
}

// at is a point of the schedule where the KV has points, and returns the call
// that it belongs to.
func (kv *stagedKV) at(ctx context.Context) storeCall {
	if kv.w.plan.store == keyValueSteps && kv.w.stage.live {
		kv.w.at(kv.w.actorOf(ctx))
	}
	return ctx.Value(storeCallKey{}).(storeCall)
}

func (kv *stagedKV) get(key string) ([]byte, error) {
	e, ok := kv.values[key]
	if !ok || !time.Now().Before(e.ends) {
		return nil, session.ErrNotFound
	}
	return e.value, nil
}

func (kv *stagedKV) Get(ctx context.Context, key string) ([]byte, error) {
	if c := kv.at(ctx); c.op == "load" {
		kv.w.truth.loading(c.by, key)
	}
	return kv.get(key)
}

func (kv *stagedKV) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	c := kv.at(ctx)
	kv.values[key] = kvEntry{value, time.Now().Add(ttl)}
	kv.w.truth.wrote(c.by, c.op, key)
	return nil
}

func (kv *stagedKV) Delete(ctx context.Context, key string) error {
	c := kv.at(ctx)
	if c.op != "delete" { // FromKV stores what has ended by deleting it
		delete(kv.values, key)
		kv.w.truth.wrote(c.by, c.op, key)
		return nil
	}
	report := kv.w.truth.deleting(c.by, key)
	delete(kv.values, key)
	kv.w.truth.deleted(c.by, key, report)
	return nil
}

// kvLook reads a stagedKV past the schedule.
type kvLook struct{ *stagedKV }

func (kv kvLook) Get(_ context.Context, key string) ([]byte, error) { return kv.get(key) }
