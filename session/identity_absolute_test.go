package session_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// Manager.Update is no use: it moves nothing.
func TestManagerUpdateMovesNoEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName, rolling(time.Hour, -1), absolute(3*time.Hour), renewAfter(time.Minute))
		token := r.seed(visit{Name: "ada"})
		before := r.record(idOf(token))
		time.Sleep(30 * time.Minute)
		wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
		after := r.record(idOf(token))
		if !after.SeenAt.Equal(before.SeenAt) || !after.ExpiresAt.Equal(before.ExpiresAt) || after.Version != before.Version+1 {
			t.Errorf("record %+v, want the times of %+v", after, before)
		}
	})
}
