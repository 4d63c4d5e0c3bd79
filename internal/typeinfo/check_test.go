package typeinfo_test

//lint:file-ignore U1000 fields that nothing reads are what these types are about

import (
	"io"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/echosession/echosession/internal/typeinfo"
)

type (
	hook   struct{ Run func() }
	tree   struct{ Left, Right *tree }
	list   []list
	lookup map[string]lookup
	self   *self
	hooked struct {
		Next *hooked
		F    func()
	}
	plain      struct{ A int }
	Plain      struct{ B int }
	unexported struct{ a int }
	Unexported struct{ a int }
	words      []string
)

func TestCheck(t *testing.T) {
	t.Parallel()
	rules := map[string]typeinfo.Rules{
		"json": typeinfo.JSON(), "other": typeinfo.Lenient("other"),
		// It has forms of its own for some types, and does not promote.
		"custom": {Tag: "custom", Strict: true, EncodesItself: func(t reflect.Type) bool {
			return slices.Contains([]reflect.Type{
				reflect.TypeFor[time.Time](), reflect.TypeFor[url.URL](), reflect.TypeFor[big.Int](), reflect.TypeFor[netip.Addr](),
			}, t)
		}},
	}
	everywhere := func(reasons ...string) map[string][]string {
		return map[string][]string{"json": reasons, "custom": reasons, "other": reasons}
	}
	strictly := func(reasons ...string) map[string][]string {
		return map[string][]string{"json": reasons, "custom": reasons}
	}
	fine := map[string][]string{}
	for _, tt := range []struct {
		name string
		typ  reflect.Type
		want map[string][]string // by codec
	}{
		{"string", reflect.TypeFor[string](), fine},
		{"map", reflect.TypeFor[map[string]any](), fine},
		{"time", reflect.TypeFor[time.Time](), fine},
		{"struct", reflect.TypeFor[plain](), fine},
		{"pointer", reflect.TypeFor[*plain](), everywhere("T is a pointer, *typeinfo_test.plain: use the type it points to")},
		{"any", reflect.TypeFor[any](), everywhere("T is an interface, interface {}: use a concrete type")},
		{"interface", reflect.TypeFor[io.Reader](), everywhere("T is an interface, io.Reader: use a concrete type")},
		{"func", reflect.TypeFor[func()](), everywhere("T is a func")},
		{"no fields", reflect.TypeFor[struct{}](), everywhere("T has no exported field that is stored")},
		{"no exported field", reflect.TypeFor[unexported](), everywhere("unexported has no exported field that is stored")},
		{"all ignored", reflect.TypeFor[struct {
			F func() `json:"-"`
		}](), everywhere("T has no exported field that is stored")},
		{"func in a slice", reflect.TypeFor[struct{ Hooks []hook }](), everywhere("T.Hooks[].Run is a func")},
		{"named", reflect.TypeFor[hook](), everywhere("hook.Run is a func")},
		{"every way down", reflect.TypeFor[struct {
			Func    func()
			Pointer **hook
			Array   [2]func(int)
			Map     map[string][]chan int
			Struct  struct{ In struct{ C chan<- int } }
			Addr    uintptr
			Unsafe  unsafe.Pointer
		}](), everywhere(
			"T.Func is a func", "T.Pointer.Run is a func", "T.Array[] is a func", "T.Map[][] is a chan",
			"T.Struct.In.C is a chan", "T.Addr is an address (uintptr)", "T.Unsafe is an address (unsafe.Pointer)",
		)},
		{"the same offender twice", reflect.TypeFor[struct {
			A, B func()
			C, D sync.Mutex
		}](), everywhere(
			"T.A is a func", "T.B is a func",
			"T.C is a sync.Mutex, which has no exported field and would be stored empty",
			"T.D is a sync.Mutex, which has no exported field and would be stored empty",
		)},
		{"complex", reflect.TypeFor[struct {
			A complex64
			B []complex128
		}](), strictly("T.A is a complex64", "T.B[] is a complex128")},
		{"interfaces", reflect.TypeFor[struct {
			A any
			B []error
		}](), strictly("T.B[] is the interface error, which cannot be decoded: only one without methods can")},
		{"keys", reflect.TypeFor[struct{ M map[bool]hook }](), everywhere(
			"T.M has keys of type bool, which cannot be the names in an object", "T.M[].Run is a func",
		)},
		{"recursive", reflect.TypeFor[struct {
			A tree
			B list
			C lookup
			D self
		}](), fine},
		{"recursive, with an offender", reflect.TypeFor[hooked](), everywhere("hooked.F is a func")},
		{"struct without fields", reflect.TypeFor[struct{ Set map[string]struct{} }](), fine},
		{"struct with all fields ignored", reflect.TypeFor[struct {
			In struct {
				A int `json:"-"`
			}
		}](), fine},
		{"ignored by json", reflect.TypeFor[struct {
			A int
			F func() `json:"-"`
		}](), fine},
		{"an offender after what is skipped", reflect.TypeFor[struct {
			a func()
			B int `json:"-"`
			F func()
		}](), everywhere("T.F is a func")},
		{"ignored by custom only", reflect.TypeFor[struct {
			A int
			F func() `custom:"-"`
		}](), map[string][]string{"json": {"T.F is a func"}, "other": {"T.F is a func"}}},
		{"ignored by json, not by custom", reflect.TypeFor[struct {
			A int
			F func() `json:"-" custom:"f"`
		}](), map[string][]string{"custom": {"T.F is a func"}}},
		{"ignored by a codec's own tag", reflect.TypeFor[struct {
			A int
			F func() `other:"-"`
		}](), strictly("T.F is a func")},
		{"tags that ignore nothing", reflect.TypeFor[struct {
			F func() `json:"-x"`
			G func() `json:"f,omitempty"`
		}](), everywhere("T.F is a func", "T.G is a func")},
		{"unexported fields", reflect.TypeFor[struct {
			A int
			f func()
			words
		}](), fine},
		{"embedded", reflect.TypeFor[struct{ Plain }](), fine},
		{"embedded pointer", reflect.TypeFor[struct{ *Plain }](), fine},
		{"embedded, not exported", reflect.TypeFor[struct{ plain }](), map[string][]string{
			"custom": {"T has no exported field that is stored"},
		}},
		{"embedded, not exported, ignored", reflect.TypeFor[struct {
			plain `json:"-"`
		}](), everywhere("T has no exported field that is stored")},
		{"embedded, not exported, with an offender", reflect.TypeFor[struct {
			A int
			hook
		}](), map[string][]string{"json": {"T.hook.Run is a func"}, "other": {"T.hook.Run is a func"}}},
		{"embedded, nothing exported", reflect.TypeFor[struct {
			A int
			Unexported
		}](), everywhere("T.Unexported is a typeinfo_test.Unexported, which has no exported field and would be stored empty")},
		{"embedded pointer, not exported", reflect.TypeFor[struct {
			A int
			*plain
		}](), map[string][]string{
			"json":  {"T.plain is an embedded pointer to a struct that is not exported, which cannot be decoded"},
			"other": {"T.plain is an embedded pointer to a struct that is not exported, which cannot be decoded"},
		}},
		{"nothing but what is embedded and no struct", reflect.TypeFor[struct{ words }](), everywhere("T has no exported field that is stored")},
		{"library types", reflect.TypeFor[struct {
			T time.Time
			D time.Duration
			I *big.Int
			A netip.Addr
			U url.URL
		}](), map[string][]string{
			"json": {"T.U.User is a url.Userinfo, which has no exported field and would be stored empty"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, codec := range []string{"json", "custom", "other"} {
				if got := rules[codec].CheckType(tt.typ); !slices.Equal(got, tt.want[codec]) {
					t.Errorf("%s: %q\nwant %q", codec, got, tt.want[codec])
				}
			}
		})
	}
}
