package mongostore

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"sync"
	"time"
)

// checks is what checkType found, of reflect.Type to error.
var checks sync.Map

// checkType refuses a T that is not a document, or has in it a type of which
// something would be lost, also where no value of that is there yet: it is found
// at the start and not with the first visitor.
func checkType(t reflect.Type) error {
	if known, ok := checks.Load(t); ok {
		err, _ := known.(error)
		return err
	}
	err := checkTop(t)
	if err == nil {
		err = checkWithin(t, map[reflect.Type]bool{})
	}
	checks.Store(t, err)
	return err
}

func checkTop(t reflect.Type) error {
	switch p := planOf(t); {
	case p.refusal != nil:
		return p.refusal
	case p.form == asBSON:
		// The driver calls these for the whole of a document, and no others.
		if !declares(t, marshalsBSON) || !declares(t, unmarshalsBSON) {
			return fmt.Errorf("a %s cannot be a document by itself without MarshalBSON and UnmarshalBSON", t)
		}
	case p.form != asStock:
		return fmt.Errorf("a %s is stored as a string, and cannot be a document by itself", t)
	case t.Kind() != reflect.Struct && t.Kind() != reflect.Map:
		return fmt.Errorf("a %s cannot be a document by itself: use a struct or a map", t)
	}
	return nil
}

func checkWithin(t reflect.Type, seen map[reflect.Type]bool) error {
	if seen[t] || hasCodec(t) {
		return nil
	}
	seen[t] = true
	if p := planOf(t); p.refusal != nil || p.form != asStock {
		return p.refusal
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return checkWithin(t.Elem(), seen)
	case reflect.Map:
		if _, err := keyMethods(t.Key()); err != nil {
			return err
		}
		return checkWithin(t.Elem(), seen)
	case reflect.Struct:
		for f := range t.Fields() {
			if !f.IsExported() || tagOf(f) == "-" {
				continue
			}
			if err := checkWithin(f.Type, seen); err != nil {
				return err
			}
		}
		return nil
	}
	_, err := registry.LookupEncoder(t)
	return err
}

// hasCodec reports whether the registry has a codec for exactly t.
func hasCodec(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[url.URL](), reflect.TypeFor[json.Number]():
		return true
	}
	return isOfDriver(t)
}
