package typeinfo_test

//lint:file-ignore U1000 fields that nothing reads are what these types are about

import (
	"encoding"
	jsonv1 "encoding/json"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"testing"
	"time"

	json "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/echosession/echosession/internal/typeinfo"
)

// Types with one method for their encoding each, and nothing else to show.
type (
	valueJSON    struct{ f func() }
	pointerJSON  struct{ f func() }
	toJSON       struct{ f func() }
	valueText    struct{ f func() }
	appendsText  struct{ f func() }
	binaryOnly   struct{ f func() }
	appendBinary struct{ f func() }
	gobOnly      struct{ f func() }
	decodesOnly  struct{ f func() }
)

func (valueJSON) MarshalJSON() ([]byte, error)             { return nil, nil }
func (*pointerJSON) MarshalJSON() ([]byte, error)          { return nil, nil }
func (toJSON) MarshalJSONTo(*jsontext.Encoder) error       { return nil }
func (valueText) MarshalText() ([]byte, error)             { return nil, nil }
func (appendsText) AppendText(b []byte) ([]byte, error)    { return b, nil }
func (binaryOnly) MarshalBinary() ([]byte, error)          { return nil, nil }
func (appendBinary) AppendBinary(b []byte) ([]byte, error) { return b, nil }
func (gobOnly) GobEncode() ([]byte, error)                 { return nil, nil }
func (*decodesOnly) UnmarshalJSON([]byte) error            { return nil }

var (
	_ json.Marshaler          = (*pointerJSON)(nil)
	_ json.MarshalerTo        = toJSON{}
	_ encoding.TextAppender   = appendsText{}
	_ encoding.BinaryAppender = appendBinary{}
)

func TestTypesThatEncodeThemselvesEndTheWalk(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		typ         reflect.Type
		json, other bool
	}{
		{reflect.TypeFor[valueJSON](), true, true},
		{reflect.TypeFor[pointerJSON](), true, true},
		{reflect.TypeFor[toJSON](), true, true},
		{reflect.TypeFor[valueText](), true, true},
		{reflect.TypeFor[appendsText](), true, true},
		{reflect.TypeFor[binaryOnly](), false, true},
		{reflect.TypeFor[appendBinary](), false, true},
		{reflect.TypeFor[gobOnly](), false, true},
		{reflect.TypeFor[decodesOnly](), false, false},
	} {
		t.Run(tt.typ.Name(), func(t *testing.T) {
			t.Parallel()
			within := reflect.StructOf([]reflect.StructField{{Name: "F", Type: reflect.PointerTo(tt.typ)}})
			for _, typ := range []reflect.Type{tt.typ, within} {
				if reasons := typeinfo.JSON().CheckType(typ); (reasons == nil) != tt.json {
					t.Errorf("JSON of %s: %q, want none: %t", typ, reasons, tt.json)
				}
				if reasons := typeinfo.Lenient("other").CheckType(typ); (reasons == nil) != tt.other {
					t.Errorf("another codec of %s: %q, want none: %t", typ, reasons, tt.other)
				}
			}
		})
	}
}

type (
	nameText    struct{ Name string }
	namePointer struct{ Name string }
	nameString  string
	nameNumber  int
	byteLike    byte
)

func (n nameText) MarshalText() ([]byte, error)     { return []byte(n.Name), nil }
func (n *nameText) UnmarshalText(b []byte) error    { n.Name = string(b); return nil }
func (n *namePointer) MarshalText() ([]byte, error) { return []byte(n.Name), nil }
func (n *namePointer) UnmarshalText(b []byte) error { n.Name = string(b); return nil }

func TestKeysOfMaps(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		m    any // with one entry
		want bool
	}{
		{map[string]int{"a": 1}, true},
		{map[nameString]int{"a": 1}, true},
		{map[int]int{-1: 1}, true},
		{map[int8]int{-1: 1}, true},
		{map[int16]int{-1: 1}, true},
		{map[int32]int{-1: 1}, true},
		{map[int64]int{-1: 1}, true},
		{map[uint]int{1: 1}, true},
		{map[uint8]int{1: 1}, true},
		{map[uint16]int{1: 1}, true},
		{map[uint32]int{1: 1}, true},
		{map[uint64]int{1: 1}, true},
		{map[nameNumber]int{1: 1}, true},
		{map[float32]int{1.5: 1}, true},
		{map[float64]int{1.5: 1}, true},
		{map[[2]byte]int{{1, 2}: 1}, true},
		{map[[2]byteLike]int{{1, 2}: 1}, false},
		{map[[1]string]int{{"a"}: 1}, false},
		{map[nameText]int{{"a"}: 1}, true},
		{map[namePointer]int{{"a"}: 1}, true},
		{map[*nameText]int{{"a"}: 1}, false},
		{map[*string]int{new("a"): 1}, false},
		{map[any]int{1: 1}, false},
		{map[bool]int{true: 1}, false},
		{map[plain]int{{1}: 1}, false},
	} {
		typ := reflect.TypeOf(tt.m)
		t.Run(typ.String(), func(t *testing.T) {
			t.Parallel()
			for codec, rules := range map[string]typeinfo.Rules{"JSON": typeinfo.JSON(), "another codec": typeinfo.Lenient("other")} {
				if reasons := rules.CheckType(typ); (reasons == nil) != tt.want {
					t.Errorf("%s: %q, want none: %t", codec, reasons, tt.want)
				}
			}
			// The rules of JSON are what it does.
			back := reflect.New(typ)
			data, err := json.Marshal(tt.m)
			if err == nil {
				err = json.Unmarshal(data, back.Interface())
			}
			if equal := err == nil && reflect.DeepEqual(back.Elem().Interface(), tt.m); equal != tt.want {
				t.Errorf("%s came back as %v (%v), want equal: %t", data, back.Elem(), err, tt.want)
			}
		})
	}
}

// own has a method for its encoding, and is of no package that is known.
type own struct{ n int }

func (o own) MarshalText() ([]byte, error) { return []byte{byte('0' + o.n)}, nil }

func TestExact(t *testing.T) {
	t.Parallel()
	type recursive struct {
		Next  *recursive
		Other []recursive
	}
	for _, tt := range []struct {
		value any
		want  bool
	}{
		{struct{ N int }{}, true},
		{struct {
			A []string
			B map[string]time.Time
			C [2]float64
			D *netip.Addr
			E jsonv1.RawMessage
		}{}, true},
		{recursive{}, true},
		{struct{ V any }{}, false},
		{struct{ V []map[string]any }{}, false},
		{struct{ V map[string]*[1]any }{}, false},
		{struct {
			V any `json:"-"`
			N int
		}{}, true},
		{struct{ V own }{}, false},
		{struct{ V *big.Float }{}, false},
		{struct{ V map[own]int }{}, false},
		{struct{ V struct{ Deep *own } }{}, false},
	} {
		typ := reflect.TypeOf(tt.value)
		if got := typeinfo.JSON().Exact(typ); got != tt.want {
			t.Errorf("Exact(%v) is %v, want %v", typ, got, tt.want)
		}
		if typeinfo.Lenient("another").Exact(typ) {
			t.Errorf("Exact(%v) is true under lenient rules, want false", typ)
		}
	}
}

func TestWhole(t *testing.T) {
	t.Parallel()
	atomic := typeinfo.Rules{IsAtomic: func(t reflect.Type) bool { return t == reflect.TypeFor[plain]() }}
	for _, tt := range []struct {
		typ          reflect.Type
		want, custom bool
	}{
		{reflect.TypeFor[int](), false, false},
		{reflect.TypeFor[map[string]int](), false, false},
		{reflect.TypeFor[struct{}](), false, false},
		{reflect.TypeFor[hook](), false, false},
		{reflect.TypeFor[plain](), false, true},
		{reflect.TypeFor[struct{ plain }](), false, true}, // it promotes nothing
		{reflect.TypeFor[unexported](), true, true},
		{reflect.TypeFor[valueJSON](), true, true},
		{reflect.TypeFor[*pointerJSON](), true, true},
		{reflect.TypeFor[valueText](), true, true},
		{reflect.TypeFor[binaryOnly](), true, true},
		{reflect.TypeFor[gobOnly](), true, true},
		{reflect.TypeFor[time.Time](), true, true},
		{reflect.TypeFor[url.URL](), true, true},
		{reflect.TypeFor[big.Int](), true, true},
	} {
		for name, rules := range map[string]typeinfo.Rules{"JSON": typeinfo.JSON(), "another codec": typeinfo.Lenient("other")} {
			if got := rules.Atomic(tt.typ); got != tt.want {
				t.Errorf("%s: Atomic(%v) is %v, want %v", name, tt.typ, got, tt.want)
			}
		}
		if got := atomic.Atomic(tt.typ); got != tt.custom {
			t.Errorf("rules of its own: Atomic(%v) is %v, want %v", tt.typ, got, tt.custom)
		}
	}
}
