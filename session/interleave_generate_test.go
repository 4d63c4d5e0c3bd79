package session_test

import (
	"math/rand/v2"
	"time"
)

// people are the people who log in.
var people = []string{"ada", "bob"}

// pauses are whole seconds, longer than any pause that the core makes of its
// own: so what is awake after one does not depend on the random part of those.
var pauses = []time.Duration{time.Second, 6 * time.Second, 12 * time.Second, 31 * time.Second, 2 * time.Minute, 11 * time.Minute}

// phrases are sequences of steps that depend on each other, which would seldom
// come up one by one.
var phrases = [][]stepKind{
	{doSetOwn, doSave},
	{doSetOwn, doSave, doSetOwn},
	{doSave, doRenew, doReload, doSetOwn, doSave},
	{doRenew, doSetOwn},
	{doRenew, doSave},
	{doRenew, doUpdateRegeneratesFails},
	{doUpdate, doSetOwn},
	{doUpdate, doMark},
	{doUpdate, doUpdate},
	{doUpdateFails, doSetShared},
	{doRegenerateLogIn},
	{doRegenerateLogIn, doSave},
	{doRegenerateCopy},
	{doRegenerateCopy, doSave},
	{doRegenerateFresh, doSave, doUpdate},
	{doDestroy},
	{doDestroy, doSave},
	{doDestroy, doSave, doRegenerateLogIn},
	{doLogIn},
	{doLogIn, doSave, doDeleteOthers},
	{doSignOut},
	{doSave, doSave},
	{doSetOwn, doRespond, doSetOwn, doSave},
	{doGet},
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
		s.absolute = oneOf(g, 30*time.Second, 15*time.Minute)
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
	k := oneOf(g, jobUpdate, jobUpdate, jobUpdateFails, jobDelete, jobDelete, jobDeleteOf, jobDeleteOf, jobDeleteUser, jobDeleteOthers,
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
		if g.chance(55) {
			for _, k := range phrases[g.IntN(len(phrases))] {
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
	var steps, saves []*step
	for i := range g.plan.scripts {
		for j := range g.plan.scripts[i].tasks {
			for k := range g.plan.scripts[i].tasks[j].steps {
				s := &g.plan.scripts[i].tasks[j].steps[k]
				if s.kind.callsStore() {
					steps = append(steps, s)
				}
				if s.kind.saves() {
					saves = append(saves, s)
				}
			}
		}
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
			s.faults = append(s.faults, fault{call: 0, kind: failAfter, gone: g.chance(60)}, fault{call: 1, kind: failBefore, gone: g.chance(60)})
		}
	}
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
		var ahead []int
		for _, t := range g.plan.scripts[a].tasks {
			for _, s := range t.steps {
				if s.at >= last[a] {
					ahead = append(ahead, s.at)
				}
			}
		}
		if len(ahead) == 0 {
			continue
		}
		at := ahead[g.IntN(min(len(ahead), 6))]
		last[a] = at
		g.plan.schedule = append(g.plan.schedule, segment{a, position{at, g.IntN(9)}})
	}
}
