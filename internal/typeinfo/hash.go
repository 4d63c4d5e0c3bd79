package typeinfo

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"reflect"
)

// Hash returns a fingerprint of everything that makes the codec of that name
// encode a t as it does: kinds, fields in their order with names and tags, and
// the names of types, which stand for their methods. It is the same in every
// process and on every machine.
//
// Two types of one hash encode equal values to equal bytes. Different hashes
// prove nothing: a type that was only renamed has another hash. Hashes are stored
// with records, so that the hash of a type must never change.
func Hash(t reflect.Type, codec string) uint64 {
	h := sha256.New()
	fmt.Fprintf(h, "%q", codec)
	d := describer{w: h, codec: codec, seen: map[reflect.Type]int{}}
	d.describe(t)
	return binary.BigEndian.Uint64(h.Sum(nil))
}

type describer struct {
	w     io.Writer
	codec string
	seen  map[reflect.Type]int // number of each type in order of appearance
}

// describe writes t to d.w. The text is unambiguous: names are quoted, and each
// kind determines how many types follow.
func (d *describer) describe(t reflect.Type) {
	if n, ok := d.seen[t]; ok {
		fmt.Fprintf(d.w, " #%d", n)
		return
	}
	d.seen[t] = len(d.seen)
	fmt.Fprintf(d.w, " %s %q.%q", t.Kind(), t.PkgPath(), t.Name())
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		d.describe(t.Elem())
	case reflect.Array:
		fmt.Fprintf(d.w, " %d", t.Len())
		d.describe(t.Elem())
	case reflect.Map:
		d.describe(t.Key())
		d.describe(t.Elem())
	case reflect.Struct:
		for sf := range t.Fields() {
			if (sf.IsExported() || sf.Anonymous) && sf.Tag.Get(d.codec) != "-" {
				fmt.Fprintf(d.w, " %q %q %t", sf.Name, sf.Tag, sf.Anonymous)
				d.describe(sf.Type)
			}
		}
		io.WriteString(d.w, " end")
	}
}
