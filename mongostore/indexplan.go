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

// task is what is to be done about an index.
type task struct {
	index   string // expiryIndex or userIndex
	create  bool   // or changed by collMod
	name    string // of the one that is changed
	problem string
	command string // for the shell
}

// planIndexes compares the definitions that a server lists with what is needed.
// An error is what only an operator can decide.
func planIndexes(collection string, found []bson.Raw) ([]task, error) {
	var todo []task
	expiry, err := planExpiry(collection, withKeys(found, fieldExpires))
	if err != nil {
		return nil, err
	}
	if expiry != nil {
		todo = append(todo, *expiry)
	}
	user, err := planUser(collection, withKeys(found, fieldName, fieldUser))
	if err != nil {
		return nil, err
	}
	if user != nil {
		todo = append(todo, *user)
	}
	return todo, nil
}

// withKeys returns the index over exactly these fields; nil if there is none.
// The direction makes no difference to what is asked here.
func withKeys(found []bson.Raw, fields ...string) bson.Raw {
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
			return index
		}
	}
	return nil
}

func planExpiry(collection string, index bson.Raw) (*task, error) {
	if index == nil {
		return &task{
			index: expiryIndex, create: true,
			problem: expiryIndex + " is missing: without it sessions are never removed",
			command: fmt.Sprintf("db.getCollection(%q).createIndex({expires: 1}, {expireAfterSeconds: 0})", collection),
		}, nil
	}
	name := index.Lookup("name").StringValue()
	replace := fmt.Sprintf("drop it, so that the right one is made: db.getCollection(%q).dropIndex(%q)", collection, name)
	switch {
	case index.Lookup("partialFilterExpression").Type != 0:
		return nil, fmt.Errorf("mongostore: open: %s %q is partial, and would keep some sessions for ever: %s", expiryIndex, name, replace)
	case isTrue(index.Lookup("unique")):
		return nil, fmt.Errorf("mongostore: open: %s %q is unique, and would refuse sessions that end together: %s", expiryIndex, name, replace)
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
	return &task{index: expiryIndex, name: name, problem: problem, command: change}, nil
}

func planUser(collection string, index bson.Raw) (*task, error) {
	if index == nil {
		return &task{
			index: userIndex, create: true,
			problem: userIndex + " is missing: without it every list of a user's sessions reads all sessions",
			command: fmt.Sprintf("db.getCollection(%q).createIndex({name: 1, user: 1}, {partialFilterExpression: {user: {$exists: true}}})", collection),
		}, nil
	}
	name := index.Lookup("name").StringValue()
	replace := fmt.Sprintf("drop it, so that the right one is made: db.getCollection(%q).dropIndex(%q)", collection, name)
	if isTrue(index.Lookup("unique")) {
		return nil, fmt.Errorf("mongostore: open: %s %q is unique, and would refuse the second session of a user: %s", userIndex, name, replace)
	}
	// One that is not partial serves as well, and is only larger.
	filter := index.Lookup("partialFilterExpression")
	if filter.Type == 0 || isExistsUser(filter) {
		return nil, nil
	}
	return nil, fmt.Errorf("mongostore: open: %s %q has another partial filter than {user: {$exists: true}}: %s", userIndex, name, replace)
}

func isExistsUser(filter bson.RawValue) bool {
	doc, ok := filter.DocumentOK()
	if !ok {
		return false
	}
	fields, err := doc.Elements()
	return err == nil && len(fields) == 1 && isTrue(doc.Lookup(fieldUser, "$exists"))
}
