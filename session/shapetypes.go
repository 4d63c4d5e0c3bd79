package session

import (
	"encoding"
	"net/url"
	"reflect"
	"strings"
	"time"

	json "github.com/go-json-experiment/json"
)

// The codecs whose rules are known by name, so that this package need not
// import what implements them.
const (
	codecJSON = "json"
	codecBSON = "bson"
)

var (
	typeTime = reflect.TypeFor[time.Time]()
	typeURL  = reflect.TypeFor[url.URL]()
	typeByte = reflect.TypeFor[byte]()
	typeText = reflect.TypeFor[encoding.TextMarshaler]()

	jsonMethods = []reflect.Type{
		reflect.TypeFor[json.Marshaler](),
		reflect.TypeFor[json.MarshalerTo](),
		typeText,
		reflect.TypeFor[encoding.TextAppender](),
	}
	bsonMethods = []reflect.Type{
		reflect.TypeFor[interface{ MarshalBSON() ([]byte, error) }](),
		reflect.TypeFor[interface {
			MarshalBSONValue() (byte, []byte, error)
		}](),
	}
	// Types without these BSON stores by a pair of text or JSON, if they have both.
	bsonPairs = []reflect.Type{
		pairText,
		reflect.TypeFor[interface {
			json.Marshaler
			json.Unmarshaler
		}](),
		reflect.TypeFor[interface {
			json.MarshalerTo
			json.UnmarshalerFrom
		}](),
	}
	// Keys of maps it stores by these.
	bsonKeys = []reflect.Type{
		reflect.TypeFor[interface {
			MarshalKey() (string, error)
			UnmarshalKey(string) error
		}](),
		pairText,
	}
	pairText = reflect.TypeFor[interface {
		encoding.TextMarshaler
		encoding.TextUnmarshaler
	}]()
	otherMethods = []reflect.Type{
		reflect.TypeFor[encoding.BinaryMarshaler](),
		reflect.TypeFor[encoding.BinaryAppender](),
		reflect.TypeFor[interface{ GobEncode() ([]byte, error) }](),
	}
)

// encodesItself reports whether the codec leaves the encoding of t to methods
// of t, or has a form of its own for it, so that the fields of t do not matter.
// For a codec of another name every known method counts.
func encodesItself(t reflect.Type, codec string) bool {
	switch codec {
	case codecJSON:
		return hasAny(t, jsonMethods)
	case codecBSON:
		return t == typeTime || t == typeURL || hasAny(t, bsonMethods) || hasAny(t, bsonPairs) || isOfBSON(t)
	}
	return hasAny(t, jsonMethods) || hasAny(t, bsonMethods) || hasAny(t, otherMethods)
}

// isOfBSON reports whether t is a type of the driver's package bson.
func isOfBSON(t reflect.Type) bool { return strings.HasSuffix(t.PkgPath(), "/mongo-driver/v2/bson") }

// hasAny reports whether t, or a pointer to it, has the methods of one of the
// interfaces. What is decoded is always addressable.
func hasAny(t reflect.Type, interfaces []reflect.Type) bool {
	for _, i := range interfaces {
		if t.Implements(i) || reflect.PointerTo(t).Implements(i) {
			return true
		}
	}
	return false
}

// hidesAll reports whether t is a struct with fields, none of which a codec can see.
func hidesAll(t reflect.Type, codec string) bool {
	if t.Kind() != reflect.Struct || t.NumField() == 0 {
		return false
	}
	for sf := range t.Fields() {
		if isVisible(sf, codec) {
			return false
		}
	}
	return true
}

// isVisible reports whether a codec can see the field: one that is exported, or
// an embedded struct, through which the exported fields of a type that is not
// are promoted. BSON does not promote those.
func isVisible(sf reflect.StructField, codec string) bool {
	if sf.IsExported() || !sf.Anonymous || codec == codecBSON {
		return sf.IsExported()
	}
	t := sf.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct
}

// isIgnored reports whether the field's tag keeps it from the codec. Where there
// is no tag of the codec's name that of JSON counts, as it does for most codecs.
func isIgnored(sf reflect.StructField, codec string) bool {
	tag, ok := sf.Tag.Lookup(codec)
	if !ok {
		tag = sf.Tag.Get(codecJSON)
	}
	return tag == "-"
}

// isName reports whether the keys of a map can be the names in an object and
// come back equal. A pointer comes back as another pointer, and an `any` that
// held a number as a string.
func isName(t reflect.Type, codec string) bool {
	switch t.Kind() {
	case reflect.String,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	case reflect.Pointer, reflect.Interface:
		return false
	}
	if codec == codecBSON {
		return hasAny(t, bsonKeys)
	}
	switch t.Kind() {
	case reflect.Float32, reflect.Float64:
		return true
	case reflect.Array: // in base64
		if t.Elem() == typeByte {
			return true
		}
	}
	return encodesItself(t, codec)
}
