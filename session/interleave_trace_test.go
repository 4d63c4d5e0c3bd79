package session_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/echosession/echosession/session"
)

// trace is what happened in a world, for a reader.
type trace struct {
	lines   []string
	secrets map[string]string // their aliases
}

// say adds a line to the trace, if there is one.
func (w *world) say(who, format string, args ...any) {
	if w.trace == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	line := fmt.Sprintf("%8v  %-2s %s", time.Since(w.wallClock).Round(time.Millisecond), who, fmt.Sprintf(format, args...))
	w.trace.lines = append(w.trace.lines, line)
}

// alias is a token with a short name for its secret, such as "s1.k2".
func (w *world) alias(token string) string {
	if w.trace == nil || token == "" {
		return "no token"
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.trace.secrets == nil {
		w.trace.secrets = map[string]string{}
	}
	secret := secretIn(token)
	if w.trace.secrets[secret] == "" {
		w.trace.secrets[secret] = fmt.Sprintf("k%d", len(w.trace.secrets)+1)
	}
	return idIn(token) + "." + w.trace.secrets[secret]
}

// show is the Data that a write has.
func (w *world) show(r session.Record) string {
	if w.trace == nil {
		return ""
	}
	var v wallet
	if session.JSON().Unmarshal(r.Data, &v) != nil {
		return "sealed"
	}
	return v.String()
}

func (c call) String() string {
	text := c.op + " " + c.id
	if c.version > 0 {
		text += fmt.Sprintf(" v%d", c.version)
	}
	return strings.TrimSpace(text + " " + c.data)
}

// tally counts what happened in many worlds, so that a reader sees that everything
// is exercised.
type tally map[counted]int

type counted struct{ what, name string }

func (w *world) count(what, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tally[counted{what, name}]++
}

// countResult counts how an operation ended.
func (w *world) countResult(err error) {
	known := []error{
		session.ErrGone, session.ErrNotFound, session.ErrCommitted, session.ErrSchema, session.ErrCorrupt, session.ErrConflict, session.ErrExists,
		session.ErrUnavailable, errNoAnswer, errHook, errFn, errors.ErrUnsupported,
	}
	name := "another error"
	if n := slices.IndexFunc(known, func(e error) bool { return errors.Is(err, e) }); n >= 0 {
		name = known[n].Error()
	} else if err == nil {
		name = "no error"
	}
	w.count("result", name)
}

// add adds what another tally counted.
func (t tally) add(u tally) {
	for k, n := range u {
		t[k] += n
	}
}

// String is the closing table.
func (t tally) String() string {
	byName := func(a, b counted) int { return cmp.Or(cmp.Compare(a.what, b.what), cmp.Compare(a.name, b.name)) }
	var b strings.Builder
	for _, k := range slices.SortedFunc(maps.Keys(t), byName) {
		fmt.Fprintf(&b, "%-18s %-58s %10d\n", k.what, k.name, t[k])
	}
	return b.String()
}
