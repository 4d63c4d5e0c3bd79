package session_test

import (
	"fmt"
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
