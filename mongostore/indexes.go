package mongostore

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// indexTries is how often the store looks at the indexes before it gives up.
// Another instance of the application may be starting and making them too.
const indexTries = 3

// prepareIndexes makes the indexes that are missing, changes those that can be
// put right, and fails if the collection would still not serve. It waits for ctx
// alone, because an index on a large collection takes its time.
func (s *Store) prepareIndexes(ctx context.Context, skip bool) error {
	if err := s.checkCollection(ctx); err != nil {
		return err
	}
	for try := 1; ; try++ {
		found, err := s.listIndexes(ctx)
		if err != nil {
			return err
		}
		todo, err := planIndexes(s.coll.Name(), found)
		switch {
		case err != nil || len(todo) == 0:
			return err
		case skip:
			return undone(todo, "and Options.SkipIndexes leaves it to an operator", nil)
		case try > indexTries:
			return undone(todo, "although the server said that it was done", nil)
		}
		for i, t := range todo {
			err := s.coll.Database().RunCommand(ctx, t.command).Err()
			switch {
			case err == nil:
			case hasCode(err, []int{codeUnauthorized}):
				return undone(todo[i:], "and this role may not do it", err)
			case isUnavailable(err), ctx.Err() != nil:
				return opening.translate(ctx, err)
			case try == indexTries:
				return undone(todo[i:], "and doing it failed", err)
			}
		}
	}
}

// checkCollection refuses what cannot keep documents that are changed and
// deleted. If the role may not look, there is no check.
func (s *Store) checkCollection(ctx context.Context) error {
	filter := bson.D{{Key: "name", Value: s.coll.Name()}}
	specs, err := s.coll.Database().ListCollectionSpecifications(ctx, filter)
	if hasCode(err, []int{codeUnauthorized}) {
		return nil
	}
	if err != nil {
		return opening.translate(ctx, err)
	}
	for _, spec := range specs {
		var options struct {
			Capped    bool
			Collation bson.Raw
		}
		if err := bson.Unmarshal(spec.Options, &options); err != nil {
			return opening.wrap(err)
		}
		switch {
		case spec.Type != "collection":
			return fmt.Errorf("mongostore: open: %s is a %s: sessions need a collection", s.coll.Name(), spec.Type)
		case options.Capped:
			return fmt.Errorf("mongostore: open: %s is a capped collection, from which sessions cannot be deleted", s.coll.Name())
		case isCollated(options.Collation):
			return refuseCollation(s.coll.Name(), options.Collation)
		}
	}
	return nil
}

// listIndexes returns the indexes of the collection; none if it does not exist.
func (s *Store) listIndexes(ctx context.Context) ([]index, error) {
	cursor, err := s.coll.Indexes().List(ctx)
	var found []index
	if err == nil {
		err = cursor.All(ctx, &found)
	}
	switch {
	case hasCode(err, []int{codeNamespaceNotFound}):
		return nil, nil
	case hasCode(err, []int{codeUnauthorized}):
		return nil, fmt.Errorf("mongostore: open: the indexes of %s cannot be verified: the role needs the privilege listIndexes, which %q has: %w",
			s.coll.Name(), "read", &driverError{opening, nil, err})
	case err != nil:
		return nil, opening.translate(ctx, err)
	}
	return found, nil
}

// undone returns the error for tasks that are left to an operator.
func undone(todo []task, why string, cause error) error {
	var text strings.Builder
	for _, t := range todo {
		fmt.Fprintf(&text, "%s, %s;\nan operator can, with\n\t%s\n", t.problem, why, t.shell)
	}
	text.WriteString("The store starts when that is done; Options.SkipIndexes keeps it from trying.")
	if cause == nil {
		return fmt.Errorf("mongostore: open: %s", &text)
	}
	return fmt.Errorf("%w: %s", &driverError{opening, nil, cause}, &text)
}

// index is the definition of an index, as a server lists it.
type index struct {
	Name                   string
	Key                    bson.Raw
	Unique, Sparse, Hidden bool
	Expiry                 bson.RawValue `bson:"expireAfterSeconds"`
	Filter                 bson.Raw      `bson:"partialFilterExpression"`
	Collation              bson.Raw
}

// fields returns the names of the fields, in order. After the name of a field that
// is hashed, text or a place comes its kind.
func (x index) fields() (fields []string) {
	elements, _ := x.Key.Elements()
	for _, e := range elements {
		name := e.Key()
		if kind, ok := e.Value().StringValueOK(); ok {
			name += " " + kind
		}
		fields = append(fields, name)
	}
	return fields
}

// over reports whether the index is over exactly these fields. Its direction
// does not matter to the store.
func (x index) over(fields ...string) bool { return slices.Equal(x.fields(), fields) }

// task is a change of the indexes.
type task struct {
	problem string
	command bson.D
	shell   string // the command in the shell's language
}

// planIndexes compares the indexes with what the store needs. An error names
// what only an operator can decide.
func planIndexes(collection string, found []index) (todo []task, err error) {
	for _, x := range found {
		if err := x.refuse(collection); err != nil {
			return nil, err
		}
	}
	for _, plan := range []func(string, []index) (*task, error){planExpiry, planUsers} {
		t, err := plan(collection, found)
		if err != nil {
			return nil, err
		}
		if t != nil {
			todo = append(todo, *t)
		}
	}
	return todo, nil
}

// ownFields are the fields of the store that an operator's index can harm.
var ownFields = []string{fieldName, fieldVersion, fieldUser, fieldCreated, fieldSeen, fieldExpires, fieldFormat, fieldMeta, fieldData}

// refuse returns an error if the index would end sessions or keep them out, no
// matter which other indexes there are.
func (x index) refuse(collection string) error {
	fields := x.fields()
	own := slices.ContainsFunc(fields, func(field string) bool { return slices.Contains(ownFields, field) })
	everywhere := x.Filter == nil && !x.Sparse // also in documents without the fields
	harm := ""
	switch {
	case x.over(fieldID) && isCollated(x.Collation): // the collection has it
		return refuseCollation(collection, x.Collation)
	case x.Unique && !slices.Contains(fields, fieldID) && (own || everywhere):
		harm = "is unique, and would keep sessions out"
	case x.Expiry.Type != 0 && own && !x.over(fieldExpires):
		harm = "has expireAfterSeconds, and would end sessions too early"
	default:
		return nil
	}
	return fmt.Errorf("mongostore: open: the index %q over %s %s: drop it with db.getCollection(%q).dropIndex(%q)",
		x.Name, strings.Join(fields, ", "), harm, collection, x.Name)
}

// isCollated reports whether a collation makes different strings equal.
func isCollated(collation bson.Raw) bool {
	locale, _ := collation.Lookup("locale").StringValueOK()
	return collation != nil && locale != "simple"
}

func refuseCollation(collection string, collation bson.Raw) error {
	return fmt.Errorf("mongostore: open: %[1]s has the collation %[2]v, which makes different users or ids equal: one user could end the sessions of another. "+
		"A collation cannot be changed: name another collection, or drop this one and make it again without one: db.createCollection(%[1]q)", collection, collation.Lookup("locale"))
}

// best returns what to do about the index that needs the least change; nil if one
// serves as it is. If none can serve, it returns the error of the first.
func best(candidates []index, fit func(index) (*task, error)) (todo *task, err error) {
	for _, x := range candidates {
		t, wrong := fit(x)
		switch {
		case wrong == nil && t == nil:
			return nil, nil
		case wrong == nil && todo == nil:
			todo = t
		case err == nil:
			err = wrong
		}
	}
	if todo != nil {
		return todo, nil
	}
	return nil, err
}

func planExpiry(collection string, found []index) (*task, error) {
	candidates := slices.DeleteFunc(slices.Clone(found), func(x index) bool { return !x.over(fieldExpires) })
	if len(candidates) > 0 {
		return best(candidates, func(x index) (*task, error) { return x.fitExpiry(collection) })
	}
	return &task{
		problem: "the expiry index is missing: without it sessions are never removed",
		command: createIndex(collection, bson.D{
			{Key: "key", Value: bson.D{{Key: fieldExpires, Value: 1}}}, {Key: "name", Value: "expires_1"}, {Key: "expireAfterSeconds", Value: 0},
		}),
		shell: fmt.Sprintf("db.getCollection(%q).createIndex({expires: 1}, {expireAfterSeconds: 0})", collection),
	}, nil
}

func (x index) fitExpiry(collection string) (*task, error) {
	change := modifyIndex(collection, x.Name, "expireAfterSeconds", 0)
	seconds, isNumber := x.Expiry.AsFloat64OK()
	switch {
	case x.Filter != nil:
		return nil, fmt.Errorf("mongostore: open: the expiry index %q is partial, and would never remove some sessions: %s", x.Name, dropIndex(collection, x.Name))
	case isNumber && math.IsNaN(seconds):
		return nil, fmt.Errorf("mongostore: open: expireAfterSeconds of the expiry index %q is NaN, which some servers take for 0 and some for never. "+
			"Change it with\n\t%s", x.Name, change.shell)
	case isNumber && seconds == 0:
		return nil, nil
	case x.Expiry.Type == 0:
		change.problem = fmt.Sprintf("the expiry index %q has no expireAfterSeconds, and removes nothing", x.Name)
	default:
		change.problem = fmt.Sprintf("expireAfterSeconds of the expiry index %q is %v and must be 0", x.Name, x.Expiry)
	}
	return &change, nil
}

// The server's name for the user index, and the name if another index has that.
const (
	usersName      = "name_1_user_1"
	otherUsersName = "sessions_of_users"
)

func planUsers(collection string, found []index) (*task, error) {
	// A list does not use an index that has a collation of its own.
	candidates := slices.DeleteFunc(slices.Clone(found), func(x index) bool { return !x.over(fieldName, fieldUser) || isCollated(x.Collation) })
	if len(candidates) > 0 {
		return best(candidates, func(x index) (*task, error) { return x.fitUsers(collection) })
	}
	name, option := usersName, ""
	if slices.ContainsFunc(found, func(x index) bool { return x.Name == usersName }) {
		name, option = otherUsersName, fmt.Sprintf("name: %q, ", otherUsersName)
	}
	return &task{
		problem: "the user index is missing: without it every list of a user's sessions reads all sessions",
		command: createIndex(collection, bson.D{
			{Key: "key", Value: bson.D{{Key: fieldName, Value: 1}, {Key: fieldUser, Value: 1}}}, {Key: "name", Value: name},
			{Key: "partialFilterExpression", Value: bson.D{{Key: fieldUser, Value: bson.D{{Key: "$exists", Value: true}}}}},
		}),
		shell: fmt.Sprintf("db.getCollection(%q).createIndex({name: 1, user: 1}, {%spartialFilterExpression: {user: {$exists: true}}})", collection, option),
	}, nil
}

func (x index) fitUsers(collection string) (*task, error) {
	// One that is not partial serves as well, and is only larger.
	if x.Filter != nil && x.Filter.String() != `{"user": {"$exists": true}}` {
		return nil, fmt.Errorf("mongostore: open: the user index %q has another partial filter than {user: {$exists: true}}: %s", x.Name, dropIndex(collection, x.Name))
	}
	if !x.Hidden {
		return nil, nil
	}
	change := modifyIndex(collection, x.Name, "hidden", false)
	change.problem = fmt.Sprintf("the user index %q is hidden: so every list of a user's sessions reads all sessions", x.Name)
	return &change, nil
}

func createIndex(collection string, definition bson.D) bson.D {
	return bson.D{{Key: "createIndexes", Value: collection}, {Key: "indexes", Value: bson.A{definition}}}
}

func modifyIndex(collection, name, option string, value any) task {
	return task{
		command: bson.D{{Key: "collMod", Value: collection}, {Key: "index", Value: bson.D{{Key: "name", Value: name}, {Key: option, Value: value}}}},
		shell:   fmt.Sprintf("db.runCommand({collMod: %q, index: {name: %q, %s: %v}})", collection, name, option, value),
	}
}

func dropIndex(collection, name string) string {
	return fmt.Sprintf("drop it, and the store makes the right one: db.getCollection(%q).dropIndex(%q)", collection, name)
}
