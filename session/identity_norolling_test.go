package session_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// A renewal by the way, and its confirmation, are no use of the session: only
// with Rolling does a reader stay signed in.
func TestTimedRenewalExtendsOnlyWithRolling(t *testing.T) {
	t.Parallel()
	for _, rolls := range []bool{false, true} {
		t.Run(fmt.Sprintf("rolls %v", rolls), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				changes := []func(*visitConfig){renewAfter(time.Hour)}
				if rolls {
					changes = append(changes, rolling(24*time.Hour, 30*time.Minute))
				}
				r := newRig(t, changes...)
				token := r.seed(visit{Name: "n"})
				began := time.Now()
				time.Sleep(time.Hour)
				next := r.with(token, looking).Token
				if next == "" {
					t.Fatal("no new token, want one after an hour")
				}
				seen := r.record(idOf(token)).SeenAt
				r.with(next, looking) // confirms it
				for what, got := range map[string]time.Time{"a renewal": seen, "its confirmation": r.record(idOf(token)).SeenAt} {
					if moved := got.After(began); moved != rolls {
						t.Errorf("rolling %v: %s made the session seen at %v, which began at %v", rolls, what, got, began)
					}
				}
			})
		})
	}
}

// Of many requests that come at once with a token that is due, one renews it.
func TestManyTimedRenewalsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, renewAfter(time.Hour))
		token := r.seed(visit{Name: "n"})
		time.Sleep(time.Hour)
		var all []*fakeRequest
		for range 20 {
			q, _ := r.begin(token)
			all = append(all, q)
		}
		before := r.record(idOf(token)).Version
		sent := map[string]int{}
		for _, q := range all {
			sent[q.commit().Token]++
			q.end()
		}
		if after := r.record(idOf(token)).Version; after != before+1 {
			t.Errorf("%d writes of 20 requests that only read, want one", after-before)
		}
		if len(sent) != 2 || sent[""] != 19 {
			t.Errorf("%d requests sent no token, and %d different ones were sent, want one request with a new one", sent[""], len(sent)-1)
		}
	})
}
