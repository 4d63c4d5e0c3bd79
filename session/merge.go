package session

import (
	"reflect"
	"slices"
)

// mergeFields is the default three-way merge. What only one side changed is
// that side's, what both changed alike is that, and what both changed
// differently is mine, with its path in conflicts: Go field names such as
// "Cart.Items", "[...]" for an entry of a map, as keys may be a user's data,
// and "." for the whole value. The paths are sorted, each is there once.
//
// It goes into structs field by field, into maps key by key, and through
// pointers and interfaces into what they hold where all three hold something.
// A slice, a struct of package bson, and a type that has methods for its encoding
// or no exported field, counts as one: its parts mean nothing apart.
//
// The three are freshly decoded values, so trees in which [reflect.DeepEqual]
// is an exact test. None is written into; merged may share memory with mine
// and theirs.
func mergeFields[T any](base, mine, theirs *T) (merged T, conflicts []string) {
	var m merger
	v := m.merge(reflect.ValueOf(base).Elem(), reflect.ValueOf(mine).Elem(), reflect.ValueOf(theirs).Elem(), "")
	reflect.ValueOf(&merged).Elem().Set(v)
	slices.Sort(m.conflicts)
	return merged, slices.Compact(m.conflicts)
}

type merger struct{ conflicts []string }

// merge returns what base, mine and theirs, three values of one type, become.
func (m *merger) merge(base, mine, theirs reflect.Value, path string) reflect.Value {
	if v, ok := decide(base, mine, theirs); ok {
		return v
	}
	if t := mine.Type(); !mergesWhole(t) {
		switch t.Kind() {
		case reflect.Struct:
			merged := reflect.New(t).Elem()
			merged.Set(mine)
			m.mergeStruct(merged, base, mine, theirs, path)
			return merged
		case reflect.Map:
			return m.mergeMap(base, mine, theirs, path)
		case reflect.Pointer:
			if !base.IsNil() && !mine.IsNil() && !theirs.IsNil() && !mergesWhole(t.Elem()) {
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
	return m.conflict(mine, path)
}

// conflict lists path, and returns what wins.
func (m *merger) conflict(mine reflect.Value, path string) reflect.Value {
	if path == "" {
		path = "."
	}
	m.conflicts = append(m.conflicts, path)
	return mine
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
			// It can be neither compared nor set as one, its exported fields can.
			m.mergeStruct(merged.Field(i), b, x, y, path+sf.Name)
		}
	}
}

func (m *merger) mergeMap(base, mine, theirs reflect.Value, path string) reflect.Value {
	merged := reflect.MakeMap(mine.Type())
	for _, side := range []reflect.Value{mine, theirs} {
		for _, key := range side.MapKeys() {
			v := m.mergeEntry(base.MapIndex(key), mine.MapIndex(key), theirs.MapIndex(key), path+"[...]")
			if v.IsValid() {
				merged.SetMapIndex(key, v)
			}
		}
	}
	// Nil and empty are different values: which one it is merges like any other.
	isNil := mine.IsNil()
	if base.IsNil() == isNil {
		isNil = theirs.IsNil()
	}
	if isNil && merged.Len() == 0 {
		return reflect.Zero(mine.Type())
	}
	return merged
}

// mergeEntry is merge for the entries of one key, each invalid where it is absent.
func (m *merger) mergeEntry(base, mine, theirs reflect.Value, path string) reflect.Value {
	if base.IsValid() && mine.IsValid() && theirs.IsValid() {
		return m.merge(base, mine, theirs, path)
	}
	if v, ok := decide(base, mine, theirs); ok {
		return v
	}
	return m.conflict(mine, path)
}

// decide returns the side that changed; not ok where both did, and differently.
func decide(base, mine, theirs reflect.Value) (v reflect.Value, ok bool) {
	switch {
	case areEqual(mine, theirs), areEqual(base, theirs):
		return mine, true
	case areEqual(base, mine):
		return theirs, true
	}
	return reflect.Value{}, false
}

// areEqual reports whether two values are equal, or both absent.
func areEqual(a, b reflect.Value) bool {
	if !a.IsValid() || !b.IsValid() {
		return a.IsValid() == b.IsValid()
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// areMaps reports whether what three interfaces hold are maps of one type.
func areMaps(base, mine, theirs reflect.Value) bool {
	return mine.Kind() == reflect.Map && base.IsValid() && theirs.IsValid() &&
		base.Type() == mine.Type() && theirs.Type() == mine.Type()
}

// mergesWhole reports whether values of t count as one, whatever the codec: a
// type that encodes itself, or shows nothing, has rules about its fields, and of
// a bson.RawValue the type is nothing without the value.
func mergesWhole(t reflect.Type) bool {
	const anyCodec = ""
	return encodesItself(t, anyCodec) || hidesAll(t, anyCodec) || t.Kind() == reflect.Struct && isOfBSON(t)
}
