package session_test

import (
	"testing"

	"github.com/echosession/echosession/session"
)

// Other cookies are none of ours: there is nothing to take away.
func TestDestroyWithoutACookie(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := r.requestWith(nil, "other=1; xsid=2")
	q.get().Destroy()
	wantAction(t, q.commit(), session.ActionNone)
}

// A client that presents what opens nothing still has it: Destroy takes it away.
func TestDestroyOfWhatOpensNothing(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]session.Action{
		"x." + secret22: session.ActionClear,
		"malformed":     session.ActionClear,
		"":              session.ActionClear,
	} {
		t.Run(token, func(t *testing.T) {
			r := newRig(t)
			q := r.request(token)
			q.get().Destroy()
			wantAction(t, q.commit(), want)
			if n := r.store.count(opDelete); n != 0 {
				t.Errorf("%q: %d deletes, want none", token, n)
			}
		})
	}
}
