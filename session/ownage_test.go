package session_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// A session with a shorter age of its own is extended as often in its life as
// the others are in theirs; one with a longer age as often as they are.
func TestTouchAfterOfAnOwnAge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		age, after, want time.Duration
	}{
		{4 * time.Hour, 6 * time.Hour, time.Hour},       // a quarter
		{48 * time.Hour, 6 * time.Hour, 6 * time.Hour},  // no less often
		{24 * time.Hour, 6 * time.Hour, 6 * time.Hour},  // the configured one
		{12 * time.Hour, 12 * time.Hour, 6 * time.Hour}, // a half
		{time.Hour, -1, 0},                              // at every request
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, rolling(24*time.Hour, tt.after))
			token := r.seed(visit{Name: "n"})
			r.with(token, func(s *visitSession) { s.SetMaxAge(tt.age); s.Data.Count++ })
			began := r.record(idOf(token)).SeenAt
			if tt.want > 0 {
				time.Sleep(tt.want - time.Millisecond)
				r.with(token, looking)
				if seen := r.record(idOf(token)).SeenAt; !seen.Equal(began) {
					t.Errorf("age %v, TouchAfter %v: extended after %v, want not before %v", tt.age, tt.after, seen.Sub(began), tt.want)
				}
			}
			time.Sleep(time.Millisecond)
			r.with(token, looking)
			if seen := r.record(idOf(token)).SeenAt; !seen.Equal(time.Now()) {
				t.Errorf("age %v, TouchAfter %v: not extended after %v", tt.age, tt.after, time.Since(began))
			}
		})
	}
}
