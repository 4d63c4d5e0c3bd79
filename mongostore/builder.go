package mongostore

import (
	"encoding/binary"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// builder appends to a BSON document. The documents of this package have few
// fields of known types: written this way they cost no reflection, and can be
// measured before they are sent.
type builder struct{ b []byte }

// newBuilder begins a document for which there is room.
func newBuilder(room int) *builder {
	return &builder{make([]byte, 4, 4+room)}
}

// end completes the document. The builder is not to be used any more.
func (d *builder) end() bson.Raw {
	d.b = append(d.b, 0)
	binary.LittleEndian.PutUint32(d.b, uint32(len(d.b)))
	return d.b
}

func (d *builder) key(t bson.Type, key string) {
	d.b = append(d.b, byte(t))
	d.b = append(d.b, key...)
	d.b = append(d.b, 0)
}

func (d *builder) length(n int) { d.b = binary.LittleEndian.AppendUint32(d.b, uint32(n)) }

func (d *builder) string(key, v string) {
	d.key(bson.TypeString, key)
	d.length(len(v) + 1)
	d.b = append(d.b, v...)
	d.b = append(d.b, 0)
}

// text is a string that is there as bytes.
func (d *builder) text(key string, v []byte) {
	d.key(bson.TypeString, key)
	d.length(len(v) + 1)
	d.b = append(d.b, v...)
	d.b = append(d.b, 0)
}

func (d *builder) int64(key string, v int64) {
	d.key(bson.TypeInt64, key)
	d.b = binary.LittleEndian.AppendUint64(d.b, uint64(v))
}

func (d *builder) time(key string, v time.Time) {
	d.key(bson.TypeDateTime, key)
	d.b = binary.LittleEndian.AppendUint64(d.b, uint64(v.UnixMilli()))
}

func (d *builder) binary(key string, v []byte) {
	d.key(bson.TypeBinary, key)
	d.length(len(v))
	d.b = append(d.b, bson.TypeBinaryGeneric)
	d.b = append(d.b, v...)
}

// document embeds one that is complete.
func (d *builder) document(key string, v bson.Raw) {
	d.key(bson.TypeEmbeddedDocument, key)
	d.b = append(d.b, v...)
}
