package typeinfo

import (
	"cmp"
	"fmt"
	"reflect"
)

// CheckType returns why values of t cannot make the round trip through the codec,
// one reason for each offender, named by its Go path such as
// "Account.Hooks[].Run". It returns nil if they can.
func (r Rules) CheckType(t reflect.Type) []string {
	c, name := check{rules: r, seen: map[reflect.Type]bool{}}, cmp.Or(t.Name(), "T")
	switch k := t.Kind(); {
	case k == reflect.Pointer:
		c.refuse("T is a pointer, %s: use the type it points to", t)
	case k == reflect.Interface:
		c.refuse("T is an interface, %s: use a concrete type", t)
	case k == reflect.Struct && !r.EncodesItself(t) && !hasField(t, r.stores):
		c.refuse("%s has no exported field that is stored", name)
	default:
		c.walk(t, name)
	}
	return c.reasons
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
	if t.Kind() != reflect.Interface && (c.seen[t] || c.rules.EncodesItself(t)) {
		return
	}
	switch t.Kind() {
	case reflect.Interface:
		if t.NumMethod() != 0 && c.rules.Strict {
			c.refuse("%s is the interface %s, which cannot be decoded: only one without methods can", path, t)
		}
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
	case reflect.Map, reflect.Slice, reflect.Array:
		if t.Kind() == reflect.Map && !c.rules.isKey(t.Key()) {
			c.refuse("%s has keys of type %s, which cannot be the names in an object", path, t.Key())
		}
		c.seen[t] = true
		c.walk(t.Elem(), path+"[]")
	case reflect.Struct:
		if c.rules.hidesAll(t) {
			c.refuse("%s is a %s, which has no exported field and would be stored empty", path, t)
			return
		}
		c.seen[t] = true
		c.walkFields(t, path)
	}
}

func (c *check) walkFields(t reflect.Type, path string) {
	for sf := range t.Fields() {
		switch path := path + "." + sf.Name; {
		case !c.rules.stores(sf):
		case !sf.IsExported() && sf.Type.Kind() == reflect.Pointer:
			c.refuse("%s is an embedded pointer to a struct that is not exported, which cannot be decoded", path)
		default:
			c.walk(sf.Type, path)
		}
	}
}
