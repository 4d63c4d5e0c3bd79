package mongostore

import (
	"errors"
	"reflect"
	"sync"
)

// maxDepth is how deep MongoDB lets documents be nested.
const maxDepth = 100

var errTooDeep = errors.New("mongostore: bson: the value is nested more than 100 deep, or contains itself")

// checkDepth finds a value that the encoder would follow for ever. Types that
// cannot nest without end are not looked at.
func checkDepth(v reflect.Value) error {
	if nests(v.Type()) && deeper(v, 0) {
		return errTooDeep
	}
	return nil
}

func deeper(v reflect.Value, depth int) bool {
	if depth > maxDepth {
		return true
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return false
		}
		// No level of the document, but a chain of them alone can be a cycle.
		e := v.Elem()
		if k := e.Kind(); k == reflect.Pointer || k == reflect.Interface {
			depth++
		}
		return nests(e.Type()) && deeper(e, depth)
	case reflect.Slice, reflect.Array:
		if !nests(v.Type().Elem()) {
			return false
		}
		for i := range v.Len() {
			if deeper(v.Index(i), depth+1) {
				return true
			}
		}
	case reflect.Map:
		if !nests(v.Type().Elem()) {
			return false
		}
		for iter := v.MapRange(); iter.Next(); {
			if deeper(iter.Value(), depth+1) {
				return true
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && nests(f.Type) && deeper(v.Field(i), depth+1) {
				return true
			}
		}
	}
	return false
}

var nesting sync.Map // of reflect.Type to bool

// nests reports whether values of t may be nested without end: t contains
// itself or an interface.
func nests(t reflect.Type) bool {
	if known, ok := nesting.Load(t); ok {
		return known.(bool)
	}
	yes := endless(t, map[reflect.Type]bool{})
	nesting.Store(t, yes)
	return yes
}

func endless(t reflect.Type, above map[reflect.Type]bool) bool {
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
	default:
		return false
	}
	if above[t] {
		return true
	}
	above[t] = true
	defer delete(above, t)
	if t.Kind() != reflect.Struct {
		return endless(t.Elem(), above)
	}
	for f := range t.Fields() {
		if f.IsExported() && endless(f.Type, above) {
			return true
		}
	}
	return false
}
