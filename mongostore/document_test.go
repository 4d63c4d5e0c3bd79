package mongostore

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/session"
)

func sample() session.Record {
	now := time.Date(2026, 7, 1, 12, 0, 0, 5e6, time.UTC)
	return session.Record{
		ID: "an-id", Name: "sid", User: "u1", Version: 1, CreatedAt: now, SeenAt: now.Add(time.Second), ExpiresAt: now.Add(time.Hour),
		Format: "json", Meta: []byte{1, 0, 2}, Data: []byte(`{"a":1}`),
	}
}

func change(f func(*session.Record)) session.Record {
	r := sample()
	f(&r)
	return r
}

func TestDocument(t *testing.T) {
	t.Parallel()
	embedded, _ := bson.Marshal(bson.D{{Key: "a", Value: 1}})
	for name, tt := range map[string]struct {
		r    session.Record
		data bson.Type
	}{
		"json":               {sample(), bson.TypeString},
		"json, empty":        {change(func(r *session.Record) { r.Data = []byte{} }), bson.TypeString},
		"json, not UTF-8":    {change(func(r *session.Record) { r.Data = []byte("\xff") }), bson.TypeBinary},
		"bson":               {change(func(r *session.Record) { r.Format, r.Data = "bson", embedded }), bson.TypeEmbeddedDocument},
		"bson, no document":  {change(func(r *session.Record) { r.Format = "bson" }), bson.TypeBinary},
		"bson, two":          {change(func(r *session.Record) { r.Format, r.Data = "bson", append(embedded, embedded...) }), bson.TypeBinary},
		"sealed":             {change(func(r *session.Record) { r.Format = "sealed" }), bson.TypeBinary},
		"anonymous":          {change(func(r *session.Record) { r.User = "" }), bson.TypeString},
		"zero times":         {change(func(r *session.Record) { r.CreatedAt, r.SeenAt = time.Time{}, time.Time{} }), bson.TypeString},
		"zero bytes in text": {change(func(r *session.Record) { r.Name, r.User = "a\x00b", "\x00" }), bson.TypeString},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := encodeDocument(tt.r)
			if err := doc.Validate(); err != nil {
				t.Fatalf("not a document: %v", err)
			}
			if got := doc.Lookup("data").Type; got != tt.data {
				t.Errorf("data: got a %v, want a %v", got, tt.data)
			}
			if user := doc.Lookup("user"); (user.Type == 0) != (tt.r.User == "") {
				t.Errorf("user: got %v, want it unless the session is anonymous", user)
			}
			got, err := decodeDocument(doc)
			if err != nil || !reflect.DeepEqual(got, tt.r) {
				t.Errorf("got %+v (%v), want %+v", got, err, tt.r)
			}
			update := bson.RawArray(encodeUpdate(tt.r))
			if err := update.Validate(); err != nil {
				t.Fatalf("not an update: %v", err)
			}
			if got := bson.Raw(update).Lookup("0", "$set", "data", "$literal").Type; got != tt.data {
				t.Errorf("data of the update: got a %v, want a %v", got, tt.data)
			}
		})
	}
}

// Strings and data are literals, and a Touch that came in between keeps its
// times.
func TestUpdate(t *testing.T) {
	t.Parallel()
	const rest = `"created": {"$date":{"$numberLong":"1782907200005"}},` +
		`"seen": {"$max": ["$seen",{"$date":{"$numberLong":"1782907201005"}}]},` +
		`"expires": {"$cond": [{"$gt": ["$seen",{"$date":{"$numberLong":"1782907201005"}}]},` +
		`{"$max": ["$expires",{"$date":{"$numberLong":"1782910800005"}}]},{"$date":{"$numberLong":"1782910800005"}}]},` +
		`"format": {"$literal": "json"},"meta": {"$binary":{"base64":"AQAC","subType":"00"}},`
	for name, tt := range map[string]struct {
		r    session.Record
		want string
	}{
		"of a user": {change(func(r *session.Record) { r.Version, r.User, r.Data = 7, "$$ROOT", []byte("$seen") }),
			`[{"$set": {"name": {"$literal": "sid"},"v": {"$numberLong":"8"},"user": {"$literal": "$$ROOT"},` + rest + `"data": {"$literal": "$seen"}}}]`},
		"anonymous": {change(func(r *session.Record) { r.User = "" }),
			`[{"$set": {"name": {"$literal": "sid"},"v": {"$numberLong":"2"},"user": "$$REMOVE",` + rest + `"data": {"$literal": "{\"a\":1}"}}}]`},
	} {
		if got := bson.RawArray(encodeUpdate(tt.r)).String(); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, tt.want)
		}
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		got  any
		want string
	}{
		"live":             {liveFilter{"an-id", 7, after{time.UnixMilli(1000)}}, `{"_id": "an-id","v": {"$numberLong":"7"},"expires": {"$gt": {"$date":{"$numberLong":"1000"}}}}`},
		"live, no version": {liveFilter{"x", 0, after{time.UnixMilli(1000)}}, `{"_id": "x","v": {"$numberLong":"0"},"expires": {"$gt": {"$date":{"$numberLong":"1000"}}}}`},
		"version":          {filter{"x", 7}, `{"_id": "x","v": {"$numberLong":"7"}}`},
		"any version":      {filter{ID: "x"}, `{"_id": "x"}`},
		"user":             {userFilter("sid", "u1", ""), `{"name": "sid","user": "u1"}`},
		"other of user":    {userFilter("sid", "u1", "x"), `{"name": "sid","user": "u1","_id": {"$ne": "x"}}`},
	} {
		if got := encode(tt.got).String(); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}

// A document that was edited into nonsense is ErrCorrupt, without a name it is
// ErrNotFound, and the error does not quote it.
func TestNonsense(t *testing.T) {
	t.Parallel()
	const secret = "secret-of-the-document"
	fields := []string{"_id", "name", "v", "user", "created", "seen", "expires", "format", "meta", "data"}
	values := map[string]any{
		"string": secret, "number": 1, "double": 1.5, "null": nil, "array": bson.A{secret},
		"document": bson.D{{Key: "a", Value: secret}}, "date": bson.DateTime(0),
		"binary of another kind": bson.Binary{Subtype: 4, Data: []byte(secret)},
	}
	fits := map[string]string{ // these are right
		"_id": "string", "name": "string", "user": "string", "created": "date", "seen": "date", "expires": "date",
		"format": "string", "data": "string",
	}
	for _, field := range fields {
		for kind, value := range values {
			if fits[field] == kind {
				continue
			}
			check(t, field+": "+kind, edit(t, field, value), secret, field == "name")
		}
		if field != "user" {
			check(t, field+": absent", edit(t, field, absent), secret, field == "name")
		}
	}
}

type absentField struct{}

var absent absentField

// edit returns the document of sample with another value in a field.
func edit(t *testing.T, field string, value any) bson.Raw {
	t.Helper()
	return stored(t, sample(), field, value)
}

// stored returns the document of r with another value in a field.
func stored(t *testing.T, r session.Record, field string, value any) bson.Raw {
	t.Helper()
	var d, edited bson.D
	if err := bson.Unmarshal(encodeDocument(r), &d); err != nil {
		t.Fatal(err)
	}
	for _, e := range d {
		if e.Key != field {
			edited = append(edited, e)
		} else if value != any(absent) {
			edited = append(edited, bson.E{Key: field, Value: value})
		}
	}
	doc, err := bson.Marshal(edited)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func check(t *testing.T, name string, doc bson.Raw, secret string, nameless bool) {
	t.Helper()
	want := session.ErrCorrupt
	if nameless {
		want = session.ErrNotFound
	}
	_, err := decodeDocument(doc)
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", name, err, want)
	} else if strings.Contains(err.Error(), secret) {
		t.Errorf("%s: the error quotes the document: %v", name, err)
	}
}

// No bytes cause a panic, and a record that was decoded is stored again as the
// same record.
func FuzzDocument(f *testing.F) {
	doc := encodeDocument(sample())
	f.Add([]byte(doc))
	f.Add([]byte(encodeDocument(change(func(r *session.Record) { r.Format, r.Data = "bson", doc }))))
	noLength := encode(bson.D{{Key: fieldName, Value: "sid"}, {Key: fieldFormat, Value: formatJSON}, {Key: fieldData, Value: ""}})
	noLength[len(noLength)-6] = 0 // of data, without even the zero at its end
	f.Add([]byte(noLength))
	f.Add([]byte(nil))
	f.Add([]byte{5, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := decodeDocument(raw)
		if err != nil {
			if !errors.Is(err, session.ErrCorrupt) && !errors.Is(err, session.ErrNotFound) {
				t.Fatalf("got error %v, want one of the contract", err)
			}
			return
		}
		r.Version = 1
		again, err := decodeDocument(encodeDocument(r))
		if err != nil {
			t.Fatalf("stored again: %v", err)
		}
		if again.ID != r.ID || again.User != r.User || again.Format != r.Format ||
			!bytes.Equal(again.Meta, r.Meta) || !bytes.Equal(again.Data, r.Data) || !again.ExpiresAt.Equal(r.ExpiresAt) {
			t.Fatalf("stored again: got %+v, want %+v", again, r)
		}
	})
}
