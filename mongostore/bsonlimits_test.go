package mongostore_test

import (
	"encoding/json"
	"math"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/mongostore"
)

// What is documented as not kept, so that it cannot become more.
func TestBSONLoses(t *testing.T) {
	t.Parallel()
	berlin := time.FixedZone("CEST", 2*3600)
	at := time.Date(2026, 7, 1, 12, 0, 0, 0, berlin)
	scope := bson.M{"b": bson.M{"c": int32(1)}}
	for name, run := range map[string]func(*testing.T){
		"time zone":                    loses(at, at.UTC()),
		"int in any":                   loses[any](1, int32(1)),
		"int8 in any":                  loses[any](int8(1), int32(1)),
		"large int in any":             loses[any](1<<40, int64(1<<40)),
		"float32 in any":               loses[any](float32(0.5), 0.5),
		"struct in any":                loses[any](point{1, 2}, map[string]any{"x": int32(1), "y": int32(2)}),
		"text in any":                  loses[any](netip.MustParseAddr("::1"), "::1"),
		"strings in any":               loses[any]([]string{"a"}, []any{"a"}),
		"nil slice in any":             loses[any]([]string(nil), nil),
		"time in any":                  loses[any](at, at.UTC()),
		"finer time in any":            loses[any](time.Unix(0, 5), map[string]any{"t": time.Unix(0, 0).UTC(), "ns": int32(5)}),
		"D in any":                     loses[any](bson.D{{Key: "b", Value: 1}, {Key: "a", Value: bson.D{}}}, map[string]any{"a": map[string]any{}, "b": int32(1)}),
		"M in any":                     loses[any](bson.M{"a": bson.M{}}, map[string]any{"a": map[string]any{}}),
		"A in any":                     loses[any](bson.A{bson.A{}}, []any{[]any{}}),
		"D in M":                       loses(bson.M{"a": bson.D{{Key: "b", Value: 1}}}, bson.M{"a": map[string]any{"b": int32(1)}}),
		"M in D":                       loses(bson.D{{Key: "a", Value: bson.M{"b": []any{}}}}, bson.D{{Key: "a", Value: bson.D{{Key: "b", Value: bson.A{}}}}}),
		"DateTime in any":              loses[any](bson.DateTime(0), time.Unix(0, 0).UTC()),
		"finer time in D":              loses(bson.D{{Key: "a", Value: time.Unix(0, 5)}}, bson.D{{Key: "a", Value: bson.D{{Key: "t", Value: time.Unix(0, 0).UTC()}, {Key: "ns", Value: int32(5)}}}}),
		"Null in any":                  loses[any](bson.Null{}, nil),
		"Binary in any":                loses[any](bson.Binary{Data: []byte{1}}, []byte{1}),
		"invalid UTF-8":                loses("a\xffb", "a\uFFFDb"),
		"nil behind a pointer":         loses(new([]int), nil),
		"nil pointer behind a pointer": loses(new(*int), nil),
		"zero RawValue":                loses(bson.RawValue{}, bson.RawValue{Type: bson.TypeNull}),
		"nil in a Binary":              loses(bson.Binary{Subtype: 4}, bson.Binary{Subtype: 4, Data: []byte{}}),
		"options of a Regex":           loses(bson.Regex{Pattern: "a", Options: "xi"}, bson.Regex{Pattern: "a", Options: "ix"}),
		"scope":                        loses(bson.CodeWithScope{Code: "a", Scope: scope}, bson.CodeWithScope{Code: "a", Scope: bson.D{{Key: "b", Value: map[string]any{"c": int32(1)}}}}),
		"no scope":                     loses(bson.CodeWithScope{Code: "a"}, bson.CodeWithScope{Code: "a", Scope: bson.D{}}),
		"spaces of JSON":               loses(json.RawMessage("[1, 2]"), json.RawMessage("[1,2]")),
		"short net.IP":                 loses(net.IP{127, 0, 0, 1}, net.IPv4(127, 0, 0, 1)),
		"empty net.IP":                 loses(net.IP{}, nil),
		"URL that has no text":         loses(url.URL{Host: "h", Path: "p"}, url.URL{Host: "h", Path: "/p"}),
		"omitempty":                    loses(omitting{S: []int{}, B: []byte{}, M: map[string]int{}, P: &time.Time{}, Z: zeroish{N: -1}, Q: &zeroish{N: -1}}, omitting{}),
		"omitempty of an inline struct": loses(struct {
			P *omitting `bson:",inline"`
		}{&omitting{}}, struct {
			P *omitting `bson:",inline"`
		}{}),
		"nil inline map": loses(anyOlder{Rest: map[string]any{}}, anyOlder{}),
	} {
		t.Run(name, run)
	}
	if got := through(t, map[string]int(nil)); got == nil {
		t.Errorf("a nil map at the top: got nil, which is documented to come back empty")
	}
}

type (
	omitting struct {
		S []int          `bson:",omitempty"`
		B []byte         `json:",omitempty"`
		M map[string]int `bson:",omitempty"`
		P *time.Time     `bson:",omitempty"`
		Z zeroish        `bson:",omitempty"`
		Q *zeroish       `bson:",omitempty"`
	}
	zeroish struct{ N int }
)

func (z zeroish) IsZero() bool { return z.N <= 0 }

func loses[T any](v, want T) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		t.Parallel()
		got := through(t, in[T]{v}).V
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%#v: got %#v, want %#v", v, got, want)
		}
		if again := through(t, in[T]{got}).V; !reflect.DeepEqual(again, got) {
			t.Errorf("%#v, the second time: got %#v, want %#v", v, again, got)
		}
	}
}

func through[T any](t *testing.T, v T) (got T) {
	t.Helper()
	data, err := mongostore.BSON().Marshal(&v)
	if err == nil {
		err = mongostore.BSON().Unmarshal(data, &got)
	}
	if err != nil {
		t.Fatalf("%#v: %v", v, err)
	}
	return got
}

func TestBSONRefuses(t *testing.T) {
	t.Parallel()
	cycle := map[string]any{}
	cycle["self"] = cycle
	var chain any
	chain = &chain
	loop := &tree{}
	loop.Next = loop
	deep := any("end")
	for range 101 {
		deep = []any{deep}
	}
	for name, v := range map[string]any{
		"not a pointer":      point{},
		"nil":                nil,
		"string at the top":  new(string),
		"slice at the top":   new([]int),
		"text at the top":    new(netip.Addr),
		"value at the top":   new(Level),
		"D at the top":       new(bson.D),
		"nil pointer":        (*point)(nil),
		"empty Raw":          &in[bson.Raw]{bson.Raw{}},
		"large uint64":       &in[uint64]{math.MaxInt64 + 1},
		"large uint in any":  &in[any]{uint(math.MaxUint)},
		"func in any":        &in[any]{func() {}},
		"hidden struct":      &in[any]{hidden{1}},
		"far time":           &in[time.Time]{time.Unix(1<<60, 0)},
		"zero byte in a key": &map[string]int{"a\x00b": 1},
		"keys alike":         &map[string]int{"a\xff": 1, "a\xfe": 2},
		"inline key of a field": &struct {
			A int            `bson:"a,omitempty"`
			M map[string]int `bson:",inline"`
		}{M: map[string]int{"a": 1}},
		"inline key that is read into a field": &struct {
			A int
			M map[string]int `bson:",inline"`
		}{M: map[string]int{"A": 1}},
		"inline key of an inline struct's field": &struct {
			P *point         `bson:",inline"`
			M map[string]int `bson:",inline"`
		}{M: map[string]int{"x": 1}},
		"two inline maps": &struct {
			M map[string]int `bson:",inline"`
			N map[string]int `bson:",inline"`
		}{},
		"inline map in an inline struct": &struct {
			S struct {
				M map[string]int `bson:",inline"`
			} `bson:",inline"`
		}{},
		"embedded, not exported": &struct {
			point
			Z int
		}{point{1, 2}, 3},
		"names alike":   &struct{ ID, Id int }{},
		"cycle by maps": &cycle, "cycle by pointers": &in[any]{chain}, "cycle by structs": loop, "too deep": &in[any]{deep},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if data, err := mongostore.BSON().Marshal(v); err == nil {
				t.Errorf("got %v, want an error", bson.Raw(data))
			} else if strings.Contains(err.Error(), "1844674") {
				t.Errorf("the error quotes the value: %v", err)
			}
		})
	}
}

func TestBSONRefusesToDecode(t *testing.T) {
	t.Parallel()
	doc := func(v any) []byte {
		data, err := bson.Marshal(bson.D{{Key: "v", Value: v}})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for name, tt := range map[string]struct {
		data []byte
		into any
	}{
		"nothing":            {nil, &in[int]{}},
		"more than one":      {append(doc(1), doc(1)...), &in[int]{}},
		"cut":                {doc(1)[:6], &in[int]{}},
		"string for a time":  {doc("yesterday"), &in[time.Time]{}},
		"nanoseconds":        {doc(bson.D{{Key: "t", Value: bson.DateTime(0)}, {Key: "ns", Value: 1000000}}), &in[time.Time]{}},
		"number for a text":  {doc(1), &in[netip.Addr]{}},
		"wrong text":         {doc("x"), &in[netip.Addr]{}},
		"wrong JSON":         {doc("{"), &in[money]{}},
		"float for a number": {doc(1.5), &in[json.Number]{}},
		"too large":          {doc(300), &in[int8]{}},
		"fraction":           {doc(1.5), &in[int]{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := mongostore.BSON().Unmarshal(tt.data, tt.into); err == nil {
				t.Errorf("got %+v, want an error", tt.into)
			}
		})
	}
}
