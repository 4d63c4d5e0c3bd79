package mongostore

import (
	"errors"
	"reflect"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// registerTypes gives r what the driver lacks for types of its own.
func registerTypes(r, stock *bson.Registry) {
	// The driver cannot write the zero value of these, or makes another of it.
	for _, t := range []reflect.Type{
		reflect.TypeFor[bson.Raw](),
		reflect.TypeFor[bson.RawValue](),
		reflect.TypeFor[bson.Binary](),
		reflect.TypeFor[bson.Vector](),
		reflect.TypeFor[bson.CodeWithScope](),
	} {
		r.RegisterTypeEncoder(t, zeroEncoder{encoderFor(stock, t)})
	}
	vector := reflect.TypeFor[bson.Vector]()
	r.RegisterTypeDecoder(vector, zeroDecoder{decoderFor(stock, vector)})
	r.RegisterTypeDecoder(reflect.TypeFor[bson.D](), bson.ValueDecoderFunc(decodeD))
}

// zeroEncoder writes the zero value as null.
type zeroEncoder struct{ driver bson.ValueEncoder }

func (e zeroEncoder) EncodeValue(ec bson.EncodeContext, vw bson.ValueWriter, v reflect.Value) error {
	if v.IsZero() {
		return vw.WriteNull()
	}
	if c, ok := v.Interface().(bson.CodeWithScope); ok && c.Scope == nil {
		c.Scope = bson.D{}
		v = reflect.ValueOf(c)
	}
	return e.driver.EncodeValue(ec, vw, v)
}

type zeroDecoder struct{ driver bson.ValueDecoder }

func (d zeroDecoder) DecodeValue(dc bson.DecodeContext, vr bson.ValueReader, v reflect.Value) error {
	if vr.Type() == bson.TypeNull {
		v.SetZero()
		return vr.ReadNull()
	}
	return d.driver.DecodeValue(dc, vr, v)
}

// decodeD keeps the order also of the documents in the document. What is in an
// `any` else comes back as a map.
func decodeD(dc bson.DecodeContext, vr bson.ValueReader, v reflect.Value) error {
	if vr.Type() == bson.TypeNull {
		v.SetZero()
		return vr.ReadNull()
	}
	d, err := readD(dc, vr)
	if err == nil {
		v.Set(reflect.ValueOf(d))
	}
	return err
}

func readD(dc bson.DecodeContext, vr bson.ValueReader) (bson.D, error) {
	dr, err := vr.ReadDocument()
	if err != nil {
		return nil, err
	}
	d := bson.D{}
	for {
		key, vr, err := dr.ReadElement()
		if errors.Is(err, bson.ErrEOD) {
			return d, nil
		}
		if err != nil {
			return nil, err
		}
		value, err := readOrdered(dc, vr)
		if err != nil {
			return nil, err
		}
		d = append(d, bson.E{Key: key, Value: value})
	}
}

func readA(dc bson.DecodeContext, vr bson.ValueReader) (bson.A, error) {
	ar, err := vr.ReadArray()
	if err != nil {
		return nil, err
	}
	a := bson.A{}
	for {
		vr, err := ar.ReadValue()
		if errors.Is(err, bson.ErrEOA) {
			return a, nil
		}
		if err != nil {
			return nil, err
		}
		value, err := readOrdered(dc, vr)
		if err != nil {
			return nil, err
		}
		a = append(a, value)
	}
}

func readOrdered(dc bson.DecodeContext, vr bson.ValueReader) (v any, err error) {
	switch vr.Type() {
	case bson.TypeEmbeddedDocument:
		return readD(dc, vr)
	case bson.TypeArray:
		return readA(dc, vr)
	}
	dec, err := dc.LookupDecoder(reflect.TypeFor[any]())
	if err == nil {
		err = dec.DecodeValue(dc, vr, reflect.ValueOf(&v).Elem())
	}
	return v, err
}
