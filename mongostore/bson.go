package mongostore

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/session"
)

// BSON returns a codec that stores Data as an embedded document, which can be
// queried and indexed by its fields. Equal values have equal bytes: the keys of
// maps are sorted. Names are those of the `bson` tags, where there is none
// those of the `json` tags, else the name of the field in lower case.
//
// Where a type says itself how it is written, that holds: first the methods
// MarshalBSON and MarshalBSONValue, then MarshalText, then MarshalJSON, the
// latter two as a string and only where the type can also read it back. Nil and
// empty slices and maps are kept apart. A [time.Time] is a date; one with a part
// below the millisecond, which a date cannot have, is a document of a date t
// and the nanoseconds ns. A [json.Number] is a string.
//
// What is stored and has no field in a struct goes into its map with the option
// `inline`, if it has one, and is written again as it was: the map of an older
// version keeps the fields of a newer one. A map[string]bson.RawValue keeps all
// exactly. Where there is nothing it comes back nil.
//
// Refused with an error are an unsigned integer beyond the largest int64, a key
// with a zero byte, one in an inline map that would be read into a field, an inline
// map in an inline struct, a struct that would be stored empty, an embedded struct
// that is not exported but has fields that are, and what is nested more than 100
// deep, as a cycle is.
//
// Not kept are: the time zone, a time comes back in UTC; the type of what is in
// an `any`, which comes back as a map[string]any, []any, string, bool, int32,
// int64, float64, []byte, [time.Time] or a type of package bson; bytes that are
// not UTF-8 in a string, which are replaced; the difference between nil and
// empty where T itself is a map.
func BSON() session.Codec { return bsonCodec{} }

type bsonCodec struct{}

func (bsonCodec) Name() string { return formatBSON }

func (bsonCodec) Marshal(v any) ([]byte, error) {
	if err := checkTop(reflect.TypeOf(v)); err != nil {
		return nil, err
	}
	if err := checkDepth(reflect.ValueOf(v)); err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	enc := bson.NewEncoder(bson.NewDocumentWriter(&buf))
	enc.SetRegistry(registry)
	enc.UseJSONStructTags()
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("mongostore: bson: %w", err)
	}
	return buf.Bytes(), nil
}

func (bsonCodec) Unmarshal(data []byte, v any) error {
	// The driver's reader believes any length that it is told, up to 2 GiB.
	if !isDocument(data) {
		return errors.New("mongostore: bson: not a document")
	}
	dec := bson.NewDecoder(bson.NewDocumentReader(bytes.NewReader(data)))
	dec.SetRegistry(registry)
	dec.UseJSONStructTags()
	dec.DefaultDocumentMap()
	dec.BinaryAsSlice()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("mongostore: bson: %w", err)
	}
	return nil
}

var marshalsBSON = reflect.TypeFor[bson.Marshaler]()

// checkTop refuses a T that is not a document.
func checkTop(t reflect.Type) error {
	if t == nil || t.Kind() != reflect.Pointer {
		return fmt.Errorf("mongostore: bson: Marshal needs a pointer, not %v", t)
	}
	if t.Implements(marshalsBSON) {
		return nil
	}
	switch e := t.Elem(); e.Kind() {
	case reflect.Struct, reflect.Map:
		if p := planOf(e); p.form == asText || p.form == asJSON {
			return fmt.Errorf("mongostore: bson: a %s is stored as a string, and cannot be a document by itself", e)
		}
		return nil
	default:
		return fmt.Errorf("mongostore: bson: a %s cannot be a document: use a struct or a map", e)
	}
}
