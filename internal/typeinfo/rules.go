// Package typeinfo finds out what a Go type means to a codec: whether its values
// can be stored at all, whether they come back byte for byte, and which of them
// have no parts of their own.
//
// What differs between codecs is in Rules. The package reads types only, never
// values, so it cannot know what a codec decides when it sees a value: an `any`
// that holds a func, or a method that fails.
package typeinfo

import (
	"encoding"
	"reflect"
	"slices"

	json "github.com/go-json-experiment/json"
)

// Rules says how one codec treats types. Its methods are those by which a codec
// describes types to package session.
type Rules struct {
	// Tag is the key of the struct tag by which the codec ignores a field, as in
	// `json:"-"`. A field without that key is ignored if its json tag is "-".
	Tag string

	// Strict says that these rules are all that the codec does. CheckType then also
	// refuses complex numbers and interfaces with methods, and Exact can be true.
	Strict bool

	// Promotes says that the codec sees the exported fields of an embedded struct
	// whose type is not exported.
	Promotes bool

	// EncodesItself reports whether the codec leaves the encoding of a t to methods
	// of t, or has a form of its own for t. The fields of t then do not matter.
	EncodesItself func(t reflect.Type) bool

	// IsKey reports whether the keys of a map can be of type t and come back equal.
	// It is asked for all types but strings and integers, which always can be keys,
	// and pointers and interfaces, which never can. Default: the rule of JSON.
	IsKey func(t reflect.Type) bool

	// IsAtomic reports whether the parts of a t mean nothing apart, besides the
	// types of which Atomic knows it. Default: there are no others.
	IsAtomic func(t reflect.Type) bool
}

// JSON returns the rules of github.com/go-json-experiment/json.
func JSON() Rules {
	return Rules{
		Tag: "json", Strict: true, Promotes: true,
		EncodesItself: func(t reflect.Type) bool { return Implements(t, jsonMethods...) },
	}
}

// Lenient returns rules for the codec of that name, of which nothing else is
// known. It may honor any method for an encoding.
func Lenient(codec string) Rules {
	return Rules{Tag: codec, Promotes: true, EncodesItself: hasEncodingMethods}
}

// Atomic reports whether values of t count as one in a merge. They do if t has
// methods for an encoding or shows no field, because such a type has rules about
// its fields, and if IsAtomic says so.
func (r Rules) Atomic(t reflect.Type) bool {
	return hasEncodingMethods(t) || r.hidesAll(t) || r.IsAtomic != nil && r.IsAtomic(t)
}

// faithfulPackages have types with methods for an encoding that encode what they
// decoded to the same bytes.
var faithfulPackages = map[string]bool{
	"encoding/json": true, "net": true, "net/netip": true, "time": true,
}

// Exact reports whether decoding a t and encoding it again gives the same bytes.
// That is not certain of an interface, which changes numbers beyond 2^53, of a
// type with methods of its own, or under rules that are not Strict.
func (r Rules) Exact(t reflect.Type) bool {
	return r.Strict && r.exact(t, map[reflect.Type]bool{})
}

func (r Rules) exact(t reflect.Type, seen map[reflect.Type]bool) bool {
	switch {
	case seen[t]:
		return true
	case t.Kind() != reflect.Pointer && r.EncodesItself(t):
		return faithfulPackages[t.PkgPath()]
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return false
	case reflect.Slice, reflect.Array, reflect.Pointer:
		return r.exact(t.Elem(), seen)
	case reflect.Map:
		return r.exact(t.Key(), seen) && r.exact(t.Elem(), seen)
	case reflect.Struct:
		for sf := range t.Fields() {
			if !r.ignores(sf) && !r.exact(sf.Type, seen) {
				return false
			}
		}
	}
	return true
}

// hidesAll reports whether t is a struct that has fields, but none that the codec
// sees.
func (r Rules) hidesAll(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.NumField() > 0 && !hasField(t, r.sees)
}

// hasField reports whether a field of the struct t is one that is asked for.
func hasField(t reflect.Type, is func(reflect.StructField) bool) bool {
	return slices.ContainsFunc(slices.Collect(t.Fields()), is)
}

// stores reports whether the codec sees the field and does not ignore it.
func (r Rules) stores(sf reflect.StructField) bool { return r.sees(sf) && !r.ignores(sf) }

// sees reports whether the codec sees the field.
func (r Rules) sees(sf reflect.StructField) bool {
	if sf.IsExported() || !sf.Anonymous || !r.Promotes {
		return sf.IsExported()
	}
	t := sf.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct
}

// ignores reports whether the tag of the field hides it from the codec.
func (r Rules) ignores(sf reflect.StructField) bool {
	tag, ok := sf.Tag.Lookup(r.Tag)
	return tag == "-" || !ok && sf.Tag.Get("json") == "-"
}

// isKey reports whether keys of type t can be the names in an object. A pointer
// would come back as another pointer, and a number in an interface as a string.
// JSON writes a float as text, too, and an array of bytes in base64.
func (r Rules) isKey(t reflect.Type) bool {
	switch k := t.Kind(); {
	case k == reflect.String, reflect.Int <= k && k <= reflect.Uint64:
		return true
	case k == reflect.Pointer, k == reflect.Interface:
		return false
	case r.IsKey != nil:
		return r.IsKey(t)
	case k == reflect.Float32, k == reflect.Float64:
		return true
	case k == reflect.Array && t.Elem() == reflect.TypeFor[byte]():
		return true
	}
	return r.EncodesItself(t)
}

var (
	jsonMethods = []reflect.Type{
		reflect.TypeFor[json.Marshaler](),
		reflect.TypeFor[json.MarshalerTo](),
		reflect.TypeFor[encoding.TextMarshaler](),
		reflect.TypeFor[encoding.TextAppender](),
	}
	binaryMethods = []reflect.Type{
		reflect.TypeFor[encoding.BinaryMarshaler](),
		reflect.TypeFor[encoding.BinaryAppender](),
		reflect.TypeFor[interface{ GobEncode() ([]byte, error) }](),
	}
)

// hasEncodingMethods reports whether t has methods for an encoding of the
// standard library.
func hasEncodingMethods(t reflect.Type) bool {
	return Implements(t, jsonMethods...) || Implements(t, binaryMethods...)
}

// Implements reports whether t, or a pointer to it, implements one of the
// interfaces. A pointer counts because what is decoded is always addressable.
func Implements(t reflect.Type, interfaces ...reflect.Type) bool {
	return slices.ContainsFunc(interfaces, func(i reflect.Type) bool {
		return t.Implements(i) || reflect.PointerTo(t).Implements(i)
	})
}
