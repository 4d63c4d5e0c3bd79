package mongostore

import (
	"context"
	"math"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// By a collation that is not simple, users and ids can be equal that differ: one
// user would see, and end, the sessions of another.
func TestCollationIsRefused(t *testing.T) {
	t.Parallel()
	collection := func(collation any) bson.D {
		return bson.D{{Key: "name", Value: "sessions"}, {Key: "type", Value: "collection"},
			{Key: "options", Value: bson.D{{Key: "collation", Value: collation}}}}
	}
	for name, tt := range map[string]struct {
		collation any
		want      string // "": none
	}{
		"not simple":   {bson.D{{Key: "locale", Value: "de"}, {Key: "strength", Value: 1}}, `collation "de"`},
		"simple":       {bson.D{{Key: "locale", Value: "simple"}}, ""},
		"not a locale": {bson.D{}, "collation"},
	} {
		p := &played{answer: func(_ context.Context, command bson.Raw) (bson.D, error) {
			if commandName(command) == "listCollections" {
				return batch(0, collection(tt.collation)), nil
			}
			return nil, nil
		}}
		_, err := p.store(t, Options{})
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: got error %v, want none", name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "createCollection")):
			t.Errorf("%s: got error %v, want one with %q and the cure", name, err, tt.want)
		}
	}
}

// listed is an index as a server lists it.
func listed(keys bson.D, options ...bson.E) bson.D {
	return append(bson.D{{Key: "v", Value: 2}, {Key: "key", Value: keys}, {Key: "name", Value: "an_index"}}, options...)
}

// decoded returns the indexes as the store decodes them.
func decoded(t *testing.T, found []bson.D) (decoded []index) {
	t.Helper()
	for _, d := range found {
		raw, err := bson.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var x index
		if err := bson.Unmarshal(raw, &x); err != nil {
			t.Fatal(err)
		}
		decoded = append(decoded, x)
	}
	return decoded
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
	good := []bson.D{listed(bson.D{key("_id", 1)}), listed(expires, after(0)), listed(users, exists)}
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
		"int64, double, -1":    {found: []bson.D{listed(bson.D{key("expires", -1)}, after(int64(0))), listed(bson.D{key("name", 1.0), key("user", 1)}, exists)}},
		"not partial":          {found: []bson.D{good[1], listed(users)}},
		"no users":             {found: good[:2], want: []string{makeUsers}},
		"fields the other way": {found: []bson.D{good[1], listed(bson.D{key("user", 1), key("name", 1)}, exists)}, want: []string{makeUsers}},
		"hashed":               {found: []bson.D{listed(bson.D{key("expires", "hashed")}, after(0)), good[2]}, want: []string{makeExpiry}},
		"compound":             {found: []bson.D{listed(bson.D{key("expires", 1), key("v", 1)}), good[2]}, want: []string{makeExpiry}},
		"another age":          {found: []bson.D{listed(expires, after(3600)), good[2]}, want: []string{modify}},
		"no age":               {found: []bson.D{listed(expires), good[2]}, want: []string{modify}},
		"age of no number":     {found: []bson.D{listed(expires, after("0")), good[2]}, want: []string{modify}},
		"NaN":                  {found: []bson.D{listed(expires, after(math.NaN())), good[2]}, err: "NaN"},
		"partial expiry":       {found: []bson.D{listed(expires, after(0), other), good[2]}, err: "partial"},
		"unique expiry":        {found: []bson.D{listed(expires, after(0), unique), good[2]}, err: "unique"},
		"unique users":         {found: []bson.D{good[1], listed(users, exists, unique)}, err: "unique"},
		"another filter":       {found: []bson.D{good[1], listed(users, other)}, err: "another partial filter"},
		// An index that a list does not use does not count, and harms no other one.
		"hidden users":                    {found: []bson.D{good[1], listed(users, exists, hidden)}, want: []string{unhide}},
		"hidden and not partial":          {found: []bson.D{good[1], listed(users, hidden)}, want: []string{unhide}},
		"hidden, another filter":          {found: []bson.D{good[1], listed(users, other, hidden)}, err: "another partial filter"},
		"hidden and a good one":           {found: []bson.D{good[1], listed(users, exists, hidden), good[2]}},
		"collation":                       {found: []bson.D{good[1], listed(users, exists, collation("en"))}, want: []string{makeUsers}},
		"collation, its name taken":       {found: []bson.D{good[1], named("name_1_user_1", listed(users, exists, collation("en")))}, want: []string{makeOther}},
		"simple collation":                {found: []bson.D{good[1], listed(users, exists, collation("simple"))}},
		"collation and a good one":        {found: []bson.D{good[1], listed(users, exists, collation("en")), good[2]}},
		"another filter and a good one":   {found: []bson.D{good[1], listed(users, other), good[2]}},
		"a good one and another filter":   {found: []bson.D{good[1], good[2], listed(users, other)}},
		"another filter and a hidden one": {found: []bson.D{good[1], listed(users, other), listed(users, exists, hidden)}, want: []string{unhide}},
		"partial expiry and a good one":   {found: []bson.D{listed(expires, after(0), other), good[1], good[2]}},
		"partial expiry and another age":  {found: []bson.D{listed(expires, after(0), other), listed(expires, after(60)), good[2]}, want: []string{modify}},
		"NaN and a good one":              {found: []bson.D{listed(expires, after(math.NaN())), good[1], good[2]}},
		// But a unique one keeps sessions out, and one that removes documents ends them.
		"a good one and unique users":       {found: []bson.D{good[1], good[2], listed(users, exists, unique)}, err: "unique"},
		"unique users of another collation": {found: []bson.D{good[1], good[2], listed(users, unique, collation("en"))}, err: "unique"},
		"a good one and unique expiry":      {found: []bson.D{good[1], listed(expires, unique), good[2]}, err: "unique"},
		"unique operator's field":           {found: append(good[:3:3], listed(bson.D{key("note", 1)}, unique)), err: "unique"},
		"unique and sparse":                 {found: append(good[:3:3], listed(bson.D{key("note", 1)}, unique, bson.E{Key: "sparse", Value: true}))},
		"unique in part of them":            {found: append(good[:3:3], listed(bson.D{key("data.email", 1)}, unique, other))},
		"unique in the data":                {found: append(good[:3:3], listed(bson.D{key("data.email", 1)}, unique)), err: "unique"},
		"unique user, in part of them":      {found: append(good[:3:3], listed(bson.D{key("user", 1)}, unique, exists)), err: "unique"},
		"unique with the id":                {found: append(good[:3:3], listed(bson.D{key("user", 1), key("_id", 1)}, unique))},
		"another age, of created":           {found: append(good[:3:3], listed(bson.D{key("created", 1)}, after(60))), err: "end sessions too early"},
		"an age of an operator's field":     {found: append(good[:3:3], listed(bson.D{key("note", 1)}, after(60)))},
		"collation of the collection":       {found: []bson.D{listed(bson.D{key("_id", 1)}, collation("en")), good[1], good[2]}, err: `collation "en"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			todo, err := planIndexes("sessions", decoded(t, tt.found))
			var got []string
			for _, task := range todo {
				got = append(got, task.shell)
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
