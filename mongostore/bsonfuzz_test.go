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

// mixed has a field of each sort that the codec treats in its own way.
type mixed struct {
	S  string
	I  int
	U  uint32
	F  float64
	B  []byte
	T  time.Time
	M  map[string]int
	K  map[int8]string
	L  []string
	P  *point
	A  any
	N  json.Number
	IP netip.Addr
	C  color
	J  money
	D  bson.D
	W  bson.Raw
	X  map[sharp]noted
	Z  []zoned
	Y  crate
	R  map[string]bson.RawValue `bson:",inline"`
}

// Whatever bytes decode, what they mean must be written the same way each time:
// else a request that only reads would write.
func FuzzBSON(f *testing.F) {
	codec := mongostore.BSON()
	for _, v := range []mixed{
		{},
		{S: "a\xff", I: -1, U: 1, F: math.NaN(), B: []byte{}, T: time.Unix(1, 5), M: map[string]int{"b": 1, "a": 2},
			K: map[int8]string{-1: ""}, L: []string{}, P: &point{}, A: []any{1, map[string]any{"x": nil}}, N: "1e5",
			IP: netip.MustParseAddr("::1"), C: color{1, 2, 3}, J: money{5}, D: bson.D{{Key: "b", Value: bson.D{}}, {Key: "a", Value: bson.A{nil}}}, W: bson.Raw{5, 0, 0, 0, 0},
			X: map[sharp]noted{"a": {Level{1}, "n"}}, Z: []zoned{{time.Unix(1, 1).UTC(), "z"}}, Y: crate{Box{"in"}, Level{2}}, R: map[string]bson.RawValue{"more": {Type: bson.TypeBoolean, Value: []byte{1}}}},
	} {
		data, err := codec.Marshal(&v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var first, second mixed
		if codec.Unmarshal(data, &first) != nil {
			return
		}
		once, err := codec.Marshal(&first)
		if err != nil {
			return // such as a key with a zero byte: nothing is written
		}
		if err := codec.Unmarshal(once, &second); err != nil {
			t.Fatalf("what was written, %v, cannot be read: %v", bson.Raw(once), err)
		}
		if twice, err := codec.Marshal(&second); err != nil || string(twice) != string(once) {
			t.Fatalf("written again: got %v (%v), want %v", bson.Raw(twice), err, bson.Raw(once))
		}
	})
}

// A value of any content comes back equal, but for what is documented.
func FuzzBSONValue(f *testing.F) {
	f.Add("key", "text", int64(-1), uint64(1), 0.5, []byte{0}, int64(1), int64(999_999_999), true)
	f.Add("$a.b", "a\xff", int64(math.MinInt64), uint64(math.MaxUint64), math.Inf(1), []byte(nil), int64(-1), int64(1), false)
	f.Fuzz(func(t *testing.T, key, text string, i int64, u uint64, x float64, b []byte, sec, nanos int64, filled bool) {
		type value struct {
			S string
			I int64
			U uint64
			F float64
			B []byte
			T time.Time
			M map[string]*point
			A any
			C color
		}
		want := value{
			S: strings.ToValidUTF8(text, "\uFFFD"), I: i, U: u, F: x, B: b,
			T: time.Unix(sec%(1<<40), nanos%1e9).UTC(), C: color{byte(i), byte(u), byte(sec)},
		}
		if filled {
			want.M = map[string]*point{strings.ToValidUTF8(key, "\uFFFD"): {int(i), int(sec)}, "nil": nil}
			want.A = []any{map[string]any{"k": i, "s": want.S}, x, nil}
		}
		data, err := mongostore.BSON().Marshal(&want)
		if u > math.MaxInt64 || filled && strings.Contains(key, "\x00") {
			if err == nil {
				t.Fatalf("%v: got no error, want one", bson.Raw(data))
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		var got value
		if err := mongostore.BSON().Unmarshal(data, &got); err != nil {
			t.Fatalf("%v: %v", bson.Raw(data), err)
		}
		if math.IsNaN(x) {
			got.F, want.F, got.A, want.A = 0, 0, nil, nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}
