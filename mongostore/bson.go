package mongostore

import (
	"bytes"
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/internal/typeinfo"
	"github.com/echosession/echosession/session"
)

// BSON returns a codec that stores Data as an embedded document, which can be
// queried. It is the encoding of the driver, with `json` tags where there is no
// `bson` tag and with sorted maps: equal values have equal bytes. Marshal takes
// a value or a pointer, and refuses what contains itself. The driver's rules hold:
//
//   - A field without a tag has its name in lower case. An embedded struct is a
//     field, too, unless it has the option `inline`.
//   - A time is a date of whole milliseconds, and comes back in UTC.
//   - An unsigned integer beyond the largest int64 is an error. A
//     [encoding/json.Number] becomes an integer or a double.
//   - Of methods, only those of package bson count, and the ones for text on keys
//     of maps. In an `any`, what comes back is of package bson: a map is a [bson.D].
//   - Nil and empty slices and maps stay apart, unless T itself is a map or the
//     field has the option `omitempty`. A pointer to nil comes back nil.
//   - A map with the option `inline` keeps fields that T does not know. It comes
//     back nil if there are none.
func BSON() session.Codec { return bsonCodec{} }

type bsonCodec struct{}

func (bsonCodec) Name() string { return formatBSON }

func (bsonCodec) Marshal(v any) ([]byte, error) {
	if t := reflect.TypeOf(v); t != nil && t.Kind() != reflect.Pointer {
		// The driver calls methods of the pointer only on what can be addressed.
		p := reflect.New(t)
		p.Elem().Set(reflect.ValueOf(v))
		v = p.Interface()
	}
	if isDeeper(reflect.ValueOf(v), maxLevels) {
		return nil, errors.New("mongostore: bson: the value contains itself, or is nested too deep")
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
	if !isDocument(data) { // the driver would believe any length that data has in it
		return errors.New("mongostore: bson: not a document")
	}
	dec := bson.NewDecoder(bson.NewDocumentReader(bytes.NewReader(data)))
	dec.SetRegistry(registry)
	dec.UseJSONStructTags()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("mongostore: bson: %w", err)
	}
	return nil
}

// driverRegistry encodes maps in random order, registry sorts them.
var driverRegistry, registry = bson.NewRegistry(), bson.NewRegistry()

func init() {
	registry.RegisterKindEncoder(reflect.Map, bson.ValueEncoderFunc(encodeSorted))
	registry.RegisterKindEncoder(reflect.Struct, bson.ValueEncoderFunc(encodeSorted))
}

// encodeSorted sorts what the driver writes in random order: the entries of a map,
// and at the end of a struct those of its inline map.
func encodeSorted(ec bson.EncodeContext, vw bson.ValueWriter, v reflect.Value) error {
	driver, _ := driverRegistry.LookupEncoder(v.Type()) // there is one for every kind
	random := randomEntries(v)
	if random < 2 {
		return driver.EncodeValue(ec, vw, v)
	}
	var buf bytes.Buffer
	if err := driver.EncodeValue(ec, bson.NewDocumentWriter(&buf), v); err != nil {
		return err
	}
	elements, err := bson.Raw(buf.Bytes()).Elements()
	if err != nil {
		return err
	}
	slices.SortFunc(elements[len(elements)-random:], func(a, b bson.RawElement) int {
		return cmp.Or(strings.Compare(a.Key(), b.Key()), bytes.Compare(a, b))
	})
	sorted := slices.Clone(buf.Bytes()[:4]) // its length
	for _, element := range elements {
		sorted = append(sorted, element...)
	}
	raw, _ := ec.LookupEncoder(reflect.TypeFor[bson.Raw]()) // the driver's
	return raw.EncodeValue(ec, vw, reflect.ValueOf(bson.Raw(append(sorted, 0))))
}

// randomEntries returns how many entries at the end of v the driver writes in
// random order.
func randomEntries(v reflect.Value) int {
	if v.Kind() == reflect.Map {
		return v.Len()
	}
	for i := range v.NumField() {
		f := v.Field(i)
		if f.Kind() == reflect.Map && f.Len() > 1 && f.CanInterface() && isInline(v.Type().Field(i)) {
			return f.Len()
		}
	}
	return 0
}

func isInline(f reflect.StructField) bool {
	return slices.Contains(strings.Split(tagOf(f), ","), "inline")
}

// tagOf reads a tag as the driver does.
func tagOf(f reflect.StructField) string {
	if !strings.Contains(string(f.Tag), ":") {
		return string(f.Tag)
	}
	if tag, ok := f.Tag.Lookup("bson"); ok {
		return tag
	}
	return f.Tag.Get("json")
}

// maxLevels is more than a document can have: MongoDB allows 100 levels of
// nesting, and each is an interface, a pointer and a struct at most.
const maxLevels = 500

// isDeeper reports whether v has more levels than the limit. The driver would
// follow a value that contains itself until the stack is full.
func isDeeper(v reflect.Value, limit int) bool {
	if limit == 0 {
		return true
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && isDeeper(v.Elem(), limit-1)
	case reflect.Slice, reflect.Array:
		if k := v.Type().Elem().Kind(); k <= reflect.Complex128 || k == reflect.String {
			return false
		}
		for i := range v.Len() { // Seq2 would allocate for each index
			if isDeeper(v.Index(i), limit-1) {
				return true
			}
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			if isDeeper(entry.Value(), limit-1) {
				return true
			}
		}
	case reflect.Struct:
		if bsonRules.EncodesItself(v.Type()) {
			return false
		}
		for i := range v.NumField() {
			if f := v.Field(i); f.CanInterface() && isDeeper(f, limit-1) {
				return true
			}
		}
	}
	return false
}

var bsonWriters = []reflect.Type{reflect.TypeFor[bson.Marshaler](), reflect.TypeFor[bson.ValueMarshaler]()}
var bsonReaders = []reflect.Type{reflect.TypeFor[bson.Unmarshaler](), reflect.TypeFor[bson.ValueUnmarshaler]()}

// bsonRules says how the driver treats types.
var bsonRules = typeinfo.Rules{
	Tag: "bson", Strict: true,
	EncodesItself: func(t reflect.Type) bool {
		return t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[url.URL]() || isOfDriver(t) ||
			typeinfo.Implements(t, bsonWriters...)
	},
	IsKey: func(t reflect.Type) bool {
		p := reflect.PointerTo(t) // the driver writes the value, and reads into a pointer
		return t.Implements(reflect.TypeFor[bson.KeyMarshaler]()) && p.Implements(reflect.TypeFor[bson.KeyUnmarshaler]()) ||
			t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) && p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
	},
	IsAtomic: func(t reflect.Type) bool {
		return t.Kind() == reflect.Struct && isOfDriver(t) || typeinfo.Implements(t, bsonWriters...)
	},
}

func isOfDriver(t reflect.Type) bool { return t.PkgPath() == reflect.TypeFor[bson.D]().PkgPath() }

// Exact, Atomic and CheckType are the optional methods of a [session.Codec].
func (bsonCodec) Exact(t reflect.Type) bool  { return bsonRules.Exact(t) }
func (bsonCodec) Atomic(t reflect.Type) bool { return bsonRules.Atomic(t) }
func (bsonCodec) CheckType(t reflect.Type) []string {
	c := driverCheck{seen: map[reflect.Type]bool{}, reasons: bsonRules.CheckType(t)}
	if len(c.reasons) == 0 {
		c.walk(t, cmp.Or(t.Name(), "T"))
	}
	return c.reasons
}

// driverCheck collects the reasons that only the driver has against types.
type driverCheck struct {
	seen    map[reflect.Type]bool
	endless bool // a struct is inline within itself, so nothing can be encoded
	reasons []string
}

func (c *driverCheck) refuse(format string, args ...any) {
	c.reasons = append(c.reasons, fmt.Sprintf(format, args...))
}

// walk checks t, which is at path, after the types in it.
func (c *driverCheck) walk(t reflect.Type, path string) {
	if c.seen[t] {
		return
	}
	c.seen[t] = true
	writes, reads := typeinfo.Implements(t, bsonWriters...), typeinfo.Implements(t, bsonReaders...)
	switch kind := t.Kind(); {
	case kind == reflect.Pointer:
		c.walk(t.Elem(), path)
	case writes != reads:
		c.refuse("%s is a %s, which can write itself as BSON or read itself, but not both", path, t)
	case bsonRules.EncodesItself(t):
	case kind == reflect.Slice || kind == reflect.Array || kind == reflect.Map:
		c.walk(t.Elem(), path+"[]")
	case kind == reflect.Struct:
		if at := inlineCycle(t, path, nil); at != "" && !c.endless {
			c.endless = true
			c.refuse("%s is inline within itself", at)
		}
		for f := range t.Fields() {
			switch at := path + "." + f.Name; {
			case tagOf(f) == "-":
			case f.IsExported():
				c.walk(f.Type, at)
			case f.Anonymous && f.Type.Kind() == reflect.Struct && len(bsonRules.CheckType(f.Type)) == 0:
				c.refuse("%s is an embedded struct that is not exported, and would be left out", at)
			}
		}
		if c.endless {
			return
		}
		if err := storeZero(t); err != nil {
			c.refuse("%s is a %s, which cannot be stored: %v", path, t, err)
		}
	}
}

// inlineCycle returns the path of a field that is inline within itself, or "". The
// driver would look into it until the stack is full, which ends the process.
func inlineCycle(t reflect.Type, path string, outer []reflect.Type) (at string) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if slices.Contains(outer, t) {
		return path
	}
	if t.Kind() == reflect.Struct {
		for f := range t.Fields() {
			if f.IsExported() && isInline(f) {
				at = cmp.Or(at, inlineCycle(f.Type, path+"."+f.Name, append(outer, t)))
			}
		}
	}
	return at
}

// storeZero encodes a zero t and returns the error. It recovers, because the
// driver panics for a zero [bson.Vector].
func storeZero(t reflect.Type) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	_, err = bsonCodec{}.Marshal(reflect.Zero(t).Interface())
	return errors.Unwrap(err)
}
