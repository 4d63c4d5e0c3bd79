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
// latter two as a string and only where the type can also read it back. Keys of
// maps likewise have MarshalKey and MarshalText. What a struct has only through
// an embedded field does not count: it is written by its fields. Types of package
// bson are what the driver makes of them, and a [bson.D] keeps the order also of
// the documents in it. A [encoding/json.Number] and a [net/url.URL] are strings.
// Nil and empty slices and maps are kept apart.
//
// # Times
//
// A [time.Time] of whole milliseconds is a date. One with a part below, such as
// most that [time.Now] returns, is a document of a date t and the nanoseconds ns,
// for a date cannot have them. A query has to ask for both:
//
//	{$or: [{"data.at": {$lt: when}}, {"data.at.t": {$lt: when}}]}
//
// $lt and $gte are exact. What was rounded by Truncate(time.Millisecond) is
// always a date, and can be queried, sorted and indexed as one.
//
// # Fields of other versions
//
// What is stored and has no field in a struct goes into its map with the option
// `inline`, if it has one, and is written again as it was: the map of an older
// version keeps the fields of a newer one. A map[string]bson.RawValue keeps all
// exactly. Where there is nothing it comes back nil.
//
// # What is refused
//
// [session.New] refuses a T in which there is, at any depth, one of these, and
// the codec one that is in an `any`: a type that can write itself as BSON but not
// read itself, or the reverse; a key of a map that can only be read, or is a
// struct with more than the embedded field whose methods it has; a struct that
// would be stored empty, or has two fields of one name; an embedded struct that is
// not exported but has what would be stored; the option `inline` on a second map, on
// one in an inline struct, and on a struct that has methods of its own.
//
// Refused with an error when it is stored is an unsigned integer beyond the
// largest int64, a key with a zero byte, one in an inline map that would be read
// into a field, an empty [bson.Raw] that is not nil, and what is nested more than
// 100 deep, as a cycle is.
//
// # What is not kept
//
//   - The time zone: a time comes back in UTC.
//   - The type of what is in an `any`, which comes back as nil, a map[string]any,
//     []any, string, bool, int32, int64, float64, []byte, [time.Time] or a type of
//     package bson; a time with a part below the millisecond as the map of its t
//     and ns, and a [bson.D] without its order. In a [bson.D] that is not in an
//     `any` documents and arrays come back as [bson.D] and [bson.A].
//   - Bytes that are not UTF-8 in a string: they are replaced.
//   - What a type leaves out of its own text, such as the spaces of a
//     [encoding/json.RawMessage] or that a [net.IP] was short.
//   - The difference between nil and empty where T itself is a map or the field has
//     the option `omitempty`, which leaves out all that is empty or has a method
//     IsZero that says so, also behind a pointer: it comes back as the zero value.
//   - The difference between a nil pointer and a pointer to nil.
//   - Of the types of package bson: a zero RawValue comes back as one of type null,
//     a nil Data of a Binary that has a subtype empty, the options of a Regex
//     sorted, and the Scope of a CodeWithScope as a [bson.D] of what would be in an
//     `any`.
func BSON() session.Codec { return bsonCodec{} }

type bsonCodec struct{}

func (bsonCodec) Name() string { return formatBSON }

func (bsonCodec) Marshal(v any) ([]byte, error) {
	t := reflect.TypeOf(v)
	if t == nil || t.Kind() != reflect.Pointer {
		return nil, fmt.Errorf("mongostore: bson: Marshal needs a pointer, not %v", t)
	}
	if err := checkType(t.Elem()); err != nil {
		return nil, fmt.Errorf("mongostore: bson: %w", err)
	}
	if err := checkDepth(reflect.ValueOf(v)); err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	enc := bson.NewEncoder(bson.NewDocumentWriter(&buf))
	enc.SetRegistry(registry)
	enc.UseJSONStructTags()
	if err := enc.Encode(wholeOf(v)); err != nil {
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
	if err := dec.Decode(wholeOf(v)); err != nil {
		return fmt.Errorf("mongostore: bson: %w", err)
	}
	return nil
}

// whole is what a document is of. The driver would ask a T itself for its
// methods before anything else, also for those of an embedded field.
type whole struct{ value reflect.Value }

// wholeOf returns what the driver is to be given for v, a pointer.
func wholeOf(v any) any {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() || planOf(p.Type().Elem()).form == asBSON {
		return v
	}
	return &whole{p.Elem()}
}

func encodeWhole(ec bson.EncodeContext, vw bson.ValueWriter, v reflect.Value) error {
	value := v.Addr().Interface().(*whole).value
	enc, err := ec.LookupEncoder(value.Type())
	if err != nil {
		return err
	}
	return enc.EncodeValue(ec, vw, value)
}

func decodeWhole(dc bson.DecodeContext, vr bson.ValueReader, v reflect.Value) error {
	value := v.Addr().Interface().(*whole).value
	dec, err := dc.LookupDecoder(value.Type())
	if err != nil {
		return err
	}
	return dec.DecodeValue(dc, vr, value)
}
