package mongostore

import (
	"encoding"
	"fmt"
	"reflect"
	"sync"

	json "github.com/go-json-experiment/json"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/session"
)

// form is how the values of a type are written.
type form int

const (
	asStock form = iota // as the driver does it
	asText              // a string, by MarshalText
	asJSON              // a string, by MarshalJSON or its successor
	asBSON              // by a method of the pointer, which the driver leaves out where it has none
)

// plan is what the methods and the tags of a type come to.
type plan struct {
	form    form
	refusal error   // of any value, for a struct that cannot be kept
	inline  *inline // where a map is written among the fields of a struct
}

var plans sync.Map // of reflect.Type to plan

var (
	marshalsText      = reflect.TypeFor[encoding.TextMarshaler]()
	unmarshalsText    = reflect.TypeFor[encoding.TextUnmarshaler]()
	marshalsJSON      = reflect.TypeFor[json.Marshaler]()
	unmarshalsJSON    = reflect.TypeFor[json.Unmarshaler]()
	marshalsJSONTo    = reflect.TypeFor[json.MarshalerTo]()
	unmarshalsFrom    = reflect.TypeFor[json.UnmarshalerFrom]()
	marshalsBSONValue = reflect.TypeFor[bson.ValueMarshaler]()
)

func planOf(t reflect.Type) plan {
	if t.PkgPath() == "" && t.Kind() != reflect.Struct {
		return plan{} // a type without a name has no methods
	}
	if p, ok := plans.Load(t); ok {
		return p.(plan)
	}
	p := makePlan(t)
	plans.Store(t, p)
	return p
}

func makePlan(t reflect.Type) plan {
	ptr := reflect.PointerTo(t)
	own := func(i reflect.Type) bool { return ptr.Implements(i) && !isPromoted(t, i) }
	switch {
	case ptr.Implements(marshalsBSON), ptr.Implements(marshalsBSONValue):
		return plan{form: asBSON}
	case own(marshalsText) && own(unmarshalsText):
		return plan{form: asText}
	case own(marshalsJSON) && own(unmarshalsJSON), own(marshalsJSONTo) && own(unmarshalsFrom):
		return plan{form: asJSON}
	case t.Kind() == reflect.Struct:
		if refusal := refuseStruct(t, false); refusal != nil {
			return plan{refusal: refusal}
		}
		return plan{inline: inlineOf(t)}
	}
	return plan{}
}

// isPromoted reports whether the struct t may have the method only through an
// embedded field: written by that, its other fields would be lost.
func isPromoted(t reflect.Type, i reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for f := range t.Fields() {
		if f.Anonymous && (f.Type.Implements(i) || reflect.PointerTo(f.Type).Implements(i)) {
			return true
		}
	}
	return false
}

// refuseStruct tells why the driver would lose something of t, which is within
// another struct by the option inline, or not.
func refuseStruct(t reflect.Type, within bool) error {
	exported := 0
	for f := range t.Fields() {
		if !f.IsExported() {
			if f.Anonymous && hasExported(f.Type) {
				return fmt.Errorf("%s.%s: BSON leaves out an embedded struct that is not exported, and with it what is exported of that", t, f.Name)
			}
			continue
		}
		exported++
		if !hasInline(f) {
			continue
		}
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch inner.Kind() {
		case reflect.Map:
			if within {
				return fmt.Errorf("%s.%s: BSON leaves out a map with the option inline in a struct with that option", t, f.Name)
			}
		case reflect.Struct:
			if inner != t {
				if err := refuseStruct(inner, true); err != nil {
					return err
				}
			}
		}
	}
	if exported == 0 && t.NumField() > 0 {
		return fmt.Errorf("a %s has no exported field and would be stored empty", t)
	}
	return nil
}

// hasExported reports whether an embedded t has fields that JSON would store.
func hasExported(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return false
	}
	for f := range t.Fields() {
		if f.IsExported() {
			return true
		}
	}
	return false
}

// methodEncoder writes by the methods of a type, else as stock does.
type methodEncoder struct{ stock bson.ValueEncoder }

func (e methodEncoder) EncodeValue(ec bson.EncodeContext, vw bson.ValueWriter, v reflect.Value) error {
	p := planOf(v.Type())
	if p.refusal != nil {
		return p.refusal
	}
	if p.inline != nil {
		return p.inline.encode(ec, vw, v, e.stock)
	}
	if p.form == asStock {
		return e.stock.EncodeValue(ec, vw, v)
	}
	// The methods may be those of the pointer, and what is in a map or an `any`
	// has none.
	if !v.CanAddr() {
		c := reflect.New(v.Type()).Elem()
		c.Set(v)
		v = c
	}
	switch p.form {
	case asText:
		text, err := v.Addr().Interface().(encoding.TextMarshaler).MarshalText()
		if err != nil {
			return err
		}
		return vw.WriteString(validUTF8(string(text)))
	case asJSON:
		text, err := session.JSON().Marshal(v.Addr().Interface())
		if err != nil {
			return err
		}
		return vw.WriteString(string(text))
	}
	enc, err := ec.LookupEncoder(v.Type())
	if err != nil {
		return err
	}
	return enc.EncodeValue(ec, vw, v)
}

type methodDecoder struct{ stock bson.ValueDecoder }

func (d methodDecoder) DecodeValue(dc bson.DecodeContext, vr bson.ValueReader, v reflect.Value) error {
	p := planOf(v.Type())
	if p.form != asText && p.form != asJSON {
		return d.stock.DecodeValue(dc, vr, v)
	}
	switch t := vr.Type(); t {
	case bson.TypeNull:
		v.SetZero()
		return vr.ReadNull()
	case bson.TypeString:
	default:
		return fmt.Errorf("cannot decode %v into a %s", t, v.Type())
	}
	text, err := vr.ReadString()
	if err != nil {
		return err
	}
	if p.form == asText {
		return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	}
	return session.JSON().Unmarshal([]byte(text), v.Addr().Interface())
}
