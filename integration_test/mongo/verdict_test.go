package mongo_test

import (
	"errors"
	"testing"

	"github.com/echosession/echosession/session"
)

// check compares what is stored with what clients were told.
func (l *load) check(t *testing.T) (changes, violations int) {
	t.Helper()
	for _, h := range l.sessions {
		bad := h.revived + h.accepted
		if h.revived > 0 {
			t.Errorf("%s: read %d times after an acknowledged log-out", h.id, h.revived)
		}
		if h.accepted > 0 {
			t.Errorf("%s: a replaced token was accepted %d times", h.id, h.accepted)
		}
		info, err := l.m.Find(t.Context(), h.id)
		if h.deleted {
			if !errors.Is(err, session.ErrNotFound) {
				t.Errorf("%s: after an acknowledged log-out: %v, want %v", h.id, err, session.ErrNotFound)
				bad++
			}
			violations += bad
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", h.id, err)
			violations++
			continue
		}
		n := 0
		for name, times := range info.Data.Done {
			if times > 1 {
				t.Errorf("%s: %s was made %d times", h.id, name, times)
				bad++
			}
			if !h.acked[name] && !h.unknown[name] {
				t.Errorf("%s: %s is there, and nobody made it", h.id, name)
				bad++
			}
			n += times
		}
		for name := range h.acked {
			if info.Data.Done[name] == 0 {
				t.Errorf("%s: %s was acknowledged, and is lost", h.id, name)
				bad++
			}
		}
		if info.Data.N != n-1 { // all but the first
			t.Errorf("%s: the number is %d, and there are %d changes", h.id, info.Data.N, n-1)
			bad++
		}
		changes += len(h.acked)
		violations += bad
		for text, times := range h.errs {
			t.Logf("%s: %d x %.160s", h.id, times, text)
		}
	}
	return changes, violations
}
