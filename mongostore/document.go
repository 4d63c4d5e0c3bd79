package mongostore

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
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

// encode never fails here: the values are strings, numbers, times, and bytes that
// are a document if they are embedded as one.
func encode(d bson.D) bson.Raw {
	raw, _ := bson.Marshal(d)
	return raw
}

// encodeDocument returns the document that stores r as version 1.
func encodeDocument(r session.Record) bson.Raw {
	d := bson.D{{Key: fieldID, Value: r.ID}, {Key: fieldName, Value: r.Name}, {Key: fieldVersion, Value: int64(1)}}
	if r.User != "" {
		d = append(d, bson.E{Key: fieldUser, Value: r.User})
	}
	return encode(append(d,
		bson.E{Key: fieldCreated, Value: r.CreatedAt},
		bson.E{Key: fieldSeen, Value: r.SeenAt},
		bson.E{Key: fieldExpires, Value: r.ExpiresAt},
		bson.E{Key: fieldFormat, Value: r.Format},
		bson.E{Key: fieldMeta, Value: bson.Binary{Data: r.Meta}},
		bson.E{Key: fieldData, Value: dataOf(r)},
	))
}

// encodeFilter returns the filter for a session: for one version of it unless that
// is 0, and only while it ends after a time unless that is zero.
func encodeFilter(id string, version int64, endsAfter time.Time) bson.D {
	d := bson.D{{Key: fieldID, Value: id}}
	if version != 0 {
		d = append(d, bson.E{Key: fieldVersion, Value: version})
	}
	if !endsAfter.IsZero() {
		d = append(d, bson.E{Key: fieldExpires, Value: bson.D{{Key: "$gt", Value: endsAfter}}})
	}
	return d
}

// encodeUser returns the filter for a user's sessions of one kind, without the
// session exceptID.
func encodeUser(name, user, exceptID string) bson.D {
	d := bson.D{{Key: fieldName, Value: name}, {Key: fieldUser, Value: user}}
	if exceptID != "" {
		d = append(d, bson.E{Key: fieldID, Value: bson.D{{Key: "$ne", Value: exceptID}}})
	}
	return d
}

// What an update has the server compute. As structs they are much cheaper than as
// documents.
type (
	literal struct {
		V any `bson:"$literal"`
	}
	later struct {
		V [2]any `bson:"$max"`
	}
	isLater struct {
		V [2]any `bson:"$gt"`
	}
	conditional struct {
		V [3]any `bson:"$cond"`
	}
)

// encodeUpdate returns the change that stores r as the next version.
//
// If the stored session was seen later than r, a Touch came in between. Then
// each of the two times keeps the later value. Everything else becomes as in r.
// Strings and data are literals: a "$" in them means nothing to the server.
func encodeUpdate(r session.Record) pipeline {
	const storedSeen, storedExpires = "$" + fieldSeen, "$" + fieldExpires
	seen, expires := bson.NewDateTimeFromTime(r.SeenAt), bson.NewDateTimeFromTime(r.ExpiresAt)
	var user any = "$$REMOVE"
	if r.User != "" {
		user = literal{r.User}
	}
	set := bson.D{
		{Key: fieldName, Value: literal{r.Name}},
		{Key: fieldVersion, Value: r.Version + 1},
		{Key: fieldUser, Value: user},
		{Key: fieldCreated, Value: r.CreatedAt},
		{Key: fieldSeen, Value: later{[2]any{storedSeen, seen}}},
		{Key: fieldExpires, Value: conditional{[3]any{
			isLater{[2]any{storedSeen, seen}}, later{[2]any{storedExpires, expires}}, expires,
		}}},
		{Key: fieldFormat, Value: literal{r.Format}},
		{Key: fieldMeta, Value: bson.Binary{Data: r.Meta}},
		{Key: fieldData, Value: literal{dataOf(r)}},
	}
	return pipeline(encode(bson.D{{Key: "0", Value: bson.D{{Key: "$set", Value: set}}}}))
}

// pipeline is an update that the server computes: an encoded array of stages, which
// is like a document with the keys "0", "1" and so on.
type pipeline []byte

// MarshalBSONValue tells the driver that p is an array.
func (p pipeline) MarshalBSONValue() (byte, []byte, error) { return byte(bson.TypeArray), p, nil }

// dataOf returns the data of r in the form of its format.
func dataOf(r session.Record) any {
	switch {
	case r.Format == formatJSON && utf8.Valid(r.Data):
		return string(r.Data)
	case r.Format == formatBSON && isDocument(r.Data):
		return bson.Raw(r.Data)
	}
	return bson.Binary{Data: r.Data}
}

// isDocument reports whether data is exactly one valid document. Nothing else can
// be embedded.
func isDocument(data []byte) bool {
	return len(data) >= 4 && int64(binary.LittleEndian.Uint32(data)) == int64(len(data)) && bson.Raw(data).Validate() == nil
}

// decodeDocument returns the record that a document holds. Its slices may share
// memory with raw. The error is session.ErrNotFound if the document has no name.
// It is session.ErrCorrupt if another field is absent or of another type; the
// record then has all that could be read.
func decodeDocument(raw bson.Raw) (r session.Record, err error) {
	if read(raw, fieldName, bson.RawValue.StringValueOK, &r.Name) != nil {
		return r, fmt.Errorf("%w: the document has no name", session.ErrNotFound)
	}
	err = cmp.Or(
		read(raw, fieldID, bson.RawValue.StringValueOK, &r.ID),
		read(raw, fieldVersion, bson.RawValue.Int64OK, &r.Version),
		read(raw, fieldUser, decodeUser, &r.User),
		read(raw, fieldCreated, decodeTime, &r.CreatedAt),
		read(raw, fieldSeen, decodeTime, &r.SeenAt),
		read(raw, fieldExpires, decodeTime, &r.ExpiresAt),
		read(raw, fieldFormat, bson.RawValue.StringValueOK, &r.Format),
		read(raw, fieldMeta, decodeBytes, &r.Meta),
		read(raw, fieldData, func(v bson.RawValue) ([]byte, bool) { return decodeData(v, r.Format) }, &r.Data),
	)
	return r, err
}

// read reads a field. The error says what is wrong with it, but not what it holds.
func read[V any](raw bson.Raw, field string, decode func(bson.RawValue) (V, bool), to *V) error {
	stored := raw.Lookup(field)
	v, ok := decode(stored)
	switch {
	case ok:
		*to = v
		return nil
	case stored.Type == 0:
		return fmt.Errorf("%w: its field %q is absent", session.ErrCorrupt, field)
	}
	return fmt.Errorf("%w: its field %q is a %s", session.ErrCorrupt, field, stored.Type)
}

func decodeUser(v bson.RawValue) (string, bool) {
	user, ok := v.StringValueOK()
	return user, ok || v.Type == 0
}

func decodeTime(v bson.RawValue) (time.Time, bool) {
	ms, ok := v.DateTimeOK()
	return time.UnixMilli(ms).UTC(), ok
}

func decodeBytes(v bson.RawValue) ([]byte, bool) {
	subtype, b, ok := v.BinaryOK()
	return slices.Clip(b), ok && subtype == bson.TypeBinaryGeneric
}

// decodeData accepts binary and the form that dataOf gives to the format.
func decodeData(v bson.RawValue, format string) ([]byte, bool) {
	switch {
	case format == formatJSON && v.Type == bson.TypeString:
		text, ok := v.StringValueOK()
		return []byte(text), ok
	case format == formatBSON && v.Type == bson.TypeEmbeddedDocument:
		return slices.Clip(v.Value), true
	}
	return decodeBytes(v)
}
