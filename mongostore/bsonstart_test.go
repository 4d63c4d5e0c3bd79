package mongostore_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/mongostore"
	"github.com/echosession/echosession/session"
)

// Types of which something would be lost.
type (
	base    struct{ X int }
	derived struct {
		base
		N int
	}
	middle  struct{ base }
	further struct {
		middle
		N int
	}
	dyed struct { // the part is not exported, but has text
		color
		N int
	}
	summed    struct{ A, B int }
	read      struct{ A int }
	halfOwn   struct{ Level }
	ownsOther struct{ Level }
	shadowing struct {
		Plain point `bson:",inline"`
		X     string
	}
	selfInline struct {
		N    int
		Self *selfInline `bson:",inline"`
	}
	notString struct {
		M map[upper]int `bson:",inline"`
	}
	inlineText struct {
		At time.Time `bson:",inline"`
		N  int
	}
	inlineJSON struct {
		P priced `bson:",inline"`
	}
	priced     struct{ Cents int64 }
	sameNames  struct{ ID, Id int }
	twoInlines struct {
		M map[string]int `bson:",inline"`
		N map[string]int `bson:",inline"`
	}
	inlineSlice struct {
		S []int `bson:",inline"`
	}
	hooked struct { // stored by its fields, one of which cannot be
		time.Time
		Hook func()
	}
	// What is in no way stored may be as it likes.
	ignoring struct {
		base `bson:"-"`
		H    func() `json:"-"`
		N    int
	}
)

func (s summed) MarshalBSON() ([]byte, error)           { return bson.Marshal(bson.M{"sum": s.A + s.B}) }
func (r *read) UnmarshalBSON([]byte) error              { return nil }
func (halfOwn) MarshalBSONValue() (byte, []byte, error) { return 0, nil, nil }
func (ownsOther) MarshalBSON() ([]byte, error)          { return nil, nil }
func (*ownsOther) UnmarshalBSON([]byte) error           { return nil }
func (p priced) MarshalJSON() ([]byte, error)           { return json.Marshal(p.Cents) }
func (p *priced) UnmarshalJSON(b []byte) error          { return json.Unmarshal(b, &p.Cents) }

// refused is a type that a T must not have in it.
type refused struct {
	start func() error // with a T that has none of it yet
	value any
	want  string
}

func refuse[T any](want string, value ...T) refused {
	if value == nil {
		value = make([]T, 1)
	}
	return refused{func() error {
		_, err := session.New(session.Config[in[map[string][]*T]]{Store: memstore.New(memstore.Options{}), Codec: mongostore.BSON()})
		return err
	}, value[0], want}
}

// A type of which something would be lost is refused at the start, and where
// that cannot see it, in an `any`, when it is stored.
func TestBSONRefusesTypes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]refused{
		"embedded, not exported":           refuse[derived]("derived.base: BSON leaves out an embedded struct"),
		"embedded in what is embedded":     refuse[further]("further.middle: BSON leaves out an embedded struct"),
		"embedded with text, not exported": refuse[dyed]("dyed.color: BSON leaves out an embedded struct"),
		"BSON that is only written":        refuse[summed]("summed has a method to write itself as BSON or to read itself, and not both"),
		"BSON that is only read":           refuse[read]("read has a method"),
		"BSON read by a part":              refuse[halfOwn]("halfOwn has a method"),
		"BSON that a part goes before":     refuse[ownsOther]("ownsOther has a method"),
		"shadowed by a name":               refuse[shadowing](`shadowing has two fields of the name "x"`),
		"names alike":                      refuse[sameNames](`sameNames has two fields of the name "id"`),
		"inline within itself":             refuse[selfInline]("selfInline.Self: the option inline within itself"),
		"inline map of other keys":         refuse[notString]("notString.M: a map with the option inline must have the key type string"),
		"inline of what has text":          refuse[inlineText]("inlineText.At: the option inline leaves out what a time.Time writes by its methods"),
		"inline of what has JSON":          refuse[inlineJSON]("inlineJSON.P: the option inline leaves out"),
		"two inline maps":                  refuse[twoInlines]("twoInlines.N: a second map with the option inline"),
		"inline of a slice":                refuse[inlineSlice]("inlineSlice.S: the option inline is for structs and maps"),
		"keys that are only read":          refuse("numbered has a method to read it as a key, and none to write it", map[numbered]int{1: 1}),
		"keys by a part":                   refuse("port is a key by the methods of an embedded field", map[port]int{{}: 1}),
		"pointers as keys":                 refuse("*netip.Addr", map[*netip.Addr]int{{}: 1}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := tt.start(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("session.New: got %v, want an error that contains %q", err, tt.want)
			}
			if data, err := mongostore.BSON().Marshal(&in[any]{tt.value}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("in an any: got %v (%v), want an error that contains %q", bson.Raw(data), err, tt.want)
			}
		})
	}
}

func TestBSONStartsWith(t *testing.T) {
	t.Parallel()
	if err := refuse[hooked]("").start(); err == nil {
		t.Error("a func in a type that is stored by its fields: got no error, want one")
	}
	for name, tt := range map[string]refused{
		"ignored":                 refuse[ignoring](""),
		"methods beside a part's": refuse[zoned](""),
		"types of the driver": refuse[struct {
			D bson.D
			M bson.M
			R bson.Raw
			V bson.RawValue
			C bson.CodeWithScope
			N bson.Vector
		}](""),
		"keys by the pointer": refuse[map[cell]int](""),
		"recursive":           refuse[tree](""),
	} {
		if err := tt.start(); err != nil {
			t.Errorf("%s: got %v, want no error", name, err)
		}
	}
	_, err := session.New(session.Config[struct {
		D bson.D
		R bson.Raw
		V bson.RawValue
		C bson.CodeWithScope
		N bson.Vector
	}]{Store: memstore.New(memstore.Options{}), Codec: mongostore.BSON()})
	if err != nil {
		t.Errorf("zero values of the driver's types: got %v, want no error", err)
	}
}
