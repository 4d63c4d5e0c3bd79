package typeinfo

import (
	"fmt"
	"reflect"
)

// Check returns why values of t cannot make the round trip through the codec, one
// reason for each offender, named by its Go path such as "Account.Hooks[].Run".
// It returns nil if they can.
func (r Rules) Check(t reflect.Type) []string {
	name := t.Name()
	if name == "" {
		name = "T"
	}
	c := check{rules: r, seen: map[reflect.Type]bool{}}
	switch t.Kind() {
	case reflect.Pointer:
		c.refuse("T is a pointer, %s: use the type it points to", t)
		return c.reasons
	case reflect.Interface:
		c.refuse("T is an interface, %s: use a concrete type", t)
		return c.reasons
	case reflect.Struct:
		if !r.encodesItself(t) && !r.stores(t) {
			c.refuse("%s has no exported field that is stored", name)
			return c.reasons
		}
	}
	c.walk(t, name)
	return c.reasons
}

// stores reports whether the codec stores a field of the struct t.
func (r Rules) stores(t reflect.Type) bool {
	for sf := range t.Fields() {
		if r.sees(sf) && !r.ignores(sf) {
			return true
		}
	}
	return false
}

type check struct {
	rules   Rules
	seen    map[reflect.Type]bool // so that recursive types end
	reasons []string
}

func (c *check) refuse(format string, args ...any) {
	c.reasons = append(c.reasons, fmt.Sprintf(format, args...))
}

// walk refuses what it finds in t, which is at path. It looks into each type
// once, by the first path that leads to it.
func (c *check) walk(t reflect.Type, path string) {
	switch t.Kind() {
	case reflect.Interface:
		if t.NumMethod() != 0 && c.rules.Strict {
			c.refuse("%s is the interface %s, which cannot be decoded: only one without methods can", path, t)
		}
		return
	case reflect.Struct:
		if c.rules.hidesAll(t) && !c.rules.encodesItself(t) {
			c.refuse("%s is a %s, which has no exported field and would be stored empty", path, t)
			return
		}
	}
	if c.seen[t] || c.rules.encodesItself(t) {
		return
	}
	switch t.Kind() {
	case reflect.Func, reflect.Chan:
		c.refuse("%s is a %s", path, t.Kind())
	case reflect.Complex64, reflect.Complex128:
		if c.rules.Strict {
			c.refuse("%s is a %s", path, t.Kind())
		}
	case reflect.Uintptr, reflect.UnsafePointer:
		// JSON could store a uintptr, but an address means nothing to the next process.
		c.refuse("%s is an address (%s)", path, t.Kind())
	case reflect.Pointer:
		c.seen[t] = true
		c.walk(t.Elem(), path)
	case reflect.Slice, reflect.Array:
		c.seen[t] = true
		c.walk(t.Elem(), path+"[]")
	case reflect.Map:
		if !c.rules.isKey(t.Key()) {
			c.refuse("%s has keys of type %s, which cannot be the names in an object", path, t.Key())
		}
		c.seen[t] = true
		c.walk(t.Elem(), path+"[]")
	case reflect.Struct:
		c.seen[t] = true
		c.walkFields(t, path)
	}
}

func (c *check) walkFields(t reflect.Type, path string) {
	for sf := range t.Fields() {
		if !c.rules.sees(sf) || c.rules.ignores(sf) {
			continue
		}
		if path := path + "." + sf.Name; !sf.IsExported() && sf.Type.Kind() == reflect.Pointer {
			c.refuse("%s is an embedded pointer to a struct that is not exported, which cannot be decoded", path)
		} else {
			c.walk(sf.Type, path)
		}
	}
}
