package mongostore

import (
	"cmp"
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
			case hasCode(err, codeUnauthorized):
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
	if hasCode(err, codeUnauthorized) {
		return nil
	}
	if err != nil {
		return opening.translate(ctx, err)
	}
	for _, spec := range specs {
		capped, _ := spec.Options.Lookup("capped").BooleanOK()
		collation, _ := spec.Options.Lookup("collation").DocumentOK()
		switch {
		case spec.Type != "collection":
			return opening.errorf("%s is a %s: sessions need a collection", s.coll.Name(), spec.Type)
		case capped:
			return opening.errorf("%s is a capped collection, from which sessions cannot be deleted", s.coll.Name())
		case isCollated(collation):
			return refuseCollation(s.coll.Name(), collation)
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
	case hasCode(err, codeNamespaceNotFound):
		return nil, nil
	case hasCode(err, codeUnauthorized):
		return nil, opening.errorf("the indexes of %s cannot be verified: the role needs the privilege listIndexes, which %q has: %w",
			s.coll.Name(), "read", &driverError{err})
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
		return opening.errorf("%s", &text)
	}
	return opening.errorf("%w: %s", &driverError{cause}, &text)
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
	problem string // what is wrong without it
	command bson.D
	shell   string // the command in the shell's language
}

// The server's name for the user index, and the name if another index has that.
const (
	usersName      = "name_1_user_1"
	otherUsersName = "sessions_of_users"
)

// planIndexes compares the indexes with what the store needs. An error names
// what only an operator can decide.
func planIndexes(collection string, found []index) ([]task, error) {
	var expiry, users []index // those over the fields that the store needs
	name, option := usersName, ""
	for _, x := range found {
		if err := x.refuse(collection); err != nil {
			return nil, err
		}
		if x.Name == usersName {
			name, option = otherUsersName, fmt.Sprintf("name: %q, ", otherUsersName)
		}
		switch {
		case x.over(fieldExpires):
			expiry = append(expiry, x)
		case x.over(fieldName, fieldUser) && !isCollated(x.Collation): // a list uses no index with a collation
			users = append(users, x)
		}
	}
	makeExpiry := createIndex(collection, "the expiry index is missing: without it sessions are never removed",
		"{expires: 1}, {expireAfterSeconds: 0}", bson.D{
			{Key: "key", Value: bson.D{{Key: fieldExpires, Value: 1}}}, {Key: "name", Value: "expires_1"},
			{Key: "expireAfterSeconds", Value: 0},
		})
	makeUsers := createIndex(collection, "the user index is missing: without it every list of a user's sessions reads all sessions",
		"{name: 1, user: 1}, {"+option+"partialFilterExpression: {user: {$exists: true}}}", bson.D{
			{Key: "key", Value: bson.D{{Key: fieldName, Value: 1}, {Key: fieldUser, Value: 1}}}, {Key: "name", Value: name},
			{Key: "partialFilterExpression", Value: bson.D{{Key: fieldUser, Value: bson.D{{Key: "$exists", Value: true}}}}},
		})
	expiryTodo, expiryErr := plan(collection, expiry, index.fitExpiry, "expireAfterSeconds", 0, makeExpiry)
	usersTodo, usersErr := plan(collection, users, index.fitUsers, "hidden", false, makeUsers)
	return append(expiryTodo, usersTodo...), cmp.Or(expiryErr, usersErr)
}

// fitFunc returns the problem of an index that collMod can put right; "" if it has
// none. If the index can never serve, it returns an error.
type fitFunc func(x index, collection string) (problem string, err error)

// plan returns what to do so that one of the candidates serves. If one serves
// already, that is nothing. Otherwise the option of one with a problem gets the
// value, and if there is no candidate, the missing index is made. If none can
// serve, plan returns the error of the first.
func plan(collection string, candidates []index, fit fitFunc, option string, value any, missing task) (todo []task, wrong error) {
	for _, x := range candidates {
		problem, err := fit(x, collection)
		switch {
		case err != nil:
			wrong = cmp.Or(wrong, err)
		case problem == "":
			return nil, nil
		case todo == nil:
			todo = []task{modifyIndex(collection, problem, x.Name, option, value)}
		}
	}
	switch {
	case todo != nil:
		return todo, nil
	case wrong != nil:
		return nil, wrong
	}
	return []task{missing}, nil
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
	return opening.errorf("the index %q over %s %s: %s", x.Name, strings.Join(fields, ", "), harm, x.drop(collection))
}

// isCollated reports whether a collation makes different strings equal.
func isCollated(collation bson.Raw) bool {
	locale, _ := collation.Lookup("locale").StringValueOK()
	return collation != nil && locale != "simple"
}

func refuseCollation(collection string, collation bson.Raw) error {
	return opening.errorf("%[1]s has the collation %[2]v, which makes different users or ids equal: "+
		"one user could end the sessions of another. A collation cannot be changed: name another collection, "+
		"or drop this one and make it again without one: db.createCollection(%[1]q)", collection, collation.Lookup("locale"))
}

func (x index) fitExpiry(collection string) (problem string, err error) {
	seconds, isNumber := x.Expiry.AsFloat64OK()
	switch {
	case x.Filter != nil:
		return "", opening.errorf("the expiry index %q is partial, and would never remove some sessions: "+
			"%s, and the store makes the right one", x.Name, x.drop(collection))
	case isNumber && math.IsNaN(seconds):
		return "", opening.errorf("expireAfterSeconds of the expiry index %q is NaN, which some servers take for 0 and some for never. "+
			"Change it with\n\t%s", x.Name, modifyIndex(collection, "", x.Name, "expireAfterSeconds", 0).shell)
	case isNumber && seconds == 0:
		return "", nil
	case x.Expiry.Type == 0:
		return fmt.Sprintf("the expiry index %q has no expireAfterSeconds, and removes nothing", x.Name), nil
	}
	return fmt.Sprintf("expireAfterSeconds of the expiry index %q is %v and must be 0", x.Name, x.Expiry), nil
}

func (x index) fitUsers(collection string) (problem string, err error) {
	switch {
	case x.Filter != nil && x.Filter.String() != `{"user": {"$exists": true}}`: // without a filter it is only larger
		return "", opening.errorf("the user index %q has another partial filter than {user: {$exists: true}}: "+
			"%s, and the store makes the right one", x.Name, x.drop(collection))
	case x.Hidden:
		return fmt.Sprintf("the user index %q is hidden: so every list of a user's sessions reads all sessions", x.Name), nil
	}
	return "", nil
}

func createIndex(collection, problem, shell string, definition bson.D) task {
	return task{
		problem: problem,
		command: bson.D{{Key: "createIndexes", Value: collection}, {Key: "indexes", Value: bson.A{definition}}},
		shell:   fmt.Sprintf("db.getCollection(%q).createIndex(%s)", collection, shell),
	}
}

func modifyIndex(collection, problem, name, option string, value any) task {
	change := bson.D{{Key: "name", Value: name}, {Key: option, Value: value}}
	return task{
		problem: problem,
		command: bson.D{{Key: "collMod", Value: collection}, {Key: "index", Value: change}},
		shell:   fmt.Sprintf("db.runCommand({collMod: %q, index: {name: %q, %s: %v}})", collection, name, option, value),
	}
}

func (x index) drop(collection string) string {
	return fmt.Sprintf("drop it with db.getCollection(%q).dropIndex(%q)", collection, x.Name)
}
