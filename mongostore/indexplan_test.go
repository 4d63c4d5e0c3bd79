package mongostore_test

import (
	"math"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/mongostore"
)

// index is one as a server lists it.
func index(keys bson.D, options ...bson.E) bson.D {
	return append(bson.D{{Key: "v", Value: 2}, {Key: "key", Value: keys}, {Key: "name", Value: "an_index"}}, options...)
}

func key(name string, direction any) bson.E { return bson.E{Key: name, Value: direction} }

func TestPlanIndexes(t *testing.T) {
	t.Parallel()
	after := func(v any) bson.E { return bson.E{Key: "expireAfterSeconds", Value: v} }
	exists := bson.E{Key: "partialFilterExpression", Value: bson.D{{Key: "user", Value: bson.D{{Key: "$exists", Value: true}}}}}
	other := bson.E{Key: "partialFilterExpression", Value: bson.D{{Key: "v", Value: bson.D{{Key: "$gt", Value: 1}}}}}
	unique := bson.E{Key: "unique", Value: true}
	expires, users := bson.D{key("expires", 1)}, bson.D{key("name", 1), key("user", 1)}
	good := []bson.D{index(bson.D{key("_id", 1)}), index(expires, after(0)), index(users, exists)}
	const (
		makeExpiry = `db.getCollection("sessions").createIndex({expires: 1}, {expireAfterSeconds: 0})`
		makeUsers  = `db.getCollection("sessions").createIndex({name: 1, user: 1}, {partialFilterExpression: {user: {$exists: true}}})`
		modify     = `db.runCommand({collMod: "sessions", index: {name: "an_index", expireAfterSeconds: 0}})`
	)
	for name, tt := range map[string]struct {
		found []bson.D
		want  []string
		err   string
	}{
		"good":                 {found: good},
		"nothing":              {want: []string{makeExpiry, makeUsers}},
		"int64, double, -1":    {found: []bson.D{index(bson.D{key("expires", -1)}, after(int64(0))), index(bson.D{key("name", 1.0), key("user", 1)}, exists)}},
		"not partial":          {found: []bson.D{good[1], index(users)}},
		"no users":             {found: good[:2], want: []string{makeUsers}},
		"fields the other way": {found: []bson.D{good[1], index(bson.D{key("user", 1), key("name", 1)}, exists)}, want: []string{makeUsers}},
		"hashed":               {found: []bson.D{index(bson.D{key("expires", "hashed")}, after(0)), good[2]}, want: []string{makeExpiry}},
		"compound":             {found: []bson.D{index(bson.D{key("expires", 1), key("v", 1)}), good[2]}, want: []string{makeExpiry}},
		"another age":          {found: []bson.D{index(expires, after(3600)), good[2]}, want: []string{modify}},
		"no age":               {found: []bson.D{index(expires), good[2]}, want: []string{modify}},
		"age of no number":     {found: []bson.D{index(expires, after("0")), good[2]}, want: []string{modify}},
		"NaN":                  {found: []bson.D{index(expires, after(math.NaN())), good[2]}, err: "NaN"},
		"partial expiry":       {found: []bson.D{index(expires, after(0), other), good[2]}, err: "partial"},
		"unique expiry":        {found: []bson.D{index(expires, after(0), unique), good[2]}, err: "unique"},
		"unique users":         {found: []bson.D{good[1], index(users, exists, unique)}, err: "unique"},
		"another filter":       {found: []bson.D{good[1], index(users, other)}, err: "another partial filter"},
		"damaged":              {found: []bson.D{{{Key: "key", Value: 1}}, {}}, want: []string{makeExpiry, makeUsers}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var raws []bson.Raw
			for _, d := range tt.found {
				raw, err := bson.Marshal(d)
				if err != nil {
					t.Fatal(err)
				}
				raws = append(raws, raw)
			}
			got, err := mongostore.Plan(raws...)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if g, w := strings.Join(got, "\n"), strings.Join(tt.want, "\n"); g != w {
				t.Errorf("got to do\n%s\nwant\n%s", g, w)
			}
		})
	}
}
