package mongostore

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// layout is what the driver makes of the fields of a struct, and of the structs
// that are among them by the option inline.
type layout struct {
	of     reflect.Type
	names  map[string]bool
	inline int // the index of the map with that option; -1 where there is none
}

// layOut returns the inline map of t, a struct, if it has one, or an error where
// the driver would lose something, or refuse it when it sees a value.
func layOut(t reflect.Type) (*inline, error) {
	l := layout{of: t, names: map[string]bool{}, inline: -1}
	if err := l.add(t, nil); err != nil || l.inline < 0 {
		return nil, err
	}
	return &inline{field: l.inline, names: l.names}, nil
}

// add adds the fields of t, which is within others by the option inline.
func (l *layout) add(t reflect.Type, within []reflect.Type) error {
	exported := 0
	for i := range t.NumField() {
		f := t.Field(i)
		tag := tagOf(f)
		if f.IsExported() {
			exported++
		}
		switch {
		case tag == "-":
		case !f.IsExported():
			if f.Anonymous && storesAny(f.Type, nil) {
				return fmt.Errorf("%s.%s: BSON leaves out an embedded struct that is not exported, and with it what is exported of that", t, f.Name)
			}
		case !hasInline(f):
			name := storedName(f)
			if l.names[name] {
				return fmt.Errorf("%s has two fields of the name %q, of which one would be lost", l.of, name)
			}
			l.names[name] = true
		default:
			if err := l.addInline(t, i, within); err != nil {
				return fmt.Errorf("%s.%s: %w", t, f.Name, err)
			}
		}
	}
	if exported == 0 && t.NumField() > 0 {
		return fmt.Errorf("a %s has no exported field and would be stored empty", t)
	}
	return nil
}

func (l *layout) addInline(t reflect.Type, index int, within []reflect.Type) error {
	f := t.Field(index).Type
	if f.Kind() == reflect.Map {
		switch {
		case len(within) > 0:
			return errors.New("BSON leaves out a map with the option inline in a struct with that option")
		case l.inline >= 0:
			return errors.New("a second map with the option inline")
		case f.Key() != reflect.TypeFor[string]():
			return errors.New("a map with the option inline must have the key type string")
		}
		l.inline = index
		return nil
	}
	if f.Kind() == reflect.Pointer {
		f = f.Elem()
	}
	if f.Kind() != reflect.Struct {
		return errors.New("the option inline is for structs and maps")
	}
	within = append(within, t)
	if slices.Contains(within, f) {
		return errors.New("the option inline within itself")
	}
	switch form, err := formOf(f); {
	case err != nil:
		return err
	case form != asStock:
		return fmt.Errorf("the option inline leaves out what a %s writes by its methods", f)
	}
	return l.add(f, within)
}

// storesAny reports whether an embedded t, which is not exported, has something
// that other codecs would store.
func storesAny(t reflect.Type, within []reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || slices.Contains(within, t) {
		return false
	}
	if form, err := formOf(t); form != asStock || err != nil {
		return true
	}
	for f := range t.Fields() {
		if f.IsExported() || f.Anonymous && storesAny(f.Type, append(within, t)) {
			return true
		}
	}
	return false
}

// tagOf reads a tag as the driver does.
func tagOf(f reflect.StructField) string {
	tag, ok := f.Tag.Lookup("bson")
	if !ok {
		tag, ok = f.Tag.Lookup("json")
	}
	if !ok && !strings.Contains(string(f.Tag), ":") {
		tag = string(f.Tag)
	}
	return tag
}

func hasInline(f reflect.StructField) bool {
	return slices.Contains(strings.Split(tagOf(f), ","), "inline")
}

func storedName(f reflect.StructField) string {
	name, _, _ := strings.Cut(tagOf(f), ",")
	if name == "" {
		name = strings.ToLower(f.Name)
	}
	return name
}
