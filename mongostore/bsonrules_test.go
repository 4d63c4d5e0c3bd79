package mongostore_test

//lint:file-ignore U1000 fields that nothing reads are what these types are about

import (
	"encoding/json"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/mongostore"
)

// typeRules are the optional methods of a session.Codec.
type typeRules interface {
	CheckType(t reflect.Type) []string
	Exact(t reflect.Type) bool
	Atomic(t reflect.Type) bool
}

func bsonTypeRules(t *testing.T) typeRules {
	t.Helper()
	rules, ok := mongostore.BSON().(typeRules)
	if !ok {
		t.Fatal("the BSON codec has no rules for types")
	}
	return rules
}

// Types with no visible field, whose methods are all that a codec can use.
type (
	ruleBSON    struct{ hidden int }
	ruleValue   struct{ hidden int }
	ruleText    struct{ hidden int }
	ruleJSON    struct{ hidden int }
	ruleHalf    struct{ hidden int } // only writes text
	ruleBinary  struct{ hidden int }
	ruleKey     struct{ Name string }
	ruleWritten struct{ Name string } // a key that only writes itself
	ruleRead    struct{ Name string } // a key that only reads itself
	rulePlain   struct{ A int }
	ruleHook    struct{ Run func() }
)

func (ruleBSON) MarshalBSON() ([]byte, error)              { return nil, nil }
func (*ruleValue) MarshalBSONValue() (byte, []byte, error) { return 0, nil, nil }
func (ruleText) MarshalText() ([]byte, error)              { return nil, nil }
func (*ruleText) UnmarshalText([]byte) error               { return nil }
func (ruleJSON) MarshalJSON() ([]byte, error)              { return nil, nil }
func (*ruleJSON) UnmarshalJSON([]byte) error               { return nil }
func (ruleHalf) MarshalText() ([]byte, error)              { return nil, nil }
func (ruleBinary) MarshalBinary() ([]byte, error)          { return nil, nil }
func (k *ruleKey) MarshalKey() (string, error)             { return k.Name, nil }
func (k *ruleKey) UnmarshalKey(s string) error             { k.Name = s; return nil }
func (k ruleWritten) MarshalKey() (string, error)          { return k.Name, nil }
func (k *ruleRead) UnmarshalKey(s string) error            { k.Name = s; return nil }

func TestBSONChecksTypes(t *testing.T) {
	t.Parallel()
	empty := func(name string) []string {
		return []string{"T.V is a mongostore_test." + name + ", which has no exported field and would be stored empty"}
	}
	keys := func(name string) []string {
		return []string{"T.V has keys of type " + name + ", which cannot be the names in an object"}
	}
	for _, tt := range []struct {
		typ  reflect.Type // in a field V
		want []string
	}{
		{reflect.TypeFor[rulePlain](), nil},
		{reflect.TypeFor[time.Time](), nil},
		{reflect.TypeFor[url.URL](), nil},
		{reflect.TypeFor[*big.Int](), nil},
		{reflect.TypeFor[netip.Addr](), nil},
		{reflect.TypeFor[bson.RawValue](), nil},
		{reflect.TypeFor[bson.D](), nil},
		{reflect.TypeFor[ruleBSON](), nil},
		{reflect.TypeFor[*ruleValue](), nil},
		{reflect.TypeFor[ruleText](), nil},
		{reflect.TypeFor[ruleJSON](), nil},
		{reflect.TypeFor[any](), nil},
		{reflect.TypeFor[ruleHalf](), empty("ruleHalf")},
		{reflect.TypeFor[ruleBinary](), empty("ruleBinary")},
		{reflect.TypeFor[struct{ rulePlain }](), []string{"T.V is a struct { mongostore_test.rulePlain }, which has no exported field and would be stored empty"}},
		{reflect.TypeFor[[]ruleHook](), []string{"T.V[].Run is a func"}},
		{reflect.TypeFor[complex64](), []string{"T.V is a complex64"}},
		{reflect.TypeFor[error](), []string{"T.V is the interface error, which cannot be decoded: only one without methods can"}},
		{reflect.TypeFor[struct {
			A int
			F func() `bson:"-"`
		}](), nil},
		{reflect.TypeFor[struct {
			A int
			F func() `json:"-"`
		}](), nil},
		{reflect.TypeFor[struct {
			A int
			F func() `json:"-" bson:"f"`
		}](), []string{"T.V.F is a func"}},
		{reflect.TypeFor[map[string]int](), nil},
		{reflect.TypeFor[map[uint8]int](), nil},
		{reflect.TypeFor[map[ruleText]int](), nil},
		{reflect.TypeFor[map[ruleKey]int](), nil},
		{reflect.TypeFor[map[float64]int](), keys("float64")},
		{reflect.TypeFor[map[[2]byte]int](), keys("[2]uint8")},
		{reflect.TypeFor[map[bool]int](), keys("bool")},
		{reflect.TypeFor[map[any]int](), keys("interface {}")},
		{reflect.TypeFor[map[ruleHalf]int](), keys("mongostore_test.ruleHalf")},
		{reflect.TypeFor[map[ruleWritten]int](), keys("mongostore_test.ruleWritten")},
		{reflect.TypeFor[map[ruleRead]int](), keys("mongostore_test.ruleRead")},
	} {
		within := reflect.StructOf([]reflect.StructField{{Name: "V", Type: tt.typ}})
		if got := bsonTypeRules(t).CheckType(within); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q\nwant %q", tt.typ, got, tt.want)
		}
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[struct{ rulePlain }](), reflect.TypeFor[struct{}]()} {
		if got, want := bsonTypeRules(t).CheckType(typ), []string{"T has no exported field that is stored"}; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", typ, got, want)
		}
	}
}

func TestBSONExactTypes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		typ  reflect.Type
		want bool
	}{
		{reflect.TypeFor[rulePlain](), true},
		{reflect.TypeFor[map[string][]time.Time](), true},
		{reflect.TypeFor[*netip.Addr](), true},
		{reflect.TypeFor[json.RawMessage](), true},
		{reflect.TypeFor[struct {
			V any `bson:"-"`
			N int
		}](), true},
		{reflect.TypeFor[struct{ V any }](), false},
		{reflect.TypeFor[url.URL](), false},
		{reflect.TypeFor[ruleText](), false},
		{reflect.TypeFor[ruleBSON](), false},
		{reflect.TypeFor[bson.ObjectID](), false},
	} {
		if got := bsonTypeRules(t).Exact(tt.typ); got != tt.want {
			t.Errorf("Exact(%v) is %v, want %v", tt.typ, got, tt.want)
		}
	}
}

func TestBSONAtomicTypes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		typ  reflect.Type
		want bool
	}{
		{reflect.TypeFor[rulePlain](), false},
		{reflect.TypeFor[bson.M](), false},
		{reflect.TypeFor[map[string]bson.RawValue](), false},
		{reflect.TypeFor[bson.RawValue](), true},
		{reflect.TypeFor[bson.Binary](), true},
		{reflect.TypeFor[time.Time](), true},
		{reflect.TypeFor[ruleBSON](), true},
		{reflect.TypeFor[ruleValue](), true},
		{reflect.TypeFor[ruleHalf](), true},
		{reflect.TypeFor[ruleBinary](), true},
	} {
		if got := bsonTypeRules(t).Atomic(tt.typ); got != tt.want {
			t.Errorf("Atomic(%v) is %v, want %v", tt.typ, got, tt.want)
		}
	}
}
