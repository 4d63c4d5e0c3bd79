package session_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/echosession/echosession/session"
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
	level  struct{ Value, Source string } // has a method
	hidden struct{ a, b int }
	keyed  map[level]int
)

func (l level) MarshalText() ([]byte, error) { return []byte(l.Value + "/" + l.Source), nil }

// mergeCase is what three accounts become.
type mergeCase struct {
	name                       string
	base, mine, theirs, merged account
	conflicts                  []string
}

func (c mergeCase) run(t *testing.T) {
	t.Run(c.name, func(t *testing.T) {
		t.Parallel()
		merged, conflicts := session.MergeFields(&c.base, &c.mine, &c.theirs)
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
			"a type that encodes itself",
			account{}, account{Level: level{Value: "a"}}, account{Level: level{Source: "b"}}, account{Level: level{Value: "a"}}, []string{"Level"},
		},
		{
			"a type with a binary form",
			account{}, account{Link: url.URL{Host: "a"}}, account{Link: url.URL{Path: "b"}}, account{Link: url.URL{Host: "a"}}, []string{"Link"},
		},
		{"behind a pointer", account{Num: big.NewInt(1)}, account{Num: big.NewInt(2)}, account{Num: big.NewInt(3)}, account{Num: big.NewInt(2)}, []string{"Num"}},
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
	if got, conflicts := session.MergeFields(new("a"), new("b"), new("c")); got != "b" || !slices.Equal(conflicts, []string{"."}) {
		t.Errorf("strings: %q, %q", got, conflicts)
	}
	got, conflicts := session.MergeFields(&object{"k": 1}, &object{"k": 2}, &object{"k": 3, "l": 4})
	if !reflect.DeepEqual(got, object{"k": 2, "l": 4}) || !slices.Equal(conflicts, []string{"[...]"}) {
		t.Errorf("maps: %v, %q", got, conflicts)
	}
	type pointer *pref
	type holder struct{ P pointer }
	h, conflicts := session.MergeFields(&holder{&pref{}}, &holder{&pref{Value: "a"}}, &holder{&pref{Source: "b"}})
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
	merged, conflicts := session.MergeFields(&base, &mine, &theirs)
	if got := fmt.Sprintln(merged.Any, merged.Since.Format(time.RFC3339), conflicts); got != "map[a:2 b:[2]] 2024-01-01T00:00:00+02:00 []\n" {
		t.Error(got)
	}
}
