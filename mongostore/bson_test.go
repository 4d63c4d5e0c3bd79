package mongostore_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
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

type (
	color struct{ r, g, b byte } // text, by the pointer
	money struct{ cents int64 }  // JSON, by the value
	stamp struct {               // the method is that of a part
		time.Time
		Note string
	}
	point  struct{ X, Y int }
	tree   struct{ Next *tree }
	hidden struct{ a int }
	upper  string
)

func (c *color) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%d/%d/%d", c.r, c.g, c.b), nil
}
func (c *color) UnmarshalText(b []byte) error {
	_, err := fmt.Sscanf(string(b), "%d/%d/%d", &c.r, &c.g, &c.b)
	return err
}
func (m money) MarshalJSON() ([]byte, error) { return json.Marshal(map[string]int64{"cents": m.cents}) }
func (m *money) UnmarshalJSON(b []byte) error {
	var v map[string]int64
	err := json.Unmarshal(b, &v)
	m.cents = v["cents"]
	return err
}
func (u upper) MarshalText() ([]byte, error) { return []byte(strings.ToUpper(string(u))), nil }
func (u *upper) UnmarshalText(b []byte) error {
	*u = upper(strings.ToLower(string(b)))
	return nil
}

// in wraps a value for which T must be a document.
type in[T any] struct{ V T }

func roundTrip[T any](v T) func(t *testing.T) { return whole(in[T]{v}) }

// whole is the round trip of a v that is a document by itself.
func whole[T any](want T) func(t *testing.T) {
	return func(t *testing.T) {
		t.Helper()
		t.Parallel()
		codec := mongostore.BSON()
		data, err := codec.Marshal(&want)
		if err != nil {
			t.Fatalf("Marshal: %v", err)
		}
		if err := bson.Raw(data).Validate(); err != nil {
			t.Fatalf("Marshal: got no document: %v", err)
		}
		kept := append([]byte(nil), data...)
		var got T
		if err := codec.Unmarshal(kept, &got); err != nil {
			t.Fatalf("Unmarshal(%v): %v", bson.Raw(data), err)
		}
		clear(kept) // Unmarshal must not keep it
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %#v, want %#v", bson.Raw(data), got, want)
		}
		if again, err := codec.Marshal(&got); err != nil || string(again) != string(data) {
			t.Errorf("Marshal of what came back: got %v (%v), want %v", bson.Raw(again), err, bson.Raw(data))
		}
	}
}

func TestBSONKeeps(t *testing.T) {
	t.Parallel()
	whole := time.Date(2026, 7, 1, 12, 30, 0, 250e6, time.UTC)
	for name, run := range map[string]func(*testing.T){
		"string":                    roundTrip("zero \x00 inside, ü"),
		"bool":                      roundTrip(true),
		"int":                       roundTrip([]int{math.MinInt, -1, 0, 1, math.MaxInt32, math.MaxInt32 + 1, math.MaxInt}),
		"int8":                      roundTrip([]int8{math.MinInt8, math.MaxInt8}),
		"int16":                     roundTrip([]int16{math.MinInt16, math.MaxInt16}),
		"int32":                     roundTrip([]int32{math.MinInt32, math.MaxInt32}),
		"int64":                     roundTrip([]int64{math.MinInt64, 5, math.MaxInt64}),
		"uint":                      roundTrip([]uint{0, math.MaxInt64}),
		"uint8 array":               roundTrip([3]uint8{1, 2, 255}),
		"uint32":                    roundTrip([]uint32{0, math.MaxUint32}),
		"uint64":                    roundTrip([]uint64{0, math.MaxInt64}),
		"float32":                   roundTrip([]float32{0.1, math.MaxFloat32, float32(math.Inf(-1))}),
		"float64":                   roundTrip([]float64{0.1, math.SmallestNonzeroFloat64, math.Inf(1)}),
		"duration":                  roundTrip(90 * time.Second),
		"array":                     roundTrip([2]point{{1, 2}, {3, 4}}),
		"nil bytes":                 roundTrip([]byte(nil)),
		"empty bytes":               roundTrip([]byte{}),
		"bytes":                     roundTrip([]byte{0, 255}),
		"nil slice":                 roundTrip([]point(nil)),
		"empty slice":               roundTrip([]point{}),
		"nil map":                   roundTrip(map[string]int(nil)),
		"empty map":                 roundTrip(map[string]int{}),
		"map of ints":               roundTrip(map[int]string{-1: "a", 10: "b", 9: "c"}),
		"map of uints":              roundTrip(map[uint8]string{0: "a", 255: "b"}),
		"map of text":               roundTrip(map[netip.Addr]int{netip.MustParseAddr("::1"): 1}),
		"map of text of a string":   roundTrip(map[upper]int{"a": 1, "b": 2}),
		"map of nil slices":         roundTrip(map[string][]int{"": nil, "a": {}, "a.b": {1}, "$c": {2}}),
		"map of pointers":           roundTrip(map[string]*point{"nil": nil, "p": {1, 2}}),
		"nil pointer":               roundTrip((*point)(nil)),
		"pointer":                   roundTrip(&point{1, 2}),
		"tree":                      roundTrip(&tree{&tree{&tree{}}}),
		"time":                      roundTrip(whole),
		"zero time":                 roundTrip(time.Time{}),
		"time before 1970":          roundTrip(time.Date(1960, 1, 1, 0, 0, 0, 1e6, time.UTC)),
		"nanoseconds":               roundTrip(whole.Add(123456)),
		"nanoseconds before 1970":   roundTrip(time.Date(1960, 1, 1, 0, 0, 0, 1, time.UTC)),
		"times in a map":            roundTrip(map[string]time.Time{"a": whole, "b": whole.Add(1)}),
		"pointer to a time":         roundTrip(&whole),
		"address":                   roundTrip(netip.MustParseAddr("192.0.2.1")),
		"no address":                roundTrip(netip.Addr{}),
		"net.IP":                    roundTrip(net.ParseIP("2001:db8::1")),
		"big integer":               roundTrip(new(big.Int).Lsh(big.NewInt(1), 100)),
		"URL":                       roundTrip(url.URL{Scheme: "https", Host: "example.com", Path: "/a"}),
		"json.Number":               roundTrip([]json.Number{"1", "1.0", "123456789012345678901234567890"}),
		"json.RawMessage":           roundTrip(json.RawMessage(`{"a":[1,2]}`)),
		"text by the pointer":       roundTrip(color{1, 2, 3}),
		"the same in a map":         roundTrip(map[string]color{"a": {1, 2, 3}}),
		"the same in a slice":       roundTrip([]color{{1, 2, 3}}),
		"JSON by the value":         roundTrip(money{1234}),
		"the same in a map's slice": roundTrip(map[string][]money{"a": {{1}, {2}}}),
		"method of a part":          roundTrip(stamp{whole, "kept"}),
		"BSON of the driver":        roundTrip(bson.NewObjectID()),
		"any":                       roundTrip(map[string]any{"a": []any{"s", int32(1), int64(1) << 40, 1.5, nil, true}, "m": map[string]any{"t": whole}, "b": []byte{1}}),
		"tags": roundTrip(struct {
			A int    `json:"first"`
			B string `bson:"second" json:"other"`
			C *point `json:",omitempty"`
			D string `json:"-"`
		}{A: 1, B: "b", C: &point{1, 2}}),
	} {
		t.Run(name, run)
	}
}

func TestBSONNames(t *testing.T) {
	t.Parallel()
	data, err := mongostore.BSON().Marshal(&struct {
		UserID int
		A      int `json:"first,omitempty"`
		B      int `bson:"second" json:"other"`
		C      int `json:"-"`
	}{1, 2, 3, 4})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"userid": {"$numberInt":"1"},"first": {"$numberInt":"2"},"second": {"$numberInt":"3"}}`
	if got := bson.Raw(data).String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestBSONIsDeterministic(t *testing.T) {
	t.Parallel()
	type value struct {
		M map[string]any
		N map[int]map[string]int
	}
	build := func(step int) *value {
		v := &value{map[string]any{}, map[int]map[string]int{}}
		for i := range 50 {
			k := i * step % 50
			v.M[fmt.Sprint(k)] = map[string]any{"a": k, "b": k, "c": k}
			v.N[k] = map[string]int{"x": k, "y": k}
		}
		return v
	}
	first, err := mongostore.BSON().Marshal(build(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []int{3, 7, 49} {
		if got, _ := mongostore.BSON().Marshal(build(step)); string(got) != string(first) {
			t.Errorf("the same value, filled by steps of %d, has other bytes", step)
		}
	}
}
