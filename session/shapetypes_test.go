package session_test

//lint:file-ignore U1000 fields that nothing reads are what these types are about

import (
	"encoding"
	"reflect"
	"testing"

	json "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/echosession/echosession/session"
)

// Types with one method for their encoding each, and nothing else to show.
type (
	valueJSON    struct{ f func() }
	pointerJSON  struct{ f func() }
	toJSON       struct{ f func() }
	valueText    struct{ f func() }
	appendsText  struct{ f func() }
	valueBSON    struct{ f func() }
	anyBSON      struct{ f func() }
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
func (valueBSON) MarshalBSON() ([]byte, error)             { return nil, nil }
func (*anyBSON) MarshalBSONValue() (byte, []byte, error)   { return 0, nil, nil }
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
		typ               reflect.Type
		json, bson, other bool
	}{
		{reflect.TypeFor[valueJSON](), true, false, true},
		{reflect.TypeFor[pointerJSON](), true, false, true},
		{reflect.TypeFor[toJSON](), true, false, true},
		{reflect.TypeFor[valueText](), true, false, true},
		{reflect.TypeFor[appendsText](), true, false, true},
		{reflect.TypeFor[valueBSON](), false, true, true},
		{reflect.TypeFor[anyBSON](), false, true, true},
		{reflect.TypeFor[binaryOnly](), false, false, true},
		{reflect.TypeFor[appendBinary](), false, false, true},
		{reflect.TypeFor[gobOnly](), false, false, true},
		{reflect.TypeFor[decodesOnly](), false, false, false},
	} {
		t.Run(tt.typ.Name(), func(t *testing.T) {
			t.Parallel()
			within := reflect.StructOf([]reflect.StructField{{Name: "F", Type: reflect.PointerTo(tt.typ)}})
			for codec, want := range map[string]bool{"json": tt.json, "bson": tt.bson, "other": tt.other} {
				for _, typ := range []reflect.Type{tt.typ, within} {
					if reasons := session.CheckShape(typ, codec); (reasons == nil) != want {
						t.Errorf("%s of %s: %q, want none: %t", codec, typ, reasons, want)
					}
				}
			}
		})
	}
}

type (
	nameText    struct{ Name string }
	namePointer struct{ Name string }
	nameBSON    struct{ Name string }
	nameWritten struct{ Name string }
	nameHalf    struct{ Name string }
	nameString  string
	nameNumber  int
	byteLike    byte
)

func (n nameText) MarshalText() ([]byte, error)     { return []byte(n.Name), nil }
func (n *nameText) UnmarshalText(b []byte) error    { n.Name = string(b); return nil }
func (n *namePointer) MarshalText() ([]byte, error) { return []byte(n.Name), nil }
func (n *namePointer) UnmarshalText(b []byte) error { n.Name = string(b); return nil }
func (n *nameBSON) MarshalKey() (string, error)     { return n.Name, nil }
func (n *nameBSON) UnmarshalKey(s string) error     { n.Name = s; return nil }
func (n nameWritten) MarshalKey() (string, error)   { return n.Name, nil }
func (n *nameHalf) UnmarshalKey(s string) error     { n.Name = s; return nil }

func TestKeysOfMaps(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		m          any // with one entry
		json, bson bool
	}{
		{map[string]int{"a": 1}, true, true},
		{map[nameString]int{"a": 1}, true, true},
		{map[int]int{-1: 1}, true, true},
		{map[int8]int{-1: 1}, true, true},
		{map[int16]int{-1: 1}, true, true},
		{map[int32]int{-1: 1}, true, true},
		{map[int64]int{-1: 1}, true, true},
		{map[uint]int{1: 1}, true, true},
		{map[uint8]int{1: 1}, true, true},
		{map[uint16]int{1: 1}, true, true},
		{map[uint32]int{1: 1}, true, true},
		{map[uint64]int{1: 1}, true, true},
		{map[nameNumber]int{1: 1}, true, true},
		{map[float32]int{1.5: 1}, true, false},
		{map[float64]int{1.5: 1}, true, false},
		{map[[2]byte]int{{1, 2}: 1}, true, false},
		{map[[2]byteLike]int{{1, 2}: 1}, false, false},
		{map[[1]string]int{{"a"}: 1}, false, false},
		{map[nameText]int{{"a"}: 1}, true, true},
		{map[namePointer]int{{"a"}: 1}, true, true},
		{map[nameBSON]int{{"a"}: 1}, false, true},
		{map[nameWritten]int{{"a"}: 1}, false, false},
		{map[nameHalf]int{{"a"}: 1}, false, false},
		{map[*nameText]int{{"a"}: 1}, false, false},
		{map[*string]int{new("a"): 1}, false, false},
		{map[any]int{1: 1}, false, false},
		{map[bool]int{true: 1}, false, false},
		{map[plain]int{{1}: 1}, false, false},
	} {
		typ := reflect.TypeOf(tt.m)
		t.Run(typ.String(), func(t *testing.T) {
			t.Parallel()
			for codec, want := range map[string]bool{"json": tt.json, "bson": tt.bson, "other": tt.json} {
				if reasons := session.CheckShape(typ, codec); (reasons == nil) != want {
					t.Errorf("%s: %q, want none: %t", codec, reasons, want)
				}
			}
			// What is said of JSON is what it does.
			back := reflect.New(typ)
			data, err := session.JSON().Marshal(reflect.ValueOf(tt.m).Interface())
			if err == nil {
				err = session.JSON().Unmarshal(data, back.Interface())
			}
			if equal := err == nil && reflect.DeepEqual(back.Elem().Interface(), tt.m); equal != tt.json {
				t.Errorf("%s came back as %v (%v), want equal: %t", data, back.Elem(), err, tt.json)
			}
		})
	}
}
