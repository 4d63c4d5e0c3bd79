package session_test

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// world runs a plan. Each actor is a goroutine, and only one of them runs at a
// time: the current one. It stops at the point that the schedule names, and the
// scheduler, which is the goroutine of run, lets another one go on. The clock is
// the fake one of testing/synctest: it moves when the current actor sleeps.
type world struct {
	plan      *plan
	actors    []*actor
	stage     *stage
	truth     *truth
	managers  []*session.Manager[wallet]
	browsers  []*browser
	settings  []settings // of the managers
	trace     *trace     // nil: nobody reads it
	tally     tally
	wallClock time.Time // when the world began

	mu      sync.Mutex // guards what follows, and what of an actor says so
	current *actor
	stop    position    // where the current actor stops
	points  int         // of the schedule that actors came to
	stopped chan *actor // the current actor stopped, or is done

	broken []violation // what was found, the first first
}

// actor carries out a script.
type actor struct {
	number  int
	script  script
	resume  chan struct{}
	cancel  context.CancelFunc // ends the context of the present step
	request *exchange          // the present one
	author  *author            // in whose name the store is called

	step   *step // the present one
	calls  int   // of the store, in the present step
	point  int   // of the schedule, in the present step
	failed int   // how many calls of the present step were answered by a fault
	dead   bool  // a call of the present step had a context that had ended

	started bool
	parked  bool // it waits for resume; guarded by the world's mu
	done    bool // guarded by the world's mu
	pausing bool // it sleeps as its script says; guarded by the world's mu
	events  []session.Event
}

// name is a letter.
func (a *actor) name() string { return string(rune('A' + a.number)) }

// stuckAfter is how long the current actor may wait for something that is not a
// point of the schedule: longer than any time-out of the core. It is an odd
// number so that it never ends together with another timer.
const stuckAfter = time.Minute + 701*time.Millisecond + 1

// maxCalls bounds the calls of the store in one step.
const maxCalls = 200

// play runs p in a bubble of its own.
func play(t *testing.T, p *plan, tr *trace, sum tally) (broken []violation) {
	w := &world{plan: p, trace: tr, tally: sum, stopped: make(chan *actor, 1)}
	defer func() {
		// An actor that is still blocked makes synctest panic. That it is blocked
		// is among the violations.
		if r := recover(); r != nil {
			if len(w.broken) == 0 {
				panic(fmt.Sprintf("%s/%d: %v", p.mode, p.seed, r))
			}
			broken = w.broken
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		w.stopped = make(chan *actor, 1)
		w.run(t)
	})
	return w.broken
}

func (w *world) run(t *testing.T) {
	w.wallClock = time.Now()
	w.truth = newTruth(w)
	w.stage = newStage(w)
	for i, s := range w.plan.managers {
		w.addManager(t, i, s)
	}
	for i, b := range w.plan.browsers {
		w.browsers = append(w.browsers, w.openBrowser(t, i, b))
	}
	for i, s := range w.plan.scripts {
		w.actors = append(w.actors, &actor{number: i, script: s, resume: make(chan struct{}, 1)})
	}
	w.stage.live = true
	for _, s := range w.plan.schedule {
		w.letRun(w.actors[s.actor], s.until)
	}
	for w.finish() {
	}
	w.stage.applyAll()
	w.checkEnd()
}

// finish lets every actor run to its end, as far as it can, and reports whether
// another round can bring one further.
func (w *world) finish() (again bool) {
	_, before := w.progress()
	for _, a := range w.actors {
		w.letRun(a, position{at: 1 << 30})
	}
	left, now := w.progress()
	if left > 0 && now == before {
		w.violate(ruleEnds, "%d actors wait for each other", left)
	}
	return left > 0 && now > before
}

// progress returns how many actors are not done, and how many points of the
// schedule all of them have come to.
func (w *world) progress() (left, points int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.actors {
		if !a.done {
			left++
		}
	}
	return left, w.points
}

// publish makes what the current actor wrote visible to the next one, also if it
// does not come to a point of the schedule before.
func (w *world) publish() {
	w.mu.Lock()
	defer w.mu.Unlock()
}

// letRun makes a the current actor until it comes to stop, is done, or waits for
// something that another actor has.
func (w *world) letRun(a *actor, stop position) {
	w.mu.Lock()
	if a.done {
		w.mu.Unlock()
		return
	}
	w.current, w.stop = a, stop
	switch {
	case !a.started:
		a.started = true
		go w.live(a)
	case a.parked:
		a.parked = false
		a.resume <- struct{}{}
	}
	w.mu.Unlock()
	for {
		timer := time.NewTimer(stuckAfter)
		select {
		case <-w.stopped:
			timer.Stop()
			return
		case <-timer.C:
			w.mu.Lock()
			pausing := a.pausing
			w.mu.Unlock()
			if !pausing {
				return
			}
		}
	}
}

// at is a point of the schedule: the actor that calls it goes on at once if it
// is the current one and has not reached its stop, and else when it is let run
// again.
func (w *world) at(a *actor) {
	w.mu.Lock()
	here := position{a.step.at, a.point}
	a.point++
	w.points++
	if w.current == a && here.before(w.stop) {
		w.mu.Unlock()
		return
	}
	a.parked = true
	current := w.current == a
	w.mu.Unlock()
	if current {
		w.stopped <- a
	}
	<-a.resume
}

// rejoin lets an actor go on that may have waited for something else than a point
// of the schedule: only the current actor runs on.
func (w *world) rejoin(a *actor) {
	w.mu.Lock()
	if w.current == a {
		w.mu.Unlock()
		return
	}
	a.parked = true
	w.mu.Unlock()
	<-a.resume
}

// pause lets time pass while every other actor stands still.
func (w *world) pause(a *actor, d time.Duration) {
	w.setPausing(a, true)
	time.Sleep(d)
	w.setPausing(a, false)
}

func (w *world) setPausing(a *actor, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a.pausing = on
}

// live is the goroutine of an actor.
func (w *world) live(a *actor) {
	defer func() {
		if r := recover(); r != nil {
			w.violate(rulePanic, "%v\n%s", r, debug.Stack())
		}
		w.mu.Lock()
		a.done = true
		current := w.current == a
		w.mu.Unlock()
		if current {
			w.stopped <- a
		}
	}()
	for i := range a.script.tasks {
		w.carryOut(a, &a.script.tasks[i])
	}
}

// carryOut carries out the steps of one task.
func (w *world) carryOut(a *actor, t *task) {
	for i := range t.steps {
		s := &t.steps[i]
		a.step, a.calls, a.point, a.failed, a.dead = s, 0, 0, 0, false
		w.at(a)
		ctx, cancel := context.WithCancel(context.WithValue(context.Background(), actorKey{}, a))
		a.cancel = cancel
		if t.steps[0].kind == doBegin {
			w.requestStep(ctx, a, t, s)
		} else {
			w.jobStep(ctx, a, t, s)
		}
		cancel()
		w.count("step", s.kind.String())
		if a.failed > 0 {
			w.count("step with a fault", s.kind.String())
		}
	}
	a.request, a.author = nil, nil
}

// actorKey is the key of the actor in the contexts of its steps.
type actorKey struct{}

// actorOf is the actor that calls, by its context or because it is the current one.
func (w *world) actorOf(ctx context.Context) *actor {
	if a, ok := ctx.Value(actorKey{}).(*actor); ok {
		return a
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current
}

// addManager makes a Manager, and another one of the same settings that looks
// into the store past the scheduler.
func (w *world) addManager(t *testing.T, i int, s settings) {
	cfg := s.config()
	cfg.Store = w.stage.raw()
	looks, err := session.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	w.truth.looks = append(w.truth.looks, looks)
	cfg.Store = w.stage.store()
	cfg.NewID = func(context.Context) (string, error) { return w.truth.newID(), nil }
	cfg.Observe = w.observe
	m, err := session.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	w.managers, w.settings = append(w.managers, m), append(w.settings, s)
	w.say("", "Manager %d: %v", i, s)
}

// observe keeps an event for the step in which it happened.
func (w *world) observe(ctx context.Context, e session.Event) {
	if !w.stage.live {
		return
	}
	a := w.actorOf(ctx)
	w.mu.Lock()
	a.events = append(a.events, e)
	w.mu.Unlock()
	w.count("event", string(e.Kind))
	w.say(a.name(), "  event %s %s %v", e.Kind, e.ID, e.Err)
	switch e.Kind {
	case session.EventConflict:
		w.checkConflict(a, e)
	case session.EventError:
		if a.author != nil {
			a.author.troubled = true
		}
	}
}

// takeEvents returns the events since the last call, by their kinds.
func (w *world) takeEvents(a *actor) map[session.EventKind]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(a.events) == 0 {
		return nil
	}
	kinds := map[session.EventKind]int{}
	for _, e := range a.events {
		kinds[e.Kind]++
	}
	a.events = nil
	return kinds
}

var (
	worldSigningKeys    = [][]byte{[]byte("0123456789abcdef0123456789abcdef"), []byte("fedcba9876543210fedcba9876543210")}
	worldEncryptionKeys = [][]byte{[]byte("abcdefghijklmnopqrstuvwxyz012345"), []byte("543210zyxwvutsrqponmlkjihgfedcba")}
)

// config is that of a Manager, without its store.
func (s settings) config() session.Config[wallet] {
	return session.Config[wallet]{
		Cookie: session.Cookie{Name: worldCookie}, MaxAge: s.maxAge, TouchAfter: s.touchAfter, AbsoluteTimeout: s.absolute,
		RenewAfter: s.renewAfter, RenewGrace: s.grace, Rolling: s.rolling, SchemaVersion: s.schema,
		SigningKeys: inOrder(worldSigningKeys, s.signed), EncryptionKeys: inOrder(worldEncryptionKeys, s.sealed),
		User: func(v *wallet) string { return v.Holder },
	}
}

// worldCookie is the name of the cookie in all worlds.
const worldCookie = "sid"

// inOrder returns no keys for 0, the keys for 1, and the keys backwards for 2.
func inOrder(keys [][]byte, order int) [][]byte {
	switch order {
	case 0:
		return nil
	case 1:
		return keys
	}
	return [][]byte{keys[1], keys[0]}
}

func (s settings) String() string {
	return fmt.Sprintf("MaxAge %v, Rolling %v, TouchAfter %v, AbsoluteTimeout %v, RenewAfter %v, RenewGrace %v, SchemaVersion %d, signing keys %d, encryption keys %d",
		s.maxAge, s.rolling, s.touchAfter, s.absolute, s.renewAfter, s.grace, s.schema, s.signed, s.sealed)
}
