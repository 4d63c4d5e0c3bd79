package mongostore

import (
	"cmp"
	"context"
	"errors"
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
			return undone(errors.New("Options.SkipIndexes is set"), todo...)
		case try > indexTries:
			return undone(errors.New("the server said that it was done, but it is not"), todo...)
		}
		for i, t := range todo {
			err := s.coll.Database().RunCommand(ctx, t.command).Err()
			switch {
			case err == nil:
			case hasCode(err, codeUnauthorized):
				return undone(fmt.Errorf("its role may not (with Options.SkipIndexes it does not try): %w", &driverError{err}), todo[i:]...)
			case isUnavailable(err), ctx.Err() != nil:
				return opening.translate(ctx, err)
			case try == indexTries:
				return undone(fmt.Errorf("it failed: %w", &driverError{err}), todo[i:]...)
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

var errOperator = errors.New("only an operator can decide it")

// undone returns the error for tasks that the store did not do.
func undone(why error, todo ...task) error {
	var text strings.Builder
	for _, t := range todo {
		fmt.Fprintf(&text, "%s. An operator can change that with\n\t%s\n", t.problem, t.shell)
	}
	return opening.errorf("%sThe store starts when that is done. It did not do it itself: %w", &text, why)
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

// effort orders tasks of which one is enough: the least is done.
type effort int

const (
	nothing effort = iota
	modifying
	byOperator // the store must not do it
	making
)

// task is what makes an index serve. The zero value is for one that does.
type task struct {
	effort  effort
	problem string // what is wrong without it
	command bson.D
	shell   string // the command in the shell's language
}

// planIndexes compares the indexes with what the store needs. An error names
// what only an operator can decide.
func planIndexes(collection string, found []index) (todo []task, err error) {
	name, option := "name_1_user_1", "" // the server's name
	if slices.ContainsFunc(found, func(x index) bool { return x.Name == name }) {
		name, option = "sessions_of_users", `name: "sessions_of_users", `
	}
	expiry := []task{createIndex(collection, "the expiry index is missing: without it sessions are never removed",
		"{expires: 1}, {expireAfterSeconds: 0}", bson.D{
			{Key: "key", Value: bson.D{{Key: fieldExpires, Value: 1}}}, {Key: "name", Value: "expires_1"},
			{Key: "expireAfterSeconds", Value: 0},
		})}
	users := []task{createIndex(collection, "the user index is missing: without it every list of a user's sessions reads all sessions",
		"{name: 1, user: 1}, {"+option+"partialFilterExpression: {user: {$exists: true}}}", bson.D{
			{Key: "key", Value: bson.D{{Key: fieldName, Value: 1}, {Key: fieldUser, Value: 1}}}, {Key: "name", Value: name},
			{Key: "partialFilterExpression", Value: bson.D{{Key: fieldUser, Value: bson.D{{Key: "$exists", Value: true}}}}},
		})}
	for _, x := range found {
		if err := x.refuse(collection); err != nil {
			return nil, err
		}
		switch {
		case x.over(fieldExpires):
			expiry = append(expiry, x.fitExpiry(collection))
		case x.over(fieldName, fieldUser) && !isCollated(x.Collation): // a list uses no index with a collation
			users = append(users, x.fitUsers(collection))
		}
	}
	for _, choice := range [][]task{expiry, users} {
		switch t := slices.MinFunc(choice, func(a, b task) int { return cmp.Compare(a.effort, b.effort) }); t.effort {
		case nothing:
		case byOperator:
			return nil, undone(errOperator, t)
		default:
			todo = append(todo, t)
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
	switch {
	case x.over(fieldID) && isCollated(x.Collation): // the collection has it
		return refuseCollation(collection, x.Collation)
	case x.Unique && !slices.Contains(fields, fieldID) && (own || everywhere):
		return undone(errOperator, x.drop(collection, "is unique, and would keep sessions out"))
	case x.Expiry.Type != 0 && own && !x.over(fieldExpires):
		return undone(errOperator, x.drop(collection, "has expireAfterSeconds, and would end sessions too early"))
	}
	return nil
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

// fitExpiry returns what makes an index over the end of sessions serve.
func (x index) fitExpiry(collection string) task {
	seconds, isNumber := x.Expiry.AsFloat64OK()
	setZero := func(problem string) task { return x.modify(collection, problem, "expireAfterSeconds", 0) }
	switch {
	case x.Filter != nil:
		return x.drop(collection, "is partial, and would never remove some sessions")
	case isNumber && seconds == 0:
		return task{}
	case isNumber && math.IsNaN(seconds):
		t := setZero("has expireAfterSeconds NaN, which some servers take for 0 and some for never")
		t.effort = byOperator
		return t
	case x.Expiry.Type == 0:
		return setZero("has no expireAfterSeconds, and removes nothing")
	}
	return setZero(fmt.Sprintf("has expireAfterSeconds %v, which must be 0", x.Expiry))
}

// fitUsers returns what makes an index over users serve.
func (x index) fitUsers(collection string) task {
	switch {
	case x.Filter != nil && x.Filter.String() != `{"user": {"$exists": true}}`: // without a filter it is only larger
		return x.drop(collection, "has another partial filter than {user: {$exists: true}}")
	case x.Hidden:
		return x.modify(collection, "is hidden: so every list of a user's sessions reads all sessions", "hidden", false)
	}
	return task{}
}

func createIndex(collection, problem, shell string, definition bson.D) task {
	return task{
		effort:  making,
		problem: problem,
		command: bson.D{{Key: "createIndexes", Value: collection}, {Key: "indexes", Value: bson.A{definition}}},
		shell:   fmt.Sprintf("db.getCollection(%q).createIndex(%s)", collection, shell),
	}
}

func (x index) modify(collection, problem, option string, value any) task {
	definition := bson.D{{Key: "name", Value: x.Name}, {Key: option, Value: value}}
	return task{
		effort:  modifying,
		problem: x.problem(problem),
		command: bson.D{{Key: "collMod", Value: collection}, {Key: "index", Value: definition}},
		shell:   fmt.Sprintf("db.runCommand({collMod: %q, index: {name: %q, %s: %v}})", collection, x.Name, option, value),
	}
}

// drop returns a task for an operator, who may need the index.
func (x index) drop(collection, problem string) task {
	return task{
		effort:  byOperator,
		problem: x.problem(problem),
		shell:   fmt.Sprintf("db.getCollection(%q).dropIndex(%q)", collection, x.Name),
	}
}

func (x index) problem(what string) string {
	return fmt.Sprintf("the index %q over %s %s", x.Name, strings.Join(x.fields(), ", "), what)
}
