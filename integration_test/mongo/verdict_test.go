package mongo_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/echosession/echosession/session"
)

// verdict is the result of a load.
type verdict struct {
	changes    int // acknowledged, of sessions that were not logged out
	violations int
	misread    int    // reads that fit no order of the changes
	porcupine  string // its result, in words
}

// check compares the stored sessions, and every answer, with what the clients were
// told.
func (l *load) check(t *testing.T) (v verdict) {
	t.Helper()
	var ops []porcupine.Operation
	for _, h := range l.sessions {
		if h.revived > 0 {
			t.Errorf("%s: read %d times after an acknowledged log-out", h.id, h.revived)
		}
		if h.accepted > 0 {
			t.Errorf("%s: a replaced token was accepted %d times", h.id, h.accepted)
		}
		v.violations += h.revived + h.accepted
		from := l.tape.now()
		info, err := l.m.Find(t.Context(), h.id)
		l.tape.read(h.id, from, info.Data.N, err)
		switch {
		case err == nil && !h.deleted:
			ops = append(ops, l.tape.history(h.id, &info.Data)...)
			v.changes += len(h.acked)
			v.violations += h.compare(t, info.Data)
		case errors.Is(err, session.ErrNotFound) && h.deleted:
			ops = append(ops, l.tape.history(h.id, nil)...)
		case h.deleted:
			t.Errorf("%s: after an acknowledged log-out: %v, want %v", h.id, err, session.ErrNotFound)
			v.violations++
		default:
			t.Errorf("%s: %v", h.id, err)
			v.violations++
		}
		for text, times := range h.errs {
			t.Logf("%s: %d x %.160s", h.id, times, text)
		}
	}
	v.linear(t, ops)
	return v
}

// compare looks for each change in the stored session.
func (h *history) compare(t *testing.T, stored ledger) (violations int) {
	t.Helper()
	bad := func(format string, args ...any) {
		t.Helper()
		t.Errorf(h.id+": "+format, args...)
		violations++
	}
	n := 0
	for name, made := range stored.Done {
		if len(made) > 1 {
			bad("%s was made %d times", name, len(made))
		}
		if !h.acked[name] && !h.unknown[name] {
			bad("%s is stored, and no client made it", name)
		}
		n += len(made)
	}
	for name := range h.acked {
		if len(stored.Done[name]) == 0 {
			bad("%s was acknowledged, and is lost", name)
		}
	}
	if stored.N != n-1 { // the first made no number
		bad("the number is %d, and there are %d changes", stored.N, n-1)
	}
	return violations
}

// linear asks porcupine for an order of all operations that explains every answer.
func (v *verdict) linear(t *testing.T, ops []porcupine.Operation) {
	t.Helper()
	switch linearizable(ops) {
	case porcupine.Ok:
		v.porcupine = fmt.Sprintf("%d operations linearizable", len(ops))
		return
	case porcupine.Unknown:
		t.Errorf("porcupine: undecided on %d operations after %v, want a result", len(ops), checkTime)
		v.violations++
		v.porcupine = fmt.Sprintf("%d operations undecided", len(ops))
		return
	}
	verdict := "linearizable"
	for _, part := range bySession(ops) {
		id := part[0].Input.(call).session
		reads, writes := misfits(part)
		if writes != porcupine.Ok {
			t.Errorf("%s: changes and log-outs alone: porcupine says %s, want %s", id, writes, porcupine.Ok)
			v.violations++
			verdict = "not linearizable"
		}
		for i, r := range reads {
			if i == 3 {
				t.Errorf("%s: and %d more", id, len(reads)-i)
				break
			}
			t.Errorf("%s: a read from %v to %v got %v: fits no order of the changes", id, time.Duration(r.Call), time.Duration(r.Return), r.Output)
		}
		v.misread += len(reads)
	}
	v.violations += v.misread
	v.porcupine = fmt.Sprintf("%d operations %s, %d reads do not fit", len(ops), verdict, v.misread)
}
