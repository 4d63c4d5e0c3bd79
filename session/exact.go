package session

import "reflect"

// exactPackages are those whose self-encoding types give back the bytes from
// which they were decoded.
var exactPackages = map[string]bool{
	"encoding/json": true, "net": true, "net/netip": true, "time": true,
}

// isExact reports whether what the codec made of a value of type t is made
// again of what is decoded from it. That is not certain of an interface, of which
// a number beyond 2^53 comes back as another one, nor of codecs and of types
// that encode themselves in ways that nobody knows.
func isExact(t reflect.Type, codec string) bool {
	known := codec == codecJSON || codec == codecBSON
	return known && exactWalk(t, codec, map[reflect.Type]bool{})
}

func exactWalk(t reflect.Type, codec string, seen map[reflect.Type]bool) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if seen[t] {
		return true
	}
	seen[t] = true
	if encodesItself(t, codec) {
		return exactPackages[t.PkgPath()]
	}
	switch t.Kind() {
	case reflect.Interface:
		return false
	case reflect.Slice, reflect.Array, reflect.Pointer:
		return exactWalk(t.Elem(), codec, seen)
	case reflect.Map:
		return exactWalk(t.Key(), codec, seen) && exactWalk(t.Elem(), codec, seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); !isIgnored(f, codec) && !exactWalk(f.Type, codec, seen) {
				return false
			}
		}
	}
	return true
}
