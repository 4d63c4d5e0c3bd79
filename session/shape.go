package session

import (
	"fmt"
	"reflect"
)

// checkShape tells why values of t cannot make the round trip through the codec
// of that name, one reason for each offender, named by its Go path such as
// "Account.Hooks[].Run"; nil where they can. What a codec decides only when it
// sees a value (an `any` that holds a func, a method that fails) it cannot know.
//
// The rules of JSON and BSON are known exactly. Of a codec of another name only
// what no codec can do is held against t: it may honor methods and interfaces
// that those two do not.
func checkShape(t reflect.Type, codec string) []string {
	name := t.Name()
	if name == "" {
		name = "T"
	}
	c := shapeCheck{codec: codec, seen: map[reflect.Type]bool{}}
	switch t.Kind() {
	case reflect.Pointer:
		c.refuse("T is a pointer, %s: use the type it points to", t)
		return c.reasons
	case reflect.Interface:
		c.refuse("T is an interface, %s: use a concrete type", t)
		return c.reasons
	case reflect.Struct:
		if !encodesItself(t, codec) && !c.stores(t) {
			c.refuse("%s has no exported field that is stored", name)
			return c.reasons
		}
	}
	c.walk(t, name)
	return c.reasons
}

type shapeCheck struct {
	codec   string
	seen    map[reflect.Type]bool // so that recursive types end
	reasons []string
}

func (c *shapeCheck) refuse(format string, args ...any) {
	c.reasons = append(c.reasons, fmt.Sprintf(format, args...))
}

// strict reports whether the rules of the codec are known.
func (c *shapeCheck) strict() bool { return c.codec == codecJSON || c.codec == codecBSON }

// walk refuses what is found at path, and below it, where that was not looked
// at by another way.
func (c *shapeCheck) walk(t reflect.Type, path string) {
	switch t.Kind() {
	case reflect.Interface:
		if t.NumMethod() != 0 && c.strict() {
			c.refuse("%s is the interface %s, which cannot be decoded: only one without methods can", path, t)
		}
		return
	case reflect.Struct:
		if hidesAll(t, c.codec) && !encodesItself(t, c.codec) {
			c.refuse("%s is a %s, which has no exported field and would be stored empty", path, t)
			return
		}
	}
	if c.seen[t] || encodesItself(t, c.codec) {
		return
	}
	switch t.Kind() {
	case reflect.Func, reflect.Chan:
		c.refuse("%s is a %s", path, t.Kind())
	case reflect.Complex64, reflect.Complex128:
		if c.strict() {
			c.refuse("%s is a %s", path, t.Kind())
		}
	case reflect.Uintptr, reflect.UnsafePointer:
		// JSON could store a uintptr; but an address means nothing to the next process.
		c.refuse("%s is an address (%s)", path, t.Kind())
	case reflect.Pointer:
		c.seen[t] = true
		c.walk(t.Elem(), path)
	case reflect.Slice, reflect.Array:
		c.seen[t] = true
		c.walk(t.Elem(), path+"[]")
	case reflect.Map:
		if !isName(t.Key(), c.codec) {
			c.refuse("%s has keys of type %s, which cannot be the names in an object", path, t.Key())
		}
		c.seen[t] = true
		c.walk(t.Elem(), path+"[]")
	case reflect.Struct:
		c.seen[t] = true
		c.walkFields(t, path)
	}
}

func (c *shapeCheck) walkFields(t reflect.Type, path string) {
	for sf := range t.Fields() {
		if !isVisible(sf, c.codec) || isIgnored(sf, c.codec) {
			continue
		}
		if path := path + "." + sf.Name; !sf.IsExported() && sf.Type.Kind() == reflect.Pointer {
			c.refuse("%s is an embedded pointer to a struct that is not exported, which cannot be decoded", path)
		} else {
			c.walk(sf.Type, path)
		}
	}
}

// stores reports whether anything of the struct t is stored.
func (c *shapeCheck) stores(t reflect.Type) bool {
	for sf := range t.Fields() {
		if isVisible(sf, c.codec) && !isIgnored(sf, c.codec) {
			return true
		}
	}
	return false
}
