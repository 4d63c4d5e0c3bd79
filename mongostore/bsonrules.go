package mongostore

import (
	"encoding"
	"net/url"
	"reflect"
	"time"

	json "github.com/go-json-experiment/json"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/internal/typeinfo"
)

// bsonRules says how the BSON codec treats types. Types of package bson are
// written by the driver, and a struct of it, such as a RawValue, means nothing
// without all of its fields.
var bsonRules = typeinfo.Rules{
	Tag: "bson", Strict: true,
	EncodesItself: func(t reflect.Type) bool {
		return t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[url.URL]() || isOfDriver(t) ||
			typeinfo.Implements(t, bsonMethods...) || typeinfo.Implements(t, methodPairs...)
	},
	IsKey: func(t reflect.Type) bool { return typeinfo.Implements(t, keyPairs...) },
	IsAtomic: func(t reflect.Type) bool {
		return t.Kind() == reflect.Struct && isOfDriver(t) || typeinfo.Implements(t, bsonMethods...)
	},
}

var (
	bsonMethods = []reflect.Type{
		reflect.TypeFor[bson.Marshaler](),
		reflect.TypeFor[bson.ValueMarshaler](),
	}
	// methodPairs are used for types without bsonMethods, if they have both methods.
	methodPairs = []reflect.Type{
		textPair,
		reflect.TypeFor[interface {
			json.Marshaler
			json.Unmarshaler
		}](),
		reflect.TypeFor[interface {
			json.MarshalerTo
			json.UnmarshalerFrom
		}](),
	}
	keyPairs = []reflect.Type{
		reflect.TypeFor[interface {
			bson.KeyMarshaler
			bson.KeyUnmarshaler
		}](),
		textPair,
	}
	textPair = reflect.TypeFor[interface {
		encoding.TextMarshaler
		encoding.TextUnmarshaler
	}]()
)

// CheckType returns why values of t would not come back equal.
func (bsonCodec) CheckType(t reflect.Type) []string { return bsonRules.Check(t) }

// Exact reports whether decoding a t and encoding it again gives the same bytes.
func (bsonCodec) Exact(t reflect.Type) bool { return bsonRules.Exact(t) }

// Atomic reports whether a merge takes values of t as one.
func (bsonCodec) Atomic(t reflect.Type) bool { return bsonRules.Whole(t) }
