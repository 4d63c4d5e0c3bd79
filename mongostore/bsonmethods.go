package mongostore

import (
	"encoding"
	"fmt"
	"reflect"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/session"
)

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
	if p.form != asBSON && isNil(v) {
		return vw.WriteNull() // the text of nil may well be that of another value
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

func isNil(v reflect.Value) bool {
	return (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.IsNil()
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

// interfaceEncoder stands before one that the driver calls for all that has a
// method for BSON: also for what has it only through an embedded field, and for
// a nil pointer.
type interfaceEncoder struct {
	driver, pointer, fields bson.ValueEncoder
}

func (e interfaceEncoder) EncodeValue(ec bson.EncodeContext, vw bson.ValueWriter, v reflect.Value) error {
	switch {
	case v.Kind() == reflect.Pointer:
		return e.pointer.EncodeValue(ec, vw, v)
	case planOf(v.Type()).form == asBSON:
		return e.driver.EncodeValue(ec, vw, v)
	}
	return e.fields.EncodeValue(ec, vw, v)
}

type interfaceDecoder struct {
	driver, pointer, fields bson.ValueDecoder
}

func (d interfaceDecoder) DecodeValue(dc bson.DecodeContext, vr bson.ValueReader, v reflect.Value) error {
	switch {
	case v.Kind() == reflect.Pointer:
		return d.pointer.DecodeValue(dc, vr, v)
	case planOf(v.Type()).form == asBSON:
		return d.driver.DecodeValue(dc, vr, v)
	}
	return d.fields.DecodeValue(dc, vr, v)
}
