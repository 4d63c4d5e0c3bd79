package session_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// stage is the store of a world. Each call is two points of the schedule: before
// it is made, and before its answer arrives. Its faults are in the steps.
type stage struct {
	w    *world
	live bool // false while the world is set up: then every call is just made
	mem  *memstore.Store
	kv   *stagedKV
	real session.Store // mem, or FromKV of kv
	look session.Store // the same past the schedule
	late []*lateWrite
}

// lateWrite is a write that was answered by an error and is made later.
type lateWrite struct {
	wait int // calls of the store until it is made
	do   func()
}

// call is one call of the store.
type call struct {
	op      string
	id      string
	version int64
	data    string // for the trace
}

func newStage(w *world) *stage {
	st := &stage{w: w}
	if w.plan.store == memoryStore {
		st.mem = memstore.New(memstore.Options{})
		st.real, st.look = st.mem, st.mem
		return st
	}
	st.kv = &stagedKV{w: w, values: map[string]kvEntry{}}
	st.real = session.FromKV(st.kv)
	st.look = session.FromKV(kvLook{st.kv})
	return st
}

// raw is the store that the checks look into.
func (st *stage) raw() session.Store { return st.look }

// store is the one that the Managers have.
func (st *stage) store() session.Store {
	if st.mem != nil {
		return userStage{st}
	}
	return st
}

var errNoAnswer = errors.New("the connection broke")

// error is what a call that a fault hits is answered with.
func (f fault) error() error {
	if f.gone {
		return fmt.Errorf("stage: %w: %w", session.ErrUnavailable, errNoAnswer)
	}
	return errNoAnswer
}

// do makes one call for the current actor. apply makes it in the real store, in
// the name of the author, and may be called once, now or later.
func (st *stage) do(ctx context.Context, c call, write bool, apply func(ctx context.Context, by *author) error) error {
	if !st.live {
		return apply(ctx, st.w.truth.setup)
	}
	w := st.w
	a := w.actorOf(ctx)
	by := a.author
	w.at(a)
	n := a.calls
	if a.calls++; n == maxCalls {
		w.violate(ruleBounded, "%s made %d calls of the store in one step", a.name(), n)
	}
	if n > 2*maxCalls {
		panic("the step does not end")
	}
	st.tick()
	f := a.fault(n)
	if f != nil && f.kind >= meanwhileRenew {
		w.count("a call", faultNames[f.kind])
		a.meanwhile(f.kind)
		f = nil
	}
	if f != nil && !f.concerns(c.op) {
		f = nil
	}
	w.publish()
	var err error
	if ctx.Err() != nil {
		a.dead = true
		err = st.ended(ctx)
	} else if f != nil {
		a.failed++
		w.count("a call", faultNames[f.kind])
		err = st.fail(ctx, c, write, *f, a, by, apply)
	} else {
		err = apply(ctx, by)
	}
	answer := "ok"
	if err != nil {
		answer = err.Error()
	}
	w.say(a.name(), "  store: %s -> %s%s", c, answer, f.note())
	by.answered(c, err, f)
	w.at(a)
	by.answer = time.Now()
	return err
}

// fail makes a call that a fault hits.
func (st *stage) fail(ctx context.Context, c call, write bool, f fault, a *actor, by *author, apply func(context.Context, *author) error) error {
	switch f.kind {
	case failAfter:
		if err := apply(ctx, by); err == nil && write {
			by.landed[c.id] = st.w.truth.now
		}
	case applyLate: // not where a write is several points of the schedule
		if write && st.w.plan.store != keyValueSteps {
			ctx := context.WithoutCancel(ctx)
			st.late = append(st.late, &lateWrite{f.wait, func() {
				err := apply(ctx, by.late())
				st.w.say(a.name(), "  store, late: %s -> %v", c, err)
			}})
		}
	case hangs:
		if end, ok := ctx.Deadline(); ok {
			st.w.pause(a, time.Until(end)+time.Second)
			return st.ended(ctx)
		}
	case cancels:
		a.cancel()
		return st.ended(ctx)
	case ownConflict:
		if err := apply(ctx, by); err != nil {
			return err
		}
		if c.op == "create" {
			return session.ErrExists
		}
		return session.ErrConflict
	case zeroVersion:
		return apply(ctx, by) // Load takes the version away
	}
	return f.error()
}

// ended is what a call is answered with whose context has ended.
func (st *stage) ended(ctx context.Context) error {
	if err := ctx.Err(); errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stage: %w: %w", session.ErrUnavailable, err)
	} else if err != nil {
		return err
	}
	return errNoAnswer // a commit's context does not end with the step's
}

// tick counts the calls that late writes wait for, and makes those that are due.
func (st *stage) tick() {
	kept := st.late[:0]
	var due []*lateWrite
	for _, l := range st.late {
		if l.wait--; l.wait < 0 {
			due = append(due, l)
		} else {
			kept = append(kept, l)
		}
	}
	st.late = kept
	for _, l := range due {
		l.do()
	}
}

// applyAll makes all late writes.
func (st *stage) applyAll() {
	for _, l := range st.late {
		l.do()
	}
	st.late = nil
}

// fault returns what happens to the nth call of the present step, or nil.
func (a *actor) fault(n int) *fault {
	for i := range a.step.faults {
		if a.step.faults[i].call == n {
			return &a.step.faults[i]
		}
	}
	return nil
}

// concerns reports whether the fault can happen to an operation.
func (f *fault) concerns(op string) bool {
	switch f.kind {
	case ownConflict:
		return op == "create" || op == "update"
	case zeroVersion:
		return op == "load"
	}
	return true
}

func (f *fault) note() string {
	if f == nil {
		return ""
	}
	return "   [" + faultNames[f.kind] + "]"
}

func (st *stage) Load(ctx context.Context, id string) (r session.Record, err error) {
	err = st.do(ctx, call{op: "load", id: id}, false, func(ctx context.Context, by *author) error {
		if st.mem != nil {
			st.w.truth.loading(by, id)
		}
		r, err = st.real.Load(st.w.calling(ctx, by, "load"), id)
		if err == nil {
			st.w.truth.loaded(by, r)
		}
		return err
	})
	if err != nil {
		return session.Record{}, err
	}
	if a := st.w.actorOf(ctx); st.live && a.step != nil {
		if f := a.fault(a.calls - 1); f != nil && f.kind == zeroVersion {
			r.Version = 0
		}
	}
	return r, nil
}

// write makes a call that writes a record.
func (st *stage) write(ctx context.Context, c call, do func(context.Context) error) error {
	return st.do(ctx, c, true, func(ctx context.Context, by *author) error {
		err := do(st.w.calling(ctx, by, c.op))
		if err == nil && st.mem != nil {
			st.w.truth.wrote(by, c.op, c.id)
		}
		return err
	})
}

func (st *stage) Create(ctx context.Context, r session.Record) error {
	c := call{op: "create", id: r.ID, data: st.w.show(r)}
	return st.write(ctx, c, func(ctx context.Context) error { return st.real.Create(ctx, r) })
}

func (st *stage) Update(ctx context.Context, r session.Record) error {
	c := call{"update", r.ID, r.Version, st.w.show(r)}
	return st.write(ctx, c, func(ctx context.Context) error { return st.real.Update(ctx, r) })
}

func (st *stage) Touch(ctx context.Context, r session.Record) error {
	c := call{op: "touch", id: r.ID, version: r.Version}
	return st.write(ctx, c, func(ctx context.Context) error { return st.real.Touch(ctx, r) })
}

func (st *stage) Delete(ctx context.Context, id string, version int64) error {
	return st.do(ctx, call{op: "delete", id: id, version: version}, true, func(ctx context.Context, by *author) error {
		if st.mem == nil {
			return st.real.Delete(st.w.calling(ctx, by, "delete"), id, version)
		}
		report := st.w.truth.deleting(by, id)
		err := st.real.Delete(ctx, id, version)
		if err == nil {
			st.w.truth.deleted(by, id, report)
		}
		return err
	})
}

// userStage is the stage of a store that finds the sessions of a user.
type userStage struct{ *stage }

func (st userStage) ListUser(ctx context.Context, name, user string) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		var records []session.Record
		err := st.do(ctx, call{op: "list", id: user}, false, func(ctx context.Context, _ *author) error {
			for r, err := range st.mem.ListUser(ctx, name, user) {
				if err != nil {
					return err
				}
				records = append(records, r)
			}
			return nil
		})
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
		if err != nil {
			yield(session.Record{}, err)
		}
	}
}

// DeleteUser goes through the sessions one by one, as a database does. Between two
// of them there is a point of the schedule.
func (st userStage) DeleteUser(ctx context.Context, _, user, exceptID string) (n int64, err error) {
	err = st.do(ctx, call{op: "delete user", id: user}, true, func(ctx context.Context, by *author) error {
		for k, id := range st.w.truth.sessionsOf(user) {
			if k > 0 && by.earlier == nil {
				st.w.at(st.w.actorOf(ctx))
			}
			if r, ok := st.w.truth.record(id); !ok || r.User != user || id == exceptID {
				continue
			}
			report := st.w.truth.deleting(by, id)
			if err := st.mem.Delete(ctx, id, 0); err != nil {
				return err
			}
			st.w.truth.deleted(by, id, report)
			n++
		}
		return nil
	})
	return n, err
}
