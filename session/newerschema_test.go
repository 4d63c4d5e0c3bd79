package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// A session that a newer version of the application stored is extended by use,
// though this one would store its user, or seal it with another key: it cannot,
// and says nothing of that.
func TestNewerSchemaIsExtended(t *testing.T) {
	t.Parallel()
	type changes []func(*visitConfig)
	for name, tt := range map[string]struct{ newer, older changes }{
		"as it is":     {nil, nil},
		"its user":     {nil, changes{byName}},
		"another key":  {changes{sealing(key("b"), key("a"))}, changes{sealing(key("a"), key("b"))}},
		"its new key":  {changes{sealing(key("a"))}, changes{sealing(key("b"), key("a"))}},
		"a due token":  {nil, changes{renewAfter(time.Minute)}},
		"all together": {changes{sealing(key("a"))}, changes{sealing(key("b"), key("a")), byName, renewAfter(time.Minute)}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				newer := newRig(t, append(tt.newer, rolling(time.Hour, -1), schema(3, nil))...)
				token := newer.seed(visit{Name: "ada"})
				r := newer.another(append(tt.older, rolling(time.Hour, -1), schema(2, nil))...)
				stored := newer.record(idOf(token))
				for range 4 {
					time.Sleep(20 * time.Minute)
					r.with(token, looking)
				}
				r.wantOpens(token, idOf(token))
				if left := time.Until(r.record(idOf(token)).ExpiresAt); left != time.Hour {
					t.Errorf("the session has %v left, want an hour from its last use", left)
				}
				if got := r.record(idOf(token)); string(got.Data) != string(stored.Data) || got.User != stored.User {
					t.Errorf("the record became %+v, want it as the newer version stored it, %+v", got, stored)
				}
				if n := r.store.count(opUpdate); n != 0 {
					t.Errorf("%d updates, want none", n)
				}
				for _, e := range r.log.all(session.EventError) {
					t.Errorf("the event error, %v, want none", e.Err)
				}
			})
		})
	}
}
