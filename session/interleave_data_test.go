package session_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/echosession/echosession/session"
)

// wallet is the Data of the sessions of a world. Each field has one way to be
// changed, so that the checks know which value it must have.
type wallet struct {
	Holder string            // the user; a log-in and a sign-out change it
	Total  int               // how many Updates were made; only Update changes it
	Done   map[string]int    // the Updates by their names, how often each was made
	OwnA   int               // only the actor A changes it, always to a higher number
	OwnB   int               // only the actor B
	OwnC   int               // only the actor C
	OwnD   int               // only the actor D
	Shared string            // everybody changes it: the later save wins
	Marks  map[string]string // each actor has one key
}

// walletFields are the names of the fields, as an EventConflict names them.
var walletFields = []string{"Holder", "Total", "Done", "OwnA", "OwnB", "OwnC", "OwnD", "Shared", "Marks"}

// maxActors is how many actors there can be: each has a field of its own.
const maxActors = 4

// own returns the field that only the actor of that number changes.
func (v *wallet) own(actor int) *int {
	return []*int{&v.OwnA, &v.OwnB, &v.OwnC, &v.OwnD}[actor]
}

// ownField is the name of the field that own returns.
func ownField(actor int) string { return walletFields[3+actor] }

// count makes the Update of that name.
func (v *wallet) count(name string) {
	v.Total++
	if v.Done == nil {
		v.Done = map[string]int{}
	}
	v.Done[name]++
}

// mark sets the key of an actor; "" removes it.
func (v *wallet) mark(key, value string) {
	if value == "" {
		delete(v.Marks, key)
		return
	}
	if v.Marks == nil {
		v.Marks = map[string]string{}
	}
	v.Marks[key] = value
}

// clone returns a copy that shares nothing with v.
func (v *wallet) clone() wallet {
	c := *v
	c.Done, c.Marks = maps.Clone(v.Done), maps.Clone(v.Marks)
	return c
}

// text is the encoding of v, by which two values are compared.
func (v *wallet) text() string {
	b, err := session.JSON().Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// String shows the fields that are set.
func (v *wallet) String() string {
	var parts []string
	add := func(set bool, format string, args ...any) {
		if set {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(v.Holder != "", "Holder:%s", v.Holder)
	add(v.Total != 0, "Total:%d", v.Total)
	if len(v.Done) > 0 {
		done, _ := json.Marshal(v.Done) // sorted
		add(true, "Done:%s", strings.ReplaceAll(string(done), `"`, ""))
	}
	for i := range maxActors {
		add(*v.own(i) != 0, "%s:%d", ownField(i), *v.own(i))
	}
	add(v.Shared != "", "Shared:%s", v.Shared)
	if len(v.Marks) > 0 {
		marks, _ := json.Marshal(v.Marks)
		add(true, "Marks:%s", strings.ReplaceAll(string(marks), `"`, ""))
	}
	return "{" + strings.Join(parts, " ") + "}"
}
