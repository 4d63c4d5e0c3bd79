package memstore_test

import (
	"testing"
	"time"
	"unsafe"

	"github.com/echosession/echosession/memstore"
)

// A string may be part of a longer one: an id is part of a token. So the store
// keeps a copy, and keeps it as long as the string does not change.
func TestStringsAreCopied(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{})
	r := record("an-id", "a user", time.Hour)
	create(t, s, r)
	next := r
	next.User = "another"
	if err := s.Update(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	got, err := s.Load(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if sameBytes(got.ID, r.ID) || sameBytes(got.User, next.User) {
		t.Error("the store keeps the strings that it was given, want copies")
	}
	next.Version++
	if err := s.Update(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	again, err := s.Load(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !sameBytes(got.User, again.User) {
		t.Error("the store copied a user that did not change, want the first copy")
	}
	ids := inOneShard(s, 2)
	create(t, s, record(ids[0], "many", time.Hour), record(ids[1], "many", time.Hour))
	first, _ := s.Load(t.Context(), ids[0])
	second, _ := s.Load(t.Context(), ids[1])
	if !sameBytes(first.User, second.User) {
		t.Error("two sessions of one user in one shard have two copies of the user, want one")
	}
}

// sameBytes reports whether two strings are the same memory.
func sameBytes(a, b string) bool { return unsafe.StringData(a) == unsafe.StringData(b) }

// An append to a slice that Load returned must not write behind its end.
func TestSlicesAreClipped(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{})
	r := record("a", "", time.Hour)
	r.Data, r.Meta = append(make([]byte, 0, 64), "data"...), append(make([]byte, 0, 64), "meta"...)
	create(t, s, r)
	got, err := s.Load(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if cap(got.Data) != 4 || cap(got.Meta) != 4 {
		t.Errorf("capacities: got %d and %d, want 4 and 4", cap(got.Data), cap(got.Meta))
	}
	if &got.Data[0] != &r.Data[0] || &got.Meta[0] != &r.Meta[0] {
		t.Error("the store copied the bytes, want the slices that it was given")
	}
}

// An entry and a node fit into size classes of the allocator, and a shard fills
// cache lines.
func TestSizes(t *testing.T) {
	t.Parallel()
	if memstore.EntrySize > 128 || memstore.NodeSize > 48 || memstore.ShardSize%64 != 0 {
		t.Errorf("sizes of entry, node and shard: got %d, %d and %d bytes, want at most 128, at most 48 and a multiple of 64",
			memstore.EntrySize, memstore.NodeSize, memstore.ShardSize)
	}
}
