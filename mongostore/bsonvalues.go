package mongostore

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Of a time that a date cannot hold.
const (
	keyDate  = "t"
	keyNanos = "ns"
)

func encodeTime(_ bson.EncodeContext, vw bson.ValueWriter, v reflect.Value) error {
	t := v.Interface().(time.Time)
	ms := t.UnixMilli()
	nanos := t.Nanosecond() % int(time.Millisecond)
	if !time.UnixMilli(ms).Add(time.Duration(nanos)).Equal(t) {
		return errors.New("a time so far away cannot be stored")
	}
	if nanos == 0 {
		return vw.WriteDateTime(ms)
	}
	dw, err := vw.WriteDocument()
	if err != nil {
		return err
	}
	if vw, err = dw.WriteDocumentElement(keyDate); err != nil {
		return err
	}
	if err := vw.WriteDateTime(ms); err != nil {
		return err
	}
	if vw, err = dw.WriteDocumentElement(keyNanos); err != nil {
		return err
	}
	if err := vw.WriteInt32(int32(nanos)); err != nil {
		return err
	}
	return dw.WriteDocumentEnd()
}

func decodeTime(dc bson.DecodeContext, vr bson.ValueReader, v reflect.Value) error {
	switch t := vr.Type(); t {
	case bson.TypeNull:
		v.SetZero()
		return vr.ReadNull()
	case bson.TypeDateTime:
		ms, err := vr.ReadDateTime()
		if err != nil {
			return err
		}
		v.Set(reflect.ValueOf(time.UnixMilli(ms).UTC()))
		return nil
	case bson.TypeEmbeddedDocument:
		var parts struct {
			T  bson.DateTime `bson:"t"`
			NS int32         `bson:"ns"`
		}
		dec, err := dc.LookupDecoder(reflect.TypeOf(parts))
		if err != nil {
			return err
		}
		if err := dec.DecodeValue(dc, vr, reflect.ValueOf(&parts).Elem()); err != nil {
			return err
		}
		if parts.NS < 0 || parts.NS >= int32(time.Millisecond) {
			return errors.New("the nanoseconds of a time are more than a millisecond")
		}
		v.Set(reflect.ValueOf(time.UnixMilli(int64(parts.T)).Add(time.Duration(parts.NS)).UTC()))
		return nil
	default:
		return fmt.Errorf("cannot decode %v into a time.Time", t)
	}
}

// The driver would make an int64 or a float64 of a number that may be neither.
func encodeNumber(_ bson.EncodeContext, vw bson.ValueWriter, v reflect.Value) error {
	return vw.WriteString(validUTF8(v.String()))
}

func decodeNumber(_ bson.DecodeContext, vr bson.ValueReader, v reflect.Value) error {
	if t := vr.Type(); t != bson.TypeString {
		return fmt.Errorf("cannot decode %v into a %s", t, reflect.TypeFor[json.Number]())
	}
	text, err := vr.ReadString()
	v.SetString(text)
	return err
}

// A string in BSON is UTF-8; tools and drivers of other languages fail on one
// that is not.
func encodeString(_ bson.EncodeContext, vw bson.ValueWriter, v reflect.Value) error {
	return vw.WriteString(validUTF8(v.String()))
}

func validUTF8(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// boundedUint refuses what is no int64 without quoting it.
type boundedUint struct{ stock bson.ValueEncoder }

func (e boundedUint) EncodeValue(ec bson.EncodeContext, vw bson.ValueWriter, v reflect.Value) error {
	if v.Uint() > math.MaxInt64 {
		return fmt.Errorf("a %s beyond the largest int64 cannot be stored", v.Type())
	}
	return e.stock.EncodeValue(ec, vw, v)
}

// encodeMap writes the keys in order.
func encodeMap(ec bson.EncodeContext, vw bson.ValueWriter, v reflect.Value) error {
	if v.IsNil() {
		// At the top there is no null; there, and only there, this is an error.
		if vw.WriteNull() == nil {
			return nil
		}
	}
	dw, err := vw.WriteDocument()
	if err != nil {
		return err
	}
	if err := encodeEntries(ec, dw, v, nil); err != nil {
		return err
	}
	return dw.WriteDocumentEnd()
}

// encodeEntries writes the entries of the map v, in the order of their keys, but
// for one whose key is taken.
func encodeEntries(ec bson.EncodeContext, dw bson.DocumentWriter, v reflect.Value, taken func(key string) bool) error {
	type entry struct {
		key   string
		value reflect.Value
	}
	methods, err := keyMethods(v.Type().Key())
	if err != nil {
		return err
	}
	entries := make([]entry, 0, v.Len())
	for iter := v.MapRange(); iter.Next(); {
		key, err := encodeKey(iter.Key(), methods)
		if err != nil {
			return err
		}
		if taken != nil && taken(key) {
			return errors.New("a key of a map with the option inline is the name of a field")
		}
		entries = append(entries, entry{key, iter.Value()})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })

	enc, err := ec.LookupEncoder(v.Type().Elem())
	if err != nil {
		return err
	}
	for i, e := range entries {
		if i > 0 && e.key == entries[i-1].key {
			return errors.New("two keys of a map are written alike")
		}
		vw, err := dw.WriteDocumentElement(e.key)
		if err != nil {
			return err
		}
		if err := enc.EncodeValue(ec, vw, e.value); err != nil {
			return err
		}
	}
	return nil
}
