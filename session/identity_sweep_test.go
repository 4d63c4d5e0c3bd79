package session_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/sessiontest"
)

// A store goes through its sessions one after the other. Regenerate puts the new
// record where it has been already, and deletes the old one where it was going
// to be: the session does not get past DeleteUser in that way.
func TestDeleteUserOfASessionThatMoves(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	token := r.seed(visit{Name: "ada"})
	moved := false
	r.store.answer(func(op string, _ session.Record, do func() error) error {
		if op != opDeleteUser || moved {
			return do()
		}
		moved = true
		token = r.next(token, func(s *visitSession) {
			data := s.Data
			s.Regenerate()
			s.Data = data
		})
		return nil // it met neither
	})
	n, err := r.m.DeleteUser(t.Context(), "ada")
	wantNoErr(t, err)
	if n != 1 {
		t.Errorf("DeleteUser gave %d, want 1", n)
	}
	r.wantUnknown(token)
	r.wantRecords(0)
}

// A store that finds more at every look is asked a bounded number of times, and
// what it found is counted also where it fails in the end.
func TestDeleteUserIsBounded(t *testing.T) {
	t.Parallel()
	for _, fails := range []bool{false, true} {
		t.Run(fmt.Sprintf("fails %v", fails), func(t *testing.T) {
			r := newRig(t, byName)
			r.seed(visit{Name: "ada"})
			past, err := session.New(visitConfig{Store: r.store.Store, Cookie: session.Cookie{Name: rigCookie},
				User: func(v *visit) string { return v.Name }})
			wantNoErr(t, err)
			asked := 0
			r.store.answer(func(op string, _ session.Record, do func() error) error {
				if asked++; fails && asked == 3 {
					return errBroken
				}
				err := do()
				if _, e := sessiontest.Token(t.Context(), past, visit{Name: "ada"}); e != nil {
					t.Errorf("seed: %v", e)
				}
				return err
			})
			n, err := r.m.DeleteUser(t.Context(), "ada")
			want, calls := int64(4), 4
			if fails {
				want, calls = 2, 3
			}
			if n != want || asked != calls || errors.Is(err, errBroken) != fails {
				t.Errorf("a store that fails %t: %d sessions in %d looks, %v, want %d in %d", fails, n, asked, err, want, calls)
			}
		})
	}
}
