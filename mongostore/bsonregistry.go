package mongostore

import (
	"encoding/json"
	"reflect"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// registry is the driver's with what it would lose or shuffle replaced. It is
// complete before it is used, because it must not be changed from then on.
var registry = newRegistry()

func newRegistry() *bson.Registry {
	r, stock := bson.NewRegistry(), bson.NewRegistry()

	// By type, which goes before all else.
	r.RegisterTypeEncoder(reflect.TypeFor[time.Time](), bson.ValueEncoderFunc(encodeTime))
	r.RegisterTypeDecoder(reflect.TypeFor[time.Time](), bson.ValueDecoderFunc(decodeTime))
	r.RegisterTypeEncoder(reflect.TypeFor[json.Number](), bson.ValueEncoderFunc(encodeNumber))
	r.RegisterTypeDecoder(reflect.TypeFor[json.Number](), bson.ValueDecoderFunc(decodeNumber))
	r.RegisterTypeEncoder(reflect.TypeFor[whole](), bson.ValueEncoderFunc(encodeWhole))
	r.RegisterTypeDecoder(reflect.TypeFor[whole](), bson.ValueDecoderFunc(decodeWhole))
	registerTypes(r, stock)

	// By kind, which is asked last: after the methods for BSON.
	for kind, t := range map[reflect.Kind]reflect.Type{
		reflect.Bool:    reflect.TypeFor[bool](),
		reflect.Int:     reflect.TypeFor[int](),
		reflect.Int8:    reflect.TypeFor[int8](),
		reflect.Int16:   reflect.TypeFor[int16](),
		reflect.Int32:   reflect.TypeFor[int32](),
		reflect.Int64:   reflect.TypeFor[int64](),
		reflect.Uint:    reflect.TypeFor[uint](),
		reflect.Uint8:   reflect.TypeFor[uint8](),
		reflect.Uint16:  reflect.TypeFor[uint16](),
		reflect.Uint32:  reflect.TypeFor[uint32](),
		reflect.Uint64:  reflect.TypeFor[uint64](),
		reflect.Float32: reflect.TypeFor[float32](),
		reflect.Float64: reflect.TypeFor[float64](),
		reflect.String:  reflect.TypeFor[string](),
		reflect.Array:   reflect.TypeFor[[1]int](),
		reflect.Slice:   reflect.TypeFor[[]int](),
		reflect.Map:     reflect.TypeFor[map[string]int](),
		reflect.Struct:  reflect.TypeFor[struct{}](),
	} {
		enc, dec := encoderFor(stock, t), decoderFor(stock, t)
		switch kind {
		case reflect.Map:
			enc = bson.ValueEncoderFunc(encodeMap)
		case reflect.String:
			enc = bson.ValueEncoderFunc(encodeString)
		case reflect.Uint, reflect.Uint64:
			enc = boundedUint{enc}
		}
		r.RegisterKindEncoder(kind, methodEncoder{enc})
		r.RegisterKindDecoder(kind, methodDecoder{dec})
	}

	// By methods for BSON, which are asked for before the kind.
	pointer, fields := reflect.TypeFor[*int](), reflect.TypeFor[struct{}]()
	for _, i := range []reflect.Type{marshalsBSONValue, marshalsBSON} {
		r.RegisterInterfaceEncoder(i, interfaceEncoder{
			driver:  encoderFor(stock, i),
			pointer: encoderFor(stock, pointer),
			fields:  encoderFor(r, fields),
		})
	}
	for _, i := range []reflect.Type{unmarshalsValue, unmarshalsBSON} {
		r.RegisterInterfaceDecoder(i, interfaceDecoder{
			driver:  decoderFor(stock, i),
			pointer: decoderFor(stock, pointer),
			fields:  decoderFor(r, fields),
		})
	}

	// What is in an `any` comes back as what encoding/json would make of it,
	// as far as there is such a thing.
	r.RegisterTypeMapEntry(bson.TypeArray, reflect.TypeFor[[]any]())
	r.RegisterTypeMapEntry(bson.TypeEmbeddedDocument, reflect.TypeFor[map[string]any]())
	r.RegisterTypeMapEntry(bson.TypeDateTime, reflect.TypeFor[time.Time]())
	return r
}

// encoderFor returns what a registry has for t. It panics where that is nothing:
// each version of the driver has something for what is asked for here.
func encoderFor(r *bson.Registry, t reflect.Type) bson.ValueEncoder {
	enc, err := r.LookupEncoder(t)
	if err != nil {
		panic(err)
	}
	return enc
}

func decoderFor(r *bson.Registry, t reflect.Type) bson.ValueDecoder {
	dec, err := r.LookupDecoder(t)
	if err != nil {
		panic(err)
	}
	return dec
}
