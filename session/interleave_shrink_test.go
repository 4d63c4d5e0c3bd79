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
		smaller := shrinkOnce(p, fails)
		if smaller == nil {
			break
		}
		p = smaller
	}
	return p
}

// shrinkOnce leaves out one thing after the other, and returns nil if nothing
// can be left out.
func shrinkOnce(p *plan, fails func(*plan) bool) *plan {
	best := p
	try := func(change func(*plan) bool) {
		c := best.clone()
		if change(c) && c.size() < best.size() && (fails(c) || failsOtherwise(c, fails)) {
			best = c
		}
	}
	for a := range p.scripts {
		for n := len(p.scripts[a].tasks) - 1; n >= 0; n-- {
			try(func(c *plan) bool {
				s := &c.scripts[a]
				if n < len(s.tasks) {
					s.tasks = slices.Delete(s.tasks, n, n+1)
				}
				return true
			})
		}
	}
	for a := range best.scripts {
		for n := range best.scripts[a].tasks {
			shrinkTask(best, a, n, try)
		}
	}
	for n := len(best.schedule) - 1; n >= 0; n-- {
		try(func(c *plan) bool {
			if n >= len(c.schedule) {
				return false
			}
			c.schedule = slices.Delete(c.schedule, n, n+1)
			return true
		})
	}
	try(func(c *plan) bool {
		c.managers = c.managers[:1]
		for a := range c.scripts {
			for n := range c.scripts[a].tasks {
				c.scripts[a].tasks[n].manager = 0
			}
		}
		return true
	})
	if best == p {
		return nil
	}
	return best
}

// shrinkTask leaves out steps, faults and hooks of one task.
func shrinkTask(p *plan, a, n int, try func(func(*plan) bool)) {
	for k := len(p.scripts[a].tasks[n].steps) - 1; k >= 0; k-- {
		try(func(c *plan) bool {
			t := &c.scripts[a].tasks[n]
			if k >= len(t.steps) || t.steps[k].kind <= doReceive || len(t.steps) == 1 {
				return false
			}
			t.steps = slices.Delete(t.steps, k, k+1)
			return true
		})
	}
	for k := range p.scripts[a].tasks[n].steps {
		for f := len(p.scripts[a].tasks[n].steps[k].faults) - 1; f >= 0; f-- {
			try(func(c *plan) bool {
				t := &c.scripts[a].tasks[n]
				if k >= len(t.steps) || f >= len(t.steps[k].faults) {
					return false
				}
				t.steps[k].faults = slices.Delete(t.steps[k].faults, f, f+1)
				return true
			})
		}
	}
	for _, hook := range []func(*task) *answer{
		func(t *task) *answer { return &t.valid },
		func(t *task) *answer { return &t.beforeSave },
		func(t *task) *answer { return &t.failed },
	} {
		try(func(c *plan) bool {
			*hook(&c.scripts[a].tasks[n]) = hookNone
			return true
		})
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
