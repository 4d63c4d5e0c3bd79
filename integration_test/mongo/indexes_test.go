package mongo_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/mongostore"
)

// expireAfter returns expireAfterSeconds of the index; -1 if it has none.
func (db database) expireAfter(t *testing.T) float64 {
	t.Helper()
	cursor, err := db.sessions().Indexes().List(t.Context())
	must(t, "list", err)
	var all []bson.Raw
	must(t, "list", cursor.All(t.Context(), &all))
	for _, index := range all {
		if index.Lookup("key", "expires").Type != 0 {
			if v, ok := index.Lookup("expireAfterSeconds").AsFloat64OK(); ok {
				return v
			}
		}
	}
	return -1
}

func createIndex(db database, spec bson.D) bson.D {
	return bson.D{{Key: "createIndexes", Value: "sessions"}, {Key: "indexes", Value: bson.A{spec}}}
}

func TestIndexesAtStart(t *testing.T) {
	needOwn(t)
	expires := bson.D{{Key: "expires", Value: 1}}
	for name, tt := range map[string]struct {
		index bson.D // exists before the store starts; nil: none
		opts  mongostore.Options
		err   string // "": the store starts, and the index is right afterwards
	}{
		"none":          {nil, mongostore.Options{}, ""},
		"none, skipped": {nil, mongostore.Options{SkipIndexes: true}, "createIndex({expires: 1}, {expireAfterSeconds: 0})"},
		"an hour":       {bson.D{{Key: "key", Value: expires}, {Key: "name", Value: "x"}, {Key: "expireAfterSeconds", Value: 3600}}, mongostore.Options{}, ""},
		"an hour, skipped": {bson.D{{Key: "key", Value: expires}, {Key: "name", Value: "x"}, {Key: "expireAfterSeconds", Value: 3600}}, mongostore.Options{SkipIndexes: true},
			`db.runCommand({collMod: "sessions", index: {name: "x", expireAfterSeconds: 0}})`},
		"no TTL": {bson.D{{Key: "key", Value: expires}, {Key: "name", Value: "x"}}, mongostore.Options{}, ""},
		"NaN":    {bson.D{{Key: "key", Value: expires}, {Key: "name", Value: "x"}, {Key: "expireAfterSeconds", Value: math.NaN()}}, mongostore.Options{}, "NaN"},
		"partial": {bson.D{{Key: "key", Value: expires}, {Key: "name", Value: "x"}, {Key: "expireAfterSeconds", Value: 0},
			{Key: "partialFilterExpression", Value: bson.D{{Key: "v", Value: bson.D{{Key: "$gt", Value: 1}}}}}}, mongostore.Options{}, "partial"},
		"unique":                 {bson.D{{Key: "key", Value: bson.D{{Key: "note", Value: 1}}}, {Key: "name", Value: "x"}, {Key: "unique", Value: true}}, mongostore.Options{}, "is unique"},
		"TTL of the wrong field": {bson.D{{Key: "key", Value: bson.D{{Key: "created", Value: 1}}}, {Key: "name", Value: "x"}, {Key: "expireAfterSeconds", Value: 60}}, mongostore.Options{}, "end sessions too early"},
	} {
		t.Run(name, func(t *testing.T) {
			db := newDatabase(t)
			if tt.index != nil {
				if err := db.RunCommand(t.Context(), createIndex(db, tt.index)).Err(); err != nil && name == "NaN" {
					t.Logf("this server refuses NaN itself: %v", err)
					return
				} else if err != nil {
					t.Fatal(err)
				}
			}
			if name == "NaN" && !math.IsNaN(db.expireAfter(t)) {
				t.Logf("this server puts %v in the place of NaN", db.expireAfter(t))
				tt.err = ""
			}
			s, err := mongostore.Open(t.Context(), db.uri, tt.opts)
			if err == nil {
				defer s.Close()
			}
			if tt.err == "" {
				if err != nil || db.expireAfter(t) != 0 {
					t.Errorf("got error %v and expireAfterSeconds %v, want none and 0", err, db.expireAfter(t))
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got error %v, want one with %q", err, tt.err)
			}
		})
	}
}

// Whichever indexes exist before the start, a list uses an index afterwards.
func TestUserIndexesAtStart(t *testing.T) {
	needOwn(t)
	keys := bson.D{{Key: "name", Value: 1}, {Key: "user", Value: 1}}
	exists := bson.E{Key: "partialFilterExpression", Value: bson.D{{Key: "user", Value: bson.D{{Key: "$exists", Value: true}}}}}
	other := bson.E{Key: "partialFilterExpression", Value: bson.D{{Key: "v", Value: bson.D{{Key: "$gt", Value: 5}}}}}
	collation := bson.E{Key: "collation", Value: bson.D{{Key: "locale", Value: "en"}, {Key: "strength", Value: 2}}}
	index := func(name string, options ...bson.E) bson.D {
		return append(bson.D{{Key: "key", Value: keys}, {Key: "name", Value: name}}, options...)
	}
	for name, there := range map[string][]bson.D{
		"none":                      nil,
		"not partial":               {index("x")},
		"hidden":                    {index("x", exists, bson.E{Key: "hidden", Value: true})},
		"collation":                 {index("x", exists, collation)},
		"collation, the same name":  {index("name_1_user_1", collation)},
		"another filter beside it":  {index("a", other), index("b", exists)},
		"beside another filter":     {index("a", exists), index("b", other)},
		"another filter and hidden": {index("a", other), index("b", exists, bson.E{Key: "hidden", Value: true})},
	} {
		t.Run(name, func(t *testing.T) {
			db := newDatabase(t)
			for _, spec := range there {
				db.run(t, createIndex(db, spec))
			}
			s := db.open(t, mongostore.Options{})
			must(t, "Create", s.Create(t.Context(), newRecord("a", time.Hour)))
			raw, err := db.RunCommand(t.Context(), bson.D{{Key: "explain", Value: bson.D{
				{Key: "find", Value: "sessions"}, {Key: "filter", Value: bson.D{{Key: "name", Value: "sid"}, {Key: "user", Value: "u1"}}},
			}}}).Raw()
			must(t, "explain", err)
			if plan := raw.Lookup("queryPlanner", "winningPlan").String(); !strings.Contains(plan, `"IXSCAN"`) {
				t.Errorf("a list is planned as %s, want an index", plan)
			}
			db.open(t, mongostore.Options{SkipIndexes: true}) // nothing is left to do
		})
	}
}

// Several instances start at once and make the same indexes.
func TestIndexesMadeByManyAtOnce(t *testing.T) {
	db := newDatabase(t)
	errs := make(chan error)
	for range 6 {
		go func() {
			s, err := mongostore.Open(t.Context(), db.uri, mongostore.Options{})
			if err == nil {
				s.Close()
			}
			errs <- err
		}()
	}
	for range 6 {
		must(t, "Open", <-errs)
	}
}

func TestCollectionsThatDoNotServe(t *testing.T) {
	db := newDatabase(t)
	db.run(t, bson.D{{Key: "create", Value: "a_view"}, {Key: "viewOn", Value: "sessions"}, {Key: "pipeline", Value: bson.A{}}})
	db.run(t, bson.D{{Key: "create", Value: "a_capped"}, {Key: "capped", Value: true}, {Key: "size", Value: 1 << 20}})
	db.run(t, bson.D{{Key: "create", Value: "a_collated"}, {Key: "collation", Value: bson.D{{Key: "locale", Value: "en"}, {Key: "strength", Value: 2}}}})
	for name, want := range map[string]string{
		"a_view": "is a view", "a_capped": "is a capped collection", "a_collated": `collation "en"`,
	} {
		_, err := mongostore.Open(t.Context(), db.uri, mongostore.Options{Collection: name})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want one with %q", name, err, want)
		}
	}
}
