package mongostore

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
)

var (
	marshalsKey   = reflect.TypeFor[bson.KeyMarshaler]()
	unmarshalsKey = reflect.TypeFor[bson.KeyUnmarshaler]()
)

// keyMethods returns the interface by which the keys of type t are written; nil
// where it is by their kind. It is the counterpart of what the driver does to
// read a key: that asks a pointer for UnmarshalKey, then for UnmarshalText.
func keyMethods(t reflect.Type) (reflect.Type, error) {
	ptr := reflect.PointerTo(t)
	for _, pair := range [][2]reflect.Type{{unmarshalsKey, marshalsKey}, {unmarshalsText, marshalsText}} {
		read, write := pair[0], pair[1]
		switch {
		case !ptr.Implements(read):
		case !ptr.Implements(write):
			return nil, fmt.Errorf("a %s has a method to read it as a key, and none to write it", t)
		case t.Kind() == reflect.Struct && t.NumField() > 1 && !(declares(t, read) && declares(t, write)):
			return nil, fmt.Errorf("a %s is a key by the methods of an embedded field, without its other fields", t)
		default:
			return write, nil
		}
	}
	switch zero := reflect.Zero(t); {
	case t.Kind() == reflect.String, zero.CanInt(), zero.CanUint():
		return nil, nil
	}
	return nil, fmt.Errorf("a %s cannot be the key of a map", t)
}

// encodeKey writes a key by the interface of keyMethods.
func encodeKey(k reflect.Value, methods reflect.Type) (string, error) {
	if methods == nil {
		switch {
		case k.CanInt():
			return strconv.FormatInt(k.Int(), 10), nil
		case k.CanUint():
			return strconv.FormatUint(k.Uint(), 10), nil
		}
		return validUTF8(k.String()), nil
	}
	// The methods may be those of the pointer.
	p := reflect.New(k.Type())
	p.Elem().Set(k)
	if m, ok := p.Interface().(bson.KeyMarshaler); ok && methods == marshalsKey {
		key, err := m.MarshalKey()
		return validUTF8(key), err
	}
	text, err := p.Interface().(encoding.TextMarshaler).MarshalText()
	return validUTF8(string(text)), err
}
