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

// encode does not depend on the BSON options of the application's client. It never
// fails here: the values are strings, numbers, times, and bytes that are a document
// if they are embedded as one.
func encode(v any) bson.Raw {
	raw, _ := bson.Marshal(v)
	return raw
}

// What is sent with every request is built from structs: the driver encodes them
// with a fifth of the allocations of a bson.D.
type (
	// document has the fields in the order in which they are stored.
	document struct {
		ID      string      `bson:"_id"`
		Name    string      `bson:"name"`
		Version int64       `bson:"v"`
		User    string      `bson:"user,omitempty"`
		Created time.Time   `bson:"created"`
		Seen    time.Time   `bson:"seen"`
		Expires time.Time   `bson:"expires"`
		Format  string      `bson:"format"`
		Meta    bson.Binary `bson:"meta"`
		Data    any         `bson:"data"`
	}

	// filter is for a session, in one version of it unless that is 0.
	filter struct {
		ID      string `bson:"_id"`
		Version int64  `bson:"v,omitempty"`
	}

	// liveFilter is for one version of a session that has not expired. No session
	// has version 0.
	liveFilter struct {
		ID      string `bson:"_id"`
		Version int64  `bson:"v"`
		Expires after  `bson:"expires"`
	}
	after struct {
		Time time.Time `bson:"$gt"`
	}

	// pipeline is an update that the server computes. It has one stage.
	pipeline struct {
		Stage struct {
			Set replacement `bson:"$set"`
		} `bson:"0"`
	}
	replacement struct {
		Name    literal     `bson:"name"`
		Version int64       `bson:"v"`
		User    any         `bson:"user"`
		Created time.Time   `bson:"created"`
		Seen    later       `bson:"seen"`
		Expires conditional `bson:"expires"`
		Format  literal     `bson:"format"`
		Meta    bson.Binary `bson:"meta"`
		Data    literal     `bson:"data"`
	}
	literal struct {
		Value any `bson:"$literal"`
	}
	later struct {
		Values [2]any `bson:"$max"`
	}
	isLater struct {
		Values [2]any `bson:"$gt"`
	}
	conditional struct {
		Values [3]any `bson:"$cond"`
	}
)

// encodeDocument returns the document that stores r as version 1.
func encodeDocument(r session.Record) bson.Raw {
	return encode(document{
		ID:      r.ID,
		Name:    r.Name,
		Version: 1,
		User:    r.User,
		Created: r.CreatedAt,
		Seen:    r.SeenAt,
		Expires: r.ExpiresAt,
		Format:  r.Format,
		Meta:    bson.Binary{Data: r.Meta},
		Data:    dataOf(r),
	})
}

// userFilter returns the filter for a user's sessions of one kind, without the
// session exceptID.
func userFilter(name, user, exceptID string) bson.D {
	d := bson.D{{Key: fieldName, Value: name}, {Key: fieldUser, Value: user}}
	if exceptID != "" {
		d = append(d, bson.E{Key: fieldID, Value: bson.D{{Key: "$ne", Value: exceptID}}})
	}
	return d
}

// encodeUpdate returns the change that stores r as the next version.
//
// If the stored session was seen later than r, a Touch came in between. Then
// each of the two times keeps the later value. Everything else becomes as in r.
// Strings and data are literals: a "$" in them means nothing to the server.
func encodeUpdate(r session.Record) array {
	const storedSeen, storedExpires = "$" + fieldSeen, "$" + fieldExpires
	seen, expires := bson.NewDateTimeFromTime(r.SeenAt), bson.NewDateTimeFromTime(r.ExpiresAt)
	var user any = "$$REMOVE"
	if r.User != "" {
		user = literal{r.User}
	}
	var p pipeline
	p.Stage.Set = replacement{
		Name:    literal{r.Name},
		Version: r.Version + 1,
		User:    user,
		Created: r.CreatedAt,
		Seen:    later{[2]any{storedSeen, seen}},
		Expires: conditional{[3]any{isLater{[2]any{storedSeen, seen}}, later{[2]any{storedExpires, expires}}, expires}},
		Format:  literal{r.Format},
		Meta:    bson.Binary{Data: r.Meta},
		Data:    literal{dataOf(r)},
	}
	return array(encode(p))
}

// array is an encoded array: a document with the keys "0", "1" and so on.
type array []byte

// MarshalBSONValue tells the driver that a is an array.
func (a array) MarshalBSONValue() (byte, []byte, error) { return byte(bson.TypeArray), a, nil }

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
	case format == formatJSON && v.Type == bson.TypeString && len(v.Value) > 4:
		return slices.Clip(v.Value[4 : len(v.Value)-1]), true // between its length and a zero
	case format == formatBSON && v.Type == bson.TypeEmbeddedDocument:
		return slices.Clip(v.Value), true
	}
	return decodeBytes(v)
}
