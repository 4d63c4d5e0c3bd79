package session_test

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/echosession/echosession/session"
)

type (
	ring     struct{ Next *ring }
	ringOf2  struct{ Next *ringBack }
	ringBack struct{ Next *ringOf2 }
	celsius  float64
	kelvin   float64
)

func TestShapeHashDiffers(t *testing.T) {
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
			hash := session.ShapeHash(tt.typ, codec)
			name := tt.name + " in " + codec
			if other, ok := first[hash]; ok {
				t.Errorf("%s has the hash of %s", name, other)
			}
			first[hash] = name
		}
	}
}

func TestShapeHashSame(t *testing.T) {
	t.Parallel()
	type small = struct{ A int }
	for _, tt := range []struct {
		name string
		a, b reflect.Type
	}{
		{"the same type", reflect.TypeFor[account](), reflect.TypeFor[account]()},
		{"a field that is not exported", reflect.TypeFor[small](), reflect.TypeFor[struct {
			A int
			b int
		}]()},
		{"a field that is ignored", reflect.TypeFor[small](), reflect.TypeFor[struct {
			A int
			B func() `json:"-"`
		}]()},
	} {
		if session.ShapeHash(tt.a, "json") != session.ShapeHash(tt.b, "json") {
			t.Errorf("%s makes a difference", tt.name)
		}
	}
	// Stored with every record, so that it must not change from release to release.
	if got := session.ShapeHash(reflect.TypeFor[struct {
		A map[string][]int `json:"a"`
		B *[2]plain
	}](), "json"); got != pinned {
		t.Errorf("the hash of a known type is %#x", got)
	}
}

const pinned = 0x8c58b9358ce96c35
