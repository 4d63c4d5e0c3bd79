package session_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/echosession/echosession/session"
)

// tally counts what happened in many worlds, so that one sees that everything is
// exercised.
type tally struct {
	worlds, broken  int
	steps, unserved [stepKinds]int // all of them, and those that a fault hit
	faults          [faultKinds]int
	results         map[string]int
	events          map[session.EventKind]int
	outcomes        [3]int
}

func newTally() *tally {
	return &tally{results: map[string]int{}, events: map[session.EventKind]int{}}
}

func (t *tally) step(k stepKind, faulty bool) {
	t.steps[k]++
	if faulty {
		t.unserved[k]++
	}
}

func (t *tally) fault(k faultKind) { t.faults[k]++ }

func (t *tally) event(k session.EventKind) { t.events[k]++ }

func (t *tally) outcome(a session.Action) { t.outcomes[a]++ }

// resultErrors are the errors that the table tells apart.
var resultErrors = []error{
	session.ErrGone, session.ErrNotFound, session.ErrCommitted, session.ErrSchema, session.ErrCorrupt, session.ErrConflict, session.ErrExists,
	session.ErrUnavailable, errNoAnswer, errHook, errFn, errors.ErrUnsupported,
}

func (t *tally) result(err error) {
	if err == nil {
		t.results["nil"]++
		return
	}
	for _, e := range resultErrors {
		if errors.Is(err, e) {
			t.results[e.Error()]++
			return
		}
	}
	t.results["another error"]++
}

// add adds what another tally counted.
func (t *tally) add(u *tally) {
	t.worlds, t.broken = t.worlds+u.worlds, t.broken+u.broken
	for i := range t.steps {
		t.steps[i] += u.steps[i]
		t.unserved[i] += u.unserved[i]
	}
	for i := range t.faults {
		t.faults[i] += u.faults[i]
	}
	for i := range t.outcomes {
		t.outcomes[i] += u.outcomes[i]
	}
	for k, n := range u.results {
		t.results[k] += n
	}
	for k, n := range u.events {
		t.events[k] += n
	}
}

// String is the closing table.
func (t *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d worlds, %d of them broken\n", t.worlds, t.broken)
	fmt.Fprintf(&b, "%-36s %10s %10s\n", "step", "made", "with fault")
	for k, n := range t.steps {
		fmt.Fprintf(&b, "%-36s %10d %10d\n", stepNames[k], n, t.unserved[k])
	}
	for k, n := range t.faults {
		fmt.Fprintf(&b, "%-36s %10d\n", "a call "+faultNames[k], n)
	}
	for _, k := range slices.Sorted(maps.Keys(t.results)) {
		fmt.Fprintf(&b, "%-36.36s %10d\n", "result: "+k, t.results[k])
	}
	for i, name := range []string{"no cookie", "a cookie", "the cookie cleared"} {
		fmt.Fprintf(&b, "%-36s %10d\n", "response: "+name, t.outcomes[i])
	}
	for _, k := range slices.Sorted(maps.Keys(t.events)) {
		fmt.Fprintf(&b, "%-36s %10d\n", "event: "+string(k), t.events[k])
	}
	return b.String()
}
