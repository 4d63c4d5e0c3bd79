package mongo_test

import (
	"errors"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/echosession/echosession/session"
)

// tape records the calls of the clients, their times and the answers.
type tape struct {
	begin time.Time

	mu    sync.Mutex
	steps map[string][]step // by session
}

type step struct {
	porcupine.Operation
	name string // the name of the change
}

func newTape() *tape { return &tape{begin: time.Now(), steps: map[string][]step{}} }

func (p *tape) now() int64 { return int64(time.Since(p.begin)) }

func (p *tape) add(k kind, id, name string, from int64, out answer) {
	to := p.now()
	if out.outcome == unknown {
		to = forever
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps[id] = append(p.steps[id], step{name: name, Operation: porcupine.Operation{
		Input: call{id, k}, Call: from, Output: out, Return: to,
	}})
}

// update records a change that made n when it last ran.
func (p *tape) update(id, name string, from int64, n int, err error) {
	switch {
	case err == nil:
		p.add(update, id, name, from, answer{done, n})
	case n > 0: // otherwise it never ran, and nothing was sent
		p.add(update, id, name, from, answer{unknown, n})
	}
}

func (p *tape) read(id string, from int64, n int, err error) {
	switch {
	case err == nil:
		p.add(read, id, "", from, answer{done, n})
	case errors.Is(err, session.ErrNotFound):
		p.add(read, id, "", from, answer{outcome: absent})
	}
}

func (p *tape) remove(id string, from int64, err error) {
	out := answer{outcome: done}
	if err != nil {
		out.outcome = unknown
	}
	p.add(remove, id, "", from, out)
}

// history returns what happened to the counter of one session. final is what the
// last read on the tape found; nil if the session was gone.
//
// If the session is there, history replaces every unknown outcome, because those
// cost the checker exponential time. It can: nothing removes the name of a change
// from a session, and nothing creates a deleted session again. So the last read
// shows every change that was made. A change that it shows has the number that is
// stored with it, and may have been made at any time since the call. A change or
// log-out that it does not show was made after everything else or never, and is
// left out.
func (p *tape) history(id string, final *ledger) (ops []porcupine.Operation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.steps[id] {
		if out := s.Output.(answer); out.outcome == unknown && final != nil {
			made := final.Done[s.name]
			if len(made) == 0 {
				continue
			}
			s.Output = answer{done, made[0]}
		}
		ops = append(ops, s.Operation)
	}
	return ops
}
