package session_test

import (
	"strings"
	"testing"

	"github.com/echosession/echosession/session"
)

// Malformed tokens in the shapes of signed ones never reach the store either,
// nor do they where another transport carries them.
func TestMalformedTokensUnderKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t, signing(key("a")))
	for name, token := range malformedTokens() {
		for _, plain := range []bool{false, true} {
			line := sid(token)
			if plain {
				line = token
			}
			r.forget()
			q := r.requestBy(plain, line)
			if s := q.get(); !s.IsNew() || s.ID() == "" {
				t.Errorf("%s: %v, want a new session", name, s)
			}
			wantAction(t, q.commit(), session.ActionNone)
			r.store.wantCalls(t, "")
			r.log.want(t, session.EventRejected)
		}
		// Rightly signed, it is still malformed: only the shape counts.
		if len(token) < 200 {
			r.wantRejected(name, session.SignToken(r.m, token))
		}
	}
}

// Ids that are no ids, such as whole tokens, get nowhere: not into the store,
// and not into an error.
func TestMalformedIDs(t *testing.T) {
	t.Parallel()
	r := newRig(t, byName)
	token := r.seed(visit{Name: "ada"})
	for _, id := range []string{
		"", token, ".", "a.b", "a b", "ä", "a\x00", "a/../b", "$where", `{"$ne":1}`, strings.Repeat("i", 65), strings.Repeat("i", 1<<20),
	} {
		_, err := r.m.Find(t.Context(), id)
		for what, err := range map[string]error{
			"Find":     err,
			"Update":   r.m.Update(t.Context(), id, count),
			"DeleteOf": r.m.DeleteOf(t.Context(), "ada", id),
			"DeleteOthers": func() error {
				n, err := r.m.DeleteOthers(t.Context(), "ada", id)
				if n != 0 {
					t.Errorf("DeleteOthers deleted %d", n)
				}
				return err
			}(),
		} {
			wantErr(t, err, session.ErrNotFound)
			if err != nil && id != "" && id != "." && strings.Contains(err.Error(), id) {
				t.Errorf("%s: the error %q repeats what was given for an id", what, err)
			}
		}
		wantNoErr(t, r.m.Delete(t.Context(), id))
	}
	r.store.wantCalls(t, "")
	r.wantOpens(token, idOf(token))
}
