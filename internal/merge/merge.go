// Package merge reconciles two changes of one value field by field.
//
// It knows nothing of sessions: the caller says which types have parts that mean
// nothing apart.
package merge

import (
	"cmp"
	"reflect"
	"slices"
)

// Fields is the three-way merge of mine and theirs, which both changed base. What
// only one side changed is taken from that side, and what both changed alike is
// taken as it is. What both changed differently is mine, and its path is in
// conflicts: Go field names such as "Cart.Items", "[...]" for an entry of a map,
// since keys may be a user's data, and "." for the whole value. The paths are
// sorted, each is there once.
//
// Fields goes into structs field by field, into maps key by key, and through
// pointers and interfaces into what they hold if all three hold something. A
// slice counts as one, and so does a value of a type for which whole returns
// true.
//
// The three must be freshly decoded values: trees, for which [reflect.DeepEqual]
// is an exact test. None is written into; merged may share memory with mine and
// theirs.
func Fields[T any](base, mine, theirs *T, whole func(reflect.Type) bool) (merged T, conflicts []string) {
	m := merger{whole: whole}
	v := m.merge(reflect.ValueOf(base).Elem(), reflect.ValueOf(mine).Elem(), reflect.ValueOf(theirs).Elem(), "")
	reflect.ValueOf(&merged).Elem().Set(v)
	slices.Sort(m.conflicts)
	return merged, slices.Compact(m.conflicts)
}

type merger struct {
	whole     func(reflect.Type) bool
	conflicts []string
}

// merge returns what base, mine and theirs, three values of one type, become. One
// that is not valid stands for an absent entry of a map.
func (m *merger) merge(base, mine, theirs reflect.Value, path string) reflect.Value {
	switch {
	case areEqual(mine, theirs), areEqual(base, theirs):
		return mine
	case areEqual(base, mine):
		return theirs
	}
	if base.IsValid() && mine.IsValid() && theirs.IsValid() && !m.whole(mine.Type()) {
		switch t := mine.Type(); t.Kind() {
		case reflect.Struct:
			merged := reflect.New(t).Elem()
			merged.Set(mine)
			m.mergeStruct(merged, base, mine, theirs, path)
			return merged
		case reflect.Map:
			return m.mergeMap(base, mine, theirs, path)
		case reflect.Pointer:
			if !base.IsNil() && !mine.IsNil() && !theirs.IsNil() && !m.whole(t.Elem()) {
				merged := reflect.New(t.Elem())
				merged.Elem().Set(m.merge(base.Elem(), mine.Elem(), theirs.Elem(), path))
				return merged.Convert(t)
			}
		case reflect.Interface:
			if base, mine, theirs := base.Elem(), mine.Elem(), theirs.Elem(); areMaps(base, mine, theirs) {
				return m.merge(base, mine, theirs, path)
			}
		}
	}
	m.conflicts = append(m.conflicts, cmp.Or(path, "."))
	return mine // wins
}

// mergeStruct sets the fields of merged, which is a copy of mine.
func (m *merger) mergeStruct(merged, base, mine, theirs reflect.Value, path string) {
	if path != "" {
		path += "."
	}
	for i := range merged.NumField() {
		b, x, y := base.Field(i), mine.Field(i), theirs.Field(i)
		if sf := merged.Type().Field(i); sf.IsExported() {
			merged.Field(i).Set(m.merge(b, x, y, path+sf.Name))
		} else if sf.Anonymous && sf.Type.Kind() == reflect.Struct {
			// Reflection cannot set an unexported embedded struct, but it can set its
			// exported fields.
			m.mergeStruct(merged.Field(i), b, x, y, path+sf.Name)
		}
	}
}

func (m *merger) mergeMap(base, mine, theirs reflect.Value, path string) reflect.Value {
	merged := reflect.MakeMap(mine.Type())
	for _, side := range []reflect.Value{mine, theirs} {
		for _, key := range side.MapKeys() {
			v := m.merge(base.MapIndex(key), mine.MapIndex(key), theirs.MapIndex(key), path+"[...]")
			if v.IsValid() {
				merged.SetMapIndex(key, v)
			}
		}
	}
	// Nil and empty are different values, and which one it is merges like any other.
	isNil := mine.IsNil()
	if base.IsNil() == isNil {
		isNil = theirs.IsNil()
	}
	if isNil && merged.Len() == 0 {
		return reflect.Zero(mine.Type())
	}
	return merged
}

// areEqual reports whether two values are equal, or both absent.
func areEqual(a, b reflect.Value) bool {
	if !a.IsValid() || !b.IsValid() {
		return a.IsValid() == b.IsValid()
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// areMaps reports whether three interfaces hold maps of one type.
func areMaps(base, mine, theirs reflect.Value) bool {
	return mine.Kind() == reflect.Map && base.IsValid() && theirs.IsValid() &&
		base.Type() == mine.Type() && theirs.Type() == mine.Type()
}
