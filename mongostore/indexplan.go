package mongostore

import (
	"fmt"
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// The two indexes besides that of _id.
const (
	expiryIndex = "the expiry index"
	userIndex   = "the index of users"
)

// What the index of users is called: by the server if nothing else has that name,
// else so.
const (
	serversName = "name_1_user_1"
	ownName     = "sessions_of_users"
)

// task is what is to be done about an index.
type task struct {
	index   string // expiryIndex or userIndex
	create  bool   // or changed by collMod
	name    string // of the one that is changed, or created; "": the server finds one
	change  bson.E // what collMod sets
	problem string
	command string // for the shell
}

// planIndexes compares the definitions that a server lists with what is needed.
// An error is what only an operator can decide.
func planIndexes(collection string, found []bson.Raw) ([]task, error) {
	for _, index := range withKeys(found, fieldID) {
		if locale, ok := collated(index.Lookup("collation")); ok {
			return nil, refuseCollation(collection, locale) // it is that of the collection
		}
	}
	var todo []task
	for _, plan := range []func() (*task, error){
		func() (*task, error) { return planExpiry(collection, withKeys(found, fieldExpires)) },
		func() (*task, error) { return planUser(collection, withKeys(found, fieldName, fieldUser)) },
	} {
		t, err := plan()
		if err != nil {
			return nil, err
		}
		if t != nil {
			todo = append(todo, *t)
		}
	}
	return todo, nil
}

// withKeys returns the indexes over exactly these fields: those of another
// collation or filter are different ones to a server. The direction makes no
// difference to what is asked here.
func withKeys(found []bson.Raw, fields ...string) (those []bson.Raw) {
	for _, index := range found {
		keys, ok := index.Lookup("key").DocumentOK()
		if !ok {
			continue
		}
		elements, err := keys.Elements()
		if err != nil || len(elements) != len(fields) {
			continue
		}
		same := true
		for i, e := range elements {
			_, ordered := e.Value().AsFloat64OK() // and not "hashed" or "text"
			same = same && e.Key() == fields[i] && ordered
		}
		if same {
			those = append(those, index)
		}
	}
	return those
}

// collated returns the locale of a collation by which strings can be equal that
// differ.
func collated(collation bson.RawValue) (locale string, ok bool) {
	doc, ok := collation.DocumentOK()
	if !ok {
		return "", false
	}
	locale, _ = doc.Lookup("locale").StringValueOK()
	return locale, locale != "simple"
}

// best is what there is to be done about the one of the indexes that needs the
// least. An error is about the first, where none can be made to serve.
func best(indexes []bson.Raw, plan func(bson.Raw) (*task, error)) (todo *task, err error) {
	for _, index := range indexes {
		t, wrong := plan(index)
		switch {
		case wrong == nil && t == nil:
			return nil, nil
		case wrong == nil && todo == nil:
			todo = t
		case wrong != nil && err == nil:
			err = wrong
		}
	}
	if todo != nil {
		return todo, nil
	}
	return nil, err
}

// noneUnique refuses an index that keeps sessions out, whatever others there are.
func noneUnique(collection, which, what string, indexes []bson.Raw) error {
	for _, index := range indexes {
		if isTrue(index.Lookup("unique")) {
			return fmt.Errorf("mongostore: open: %s %q is unique, and would refuse %s: %s", which, nameOfIndex(index), what, replace(collection, index))
		}
	}
	return nil
}

func nameOfIndex(index bson.Raw) string {
	name, _ := index.Lookup("name").StringValueOK()
	return name
}

func replace(collection string, index bson.Raw) string {
	return fmt.Sprintf("drop it, so that the right one is made: db.getCollection(%q).dropIndex(%q)", collection, nameOfIndex(index))
}

func planExpiry(collection string, indexes []bson.Raw) (*task, error) {
	if len(indexes) == 0 {
		return &task{
			index: expiryIndex, create: true,
			problem: expiryIndex + " is missing: without it sessions are never removed",
			command: fmt.Sprintf("db.getCollection(%q).createIndex({expires: 1}, {expireAfterSeconds: 0})", collection),
		}, nil
	}
	if err := noneUnique(collection, expiryIndex, "sessions that end together", indexes); err != nil {
		return nil, err
	}
	return best(indexes, func(index bson.Raw) (*task, error) { return fitExpiry(collection, index) })
}

func fitExpiry(collection string, index bson.Raw) (*task, error) {
	name := nameOfIndex(index)
	if index.Lookup("partialFilterExpression").Type != 0 {
		return nil, fmt.Errorf("mongostore: open: %s %q is partial, and would keep some sessions for ever: %s", expiryIndex, name, replace(collection, index))
	}
	change := fmt.Sprintf("db.runCommand({collMod: %q, index: {name: %q, expireAfterSeconds: 0}})", collection, name)
	after := index.Lookup("expireAfterSeconds")
	seconds, ok := after.AsFloat64OK()
	switch {
	case ok && math.IsNaN(seconds):
		// Servers differ in what they take it for, from at once to never.
		return nil, fmt.Errorf("mongostore: open: expireAfterSeconds of %s %q is NaN, which some servers take for 0 and some for never. "+
			"Set it right with\n\t%s", expiryIndex, name, change)
	case ok && seconds == 0:
		return nil, nil
	}
	problem := fmt.Sprintf("expireAfterSeconds of %s %q is %v and must be 0", expiryIndex, name, after)
	if after.Type == 0 {
		problem = fmt.Sprintf("%s %q has no expireAfterSeconds, and removes nothing", expiryIndex, name)
	}
	return &task{index: expiryIndex, name: name, change: bson.E{Key: "expireAfterSeconds", Value: 0}, problem: problem, command: change}, nil
}

func planUser(collection string, indexes []bson.Raw) (*task, error) {
	if err := noneUnique(collection, userIndex, "the second session of a user", indexes); err != nil {
		return nil, err
	}
	name, options := "", "partialFilterExpression: {user: {$exists: true}}"
	var used []bson.Raw
	for _, index := range indexes {
		if nameOfIndex(index) == serversName {
			name = ownName
		}
		// One of another collation than the collection's is not asked for a list.
		if _, ok := collated(index.Lookup("collation")); !ok {
			used = append(used, index)
		}
	}
	if len(used) == 0 {
		if name != "" {
			options = fmt.Sprintf("name: %q, %s", name, options)
		}
		return &task{
			index: userIndex, create: true, name: name,
			problem: userIndex + " is missing: without it every list of a user's sessions reads all sessions",
			command: fmt.Sprintf("db.getCollection(%q).createIndex({name: 1, user: 1}, {%s})", collection, options),
		}, nil
	}
	return best(used, func(index bson.Raw) (*task, error) { return fitUser(collection, index) })
}

func fitUser(collection string, index bson.Raw) (*task, error) {
	name := nameOfIndex(index)
	// One that is not partial serves as well, and is only larger.
	if filter := index.Lookup("partialFilterExpression"); filter.Type != 0 && !isExistsUser(filter) {
		return nil, fmt.Errorf("mongostore: open: %s %q has another partial filter than {user: {$exists: true}}: %s", userIndex, name, replace(collection, index))
	}
	if isTrue(index.Lookup("hidden")) {
		return &task{
			index: userIndex, name: name, change: bson.E{Key: "hidden", Value: false},
			problem: fmt.Sprintf("%s %q is hidden: so every list of a user's sessions reads all sessions", userIndex, name),
			command: fmt.Sprintf("db.runCommand({collMod: %q, index: {name: %q, hidden: false}})", collection, name),
		}, nil
	}
	return nil, nil
}

func isExistsUser(filter bson.RawValue) bool {
	doc, ok := filter.DocumentOK()
	if !ok {
		return false
	}
	fields, err := doc.Elements()
	return err == nil && len(fields) == 1 && isTrue(doc.Lookup(fieldUser, "$exists"))
}
