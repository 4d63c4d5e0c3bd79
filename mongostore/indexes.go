package mongostore

import (
	"context"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// indexTries is how often the indexes are looked at before a store gives up:
// another instance of the application may be starting, and making them too.
const indexTries = 3

// prepareIndexes makes what is missing, sets right what can be, and fails where
// the collection would not serve then. It waits for ctx alone: an index on a
// large collection takes its time.
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
		if err != nil || len(todo) == 0 {
			return err
		}
		if skip {
			return unmet(todo, "and Options.SkipIndexes leaves that to an operator", nil)
		}
		if try > indexTries {
			return unmet(todo, "although setting it right was said to have succeeded", nil)
		}
		for i, t := range todo {
			err := s.carryOut(ctx, t)
			switch {
			case err == nil:
			case hasCode(err, []int{codeUnauthorized}):
				return unmet(todo[i:], "and this role may not set it right", err)
			case isUnavailable(err), ctx.Err() != nil:
				return opening.translate(ctx, err)
			case try == indexTries:
				return unmet(todo[i:], "and setting it right failed", err)
			}
		}
	}
}

// checkCollection refuses what cannot keep documents that are changed and
// deleted. A role that may not ask goes without the check.
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
		if spec.Type != "collection" {
			return fmt.Errorf("mongostore: open: %s is a %s: sessions need a collection", s.coll.Name(), spec.Type)
		}
		if capped, _ := spec.Options.Lookup("capped").AsInt64OK(); capped != 0 || isTrue(spec.Options.Lookup("capped")) {
			return fmt.Errorf("mongostore: open: %s is a capped collection, from which sessions cannot be deleted", s.coll.Name())
		}
		if locale, ok := collated(spec.Options.Lookup("collation")); ok {
			return refuseCollation(s.coll.Name(), locale)
		}
	}
	return nil
}

func refuseCollation(collection, locale string) error {
	return fmt.Errorf("mongostore: open: %[1]s has the collation %[2]q: to it users and ids can be equal that are not, and one user could end the sessions of another. "+
		"It cannot be changed: name another collection, or drop this one and make it anew, without one: db.createCollection(%[1]q)", collection, locale)
}

func isTrue(v bson.RawValue) bool {
	b, ok := v.BooleanOK()
	return ok && b
}

// listIndexes returns the definitions; none where there is no collection yet.
func (s *Store) listIndexes(ctx context.Context) ([]bson.Raw, error) {
	cursor, err := s.coll.Indexes().List(ctx)
	var found []bson.Raw
	if err == nil {
		err = cursor.All(ctx, &found)
	}
	if hasCode(err, []int{codeNamespaceNotFound}) {
		return nil, nil
	}
	if hasCode(err, []int{codeUnauthorized}) {
		return nil, fmt.Errorf("mongostore: open: the indexes of %s cannot be verified: the role needs the privilege listIndexes, which %q has: %w",
			s.coll.Name(), "read", &driverError{opening, nil, err})
	}
	if err != nil {
		return nil, opening.translate(ctx, err)
	}
	return found, nil
}

// carryOut does one thing that is to be done.
func (s *Store) carryOut(ctx context.Context, t task) error {
	if t.create {
		_, err := s.coll.Indexes().CreateOne(ctx, t.model())
		return err
	}
	return s.coll.Database().RunCommand(ctx, t.collMod(s.coll.Name())).Err()
}

func (t task) model() mongo.IndexModel {
	if t.index == expiryIndex {
		return mongo.IndexModel{
			Keys:    bson.D{{Key: fieldExpires, Value: 1}},
			Options: options.Index().SetExpireAfterSeconds(0),
		}
	}
	opts := options.Index().SetPartialFilterExpression(bson.D{{Key: fieldUser, Value: bson.D{{Key: "$exists", Value: true}}}})
	if t.name != "" {
		opts.SetName(t.name)
	}
	return mongo.IndexModel{Keys: bson.D{{Key: fieldName, Value: 1}, {Key: fieldUser, Value: 1}}, Options: opts}
}

func (t task) collMod(collection string) bson.D {
	return bson.D{
		{Key: "collMod", Value: collection},
		{Key: "index", Value: bson.D{
			{Key: "name", Value: t.name},
			t.change,
		}},
	}
}

// unmet is an error that says what to do.
func unmet(todo []task, why string, cause error) error {
	var text strings.Builder
	for _, t := range todo {
		fmt.Fprintf(&text, "%s, %s;\nan operator can with\n\t%s\n", t.problem, why, t.command)
	}
	text.WriteString("after which the store starts, with Options.SkipIndexes without trying")
	if cause == nil {
		return fmt.Errorf("mongostore: open: %s", &text)
	}
	return fmt.Errorf("%w: %s", &driverError{opening, nil, cause}, &text)
}
