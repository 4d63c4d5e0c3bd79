package session_test

import (
	"math/rand/v2"
	"slices"
)

// shrink makes a plan shorter as long as fails says that it still breaks the
// same rule.
func shrink(p *plan, fails func(*plan) bool) *plan {
	const rounds = 20
	for range rounds {
		shorter := p
		for _, cut := range cuts(p) {
			c := shorter.clone()
			if cut(c); c.size() < shorter.size() && (fails(c) || failsOtherwise(c, fails)) {
				shorter = c
			}
		}
		if shorter == p {
			break
		}
		p = shorter
	}
	return p
}

// cuts returns what may be left out of a plan, one thing after the other, the last
// ones first. A cut of what is not there any more does nothing.
func cuts(p *plan) (cuts []func(*plan)) {
	add := func(cut func(*plan)) { cuts = append(cuts, cut) }
	for a, s := range p.scripts {
		for n := range slices.Backward(s.tasks) {
			add(func(c *plan) { leaveOut(&c.scripts[a].tasks, n) })
		}
	}
	for a, s := range p.scripts {
		for n, t := range slices.Backward(s.tasks) {
			within := func(cut func(*task)) {
				add(func(c *plan) {
					if n < len(c.scripts[a].tasks) {
						cut(&c.scripts[a].tasks[n])
					}
				})
			}
			for k, st := range slices.Backward(t.steps) {
				within(func(t *task) {
					if k < len(t.steps) && t.steps[k].kind > doReceive && len(t.steps) > 1 {
						leaveOut(&t.steps, k)
					}
				})
				for f := range slices.Backward(st.faults) {
					within(func(t *task) {
						if k < len(t.steps) {
							leaveOut(&t.steps[k].faults, f)
						}
					})
				}
			}
			within(func(t *task) { t.valid = hookNone })
			within(func(t *task) { t.beforeSave = hookNone })
			within(func(t *task) { t.failed = hookNone })
		}
	}
	for n := range slices.Backward(p.schedule) {
		add(func(c *plan) { leaveOut(&c.schedule, n) })
	}
	add(func(c *plan) {
		c.managers = c.managers[:1]
		for _, s := range c.scripts {
			for n := range s.tasks {
				s.tasks[n].manager = 0
			}
		}
	})
	return cuts
}

func leaveOut[E any](from *[]E, n int) {
	if n < len(*from) {
		*from = slices.Delete(*from, n, n+1)
	}
}

// failsOtherwise tries other schedules of a plan, and keeps one that fails. A
// step that is left out moves what the schedule was about.
func failsOtherwise(p *plan, fails func(*plan) bool) bool {
	const tries = 6
	before := p.schedule
	for i := range uint64(tries) {
		g := &generator{Rand: rand.New(rand.NewPCG(p.seed, 1000+i)), plan: p}
		p.schedule = nil
		g.schedule()
		if len(p.schedule) <= len(before) && fails(p) {
			return true
		}
	}
	p.schedule = before
	return false
}
