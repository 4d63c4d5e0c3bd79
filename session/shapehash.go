package session

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"reflect"
)

// shapeHash is a fingerprint of everything that makes the codec of that name
// encode a t as it does: kinds, fields in their order with names and tags, and
// the names of types, which stand for their methods. It is the same in every
// process and on every machine. Two types of one hash encode equal values
// equally; that two hashes differ proves nothing: a type that was only renamed
// has another.
func shapeHash(t reflect.Type, codec string) uint64 {
	h := sha256.New()
	fmt.Fprintf(h, "%q", codec)
	d := shapeWriter{w: h, codec: codec, seen: map[reflect.Type]int{}}
	d.write(t)
	return binary.BigEndian.Uint64(h.Sum(nil))
}

type shapeWriter struct {
	w     io.Writer
	codec string
	seen  map[reflect.Type]int // number of each type in order of appearance
}

// write describes t. What it writes is unambiguous: names are quoted, and each
// kind tells how many types follow.
func (d *shapeWriter) write(t reflect.Type) {
	if n, ok := d.seen[t]; ok {
		fmt.Fprintf(d.w, " #%d", n)
		return
	}
	d.seen[t] = len(d.seen)
	fmt.Fprintf(d.w, " %s %q.%q", t.Kind(), t.PkgPath(), t.Name())
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		d.write(t.Elem())
	case reflect.Array:
		fmt.Fprintf(d.w, " %d", t.Len())
		d.write(t.Elem())
	case reflect.Map:
		d.write(t.Key())
		d.write(t.Elem())
	case reflect.Struct:
		for sf := range t.Fields() {
			if (sf.IsExported() || sf.Anonymous) && sf.Tag.Get(d.codec) != "-" {
				fmt.Fprintf(d.w, " %q %q %t", sf.Name, sf.Tag, sf.Anonymous)
				d.write(sf.Type)
			}
		}
		io.WriteString(d.w, " end")
	}
}
