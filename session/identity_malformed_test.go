package session_test

import (
	"strings"
	"testing"

	"github.com/echosession/echosession/session"
)

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
