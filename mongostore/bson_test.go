package mongostore

import (
	"encoding/json"
	"math"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

type (
	point struct{ X, Y int }
	tree  struct{ Next *tree }
	area  struct{ W, H int } // BSON, by the value and the pointer
	ring  struct{ Next *ring }
)

func (a area) MarshalBSONValue() (byte, []byte, error) {
	t, data, err := bson.MarshalValue([]int{a.W, a.H})
	return byte(t), data, err
}

func (a *area) UnmarshalBSONValue(t byte, data []byte) error {
	var sides []int
	err := bson.UnmarshalValue(bson.Type(t), data, &sides)
	if err == nil {
		a.W, a.H = sides[0], sides[1]
	}
	return err
}

// A ring can be a cycle, which its method does not follow.
func (r ring) MarshalBSON() ([]byte, error) { return bson.Marshal(bson.D{{Key: "ring", Value: true}}) }
func (r *ring) UnmarshalBSON([]byte) error  { return nil }

// in holds a value for which T must be a document.
type in[T any] struct{ V T }

func through[T any](t *testing.T, v T) (got T, data bson.Raw) {
	t.Helper()
	data, err := BSON().Marshal(&v)
	if err != nil {
		t.Fatalf("Marshal of %#v: %v", v, err)
	}
	if err := data.Validate(); err != nil {
		t.Fatalf("Marshal of %#v: got no document: %v", v, err)
	}
	kept := slices.Clone(data)
	if err := BSON().Unmarshal(kept, &got); err != nil {
		t.Fatalf("Unmarshal of %v: %v", data, err)
	}
	clear(kept) // Unmarshal must not keep it
	return got, data
}

func becomes[T any](v, want T) func(t *testing.T) {
	return func(t *testing.T) {
		t.Helper()
		t.Parallel()
		got, data := through(t, in[T]{v})
		if !reflect.DeepEqual(got.V, want) {
			t.Errorf("%v: got %#v, want %#v", data, got.V, want)
		}
		if again, err := BSON().Marshal(&got); err != nil || string(again) != string(data) {
			t.Errorf("Marshal of what came back: got %v (%v), want %v", bson.Raw(again), err, data)
		}
		if of, err := BSON().Marshal(in[T]{v}); err != nil || string(of) != string(data) {
			t.Errorf("Marshal of the value: got %v (%v), want the bytes of the pointer, %v", bson.Raw(of), err, data)
		}
	}
}

func keeps[T any](v T) func(t *testing.T) { return becomes(v, v) }

func TestBSONKeeps(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 1, 12, 30, 0, 250e6, time.UTC)
	raw := func(v any) bson.RawValue {
		kind, data, err := bson.MarshalValue(v)
		if err != nil {
			t.Fatal(err)
		}
		return bson.RawValue{Type: kind, Value: data}
	}
	for name, run := range map[string]func(*testing.T){
		"string":                keeps("zero \x00 inside, ü"),
		"bool":                  keeps(true),
		"int":                   keeps([]int{math.MinInt, -1, 0, math.MaxInt32, math.MaxInt32 + 1, math.MaxInt}),
		"int8":                  keeps([]int8{math.MinInt8, math.MaxInt8}),
		"int64":                 keeps([]int64{math.MinInt64, 5, math.MaxInt64}),
		"uint64":                keeps([]uint64{0, math.MaxInt64}),
		"float32":               keeps([]float32{0.1, math.MaxFloat32, float32(math.Inf(-1))}),
		"float64":               keeps([]float64{0.1, math.SmallestNonzeroFloat64, math.Inf(1)}),
		"duration":              keeps(90 * time.Second),
		"array":                 keeps([2]point{{1, 2}, {3, 4}}),
		"array of bytes":        keeps([3]uint8{1, 2, 255}),
		"nil bytes":             keeps([]byte(nil)),
		"empty bytes":           keeps([]byte{}),
		"bytes":                 keeps([]byte{0, 255}),
		"nil slice":             keeps([]point(nil)),
		"empty slice":           keeps([]point{}),
		"nil map":               keeps(map[string]int(nil)),
		"empty map":             keeps(map[string]int{}),
		"map of ints":           keeps(map[int]string{-1: "a", 10: "b", 9: "c"}),
		"map of addresses":      keeps(map[netip.Addr]int{netip.MustParseAddr("::1"): 1, netip.MustParseAddr("192.0.2.1"): 2}),
		"map of nil and empty":  keeps(map[string][]int{"": nil, "a": {}, "a.b": {1}, "$c": {2}}),
		"map of pointers":       keeps(map[string]*point{"nil": nil, "p": {1, 2}}),
		"nil pointer":           keeps((*point)(nil)),
		"tree":                  keeps(&tree{&tree{&tree{}}}),
		"time":                  keeps(at),
		"zero time":             keeps(time.Time{}),
		"time before 1970":      keeps(time.Date(1960, 1, 1, 0, 0, 0, 1e6, time.UTC)),
		"net.IP":                keeps(net.ParseIP("2001:db8::1")),
		"URL":                   keeps(url.URL{Scheme: "https", Host: "example.com", Path: "/a"}),
		"json.RawMessage":       keeps(json.RawMessage(`{"a":[1, 2]}`)),
		"methods":               keeps([]area{{1, 2}, {3, 4}}),
		"methods in a map":      keeps(map[string]area{"a": {1, 2}, "b": {3, 4}}),
		"methods and a pointer": keeps(&area{1, 2}),
		"ObjectID":              keeps(bson.NewObjectID()),
		"D keeps its order":     keeps(bson.D{{Key: "b", Value: bson.A{int32(1), nil}}, {Key: "a", Value: bson.D{}}}),
		"M":                     keeps(bson.M{"b": "text", "a": int64(1) << 40}),
		"raw values":            keeps(map[string]bson.RawValue{"b": raw(bson.D{{Key: "y", Value: 1}, {Key: "x", Value: 2}}), "a": raw("text")}),
		"embedded": keeps(struct {
			point  `bson:"-"`
			Things in[int]
			time.Time
		}{Things: in[int]{1}, Time: at}),
	} {
		t.Run(name, run)
	}
	whole := map[string]any{"b": "text", "a": int32(1)}
	if got, data := through(t, whole); !reflect.DeepEqual(got, whole) {
		t.Errorf("a T that is a map: %v: got %#v, want %#v", data, got, whole)
	}
}

// Some values come back as others, which the documentation lists. Their bytes are
// the same, so reading them writes nothing.
func TestBSONDoesNotKeep(t *testing.T) {
	t.Parallel()
	berlin := time.FixedZone("CEST", 2*3600)
	for name, run := range map[string]func(*testing.T){
		"time zone":            becomes(time.Date(2026, 7, 1, 12, 0, 0, 0, berlin), time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)),
		"nanoseconds":          becomes(time.Unix(0, 1_999_999).UTC(), time.Unix(0, 1_000_000).UTC()),
		"nil behind a pointer": becomes(new([]int), nil),
		"omitempty": becomes(struct {
			A []int          `bson:",omitempty"`
			B map[string]int `json:",omitempty"`
		}{[]int{}, map[string]int{}}, struct {
			A []int          `bson:",omitempty"`
			B map[string]int `json:",omitempty"`
		}{}),
		"empty inline map": becomes(older{Rest: map[string]any{}}, older{}),
		"map in any":       becomes[any](map[string]any{"b": 1, "a": []string{"x"}}, bson.D{{Key: "a", Value: bson.A{"x"}}, {Key: "b", Value: int32(1)}}),
		"M in M":           becomes(bson.M{"a": bson.M{"c": 1, "b": 2}}, bson.M{"a": bson.D{{Key: "b", Value: int32(2)}, {Key: "c", Value: int32(1)}}}),
		"struct in any":    becomes[any](point{1, 2}, bson.D{{Key: "x", Value: int32(1)}, {Key: "y", Value: int32(2)}}),
		"time in any":      becomes[any](time.Unix(1, 0), bson.DateTime(1000)),
		"bytes in any":     becomes[any]([]byte{1}, bson.Binary{Data: []byte{1}}),
		"json.Number":      becomes([]json.Number{"1", "1.5", "12345678901"}, []json.Number{"1", "1.5", "12345678901"}),
	} {
		t.Run(name, run)
	}
	if got, _ := through(t, map[string]int(nil)); got == nil {
		t.Error("a T that is a nil map: got nil, which is documented to come back empty")
	}
}

func TestBSONNames(t *testing.T) {
	t.Parallel()
	data, err := BSON().Marshal(struct {
		UserID int
		A      int `json:"first,omitempty"`
		B      int `bson:"second" json:"other"`
		C      int `json:"-"`
		In     in[int]
		point  `bson:"-"`
		At     in[int] `json:",inline"`
	}{UserID: 1, A: 2, B: 3, C: 4, In: in[int]{5}, At: in[int]{6}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"userid": {"$numberInt":"1"},"first": {"$numberInt":"2"},"second": {"$numberInt":"3"},"in": {"v": {"$numberInt":"5"}},"v": {"$numberInt":"6"}}`
	if got := bson.Raw(data).String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestBSONRefusesValues(t *testing.T) {
	t.Parallel()
	cyclicMap := map[string]any{}
	cyclicMap["self"] = cyclicMap
	cyclicSlice := []any{nil}
	cyclicSlice[0] = cyclicSlice
	var chain any
	chain = &chain
	loop := &tree{}
	loop.Next = loop
	own := &ring{}
	own.Next = own
	for name, tt := range map[string]struct {
		v    any
		want string
	}{
		"nil":               {nil, ""},
		"nil pointer":       {(*point)(nil), ""},
		"string by itself":  {"text", ""},
		"slice by itself":   {[]int{1}, ""},
		"large uint64":      {in[uint64]{math.MaxInt64 + 1}, "overflows int64"},
		"large uint in any": {in[any]{uint(math.MaxUint)}, "overflows int64"},
		"func in any":       {in[any]{func() {}}, "no encoder found"},
		"key with a zero":   {map[string]int{"a\x00b": 1}, ""},
		"inline key of a field": {struct {
			A int            `bson:"a,omitempty"`
			M map[string]int `bson:",inline"`
		}{M: map[string]int{"a": 1, "b": 2}}, "conflicts"},
		"cycle by maps":       {cyclicMap, "contains itself"},
		"cycle by slices":     {in[any]{cyclicSlice}, "contains itself"},
		"cycle by interfaces": {in[any]{chain}, "contains itself"},
		"cycle by structs":    {loop, "contains itself"},
		"cycle in an any":     {map[string]any{"x": []any{1, loop}}, "contains itself"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if data, err := BSON().Marshal(tt.v); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v and error %v, want an error with %q", bson.Raw(data), err, tt.want)
			}
		})
	}
	if _, err := BSON().Marshal(in[*ring]{own}); err != nil {
		t.Errorf("a cycle in a type with methods, which do not follow it: got error %v, want none", err)
	}
}

func TestBSONRefusesDocuments(t *testing.T) {
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
		"nothing":           {nil, &in[int]{}},
		"three bytes":       {[]byte{3, 0, 0}, &in[int]{}},
		"more than one":     {append(doc(1), doc(1)...), &in[int]{}},
		"cut":               {doc(1)[:6], &in[int]{}},
		"too long for all":  {[]byte{0xff, 0xff, 0xff, 0x7f, 0}, &in[int]{}},
		"string for a time": {doc("yesterday"), &in[time.Time]{}},
		"too large":         {doc(300), &in[int8]{}},
		"fraction":          {doc(1.5), &in[int]{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := BSON().Unmarshal(tt.data, tt.into); err == nil {
				t.Errorf("got %+v, want an error", tt.into)
			}
		})
	}
}

// Any bytes that decode are written the same way each time: otherwise a request
// that only reads would write.
func FuzzBSON(f *testing.F) {
	type value struct {
		S string
		I int
		U uint32
		F float64
		B []byte
		T time.Time
		M map[string]int
		K map[int8]string
		P *point
		A any
		C area
		D bson.D
		R map[string]bson.RawValue `bson:",inline"`
	}
	for _, v := range []value{
		{},
		{S: "a\xff", I: -1, U: 1, F: math.NaN(), B: []byte{}, T: time.Unix(1, 5), M: map[string]int{"b": 1, "a": 2}, K: map[int8]string{-1: ""},
			P: &point{}, A: []any{1, map[string]any{"x": nil}}, C: area{1, 2}, D: bson.D{{Key: "b", Value: bson.D{}}, {Key: "a", Value: bson.A{nil}}},
			R: map[string]bson.RawValue{"more": {Type: bson.TypeBoolean, Value: []byte{1}}, "less": {Type: bson.TypeNull}}},
	} {
		data, err := BSON().Marshal(&v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var first, second value
		if BSON().Unmarshal(data, &first) != nil {
			return
		}
		once, err := BSON().Marshal(&first)
		if err != nil {
			return // nothing is written
		}
		if err := BSON().Unmarshal(once, &second); err != nil {
			t.Fatalf("what was written, %v, cannot be read: %v", bson.Raw(once), err)
		}
		if twice, err := BSON().Marshal(&second); err != nil || string(twice) != string(once) {
			t.Fatalf("written again: got %v (%v), want %v", bson.Raw(twice), err, bson.Raw(once))
		}
	})
}

// BSON looks through Data for values that contain themselves. That look must not
// allocate for each element.
func TestAllocationsOfALongSlice(t *testing.T) {
	// Not parallel: AllocsPerRun counts for the whole process.
	type point struct{ X, Y int }
	v := struct{ Points []point }{make([]point, 1000)}
	if n := testing.AllocsPerRun(10, func() { _, _ = BSON().Marshal(&v) }); n >= 1000 {
		t.Errorf("Marshal of a slice of 1000: %v allocations, want less than one for each element", n)
	}
}
