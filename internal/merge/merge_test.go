package merge_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/url"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/echosession/echosession/internal/merge"
)

type (
	account struct {
		base
		Named
		Name   string
		Cart   cart
		Prefs  map[string]pref
		Next   *account
		Any    any
		Tags   []string
		Pair   [2]int
		Since  time.Time
		Level  level
		Link   url.URL
		Num    *big.Int
		Hidden hidden
		Keys   keyed
		Ptr    **int
		secret cart
		words
	}
	base   struct{ Seen, Hits int }
	Named  struct{ First, Last string }
	cart   struct{ Items, Coupon string }
	pref   struct{ Value, Source string }
	level  struct{ Value, Source string } // counts as one
	hidden struct{ a, b int }
	keyed  map[level]int
	words  []string
	prefs  = map[string]pref

	// object is a JSON object as it is decoded into an any.
	object = map[string]any
)

// isWhole reports whether values of t count as one.
func isWhole(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[level](), reflect.TypeFor[hidden](), reflect.TypeFor[time.Time](), reflect.TypeFor[big.Int](), reflect.TypeFor[url.URL]():
		return true
	}
	return false
}

// mergeCase is what three accounts become.
type mergeCase struct {
	name                       string
	base, mine, theirs, merged account
	conflicts                  []string
}

func (c mergeCase) run(t *testing.T) {
	t.Run(c.name, func(t *testing.T) {
		t.Parallel()
		merged, conflicts := merge.Fields(&c.base, &c.mine, &c.theirs, isWhole)
		if !reflect.DeepEqual(merged, c.merged) {
			t.Errorf("merged %+v\n want %+v", merged, c.merged)
		}
		if !slices.Equal(conflicts, c.conflicts) {
			t.Errorf("conflicts %q, want %q", conflicts, c.conflicts)
		}
	})
}

func TestMergeFields(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return time.Date(2024, 1, n, 0, 0, 0, 0, time.UTC) }
	deep := func(p *int) **int { return &p }
	for _, tt := range []mergeCase{
		{"nothing", account{Name: "a"}, account{Name: "a"}, account{Name: "a"}, account{Name: "a"}, nil},
		{"mine", account{Name: "a"}, account{Name: "b"}, account{Name: "a"}, account{Name: "b"}, nil},
		{"theirs", account{Name: "a"}, account{Name: "a"}, account{Name: "b"}, account{Name: "b"}, nil},
		{"both alike", account{Name: "a"}, account{Name: "b"}, account{Name: "b"}, account{Name: "b"}, nil},
		{"both differently", account{Name: "a"}, account{Name: "b"}, account{Name: "c"}, account{Name: "b"}, []string{"Name"}},
		{
			"different fields",
			account{}, account{Name: "b"}, account{Tags: []string{"c"}}, account{Name: "b", Tags: []string{"c"}}, nil,
		},
		{
			"fields of a struct within",
			account{}, account{Cart: cart{Items: "a"}}, account{Cart: cart{Coupon: "b"}}, account{Cart: cart{"a", "b"}}, nil,
		},
		{
			"the same field of a struct within",
			account{}, account{Cart: cart{"a", "x"}}, account{Cart: cart{"b", "x"}}, account{Cart: cart{"a", "x"}}, []string{"Cart.Items"},
		},
		{
			"embedded",
			account{}, account{Named: Named{First: "a"}}, account{Named: Named{Last: "b"}}, account{Named: Named{"a", "b"}}, nil,
		},
		{
			"embedded and not exported",
			account{base: base{1, 1}}, account{base: base{2, 1}}, account{base: base{1, 3}}, account{base: base{2, 3}}, nil,
		},
		{
			"conflict in embedded ones, sorted",
			account{}, account{base: base{Hits: 1}, Named: Named{Last: "a"}}, account{base: base{Hits: 2}, Named: Named{Last: "b"}},
			account{base: base{Hits: 1}, Named: Named{Last: "a"}}, []string{"Named.Last", "base.Hits"},
		},
		{
			"a field that no codec sees is mine",
			account{},
			account{Name: "b", secret: cart{Items: "a"}, words: words{"a"}},
			account{Tags: []string{"c"}, secret: cart{Coupon: "b"}, words: words{"b"}},
			account{Name: "b", Tags: []string{"c"}, secret: cart{Items: "a"}, words: words{"a"}},
			nil,
		},
		{
			"through pointers",
			account{Next: &account{Next: &account{}}},
			account{Next: &account{Name: "a", Next: &account{Name: "x"}}},
			account{Next: &account{Pair: [2]int{1, 2}, Next: &account{Name: "y", Pair: [2]int{3}}}},
			account{Next: &account{Name: "a", Pair: [2]int{1, 2}, Next: &account{Name: "x", Pair: [2]int{3}}}},
			[]string{"Next.Next.Name"},
		},
		{"pointer, set by both", account{}, account{Next: &account{Name: "a"}}, account{Next: &account{Name: "b"}}, account{Next: &account{Name: "a"}}, []string{"Next"}},
		{"pointer, cleared by me", account{Next: &account{}}, account{}, account{Next: &account{Name: "b"}}, account{}, []string{"Next"}},
		{"pointer, cleared by them", account{Next: &account{}}, account{Next: &account{Name: "a"}}, account{}, account{Next: &account{Name: "a"}}, []string{"Next"}},
		{"pointer, cleared by one", account{Next: &account{}}, account{}, account{Next: &account{}}, account{}, nil},
		{"pointer to a pointer", account{Ptr: deep(new(1))}, account{Ptr: deep(new(2))}, account{Ptr: deep(new(3))}, account{Ptr: deep(new(2))}, []string{"Ptr"}},
		{
			"slice", account{Tags: []string{"a"}}, account{Tags: []string{"a", "b"}}, account{Tags: []string{"a", "c"}},
			account{Tags: []string{"a", "b"}}, []string{"Tags"},
		},
		{"array", account{}, account{Pair: [2]int{1, 0}}, account{Pair: [2]int{0, 2}}, account{Pair: [2]int{1, 0}}, []string{"Pair"}},
		{"time", account{Since: day(1)}, account{Since: day(2)}, account{Since: day(3)}, account{Since: day(2)}, []string{"Since"}},
		{"time, theirs", account{Since: day(1)}, account{Since: day(1)}, account{Since: day(3)}, account{Since: day(3)}, nil},
		{
			"a type that counts as one",
			account{}, account{Level: level{Value: "a"}}, account{Level: level{Source: "b"}}, account{Level: level{Value: "a"}}, []string{"Level"},
		},
		{
			"a type of another package that counts as one",
			account{}, account{Link: url.URL{Host: "a"}}, account{Link: url.URL{Path: "b"}}, account{Link: url.URL{Host: "a"}}, []string{"Link"},
		},
		{"one behind a pointer", account{Num: big.NewInt(1)}, account{Num: big.NewInt(2)}, account{Num: big.NewInt(3)}, account{Num: big.NewInt(2)}, []string{"Num"}},
		{
			"nothing exported",
			account{}, account{Hidden: hidden{a: 1}}, account{Hidden: hidden{b: 2}}, account{Hidden: hidden{a: 1}}, []string{"Hidden"},
		},
	} {
		tt.run(t)
	}
}

func TestMergeOfOtherThanStructs(t *testing.T) {
	t.Parallel()
	if got, conflicts := merge.Fields(new("a"), new("b"), new("c"), isWhole); got != "b" || !slices.Equal(conflicts, []string{"."}) {
		t.Errorf("strings: %q, %q", got, conflicts)
	}
	got, conflicts := merge.Fields(&object{"k": 1}, &object{"k": 2}, &object{"k": 3, "l": 4}, isWhole)
	if !reflect.DeepEqual(got, object{"k": 2, "l": 4}) || !slices.Equal(conflicts, []string{"[...]"}) {
		t.Errorf("maps: %v, %q", got, conflicts)
	}
	type pointer *pref
	type holder struct{ P pointer }
	h, conflicts := merge.Fields(&holder{&pref{}}, &holder{&pref{Value: "a"}}, &holder{&pref{Source: "b"}}, isWhole)
	if *h.P != (pref{"a", "b"}) || conflicts != nil {
		t.Errorf("named pointers: %v, %q", h.P, conflicts)
	}
}

func TestMergeOfWhatWasDecoded(t *testing.T) {
	t.Parallel()
	decode := func(s string) (a account) {
		if err := json.Unmarshal([]byte(s), &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	base := decode(`{"Any":{"a":1,"b":[1]},"Since":"2024-01-01T00:00:00+02:00"}`)
	mine := decode(`{"Any":{"a":2,"b":[1]},"Since":"2024-01-01T00:00:00+02:00"}`)
	theirs := decode(`{"Any":{"a":1,"b":[2]},"Since":"2024-01-01T00:00:00+02:00"}`)
	merged, conflicts := merge.Fields(&base, &mine, &theirs, isWhole)
	if got := fmt.Sprintln(merged.Any, merged.Since.Format(time.RFC3339), conflicts); got != "map[a:2 b:[2]] 2024-01-01T00:00:00+02:00 []\n" {
		t.Error(got)
	}
}

func TestMergeFieldsKeyByKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []mergeCase{
		{
			"keys",
			account{Prefs: prefs{"mine": {}, "theirs": {}, "both": {}, "kept": {Value: "k"}}},
			account{Prefs: prefs{"mine": {Value: "a"}, "theirs": {}, "both": {Value: "a"}, "kept": {Value: "k"}, "new a": {}}},
			account{Prefs: prefs{"mine": {}, "theirs": {Value: "b"}, "both": {Source: "b"}, "kept": {Value: "k"}, "new b": {}}},
			account{Prefs: prefs{"mine": {Value: "a"}, "theirs": {Value: "b"}, "both": {"a", "b"}, "kept": {Value: "k"}, "new a": {}, "new b": {}}},
			nil,
		},
		{
			"keys with other keys than strings",
			account{Keys: keyed{}}, account{Keys: keyed{{Value: "a"}: 1}}, account{Keys: keyed{{Value: "b"}: 2}},
			account{Keys: keyed{{Value: "a"}: 1, {Value: "b"}: 2}}, nil,
		},
		{
			"keys deleted",
			account{Prefs: prefs{"by me": {}, "by them": {}, "by both": {}, "kept": {}}},
			account{Prefs: prefs{"by them": {}, "kept": {}}},
			account{Prefs: prefs{"by me": {}, "kept": {}}},
			account{Prefs: prefs{"kept": {}}},
			nil,
		},
		{
			"key deleted by me, changed by them",
			account{Prefs: prefs{"k": {}}}, account{Prefs: prefs{}}, account{Prefs: prefs{"k": {Value: "b"}}}, account{Prefs: prefs{}}, []string{"Prefs[...]"},
		},
		{
			"key changed by me, deleted by them",
			account{Prefs: prefs{"k": {}}}, account{Prefs: prefs{"k": {Value: "a"}}}, account{Prefs: prefs{}},
			account{Prefs: prefs{"k": {Value: "a"}}}, []string{"Prefs[...]"},
		},
		{
			"key added by both alike",
			account{}, account{Prefs: prefs{"k": {Value: "a"}, "a": {}}}, account{Prefs: prefs{"k": {Value: "a"}, "b": {}}},
			account{Prefs: prefs{"k": {Value: "a"}, "a": {}, "b": {}}}, nil,
		},
		{
			"keys added by both differently",
			account{}, account{Prefs: prefs{"k": {Value: "a"}, "l": {}}}, account{Prefs: prefs{"k": {Source: "b"}, "l": {Value: "b"}}},
			account{Prefs: prefs{"k": {Value: "a"}, "l": {}}}, []string{"Prefs[...]"},
		},
		{
			"the same field of several entries",
			account{Prefs: prefs{"k": {}, "l": {}}},
			account{Prefs: prefs{"k": {Value: "a"}, "l": {Value: "a"}}},
			account{Prefs: prefs{"k": {"b", "b"}, "l": {"b", "b"}}},
			account{Prefs: prefs{"k": {"a", "b"}, "l": {"a", "b"}}},
			[]string{"Prefs[...].Value"},
		},
		{"nil map to empty", account{}, account{Prefs: prefs{}}, account{}, account{Prefs: prefs{}}, nil},
		{"into empty and nil", account{}, account{Prefs: prefs{}}, account{Prefs: prefs{"k": {}}}, account{Prefs: prefs{"k": {}}}, nil},
		{
			"into nil", account{Prefs: prefs{"k": {}}}, account{}, account{Prefs: prefs{"k": {}, "l": {}}},
			account{Prefs: prefs{"l": {}}}, nil,
		},
		{"all deleted, nil mine", account{Prefs: prefs{"k": {}}}, account{}, account{Prefs: prefs{}}, account{}, nil},
		{"all deleted, nil theirs", account{Prefs: prefs{"k": {}}}, account{Prefs: prefs{}}, account{}, account{}, nil},
		{
			"nil as before, all deleted but by conflict", account{}, account{Prefs: prefs{}}, account{Prefs: prefs{}}, account{Prefs: prefs{}}, nil,
		},
		{
			"empty, where both made it so",
			account{Prefs: prefs{"k": {}, "l": {}}}, account{Prefs: prefs{"k": {}}}, account{Prefs: prefs{"l": {}}}, account{Prefs: prefs{}}, nil,
		},
		{
			"objects in an any",
			account{Any: object{"a": 1., "in": object{"x": 1.}}},
			account{Any: object{"a": 2., "in": object{"x": 1., "y": 2.}}},
			account{Any: object{"a": 1., "in": object{"x": 3.}}},
			account{Any: object{"a": 2., "in": object{"x": 3., "y": 2.}}},
			nil,
		},
		{
			"conflict in objects in an any",
			account{Any: object{"in": object{"x": 1.}}}, account{Any: object{"in": object{"x": 2.}}}, account{Any: object{"in": object{"x": 3.}}},
			account{Any: object{"in": object{"x": 2.}}}, []string{"Any[...][...]"},
		},
		{"any, nil before", account{}, account{Any: object{"a": 1.}}, account{Any: object{"b": 1.}}, account{Any: object{"a": 1.}}, []string{"Any"}},
		{"any, nil mine", account{Any: object{}}, account{}, account{Any: object{"b": 1.}}, account{}, []string{"Any"}},
		{"any, nil theirs", account{Any: object{}}, account{Any: object{"a": 1.}}, account{}, account{Any: object{"a": 1.}}, []string{"Any"}},
		{"any, another type before", account{Any: "s"}, account{Any: object{"a": 1.}}, account{Any: object{"b": 1.}}, account{Any: object{"a": 1.}}, []string{"Any"}},
		{"any, another type of theirs", account{Any: object{}}, account{Any: object{"a": 1.}}, account{Any: 1.}, account{Any: object{"a": 1.}}, []string{"Any"}},
		{"any, no maps", account{Any: pref{}}, account{Any: pref{Value: "a"}}, account{Any: pref{Source: "b"}}, account{Any: pref{Value: "a"}}, []string{"Any"}},
	} {
		tt.run(t)
	}
}

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
			if got, conflicts := merge.Fields(law.base, law.mine, law.theirs, isWhole); !reflect.DeepEqual(got, *law.want) || conflicts != nil {
				t.Fatalf("%s (seeds %d %d %d): %+v, conflicts %q", law.name, b, x, y, got, conflicts)
			}
		}

		merged, conflicts := merge.Fields(base, mine, theirs, isWhole)
		if !reflect.DeepEqual(base, random(b)) || !reflect.DeepEqual(mine, random(x)) || !reflect.DeepEqual(theirs, random(y)) {
			t.Fatalf("seeds %d %d %d: a side was written into", b, x, y)
		}
		mirror, mirrored := merge.Fields(base, theirs, mine, isWhole)
		if !slices.Equal(conflicts, mirrored) {
			t.Fatalf("seeds %d %d %d: conflicts %q, and with the sides exchanged %q", b, x, y, conflicts, mirrored)
		}
		if conflicts == nil && !reflect.DeepEqual(merged, mirror) {
			t.Fatalf("seeds %d %d %d: no conflict, but it matters whose side is mine", b, x, y)
		}
		if again, none := merge.Fields(&merged, &merged, &merged, isWhole); !reflect.DeepEqual(again, merged) || none != nil {
			t.Fatalf("seeds %d %d %d: the result does not merge with itself", b, x, y)
		}
	}
}
