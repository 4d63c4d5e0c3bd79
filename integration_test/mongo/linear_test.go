package mongo_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// call is a client's request to the counter of one session.
type call struct {
	session string
	kind    kind
}

type kind string

const (
	update kind = "update" // adds 1
	read   kind = "read"
	remove kind = "remove"
)

// answer is the outcome of a call, and the number that it read or made.
type answer struct {
	outcome outcome
	n       int
}

type outcome string

const (
	done    outcome = "done"
	absent  outcome = "absent"  // there is no such session
	unknown outcome = "unknown" // the call was made at some time since, or never
)

// forever is the time of return of an operation for which its client stopped to
// wait.
const forever = math.MaxInt64

// counter is the state of one session.
type counter struct {
	n    int
	gone bool
}

// counters is the model: what one server that never fails would answer.
var counters = (&porcupine.NondeterministicModel{
	Partition: bySession,
	Init:      func() []any { return []any{counter{}} },
	Step: func(state, input, output any) []any {
		s, in, out := state.(counter), input.(call), output.(answer)
		next := s
		switch in.kind {
		case update:
			next.n++
		case remove:
			next.gone = true
		}
		switch {
		case out.outcome == unknown && !s.gone:
			return []any{s, next}
		case out.outcome == absent && s.gone, out.outcome == unknown:
			return []any{s}
		case in.kind == remove, // also if it is gone already
			out.outcome == done && !s.gone && next.n == out.n:
			return []any{next}
		}
		return nil
	},
}).ToModel()

func bySession(history []porcupine.Operation) (parts [][]porcupine.Operation) {
	index := map[string]int{}
	for _, op := range history {
		id := op.Input.(call).session
		i, ok := index[id]
		if !ok {
			i = len(parts)
			index[id] = i
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], op)
	}
	return parts
}

// checkTime is how long the check of one history may take. If it ends undecided,
// it proves nothing.
const checkTime = 30 * time.Second

func linearizable(history []porcupine.Operation) porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(counters, history, checkTime)
}

// misfits returns reads without which the history of one session is linearizable,
// as few as it can find. writes is porcupine's result for the writes alone.
func misfits(history []porcupine.Operation) (reads []porcupine.Operation, writes porcupine.CheckResult) {
	var fit, all []porcupine.Operation
	for _, op := range history {
		if op.Input.(call).kind == read {
			all = append(all, op)
		} else {
			fit = append(fit, op)
		}
	}
	if writes = linearizable(fit); writes != porcupine.Ok {
		return nil, writes
	}
	// If reads disagree, the earlier ones may be wrong or the later ones.
	reads = outsiders(fit, all)
	slices.Reverse(all)
	if others := outsiders(fit, all); len(others) < len(reads) {
		reads = others
	}
	return reads, writes
}

// outsiders returns the reads that do not fit those before them.
func outsiders(fit, reads []porcupine.Operation) (out []porcupine.Operation) {
	fit = slices.Clone(fit)
	for _, op := range reads {
		if with := append(fit, op); linearizable(with) == porcupine.Ok {
			fit = with
		} else {
			out = append(out, op)
		}
	}
	return out
}

// The checker itself finds what is wrong in histories made by hand.
func TestLinearizable(t *testing.T) {
	op := func(from, to int64, k kind, o outcome, n int) porcupine.Operation {
		return porcupine.Operation{Call: from, Return: to, Input: call{"s", k}, Output: answer{o, n}}
	}
	other := op(1, 2, update, done, 1)
	other.Input = call{"t", update}
	for name, c := range map[string]struct {
		want  porcupine.CheckResult
		reads int // which do not fit
		ops   []porcupine.Operation
	}{
		"one after the other": {porcupine.Ok, 0, []porcupine.Operation{
			op(0, 1, read, done, 0), op(2, 3, update, done, 1), op(4, 5, update, done, 2), op(6, 7, read, done, 2)}},
		"at the same time": {porcupine.Ok, 0, []porcupine.Operation{
			op(0, 9, update, done, 2), op(0, 9, update, done, 1), op(0, 9, read, done, 1), op(8, 9, read, done, 2)}},
		"two sessions": {porcupine.Ok, 0, []porcupine.Operation{
			op(0, 1, update, done, 1), other, op(3, 4, update, done, 2)}},
		"an unknown change that landed late": {porcupine.Ok, 0, []porcupine.Operation{
			op(0, forever, update, unknown, 0), op(1, 2, update, done, 1), op(3, 4, read, done, 1), op(5, 6, read, done, 2)}},
		"an unknown change that never landed": {porcupine.Ok, 0, []porcupine.Operation{
			op(0, forever, update, unknown, 0), op(1, 2, update, done, 1), op(3, 4, read, done, 1)}},
		"one that landed late, with its number": {porcupine.Ok, 0, []porcupine.Operation{
			op(0, forever, update, done, 2), op(1, 2, update, done, 1), op(3, 4, read, done, 1), op(5, 6, read, done, 2)}},
		"gone after a log-out": {porcupine.Ok, 0, []porcupine.Operation{
			op(0, 1, update, done, 1), op(2, 5, remove, done, 0), op(3, 6, read, done, 1), op(7, 8, read, absent, 0), op(9, 10, remove, done, 0)}},
		"a log-out of unknown outcome that landed late": {porcupine.Ok, 0, []porcupine.Operation{
			op(0, forever, remove, unknown, 0), op(1, 2, read, done, 0), op(3, 4, read, absent, 0)}},

		"a lost update": {porcupine.Illegal, 0, []porcupine.Operation{
			op(0, 1, update, done, 1), op(2, 3, update, done, 1)}},
		"two that made the same number": {porcupine.Illegal, 0, []porcupine.Operation{
			op(0, 9, update, done, 1), op(0, 9, update, done, 1)}},
		"an update that was lost later": {porcupine.Illegal, 1, []porcupine.Operation{
			op(0, 1, update, done, 1), op(2, 3, read, done, 0)}},
		"an update that was made twice": {porcupine.Illegal, 1, []porcupine.Operation{
			op(0, 1, update, done, 1), op(2, 3, read, done, 2)}},
		"an unknown one that was made twice": {porcupine.Illegal, 1, []porcupine.Operation{
			op(0, forever, update, unknown, 0), op(2, 3, read, done, 1), op(4, 5, read, done, 2)}},
		"a stale read": {porcupine.Illegal, 1, []porcupine.Operation{
			op(0, 1, update, done, 1), op(2, 3, update, done, 2), op(4, 5, read, done, 1), op(6, 7, read, done, 2)}},
		"a read that goes back": {porcupine.Illegal, 1, []porcupine.Operation{
			op(0, 9, update, done, 1), op(1, 2, read, done, 1), op(3, 4, read, done, 0)}},
		"a read of what was taken back": {porcupine.Illegal, 1, []porcupine.Operation{
			op(0, 9, update, done, 1), op(1, 2, read, done, 1), op(3, 4, read, done, 0), op(5, 6, read, done, 0)}},
		"a read of a number that no change has made yet": {porcupine.Illegal, 1, []porcupine.Operation{
			op(0, 1, read, done, 1), op(2, 3, update, done, 1)}},
		"a read after a log-out": {porcupine.Illegal, 1, []porcupine.Operation{
			op(0, 1, update, done, 1), op(2, 3, remove, done, 0), op(4, 5, read, done, 1)}},
		"a change after a log-out": {porcupine.Illegal, 0, []porcupine.Operation{
			op(2, 3, remove, done, 0), op(4, 5, update, done, 1)}},
		"gone without a log-out": {porcupine.Illegal, 1, []porcupine.Operation{
			op(0, 1, read, absent, 0), op(2, 3, read, done, 0)}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := linearizable(c.ops); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if reads, _ := misfits(c.ops); len(reads) != c.reads {
				t.Errorf("got %d reads that do not fit, want %d", len(reads), c.reads)
			}
		})
	}
}
