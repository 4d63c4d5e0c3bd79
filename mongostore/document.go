package mongostore

import (
	"fmt"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/session"
)

// The fields of a document. Only these are ever written: what else an operator
// keeps in it stays.
const (
	fieldID      = "_id"
	fieldName    = "name"
	fieldVersion = "v"
	fieldUser    = "user" // absent where there is nobody, and so is its entry in the index
	fieldCreated = "created"
	fieldSeen    = "seen"
	fieldExpires = "expires"
	fieldFormat  = "format"
	fieldMeta    = "meta"
	fieldData    = "data"
)

// The formats that get a form of their own, so that a document can be read and
// queried in the shell.
const (
	formatJSON = "json"
	formatBSON = "bson"
)

// maxDocument is what a server takes, 16 MiB. Operators may have fields of
// their own in the document, for which the server has the last word.
const maxDocument = 16 << 20

// fieldsRoom is more than the fields other than strings and bytes need.
const fieldsRoom = 192

func room(r session.Record) int {
	return fieldsRoom + len(r.ID) + len(r.Name) + len(r.User) + len(r.Format) + len(r.Meta) + len(r.Data)
}

// encodeDocument returns r as it is stored first.
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
	encodeData(d, r)
	return d.end()
}

// encodeFilter selects the version of r while it has not expired.
func encodeFilter(r session.Record, now time.Time) *builder {
	after := newBuilder(32)
	after.time("$gt", now)
	d := newBuilder(fieldsRoom + len(r.ID))
	d.string(fieldID, r.ID)
	d.int64(fieldVersion, r.Version)
	d.document(fieldExpires, after.end())
	return d
}

// encodeUntouched selects it only where its use is not later than that of r.
func encodeUntouched(r session.Record, now time.Time) bson.Raw {
	until := newBuilder(32)
	until.time("$lte", r.SeenAt)
	d := encodeFilter(r, now)
	d.document(fieldSeen, until.end())
	return d.end()
}

// encodeUpdate returns the change that makes the next version r. touched leaves
// the times of the session's use as they are stored.
func encodeUpdate(r session.Record, touched bool) bson.Raw {
	set := newBuilder(room(r))
	set.string(fieldName, r.Name)
	if r.User != "" {
		set.string(fieldUser, r.User)
	}
	set.time(fieldCreated, r.CreatedAt)
	if !touched {
		set.time(fieldSeen, r.SeenAt)
		set.time(fieldExpires, r.ExpiresAt)
	}
	encodeData(set, r)
	fields := set.end()

	d := newBuilder(len(fields) + 2*fieldsRoom)
	d.document("$set", fields)
	if touched {
		d.document("$max", times(r))
	}
	inc := newBuilder(16)
	inc.int64(fieldVersion, 1)
	d.document("$inc", inc.end())
	if r.User == "" {
		unset := newBuilder(16)
		unset.string(fieldUser, "")
		d.document("$unset", unset.end())
	}
	return d.end()
}

// encodeTouch returns the change that moves the times of r forward only.
func encodeTouch(r session.Record) bson.Raw {
	d := newBuilder(96)
	d.document("$max", times(r))
	return d.end()
}

func times(r session.Record) bson.Raw {
	d := newBuilder(64)
	d.time(fieldSeen, r.SeenAt)
	d.time(fieldExpires, r.ExpiresAt)
	return d.end()
}

func encodeData(d *builder, r session.Record) {
	d.string(fieldFormat, r.Format)
	d.binary(fieldMeta, r.Meta)
	switch {
	case r.Format == formatJSON && utf8.Valid(r.Data):
		d.text(fieldData, r.Data)
	case r.Format == formatBSON && isDocument(r.Data):
		d.document(fieldData, r.Data)
	default:
		d.binary(fieldData, r.Data)
	}
}

// isDocument reports whether data is exactly one valid document, whatever it
// calls itself: nothing else may be embedded.
func isDocument(data []byte) bool {
	raw := bson.Raw(data)
	length, ok := lengthOf(raw)
	return ok && length == len(data) && raw.Validate() == nil
}

// errNameless is the answer to a document that says of no kind of session that
// it is one.
var errNameless = fmt.Errorf("%w: the document has no name", session.ErrNotFound)

// decodeDocument returns the record that a document holds. Its slices are parts
// of raw. The error is session.ErrNotFound where there is no name, and
// session.ErrCorrupt, with all that can be read, where another field is damaged.
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

// dataOf takes the form that encodeData gives the format, and binary.
func dataOf(v bson.RawValue, format string) ([]byte, bool) {
	switch {
	case format == formatJSON && v.Type == bson.TypeString:
		if _, ok := v.StringValueOK(); !ok {
			return nil, false
		}
		return v.Value[4 : len(v.Value)-1 : len(v.Value)-1], true // after its length, before its zero
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

// corrupt tells what is wrong with a field, and nothing of what it holds.
func corrupt(raw bson.Raw, field string) error {
	what := "is absent"
	if v := raw.Lookup(field); v.Type != 0 {
		what = "is a " + v.Type.String()
	}
	return fmt.Errorf("%w: its field %q %s", session.ErrCorrupt, field, what)
}

func lengthOf(raw bson.Raw) (int, bool) {
	if len(raw) < 5 {
		return 0, false
	}
	return int(int32(uint32(raw[0]) | uint32(raw[1])<<8 | uint32(raw[2])<<16 | uint32(raw[3])<<24)), true
}
