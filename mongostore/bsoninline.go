package mongostore

import (
	"reflect"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// inline is a map whose entries are written among the fields of its struct, and
// which is given what the struct has no field for.
type inline struct {
	field int             // its index
	names map[string]bool // of the fields
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
