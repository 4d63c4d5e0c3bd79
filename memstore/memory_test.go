package memstore_test

import (
	"testing"
	"time"
	"unsafe"

	"github.com/echosession/echosession/memstore"
)

// Strings are parts of longer ones more often than not, and an id is part of
// a token. What is kept must be a copy, and what is given back the same one.
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
		t.Error("an unchanged user was copied again")
	}
	ids := inOneShard(s, 2)
	create(t, s, record(ids[0], "many", time.Hour), record(ids[1], "many", time.Hour))
	first, _ := s.Load(t.Context(), ids[0])
	second, _ := s.Load(t.Context(), ids[1])
	if !sameBytes(first.User, second.User) {
		t.Error("the user of several sessions in one shard is kept more than once")
	}
}

// Appending to what Load returned must not write behind its end.
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
		t.Error("the bytes were copied, want those that were given")
	}
}

func TestLoadAllocatesNothing(t *testing.T) {
	s := memstore.New(memstore.Options{})
	r := record("a", "ann", time.Hour)
	create(t, s, r)
	for _, id := range []string{"a", "absent"} {
		if n := testing.AllocsPerRun(1000, func() { _, _ = s.Load(t.Context(), id) }); n != 0 {
			t.Errorf("Load(%q): got %v allocations, want 0", id, n)
		}
	}
	if n := testing.AllocsPerRun(1000, func() { _ = s.Update(t.Context(), r); r.Version++ }); n != 0 {
		t.Errorf("Update: got %v allocations, want 0", n)
	}
	if n := testing.AllocsPerRun(1000, func() { r.ExpiresAt = r.ExpiresAt.Add(1e6); _ = s.Touch(t.Context(), r) }); n != 0 {
		t.Errorf("Touch: got %v allocations, want 0", n)
	}
}

// A session is meant to fit a size class of the allocator, as is what it has
// because it has a user, and a shard two cache lines.
func TestSizes(t *testing.T) {
	t.Parallel()
	if memstore.EntrySize > 128 || memstore.OwnedSize > 48 || memstore.ShardSize%64 != 0 {
		t.Errorf("sizes: got %d, %d and %d bytes, want at most 128, at most 48 and a multiple of 64",
			memstore.EntrySize, memstore.OwnedSize, memstore.ShardSize)
	}
}

// sameBytes reports whether two strings are the same in memory.
func sameBytes(a, b string) bool { return unsafe.StringData(a) == unsafe.StringData(b) }
