package mongostore

//lint:file-ignore U1000 fields that nothing reads are what these types are about

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// Types that have no field for BSON, but methods.
type (
	hidden      struct{ a int }
	ruleText    struct{ hidden int }
	ruleBinary  struct{ hidden int }
	ruleWrites  struct{ A int }
	ruleReads   struct{ A int }
	ruleKey     struct{ Name string }
	ruleKeyOut  struct{ Name string } // a key that only writes itself
	ruleKeyIn   struct{ Name string } // a key that only reads itself
	rulePointer struct{ Name string } // a key by the pointer, which the driver does not have
	derived     struct {
		point
		N int
	}
	sameNames struct{ ID, Id int }
	twoRests  struct {
		M map[string]int `bson:",inline"`
		N map[string]int `bson:",inline"`
	}
	endless struct { // inline within itself
		N    int
		Next *endless `bson:",inline"`
	}
	ping struct {
		Pong pong `json:",inline"`
	}
	pong struct {
		N    int
		Ping *ping `bson:"ping,inline"`
	}
	turning struct { // not inline within itself: one step is a field
		N    int
		Back *turned
	}
	turned struct {
		Turning turning `bson:",inline"`
	}
	ignoring struct {
		point `bson:"-"`
		hidden
		H func() `json:"-"`
		N int
	}
)

func (ruleText) MarshalText() ([]byte, error)      { return nil, nil }
func (*ruleText) UnmarshalText([]byte) error       { return nil }
func (ruleBinary) MarshalBinary() ([]byte, error)  { return nil, nil }
func (ruleWrites) MarshalBSON() ([]byte, error)    { return nil, nil }
func (*ruleReads) UnmarshalBSON([]byte) error      { return nil }
func (k ruleKey) MarshalKey() (string, error)      { return k.Name, nil }
func (k *ruleKey) UnmarshalKey(s string) error     { k.Name = s; return nil }
func (k ruleKeyOut) MarshalKey() (string, error)   { return k.Name, nil }
func (k *ruleKeyIn) UnmarshalKey(s string) error   { k.Name = s; return nil }
func (k *rulePointer) MarshalKey() (string, error) { return k.Name, nil }
func (k *rulePointer) UnmarshalKey(s string) error { k.Name = s; return nil }

func TestBSONChecksTypes(t *testing.T) {
	t.Parallel()
	empty := func(name string) string {
		return "T.V is a " + name + ", which has no exported field and would be stored empty"
	}
	keys := func(name string) string {
		return "T.V has keys of type " + name + ", which cannot be the names in an object"
	}
	half := func(path, name string) string {
		return path + " is a mongostore." + name + ", which can write itself as BSON or read itself, but not both"
	}
	for _, tt := range []struct {
		typ  reflect.Type // of a field V of T
		want string       // "": it is fine
	}{
		{reflect.TypeFor[point](), ""},
		{reflect.TypeFor[tree](), ""},
		{reflect.TypeFor[time.Time](), ""},
		{reflect.TypeFor[url.URL](), ""},
		{reflect.TypeFor[map[string]bson.RawValue](), ""},
		{reflect.TypeFor[bson.D](), ""},
		{reflect.TypeFor[area](), ""},
		{reflect.TypeFor[any](), ""},
		{reflect.TypeFor[ignoring](), ""},
		{reflect.TypeFor[older](), ""},
		{reflect.TypeFor[netip.Addr](), empty("netip.Addr")},
		{reflect.TypeFor[ruleText](), empty("mongostore.ruleText")},
		{reflect.TypeFor[ruleBinary](), empty("mongostore.ruleBinary")},
		{reflect.TypeFor[struct{ point }](), empty("struct { mongostore.point }")},
		{reflect.TypeFor[[]struct{ Run func() }](), "T.V[].Run is a func"},
		{reflect.TypeFor[complex64](), "T.V is a complex64"},
		{reflect.TypeFor[error](), "T.V is the interface error, which cannot be decoded: only one without methods can"},
		{reflect.TypeFor[map[string]*ruleWrites](), half("T.V[]", "ruleWrites")},
		{reflect.TypeFor[[]ruleReads](), half("T.V[]", "ruleReads")},
		{reflect.TypeFor[*derived](), "T.V.point is an embedded struct that is not exported, and would be left out"},
		{reflect.TypeFor[bson.RawValue](), "T is a struct { V bson.RawValue }, which cannot be stored: the RawValue Type specifies an invalid BSON type: 0x0"},
		{reflect.TypeFor[[]*sameNames](), "T.V[] is a mongostore.sameNames, which cannot be stored: struct mongostore.sameNames has duplicated key id"},
		{reflect.TypeFor[[]twoRests](), "T.V[] is a mongostore.twoRests, which cannot be stored: (struct mongostore.twoRests) multiple inline maps"},
		{reflect.TypeFor[bson.Vector](), "T is a struct { V bson.Vector }, which cannot be stored: invalid Vector data type: 0"},
		{reflect.TypeFor[[]struct{ W bson.Vector }](),
			"T.V[] is a struct { W bson.Vector }, which cannot be stored: invalid Vector data type: 0"},
		{reflect.TypeFor[[]bson.Vector](), ""},
		{reflect.TypeFor[endless](), "T.V.Next is inline within itself"},
		{reflect.TypeFor[*endless](), "T.V.Next is inline within itself"},
		{reflect.TypeFor[map[string]ping](), "T.V[].Pong.Ping is inline within itself"},
		{reflect.TypeFor[struct {
			A []pong
			B ping
		}](), "T.V.A[].Ping.Pong is inline within itself"},
		{reflect.TypeFor[struct {
			E endless `bson:",inline"`
		}](), "T.V.E.Next is inline within itself"},
		{reflect.TypeFor[struct {
			N int
			E endless `bson:"-"`
		}](), ""},
		{reflect.TypeFor[turned](), ""},
		{reflect.TypeFor[map[string]int](), ""},
		{reflect.TypeFor[map[uint8]int](), ""},
		{reflect.TypeFor[map[ruleText]int](), ""},
		{reflect.TypeFor[map[ruleKey]int](), ""},
		{reflect.TypeFor[map[float64]int](), keys("float64")},
		{reflect.TypeFor[map[bool]int](), keys("bool")},
		{reflect.TypeFor[map[any]int](), keys("interface {}")},
		{reflect.TypeFor[map[ruleKeyOut]int](), keys("mongostore.ruleKeyOut")},
		{reflect.TypeFor[map[ruleKeyIn]int](), keys("mongostore.ruleKeyIn")},
		{reflect.TypeFor[map[rulePointer]int](), keys("mongostore.rulePointer")},
	} {
		within := reflect.StructOf([]reflect.StructField{{Name: "V", Type: tt.typ}})
		got := strings.Join(bsonCodec{}.CheckType(within), "\n")
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.typ, got, tt.want)
		}
	}
	if got := (bsonCodec{}).CheckType(reflect.TypeFor[ignoring]()); got != nil {
		t.Errorf("T itself: got %q, want nothing", got)
	}
	const want = "derived.point is an embedded struct that is not exported, and would be left out"
	if got := (bsonCodec{}).CheckType(reflect.TypeFor[derived]()); !slices.Equal(got, []string{want}) {
		t.Errorf("T itself: got %q, want %q", got, want)
	}
}

// session.New finds the rules, and names the path.
func TestBSONAtTheStart(t *testing.T) {
	t.Parallel()
	store := memstore.New(memstore.Options{})
	_, err := session.New(session.Config[struct{ Users []derived }]{Store: store, Codec: BSON()})
	if want := "T.Users[].point is an embedded struct"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want one with %q", err, want)
	}
	_, err = session.New(session.Config[string]{Store: store, Codec: BSON()})
	if want := "cannot be stored by the bson codec"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a string: got error %v, want one with %q", err, want)
	}
}

func TestBSONExactTypes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		typ  reflect.Type
		want bool
	}{
		{reflect.TypeFor[point](), true},
		{reflect.TypeFor[map[string][]time.Time](), true},
		{reflect.TypeFor[json.RawMessage](), true},
		{reflect.TypeFor[struct {
			V any `bson:"-"`
			N int
		}](), true},
		{reflect.TypeFor[in[any]](), false},
		{reflect.TypeFor[url.URL](), false},
		{reflect.TypeFor[area](), false},
		{reflect.TypeFor[bson.ObjectID](), false},
	} {
		if got := (bsonCodec{}).Exact(tt.typ); got != tt.want {
			t.Errorf("Exact(%v) is %t, want %t", tt.typ, got, tt.want)
		}
	}
}

func TestBSONAtomicTypes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		typ  reflect.Type
		want bool
	}{
		{reflect.TypeFor[point](), false},
		{reflect.TypeFor[bson.M](), false},
		{reflect.TypeFor[map[string]bson.RawValue](), false},
		{reflect.TypeFor[bson.RawValue](), true},
		{reflect.TypeFor[bson.Binary](), true},
		{reflect.TypeFor[time.Time](), true},
		{reflect.TypeFor[area](), true},
		{reflect.TypeFor[ruleText](), true},
		{reflect.TypeFor[ruleBinary](), true},
	} {
		if got := (bsonCodec{}).Atomic(tt.typ); got != tt.want {
			t.Errorf("Atomic(%v) is %t, want %t", tt.typ, got, tt.want)
		}
	}
}
