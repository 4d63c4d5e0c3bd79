package session_test

import (
	"testing"
	"time"
)

// Records keep whole milliseconds, whatever the configuration counts in.
func TestStoredTimesAreWholeMilliseconds(t *testing.T) {
	t.Parallel()
	odd := time.Hour + time.Microsecond
	for name, change := range map[string]func(*visitConfig){
		"AbsoluteTimeout": absolute(odd),
		"MaxAge":          maxAge(odd),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, change)
			rec := r.record(idOf(r.seed(visit{Count: 1})))
			for what, at := range map[string]time.Time{"CreatedAt": rec.CreatedAt, "SeenAt": rec.SeenAt, "ExpiresAt": rec.ExpiresAt} {
				if !at.Equal(at.Truncate(time.Millisecond)) || at.Location() != time.UTC {
					t.Errorf("%s of %v: %s is %v, want UTC and whole milliseconds", name, odd, what, at)
				}
			}
		})
	}
}
