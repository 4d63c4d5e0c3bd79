package mongostore

import (
	"encoding/binary"
	"fmt"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/session"
)

// The fields of a document. The store writes only these, so that fields which
// an operator adds survive.
const (
	fieldID      = "_id"
	fieldName    = "name"
	fieldVersion = "v"
	fieldUser    = "user" // absent for an anonymous session, which then has no entry in the user index
	fieldCreated = "created"
	fieldSeen    = "seen"
	fieldExpires = "expires"
	fieldFormat  = "format"
	fieldMeta    = "meta"
	fieldData    = "data"
)

// The data of these formats is stored in a form that the shell can show and
// query: a string and an embedded document. All other data is binary.
const (
	formatJSON = "json"
	formatBSON = "bson"
)

// maxDocument is the size of document that a server accepts, 16 MiB. It counts
// an operator's fields too, so the server decides about documents just below it.
const maxDocument = 16 << 20

// room returns a size that is enough for the document and the update of r, so that
// the builder does not have to grow its buffer.
func room(r session.Record) int {
	const fields = 384 // names, lengths, times and operators
	return fields + len(r.ID) + len(r.Name) + len(r.User) + len(r.Format) + len(r.Meta) + len(r.Data)
}

// encodeDocument returns the document that stores r as version 1.
func encodeDocument(r session.Record) bson.Raw {
	d := newBuilder(room(r))
	d.string(fieldID, r.ID)
	d.string(fieldName, r.Name)
	d.int64(fieldVersion, 1)
	if r.User != "" {
		d.string(fieldUser, r.User)
	}
	d.time(fieldCreated, r.CreatedAt)
	d.time(fieldSeen, r.SeenAt)
	d.time(fieldExpires, r.ExpiresAt)
	d.string(fieldFormat, r.Format)
	d.binary(fieldMeta, r.Meta)
	encodeData(d, fieldData, r)
	return d.end()
}

// encodeID returns the filter for an id.
func encodeID(id string) bson.Raw {
	d := newBuilder(32 + len(id))
	d.string(fieldID, id)
	return d.end()
}

// encodeVersion returns the filter for one version of a session; 0 stands for
// any version.
func encodeVersion(id string, version int64) bson.Raw {
	d := newBuilder(48 + len(id))
	d.string(fieldID, id)
	if version != 0 {
		d.int64(fieldVersion, version)
	}
	return d.end()
}

// encodeLive returns the filter for the version of r, if it has not expired.
func encodeLive(r session.Record, now time.Time) bson.Raw {
	d := newBuilder(96 + len(r.ID))
	d.string(fieldID, r.ID)
	d.int64(fieldVersion, r.Version)
	d.document(fieldExpires, func() { d.time("$gt", now) })
	return d.end()
}

// encodeUser returns the filter for a user's sessions of one kind, without the
// session exceptID.
func encodeUser(name, user, exceptID string) bson.Raw {
	d := newBuilder(96 + len(name) + len(user) + len(exceptID))
	d.string(fieldName, name)
	d.string(fieldUser, user)
	if exceptID != "" {
		d.document(fieldID, func() { d.string("$ne", exceptID) })
	}
	return d.end()
}

// encodeUpdate returns the change that stores r as the next version.
//
// If the stored session was seen later than r, a Touch came in between. Then
// each of the two times keeps the later value. Everything else becomes as in r.
// Strings and data are literals: a "$" in them means nothing to the server.
func encodeUpdate(r session.Record) pipeline {
	d := newBuilder(room(r))
	literal := func(key, v string) {
		d.document(key, func() { d.string("$literal", v) })
	}
	later := func(key, field string, v time.Time) {
		d.document(key, func() {
			d.array("$max", func() {
				d.string("0", "$"+field)
				d.time("1", v)
			})
		})
	}
	touched := func(key string) {
		d.document(key, func() {
			d.array("$gt", func() {
				d.string("0", "$"+fieldSeen)
				d.time("1", r.SeenAt)
			})
		})
	}
	set := func() {
		literal(fieldName, r.Name)
		d.int64(fieldVersion, r.Version+1)
		if r.User == "" {
			d.string(fieldUser, "$$REMOVE")
		} else {
			literal(fieldUser, r.User)
		}
		d.time(fieldCreated, r.CreatedAt)
		later(fieldSeen, fieldSeen, r.SeenAt)
		d.document(fieldExpires, func() {
			d.array("$cond", func() {
				touched("0")
				later("1", fieldExpires, r.ExpiresAt)
				d.time("2", r.ExpiresAt)
			})
		})
		literal(fieldFormat, r.Format)
		d.binary(fieldMeta, r.Meta)
		d.document(fieldData, func() { encodeData(d, "$literal", r) })
	}
	d.document("0", func() { d.document("$set", set) })
	return pipeline(d.end())
}

// pipeline is an update that the server computes, as an encoded array of stages.
type pipeline []byte

// MarshalBSONValue tells the driver that p is an array.
func (p pipeline) MarshalBSONValue() (byte, []byte, error) { return byte(bson.TypeArray), p, nil }

// encodeTouch returns the change that moves the times of r forward only.
func encodeTouch(r session.Record) bson.Raw {
	d := newBuilder(96)
	d.document("$max", func() {
		d.time(fieldSeen, r.SeenAt)
		d.time(fieldExpires, r.ExpiresAt)
	})
	return d.end()
}

// encodeData writes the data of r in the form of its format.
func encodeData(d *builder, key string, r session.Record) {
	switch {
	case r.Format == formatJSON && utf8.Valid(r.Data):
		d.text(key, r.Data)
	case r.Format == formatBSON && isDocument(r.Data):
		d.raw(key, r.Data)
	default:
		d.binary(key, r.Data)
	}
}

// isDocument reports whether data is exactly one valid document. Nothing else can
// be embedded.
func isDocument(data []byte) bool {
	return len(data) >= 4 && int64(binary.LittleEndian.Uint32(data)) == int64(len(data)) && bson.Raw(data).Validate() == nil
}

// errNameless is the error for a document without a name, which is no session.
var errNameless = fmt.Errorf("%w: the document has no name", session.ErrNotFound)

// decodeDocument returns the record that a document holds. Its slices share
// memory with raw. The error is session.ErrNotFound if the document has no name.
// It is session.ErrCorrupt if another field is absent or of another type; the
// record then has all that could be read.
func decodeDocument(raw bson.Raw) (r session.Record, err error) {
	found := func(field string, ok bool) {
		if !ok && err == nil {
			err = corrupt(raw, field)
		}
	}
	var ok bool
	if r.Name, ok = raw.Lookup(fieldName).StringValueOK(); !ok {
		return r, errNameless
	}
	r.ID, ok = raw.Lookup(fieldID).StringValueOK()
	found(fieldID, ok)
	r.Version, ok = raw.Lookup(fieldVersion).Int64OK()
	found(fieldVersion, ok)
	if user := raw.Lookup(fieldUser); user.Type != 0 {
		r.User, ok = user.StringValueOK()
		found(fieldUser, ok)
	}
	for _, f := range []struct {
		name string
		to   *time.Time
	}{{fieldCreated, &r.CreatedAt}, {fieldSeen, &r.SeenAt}, {fieldExpires, &r.ExpiresAt}} {
		ms, ok := raw.Lookup(f.name).DateTimeOK()
		if found(f.name, ok); ok {
			*f.to = time.UnixMilli(ms).UTC()
		}
	}
	r.Format, ok = raw.Lookup(fieldFormat).StringValueOK()
	found(fieldFormat, ok)
	r.Meta, ok = bytesOf(raw.Lookup(fieldMeta))
	found(fieldMeta, ok)
	r.Data, ok = dataOf(raw.Lookup(fieldData), r.Format)
	found(fieldData, ok)
	return r, err
}

// dataOf accepts binary and the form that encodeData gives to the format.
func dataOf(v bson.RawValue, format string) ([]byte, bool) {
	switch {
	case format == formatJSON && v.Type == bson.TypeString:
		if _, ok := v.StringValueOK(); !ok {
			return nil, false
		}
		return v.Value[4 : len(v.Value)-1 : len(v.Value)-1], true // without its length and its final zero
	case format == formatBSON && v.Type == bson.TypeEmbeddedDocument:
		return v.Value[:len(v.Value):len(v.Value)], true
	}
	return bytesOf(v)
}

func bytesOf(v bson.RawValue) ([]byte, bool) {
	subtype, b, ok := v.BinaryOK()
	if !ok || subtype != bson.TypeBinaryGeneric {
		return nil, false
	}
	return b[:len(b):len(b)], true
}

// corrupt says what is wrong with a field, but not what the field holds.
func corrupt(raw bson.Raw, field string) error {
	what := "is absent"
	if v := raw.Lookup(field); v.Type != 0 {
		what = "is a " + v.Type.String()
	}
	return fmt.Errorf("%w: its field %q %s", session.ErrCorrupt, field, what)
}

// builder writes one BSON document. The documents of this package have few
// fields of known types. Written this way they need no reflection, one buffer
// each, and their size is known before they are sent.
type builder struct{ b []byte }

// newBuilder begins a document of about size bytes.
func newBuilder(size int) *builder {
	return &builder{make([]byte, 4, size)} // room for its length
}

// end completes the document. The builder must not be used afterwards.
func (d *builder) end() bson.Raw {
	d.complete(0)
	return d.b
}

// complete ends the document that starts at an index of d.b.
func (d *builder) complete(start int) {
	d.b = append(d.b, 0)
	binary.LittleEndian.PutUint32(d.b[start:], uint32(len(d.b)-start))
}

// document embeds a document with the fields that write writes.
func (d *builder) document(key string, write func()) { d.nest(bson.TypeEmbeddedDocument, key, write) }

// array embeds an array. The keys of its elements are "0", "1" and so on.
func (d *builder) array(key string, write func()) { d.nest(bson.TypeArray, key, write) }

func (d *builder) nest(t bson.Type, key string, write func()) {
	d.key(t, key)
	start := len(d.b)
	d.length(0)
	write()
	d.complete(start)
}

func (d *builder) key(t bson.Type, key string) {
	d.b = append(d.b, byte(t))
	d.b = append(d.b, key...)
	d.b = append(d.b, 0)
}

func (d *builder) length(n int) { d.b = binary.LittleEndian.AppendUint32(d.b, uint32(n)) }

func (d *builder) string(key, v string) { addString(d, key, v) }

// text writes a string from bytes.
func (d *builder) text(key string, v []byte) { addString(d, key, v) }

func addString[S string | []byte](d *builder, key string, v S) {
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

// raw embeds a document that is complete.
func (d *builder) raw(key string, v bson.Raw) {
	d.key(bson.TypeEmbeddedDocument, key)
	d.b = append(d.b, v...)
}
