package session_test

import (
	"math/rand/v2"
	"slices"
	"time"
)

// people are the people who log in.
var people = []string{"ada", "bob"}

// pauses are whole seconds, longer than any pause that the core makes of its
// own: so what is awake after one does not depend on the random part of those.
var pauses = []time.Duration{time.Second, 6 * time.Second, 12 * time.Second, 31 * time.Second, 2 * time.Minute, 11 * time.Minute}

// phrases are sequences of steps that depend on each other, which would seldom
// come up one by one. Those that end sessions are few, for the others to have one.
var phrases = [][][]stepKind{
	{
		{doSetOwn},
		{doSetOwn, doSave},
		{doSetOwn, doSave, doSetOwn},
		{doSetOwn, doRespond, doSetOwn, doSave},
		{doSave, doSave},
		{doSave, doRenew, doReload, doSetOwn, doSave},
		{doUpdate},
		{doUpdate, doSetOwn},
		{doUpdate, doMark, doSave},
		{doUpdate, doUpdate},
		{doUpdateFails, doSetShared},
		{doGet},
	},
	{
		{doRenew, doSetOwn},
		{doRenew, doSave},
		{doRenew, doUpdateRegeneratesFails},
		{doLogIn},
		{doLogIn, doSave, doDeleteOthers},
		{doSignOut},
	},
	{
		{doRegenerateLogIn},
		{doRegenerateLogIn, doSave},
		{doRegenerateCopy},
		{doRegenerateCopy, doSave},
		{doRegenerateFresh, doSave, doUpdate},
		{doDestroy},
		{doDestroy, doSave},
		{doDestroy, doSave, doRegenerateLogIn},
	},
}

// aloneKinds are the steps that are also made by themselves.
var aloneKinds = []stepKind{
	doGet, doPeek, doSetOwn, doSetShared, doMark, doUnmark, doRenew, doLogIn, doSignOut, doRegenerateCopy, doRegenerateLogIn,
	doRegenerateFresh, doRegenerateEmpty, doDestroy, doMaxAge, doPolicy, doSave, doUpdate, doUpdateFails, doUpdateRenews, doUpdateLogsIn,
	doUpdateRegenerates, doUpdateRegeneratesFails, doUpdateDestroys, doReload, doDeleteOthers, doRespond, doCancel, doPause,
}

// generator makes the plan of a seed.
type generator struct {
	*rand.Rand
	plan *plan
	at   int
	lost []*step // whose answers are lost
}

// planOf returns the plan of a seed.
func planOf(m worldMode, seed uint64) *plan {
	stream := uint64(1)
	if m == withFaults {
		stream = 2
	}
	g := &generator{Rand: rand.New(rand.NewPCG(seed, stream)), plan: &plan{mode: m, seed: seed}}
	g.world()
	return g.plan
}

// chance is true in percent of a hundred cases.
func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func oneOf[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

func (g *generator) world() {
	p := g.plan
	p.store = oneOf(g, memoryStore, memoryStore, memoryStore, keyValueStore, keyValueSteps)
	first := g.settings()
	p.managers = []settings{first}
	if g.chance(30) {
		second := first
		g.vary(&second)
		p.managers = append(p.managers, second)
	}
	p.browsers = []browserPlan{g.browser(85)}
	if g.chance(35) {
		p.browsers = append(p.browsers, g.browser(60))
	}
	for range 2 + g.IntN(3) {
		p.scripts = append(p.scripts, g.script())
	}
	if p.mode == withFaults {
		g.faults()
	}
	g.meanwhiles()
	g.schedule()
}

func (g *generator) settings() settings {
	s := settings{maxAge: oneOf(g, 10*time.Minute, time.Hour, time.Hour), grace: oneOf(g, 0, time.Second, time.Minute)}
	g.vary(&s)
	return s
}

// vary changes what two Managers of one store may have differently.
func (g *generator) vary(s *settings) {
	if g.chance(50) {
		s.rolling = !s.rolling
	}
	s.touchAfter = oneOf(g, -1, 10*time.Second, 0)
	if g.chance(40) {
		s.renewAfter = oneOf(g, 0, 5*time.Second, 30*time.Second)
	}
	if g.chance(15) {
		s.absolute = oneOf(g, 50*time.Second, 15*time.Minute)
	}
	if g.chance(15) {
		s.maxAge = oneOf(g, time.Minute, time.Hour)
	}
	if g.chance(15) {
		s.schema++
	}
	// Two Managers have the same keys, or none: without them each could not read
	// what the other stores.
	if len(g.plan.managers) > 0 {
		if s.signed > 0 {
			s.signed = 1 + g.IntN(2)
		}
		if s.sealed > 0 {
			s.sealed = 1 + g.IntN(2)
		}
	} else {
		s.signed, s.sealed = g.IntN(8)/7, g.IntN(8)/7
	}
}

func (g *generator) browser(stored int) browserPlan {
	b := browserPlan{stored: g.chance(stored)}
	if b.stored {
		b.holder = oneOf(g, "", people[0], people[0], people[1])
		b.age = oneOf(g, 0, 6*time.Second, 31*time.Second, 40*time.Second)
	}
	return b
}

func (g *generator) script() script {
	s := script{browser: g.IntN(len(g.plan.browsers))}
	jobs := g.chance(25)
	for range 1 + g.IntN(4) {
		if jobs && g.chance(85) {
			s.tasks = append(s.tasks, g.job())
		} else {
			s.tasks = append(s.tasks, g.request())
		}
	}
	return s
}

func (g *generator) job() task {
	t := task{manager: g.IntN(len(g.plan.managers))}
	k := oneOf(g, jobUpdate, jobUpdate, jobUpdate, jobUpdateFails, jobDelete, jobDelete, jobDeleteOf, jobDeleteOf, jobDeleteUser, jobDeleteOthers,
		jobFind, jobList, jobOpen, jobStart, doPause)
	t.steps = append(t.steps, g.step(k))
	return t
}

func (g *generator) request() task {
	t := task{manager: g.IntN(len(g.plan.managers)), deferred: g.chance(50)}
	if g.chance(12) {
		t.valid = oneOf(g, hookAccept, hookAccept, hookRefuse, hookRefuse, hookFail)
	}
	if g.chance(12) {
		t.beforeSave = oneOf(g, hookAccept, hookAccept, hookRefuse, hookDestroy, hookRenew)
	}
	if g.chance(25) {
		t.failed = oneOf(g, hookAccept, hookRefuse)
	}
	t.steps = append(t.steps, g.step(doBegin))
	for range g.IntN(5) {
		if g.chance(70) {
			for _, k := range oneOf(g, phrases[oneOf(g, 0, 0, 0, 1, 1, 2)]...) {
				t.steps = append(t.steps, g.step(k))
			}
		} else {
			t.steps = append(t.steps, g.step(oneOf(g, aloneKinds...)))
		}
	}
	finish, receive := g.step(doFinish), g.step(doReceive)
	finish.n = oneOf(g, 0, 0, 0, 0, 1, 1, 1, 2)
	receive.n = oneOf(g, 0, 0, 0, 0, 1)
	t.steps = append(t.steps, finish, receive)
	return t
}

func (g *generator) step(k stepKind) step {
	g.at++
	return step{at: g.at, kind: k, n: g.IntN(12)}
}

// faults puts faults into the steps: single ones, bursts as of a short outage, and
// lost answers, where the look for what became of the write fails as well.
func (g *generator) faults() {
	steps, saves := g.plan.steps(stepKind.callsStore), g.plan.steps(stepKind.saves)
	if len(steps) == 0 { // all actors only wait
		return
	}
	for range g.IntN(8) {
		s := steps[g.IntN(len(steps))]
		call, length := oneOf(g, 0, 0, 0, 1, 1, 2, 3, 4), 1
		if g.chance(60) {
			length += g.IntN(4)
		}
		for i := range length {
			f := fault{call: call + i, kind: failBefore, gone: g.chance(60), wait: g.IntN(12)}
			if i == 0 || g.chance(30) {
				f.kind = g.faultKind()
			}
			s.faults = append(s.faults, f)
		}
	}
	for range g.IntN(3) {
		if len(saves) > 0 {
			s := saves[g.IntN(len(saves))]
			g.lost = append(g.lost, s)
			s.faults = append(s.faults, fault{call: 0, kind: failAfter, gone: g.chance(60)}, fault{call: 1, kind: failBefore, gone: g.chance(60)})
		}
	}
}

// meanwhiles lets other goroutines of a request ask for something while it saves.
func (g *generator) meanwhiles() {
	saves := g.plan.steps(stepKind.saves)
	if len(saves) > 0 && g.chance(15) {
		s := saves[g.IntN(len(saves))]
		s.faults = append(s.faults, fault{call: g.IntN(3), kind: oneOf(g, meanwhileRenew, meanwhileDestroy)})
	}
}

// steps returns the steps of certain kinds.
func (p *plan) steps(is func(stepKind) bool) (steps []*step) {
	for i := range p.scripts {
		for j := range p.scripts[i].tasks {
			for k := range p.scripts[i].tasks[j].steps {
				if s := &p.scripts[i].tasks[j].steps[k]; is(s.kind) {
					steps = append(steps, s)
				}
			}
		}
	}
	return steps
}

func (g *generator) faultKind() faultKind {
	switch n := g.IntN(100); {
	case n < 35:
		return failBefore
	case n < 65:
		return failAfter
	case n < 78:
		return applyLate
	case n < 84:
		return hangs
	case n < 90:
		return cancels
	case n < 97:
		return ownConflict
	}
	return zeroVersion
}

// schedule lets the actors run in turns, each until a point of one of its steps.
// What is left after the last segment runs one actor after the other.
func (g *generator) schedule() {
	last := make([]int, len(g.plan.scripts))
	for range 1 + g.IntN(16) {
		a := g.IntN(len(g.plan.scripts))
		ahead := g.plan.ahead(a, last[a])
		if len(ahead) == 0 {
			continue
		}
		at := ahead[g.IntN(min(len(ahead), 6))]
		last[a] = at
		g.plan.schedule = append(g.plan.schedule, segment{a, position{at, g.IntN(9)}})
	}
	for _, s := range g.lost {
		if g.chance(60) {
			g.interrupt(s)
		}
	}
}

// interrupt lets somebody else act right after a step, or while the actor's next
// save is under way.
func (g *generator) interrupt(s *step) {
	a, b := g.plan.actorOf(s), g.IntN(len(g.plan.scripts))
	if a == b {
		return
	}
	var ends []int // the last steps of the tasks of b
	for _, t := range g.plan.scripts[b].tasks {
		ends = append(ends, t.steps[len(t.steps)-1].at)
	}
	until := position{at: s.at + 1}
	for _, next := range g.plan.steps(stepKind.saves) {
		if next.at > s.at && g.plan.actorOf(next) == a && g.chance(70) {
			until = position{next.at, 1 + g.IntN(6)}
			break
		}
	}
	n := g.IntN(min(len(g.plan.schedule), 2) + 1) // early, for the actor not to be past it
	g.plan.schedule = slices.Insert(g.plan.schedule, n, segment{a, until}, segment{b, position{at: oneOf(g, ends...) + 1}})
}

// ahead returns the places of an actor's steps from one on.
func (p *plan) ahead(actor, from int) (at []int) {
	for _, t := range p.scripts[actor].tasks {
		for _, s := range t.steps {
			if s.at >= from {
				at = append(at, s.at)
			}
		}
	}
	return at
}

// actorOf is the actor whose step it is.
func (p *plan) actorOf(s *step) int {
	for a := range p.scripts {
		if at := p.ahead(a, s.at); len(at) > 0 && at[0] == s.at {
			return a
		}
	}
	return 0
}
