package mongostore

import (
	"reflect"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// inline is a map whose entries are written among the fields of its struct, and
// which is given what the struct has no field for.
type inline struct {
	field int             // its index
	names map[string]bool // of the fields
}

// inlineOf returns that of t, a struct; nil where it has none.
func inlineOf(t reflect.Type) *inline {
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Type.Kind() == reflect.Map && hasInline(f) {
			in := &inline{field: i, names: map[string]bool{}}
			in.addNames(t)
			return in
		}
	}
	return nil
}

func (in *inline) addNames(t reflect.Type) {
	for f := range t.Fields() {
		tag := tagOf(f)
		if !f.IsExported() || tag == "-" {
			continue
		}
		if !hasInline(f) {
			name, _, _ := strings.Cut(tag, ",")
			if name == "" {
				name = strings.ToLower(f.Name)
			}
			in.names[name] = true
			continue
		}
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && inner != t {
			in.addNames(inner)
		}
	}
}

// taken reports whether what has the key is read into a field.
func (in *inline) taken(key string) bool {
	return in.names[key] || in.names[strings.ToLower(key)]
}

// encode has stock write v without the map, and adds the entries of that: stock
// would write them in any order.
func (in *inline) encode(ec bson.EncodeContext, vw bson.ValueWriter, v reflect.Value, stock bson.ValueEncoder) error {
	fields := reflect.New(v.Type()).Elem()
	fields.Set(v)
	fields.Field(in.field).SetZero()
	return stock.EncodeValue(ec, tailed{vw, func(dw bson.DocumentWriter) error {
		return encodeEntries(ec, dw, v.Field(in.field), in.taken)
	}}, fields)
}

// tailed writes a document with something at its end.
type tailed struct {
	bson.ValueWriter
	tail func(bson.DocumentWriter) error
}

func (w tailed) WriteDocument() (bson.DocumentWriter, error) {
	dw, err := w.ValueWriter.WriteDocument()
	return tailedDocument{dw, w.tail}, err
}

type tailedDocument struct {
	bson.DocumentWriter
	tail func(bson.DocumentWriter) error
}

func (d tailedDocument) WriteDocumentEnd() error {
	if err := d.tail(d.DocumentWriter); err != nil {
		return err
	}
	return d.DocumentWriter.WriteDocumentEnd()
}

// tagOf reads a tag as the driver does.
func tagOf(f reflect.StructField) string {
	tag, ok := f.Tag.Lookup("bson")
	if !ok {
		tag, ok = f.Tag.Lookup("json")
	}
	if !ok && !strings.Contains(string(f.Tag), ":") {
		tag = string(f.Tag)
	}
	return tag
}

func hasInline(f reflect.StructField) bool {
	return slices.Contains(strings.Split(tagOf(f), ","), "inline")
}
