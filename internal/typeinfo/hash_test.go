package typeinfo_test

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/echosession/echosession/internal/typeinfo"
)

type (
	ring     struct{ Next *ring }
	ringOf2  struct{ Next *ringBack }
	ringBack struct{ Next *ringOf2 }
	celsius  float64
	kelvin   float64
)

func TestHashDiffers(t *testing.T) {
	t.Parallel()
	first := map[any]string{}
	for _, tt := range []struct {
		name string
		typ  reflect.Type
	}{
		{"the one that is changed", reflect.TypeFor[struct{ A, B int }]()},
		{"renamed field", reflect.TypeFor[struct{ A, C int }]()},
		{"other order", reflect.TypeFor[struct{ B, A int }]()},
		{"fewer fields", reflect.TypeFor[struct{ A int }]()},
		{"more fields", reflect.TypeFor[struct{ A, B, C int }]()},
		{"other type", reflect.TypeFor[struct {
			A int
			B string
		}]()},
		{"other size", reflect.TypeFor[struct {
			A int
			B int64
		}]()},
		{"tag", reflect.TypeFor[struct {
			A int `json:"a"`
			B int
		}]()},
		{"other tag", reflect.TypeFor[struct {
			A int `json:"a,omitzero"`
			B int
		}]()},
		{"tag of another field", reflect.TypeFor[struct {
			A int
			B int `json:"a"`
		}]()},
		{"pointer", reflect.TypeFor[struct {
			A int
			B *int
		}]()},
		{"slice", reflect.TypeFor[struct {
			A int
			B []int
		}]()},
		{"slice of others", reflect.TypeFor[struct {
			A int
			B []string
		}]()},
		{"array", reflect.TypeFor[struct {
			A int
			B [2]int
		}]()},
		{"longer array", reflect.TypeFor[struct {
			A int
			B [3]int
		}]()},
		{"array of others", reflect.TypeFor[struct {
			A int
			B [3]string
		}]()},
		{"map", reflect.TypeFor[map[string]int]()},
		{"map of others", reflect.TypeFor[map[string]string]()},
		{"other keys", reflect.TypeFor[map[int]string]()},
		{"two maps", reflect.TypeFor[map[int]map[string]int]()},
		{"deeper", reflect.TypeFor[struct{ In struct{ A []struct{ X int } } }]()},
		{"deeper, renamed", reflect.TypeFor[struct{ In struct{ A []struct{ Y int } } }]()},
		{"field after a struct", reflect.TypeFor[struct {
			In struct{ A int }
			B  int
		}]()},
		{"field at the end of the struct", reflect.TypeFor[struct {
			In struct{ A, B int }
		}]()},
		{"behind a pointer", reflect.TypeFor[struct{ In *struct{ A int } }]()},
		{"behind a pointer, renamed", reflect.TypeFor[struct{ In *struct{ B int } }]()},
		{"embedded", reflect.TypeFor[struct{ Plain }]()},
		{"not embedded", reflect.TypeFor[struct{ Plain Plain }]()},
		{"embedded, not exported", reflect.TypeFor[struct{ plain }]()},
		{"recursive", reflect.TypeFor[ring]()},
		{"recursive by two", reflect.TypeFor[ringOf2]()},
		{"named", reflect.TypeFor[celsius]()},
		{"named otherwise", reflect.TypeFor[kelvin]()},
		{"duration", reflect.TypeFor[time.Duration]()},
		{"number", reflect.TypeFor[int64]()},
		{"time", reflect.TypeFor[struct{ T time.Time }]()},
		{"address", reflect.TypeFor[struct{ T netip.Addr }]()},
		{"address and port", reflect.TypeFor[struct{ T netip.AddrPort }]()},
	} {
		for _, codec := range []string{"json", "bson"} {
			hash := typeinfo.Hash(tt.typ, codec)
			name := tt.name + " in " + codec
			if other, ok := first[hash]; ok {
				t.Errorf("%s has the hash of %s", name, other)
			}
			first[hash] = name
		}
	}
}

func TestHashSame(t *testing.T) {
	t.Parallel()
	type small = struct{ A int }
	for _, tt := range []struct {
		name string
		a, b reflect.Type
	}{
		{"the same type", reflect.TypeFor[hooked](), reflect.TypeFor[hooked]()},
		{"a field that is not exported", reflect.TypeFor[small](), reflect.TypeFor[struct {
			A int
			b int
		}]()},
		{"a field that is ignored", reflect.TypeFor[small](), reflect.TypeFor[struct {
			A int
			B func() `json:"-"`
		}]()},
	} {
		if typeinfo.Hash(tt.a, "json") != typeinfo.Hash(tt.b, "json") {
			t.Errorf("%s makes a difference", tt.name)
		}
	}
}

// The hash is stored with every record, so it must not change from release to
// release.
func TestHashIsPinned(t *testing.T) {
	t.Parallel()
	typ := reflect.TypeFor[struct {
		A map[string][]int `json:"a" bson:"b,omitempty"`
		B *[2]time.Duration
		C func() `json:"-"`
		D []struct {
			At   time.Time
			From netip.Addr
		} `bson:"-"`
	}]()
	for codec, want := range map[string]uint64{"json": 0xf8588a4627cdedea, "bson": 0x8bedee9f02fb239} {
		if got := typeinfo.Hash(typ, codec); got != want {
			t.Errorf("the hash for %s is %#x, want %#x", codec, got, want)
		}
	}
}
