package mongostore_test

import (
	"encoding/json"
	"math"
	"net/netip"
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
	got := through(t, in[any]{map[string]any{
		"zone": at, "int": 1, "small": int8(1), "struct": point{1, 2}, "text": netip.MustParseAddr("::1"),
		"strings": []string{"a"}, "invalid": "a\xffb", "nanos": time.Unix(0, 5).UTC(),
	}})
	want := map[string]any{
		"zone": at.UTC(), "int": int32(1), "small": int32(1), "struct": map[string]any{"x": int32(1), "y": int32(2)}, "text": "::1",
		"strings": []any{"a"}, "invalid": "a\uFFFDb", "nanos": map[string]any{"t": time.Unix(0, 0).UTC(), "ns": int32(5)},
	}
	if !reflect.DeepEqual(got.V, any(want)) {
		t.Errorf("got %#v, want %#v", got.V, want)
	}
	if got := through(t, map[string]int(nil)); got == nil {
		t.Errorf("a nil map at the top: got nil, which is documented to come back empty")
	}
	if got := through(t, in[time.Time]{at}); !got.V.Equal(at) || got.V.Location() != time.UTC {
		t.Errorf("time in another zone: got %v, want %v in UTC", got.V, at)
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
