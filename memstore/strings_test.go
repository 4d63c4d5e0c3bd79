package memstore_test

import "unsafe"

// sameBytes reports whether two strings are the same in memory.
func sameBytes(a, b string) bool { return unsafe.StringData(a) == unsafe.StringData(b) }
