package mongostore

import (
	"math"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
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
	hidden := bson.E{Key: "hidden", Value: true}
	collation := func(locale string) bson.E {
		return bson.E{Key: "collation", Value: bson.D{{Key: "locale", Value: locale}, {Key: "strength", Value: 2}}}
	}
	expires, users := bson.D{key("expires", 1)}, bson.D{key("name", 1), key("user", 1)}
	named := func(name string, d bson.D) bson.D {
		d[2].Value = name
		return d
	}
	good := []bson.D{index(bson.D{key("_id", 1)}), index(expires, after(0)), index(users, exists)}
	const (
		makeExpiry = `db.getCollection("sessions").createIndex({expires: 1}, {expireAfterSeconds: 0})`
		makeUsers  = `db.getCollection("sessions").createIndex({name: 1, user: 1}, {partialFilterExpression: {user: {$exists: true}}})`
		modify     = `db.runCommand({collMod: "sessions", index: {name: "an_index", expireAfterSeconds: 0}})`
		unhide     = `db.runCommand({collMod: "sessions", index: {name: "an_index", hidden: false}})`
		makeOther  = `db.getCollection("sessions").createIndex({name: 1, user: 1}, {name: "sessions_of_users", partialFilterExpression: {user: {$exists: true}}})`
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
		// What is not used for a list does not count, and makes no other one wrong.
		"hidden users":                    {found: []bson.D{good[1], index(users, exists, hidden)}, want: []string{unhide}},
		"hidden and not partial":          {found: []bson.D{good[1], index(users, hidden)}, want: []string{unhide}},
		"hidden, another filter":          {found: []bson.D{good[1], index(users, other, hidden)}, err: "another partial filter"},
		"hidden and a good one":           {found: []bson.D{good[1], index(users, exists, hidden), good[2]}},
		"collation":                       {found: []bson.D{good[1], index(users, exists, collation("en"))}, want: []string{makeUsers}},
		"collation, its name taken":       {found: []bson.D{good[1], named("name_1_user_1", index(users, exists, collation("en")))}, want: []string{makeOther}},
		"simple collation":                {found: []bson.D{good[1], index(users, exists, collation("simple"))}},
		"collation and a good one":        {found: []bson.D{good[1], index(users, exists, collation("en")), good[2]}},
		"another filter and a good one":   {found: []bson.D{good[1], index(users, other), good[2]}},
		"a good one and another filter":   {found: []bson.D{good[1], good[2], index(users, other)}},
		"another filter and a hidden one": {found: []bson.D{good[1], index(users, other), index(users, exists, hidden)}, want: []string{unhide}},
		"partial expiry and a good one":   {found: []bson.D{index(expires, after(0), other), good[1], good[2]}},
		"partial expiry and another age":  {found: []bson.D{index(expires, after(0), other), index(expires, after(60)), good[2]}, want: []string{modify}},
		"NaN and a good one":              {found: []bson.D{index(expires, after(math.NaN())), good[1], good[2]}},
		// But one that is unique keeps sessions out.
		"a good one and unique users":       {found: []bson.D{good[1], good[2], index(users, exists, unique)}, err: "unique"},
		"unique users of another collation": {found: []bson.D{good[1], good[2], index(users, unique, collation("en"))}, err: "unique"},
		"a good one and unique expiry":      {found: []bson.D{good[1], index(expires, unique), good[2]}, err: "unique"},
		"collation of the collection":       {found: []bson.D{index(bson.D{key("_id", 1)}, collation("en")), good[1], good[2]}, err: `collation "en"`},
		"damaged":                           {found: []bson.D{{{Key: "key", Value: 1}}, {}}, want: []string{makeExpiry, makeUsers}},
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
			todo, err := planIndexes("sessions", raws)
			var got []string
			for _, task := range todo {
				got = append(got, task.command)
			}
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
