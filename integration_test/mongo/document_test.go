package mongo_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/mongostore"
	"github.com/echosession/echosession/session"
)

type visitor struct{ N int }

func newManager(t *testing.T, s session.Store) *session.Manager[visitor] {
	t.Helper()
	m, err := session.New(session.Config[visitor]{
		Store: s, Cookie: session.Cookie{Name: "sid"}, Codec: mongostore.BSON(),
		User: func(*visitor) string { return "u1" },
	})
	must(t, "session.New", err)
	t.Cleanup(func() { m.Close() })
	return m
}

// start stores a session and returns its token and id.
func start(t *testing.T, m *session.Manager[visitor]) (token, id string) {
	t.Helper()
	s, err := m.Start(t.Context())
	must(t, "Start", err)
	s.Data.N = 1
	must(t, "Save", s.Save(t.Context()))
	return s.Token(), s.ID()
}

// listed returns the error with which a list of the user's sessions has id; ok is
// false if it does not have it.
func listed(t *testing.T, m *session.Manager[visitor], id string) (err error, ok bool) {
	t.Helper()
	for info, e := range m.Sessions(t.Context(), "u1") {
		if info.ID == "" {
			t.Errorf("the list ends with %v", e)
		}
		if info.ID == id {
			err, ok = e, true
		}
	}
	return err, ok
}

// A document that was edited by hand into nonsense is an error that says so. It
// stays as it is until it is deleted, and the others are listed all the same.
func TestNonsense(t *testing.T) {
	db := newDatabase(t)
	s := db.open(t, mongostore.Options{})
	m := newManager(t, s)
	_, healthy := start(t, m)
	for _, field := range []string{"v", "user", "created", "seen", "expires", "format", "meta", "data", "name"} {
		for kind, change := range map[string]bson.D{
			"absent":   {{Key: "$unset", Value: bson.D{{Key: field, Value: ""}}}},
			"null":     {{Key: "$set", Value: bson.D{{Key: field, Value: nil}}}},
			"array":    {{Key: "$set", Value: bson.D{{Key: field, Value: bson.A{1, 2}}}}},
			"a double": {{Key: "$set", Value: bson.D{{Key: field, Value: 1.5}}}},
		} {
			if field == "user" && kind == "absent" {
				continue
			}
			token, id := start(t, m)
			_, err := db.sessions().UpdateByID(t.Context(), id, change)
			must(t, "edit", err)
			before, err := db.sessions().FindOne(t.Context(), bson.D{{Key: "_id", Value: id}}).Raw()
			must(t, "find", err)

			want := session.ErrCorrupt
			if field == "name" {
				want = session.ErrNotFound
			}
			what := fmt.Sprintf("%s: %s", field, kind)
			if _, err := s.Load(t.Context(), id); !errors.Is(err, want) {
				t.Errorf("%s: Load: got error %v, want %v", what, err, want)
			}
			if _, err := m.Open(t.Context(), token); !errors.Is(err, want) {
				t.Errorf("%s: Open: got error %v, want %v", what, err, want)
			}
			if err := m.Update(t.Context(), id, func(v *visitor) error { v.N++; return nil }); !errors.Is(err, want) {
				t.Errorf("%s: Update: got error %v, want %v", what, err, want)
			}
			after, err := db.sessions().FindOne(t.Context(), bson.D{{Key: "_id", Value: id}}).Raw()
			must(t, "find", err)
			if !bytes.Equal(before, after) {
				t.Errorf("%s: the document was changed from %v to %v", what, before, after)
			}

			if err, ok := listed(t, m, healthy); err != nil || !ok {
				t.Errorf("%s: a healthy session of the user is listed: %t, with error %v, want it there", what, ok, err)
			}
			theirs := field != "name" && field != "user"
			if err, ok := listed(t, m, id); ok != theirs || ok && !errors.Is(err, want) {
				t.Errorf("%s: it is listed: %t, with error %v, want %t and %v", what, ok, err, theirs, want)
			}
			if err := m.DeleteOf(t.Context(), "u1", id); (err == nil) != theirs || db.stored(t, id) == theirs {
				t.Errorf("%s: DeleteOf: got error %v, and that it is stored %t, want it deleted: %t", what, err, db.stored(t, id), theirs)
			}
			must(t, what+": Delete", m.Delete(t.Context(), id))
			if gone := !db.stored(t, id); gone != (field != "name") {
				t.Errorf("%s: after Delete it is gone: %t, want a session to be gone, and nothing else", what, gone)
			}
		}
	}
}

// A document of another program in the same collection is no session, and a field
// that an operator adds to a session survives.
func TestForeign(t *testing.T) {
	db := newDatabase(t)
	s := db.open(t, mongostore.Options{})
	m := newManager(t, s)
	_, err := db.sessions().InsertOne(t.Context(), bson.D{{Key: "_id", Value: "foreign"}, {Key: "session", Value: "{}"}, {Key: "expires", Value: time.Now().Add(time.Hour)}})
	must(t, "insert", err)
	if _, err := s.Load(t.Context(), "foreign"); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("a foreign document: got error %v, want %v", err, session.ErrNotFound)
	}
	must(t, "Delete", m.Delete(t.Context(), "foreign"))
	if !db.stored(t, "foreign") {
		t.Error("Manager.Delete removed a foreign document")
	}

	_, id := start(t, m)
	_, err = db.sessions().UpdateByID(t.Context(), id, bson.D{{Key: "$set", Value: bson.D{{Key: "note", Value: "suspicious"}}}})
	must(t, "edit", err)
	must(t, "Update", m.Update(t.Context(), id, func(v *visitor) error { v.N = 7; return nil }))
	var doc struct {
		Note string
		Data struct{ N int }
	}
	must(t, "query by data", db.sessions().FindOne(t.Context(), bson.D{{Key: "data.n", Value: 7}}).Decode(&doc))
	if doc.Note != "suspicious" {
		t.Errorf("an operator's field: got %q, want it kept", doc.Note)
	}
}

// An Update changes the fields of the record and no others, and the server takes
// nothing in a record for an expression.
func TestUpdatedDocument(t *testing.T) {
	db := newDatabase(t)
	s := db.open(t, mongostore.Options{})
	data, err := bson.Marshal(bson.D{
		{Key: "$literal", Value: "$seen"}, {Key: "a.b", Value: bson.D{{Key: "$$ROOT", Value: bson.A{"$$REMOVE"}}}}, {Key: "", Value: 1},
	})
	must(t, "Marshal", err)
	first := newRecord("a", time.Hour)
	must(t, "Create", s.Create(t.Context(), first))
	_, err = db.sessions().UpdateByID(t.Context(), "a", bson.D{{Key: "$set", Value: bson.D{{Key: "note", Value: "suspicious"}}}})
	must(t, "edit", err)

	r := first
	for _, tt := range []struct {
		name   string
		change func()
	}{
		{"strings", func() { r.Name, r.User, r.Format, r.Data = "$name", "$$ROOT", "$format", []byte("$data") }},
		{"text", func() { r.Format, r.Data = "json", []byte("$seen") }},
		{"a document", func() { r.Format, r.Data = "bson", data }},
		{"a smaller document", func() { r.Data = []byte{5, 0, 0, 0, 0} }},
		{"anonymous", func() { r.User = "" }},
		{"anonymous again", func() { r.Meta = []byte{1} }},
		{"of a user again", func() { r.User = "u1" }},
		{"an earlier end", func() { r.ExpiresAt = r.ExpiresAt.Add(-time.Minute) }},
		{"another begin", func() { r.CreatedAt = r.CreatedAt.Add(time.Second) }},
	} {
		tt.change()
		must(t, tt.name, s.Update(t.Context(), r))
		r.Version++
		got, err := s.Load(t.Context(), "a")
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%s: got %+v (%v), want %+v", tt.name, got, err, r)
		}
		var doc bson.D
		must(t, "find", db.sessions().FindOne(t.Context(), bson.D{{Key: "_id", Value: "a"}}).Decode(&doc))
		fields := 11
		if r.User == "" {
			fields = 10
		}
		if note := raw(t, doc).Lookup("note"); note.String() != `"suspicious"` || len(doc) != fields {
			t.Errorf("%s: got the document %v, want %d fields and the operator's note", tt.name, doc, fields)
		}
	}

	// A touch came in between: the times that it moved forward stay, and the other
	// fields are replaced.
	touched := r
	touched.SeenAt, touched.ExpiresAt = r.SeenAt.Add(2*time.Second), r.ExpiresAt.Add(2*time.Second)
	must(t, "Touch", s.Touch(t.Context(), touched))
	r.SeenAt, r.ExpiresAt, r.Data = r.SeenAt.Add(time.Second), r.ExpiresAt.Add(time.Second), []byte{5, 0, 0, 0, 0}
	must(t, "Update", s.Update(t.Context(), r))
	r.Version, r.SeenAt, r.ExpiresAt = r.Version+1, touched.SeenAt, touched.ExpiresAt
	if got, err := s.Load(t.Context(), "a"); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("after a touch: got %+v (%v), want %+v", got, err, r)
	}
	r.ExpiresAt = r.ExpiresAt.Add(time.Hour)
	later := r
	later.SeenAt = r.SeenAt.Add(-time.Second)
	must(t, "Update", s.Update(t.Context(), later))
	r.Version++
	if got, err := s.Load(t.Context(), "a"); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("with a later end than the touch: got %+v (%v), want %+v", got, err, r)
	}
}

func raw(t *testing.T, doc bson.D) bson.Raw {
	t.Helper()
	raw, err := bson.Marshal(doc)
	must(t, "Marshal", err)
	return raw
}

func TestTooLarge(t *testing.T) {
	db := newDatabase(t)
	s := db.open(t, mongostore.Options{})
	r := newRecord("a", time.Hour)
	must(t, "Create", s.Create(t.Context(), r))
	r.Data = make([]byte, 16<<20)
	for op, err := range map[string]error{"Create": s.Create(t.Context(), r), "Update": s.Update(t.Context(), r)} {
		if !errors.Is(err, session.ErrTooLarge) {
			t.Errorf("%s: got error %v, want %v", op, err, session.ErrTooLarge)
		}
	}
	// With an operator's field only the server can find out.
	_, err := db.sessions().UpdateByID(t.Context(), "a", bson.D{{Key: "$set", Value: bson.D{{Key: "note", Value: string(make([]byte, 1<<20))}}}})
	must(t, "edit", err)
	r.Data = r.Data[:15<<20+1<<19]
	if err := s.Update(t.Context(), r); !errors.Is(err, session.ErrTooLarge) {
		t.Errorf("Update that the server refuses: got error %v, want %v", err, session.ErrTooLarge)
	}
	if _, err := s.Load(t.Context(), "a"); err != nil {
		t.Errorf("after it: %v", err)
	}
}
