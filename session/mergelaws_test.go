package session_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/echosession/echosession/session"
)

// random makes a small account in which equal parts are likely. The same seed
// makes the same one, which shares nothing with the first.
func random(seed uint64) *account { return randomAccount(rand.New(rand.NewPCG(seed, 0)), 2) }

func randomAccount(r *rand.Rand, depth int) *account {
	word := func() string { return []string{"", "a", "b"}[r.IntN(3)] }
	a := &account{
		base:  base{r.IntN(3), r.IntN(3)},
		Named: Named{word(), word()},
		Name:  word(),
		Cart:  cart{word(), word()},
		Pair:  [2]int{r.IntN(2), 0},
		Level: level{word(), word()},
		Since: time.Unix(r.Int64N(3), 0).UTC(),
	}
	for range r.IntN(3) {
		a.Tags = append(a.Tags, word())
	}
	if r.IntN(3) > 0 {
		a.Prefs = prefs{}
		for range r.IntN(4) {
			a.Prefs[word()] = pref{word(), word()}
		}
	}
	switch r.IntN(4) {
	case 0:
		a.Any = word()
	case 1:
		a.Any = object{word(): word(), "in": object{word(): 1.}}
	}
	if depth > 0 && r.IntN(4) > 0 {
		a.Next = randomAccount(r, depth-1)
	}
	return a
}

func TestMergeLaws(t *testing.T) {
	t.Parallel()
	for range 300 {
		b, x, y := rand.Uint64(), rand.Uint64(), rand.Uint64()
		base, mine, theirs := random(b), random(x), random(y)
		for _, law := range []struct {
			name               string
			base, mine, theirs *account
			want               *account
		}{
			{"only mine", base, mine, base, mine},
			{"only theirs", base, base, theirs, theirs},
			{"both alike", base, mine, random(x), mine},
			{"nobody", base, random(b), random(b), base},
		} {
			if got, conflicts := session.MergeFields(law.base, law.mine, law.theirs); !reflect.DeepEqual(got, *law.want) || conflicts != nil {
				t.Fatalf("%s (seeds %d %d %d): %+v, conflicts %q", law.name, b, x, y, got, conflicts)
			}
		}

		merged, conflicts := session.MergeFields(base, mine, theirs)
		if !reflect.DeepEqual(base, random(b)) || !reflect.DeepEqual(mine, random(x)) || !reflect.DeepEqual(theirs, random(y)) {
			t.Fatalf("seeds %d %d %d: a side was written into", b, x, y)
		}
		mirror, mirrored := session.MergeFields(base, theirs, mine)
		if !slices.Equal(conflicts, mirrored) {
			t.Fatalf("seeds %d %d %d: conflicts %q, and with the sides exchanged %q", b, x, y, conflicts, mirrored)
		}
		if conflicts == nil && !reflect.DeepEqual(merged, mirror) {
			t.Fatalf("seeds %d %d %d: no conflict, but it matters whose side is mine", b, x, y)
		}
		if again, none := session.MergeFields(&merged, &merged, &merged); !reflect.DeepEqual(again, merged) || none != nil {
			t.Fatalf("seeds %d %d %d: the result does not merge with itself", b, x, y)
		}
	}
}
