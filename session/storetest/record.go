package storetest

import (
	"bytes"
	"fmt"
	"reflect"
	"time"

	"github.com/echosession/echosession/session"
)

// record returns a live one in which every field has a value that no other
// record has, found by reflection: a field that is added later is checked
// without a change here.
func (c *check) record() session.Record {
	c.t.Helper()
	var r session.Record
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		c.fill(v.Type().Field(i).Name, v.Field(i))
	}
	r.ID = newID()
	r.ExpiresAt = c.now.Add(time.Hour + time.Duration(c.filled)*time.Millisecond)
	return r
}

// successor returns a record in which every field differs from those of r, but
// for what makes it the next version of it.
func (c *check) successor(r session.Record) session.Record {
	c.t.Helper()
	next := c.record()
	next.ID, next.Version = r.ID, r.Version
	return next
}

func (c *check) fill(name string, v reflect.Value) {
	c.t.Helper()
	c.filled++
	text := fmt.Sprintf("%s %d", name, c.filled)
	switch v.Interface().(type) {
	case time.Time:
		past := c.now.Add(-time.Hour + time.Duration(c.filled)*time.Millisecond)
		v.Set(reflect.ValueOf(past))
		return
	case []byte:
		v.SetBytes([]byte(text))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(1000 + c.filled))
	case reflect.Uint, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(1000 + c.filled))
	case reflect.Float64:
		v.SetFloat(1000.5 + float64(c.filled))
	default:
		c.fatalf("storetest has no value for field %s of type %s: teach it one", name, v.Type())
	}
}

// diff names the fields in which got is not want. Times are compared as
// instants and must be in UTC; of empty and nil bytes either will do.
func diff(got, want session.Record) []string {
	var ds []string
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		name := g.Type().Field(i).Name
		switch w := w.Field(i).Interface().(type) {
		case time.Time:
			g := g.Field(i).Interface().(time.Time)
			if !g.Equal(w) || g.Location() != time.UTC {
				ds = append(ds, fmt.Sprintf("%s: got %v, want %v", name, g, w))
			}
		case []byte:
			g := g.Field(i).Bytes()
			if !bytes.Equal(g, w) {
				ds = append(ds, fmt.Sprintf("%s: got %d bytes %.40q, want %d bytes %.40q", name, len(g), g, len(w), w))
			}
		default:
			if g := g.Field(i).Interface(); !reflect.DeepEqual(g, w) {
				ds = append(ds, fmt.Sprintf("%s: got %#v, want %#v", name, g, w))
			}
		}
	}
	return ds
}
