package seal_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/echosession/echosession/internal/seal"
)

// key returns a key of 32 equal bytes.
func key(b byte) []byte { return bytes.Repeat([]byte{b}, seal.KeyLen) }

// The vectors of the specification (C2SP, XAES-256-GCM): with the most
// significant bit of the encrypted zero block unset, and set.
func TestSealIsXAES256GCM(t *testing.T) {
	t.Parallel()
	const nonce, plain = "ABCDEFGHIJKLMNOPQRSTUVWX", "XAES-256-GCM"
	for _, tt := range []struct {
		key                    byte
		associated, ciphertext string
	}{
		{1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		s := seal.New([][]byte{key(tt.key)})
		ciphertext, err := hex.DecodeString(tt.ciphertext)
		if err != nil {
			t.Fatal(err)
		}
		got, _, ok := s.Open(append([]byte(nonce), ciphertext...), []byte(tt.associated))
		if !ok || string(got) != plain {
			t.Errorf("key %#x: opened %q, %v, want %q", tt.key, got, ok, plain)
		}
	}
}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	s := seal.New([][]byte{key('a'), key('b')})
	seen := map[string]bool{}
	for _, plain := range []string{"", "p", "PLAINTEXT", string(bytes.Repeat([]byte("PLAINTEXT"), 10_000))} {
		for _, associated := range []string{"", "ad"} {
			sealed := s.Seal([]byte(plain), []byte(associated))
			if want := 24 + len(plain) + 16; len(sealed) != want {
				t.Errorf("%d bytes sealed are %d, want %d", len(plain), len(sealed), want)
			}
			if len(plain) > 1 && bytes.Contains(sealed, []byte(plain)) {
				t.Error("the sealed text contains the plain one")
			}
			if nonce := string(sealed[:24]); seen[nonce] {
				t.Errorf("the nonce %x came twice", nonce)
			} else {
				seen[nonce] = true
			}
			if got, newest, ok := s.Open(sealed, []byte(associated)); string(got) != plain || !newest || !ok {
				t.Errorf("opened %d bytes, newest %v, ok %v, want %d by the newest key", len(got), newest, ok, len(plain))
			}
		}
	}
}

func TestRotatedKeys(t *testing.T) {
	t.Parallel()
	sealed := seal.New([][]byte{key('a')}).Seal([]byte("plain"), nil)
	for _, tt := range []struct {
		name       string
		keys       [][]byte
		newest, ok bool
	}{
		{"the same key", [][]byte{key('a')}, true, true},
		{"first of two", [][]byte{key('a'), key('b')}, true, true},
		{"second of two", [][]byte{key('b'), key('a')}, false, true},
		{"another key", [][]byte{key('b')}, false, false},
	} {
		plain, newest, ok := seal.New(tt.keys).Open(sealed, nil)
		if newest != tt.newest || ok != tt.ok || (string(plain) == "plain") != tt.ok {
			t.Errorf("%s: opened %q, newest %v, ok %v, want newest %v, ok %v", tt.name, plain, newest, ok, tt.newest, tt.ok)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	if s := seal.New(nil); s != nil {
		t.Errorf("New without keys returned %v, want nil", s)
	}
	for _, n := range []int{0, 16, 24, 31, 33} { // two of them are keys of AES, but not of this
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("New took a key of %d bytes, want a panic", n)
				}
			}()
			seal.New([][]byte{make([]byte, n)})
		}()
	}
}

// FuzzSealedEnvelope: only what was sealed is opened, and only with its
// associated data.
func FuzzSealedEnvelope(f *testing.F) {
	plain, associated := []byte("PLAINTEXT"), []byte("associated")
	// Sealed once by the key of 'a'. Each process that fuzzes must have the same.
	genuine, err := hex.DecodeString("018f34b8a9dd5bf29d90546dae6af6b09304af4f1b9c6fc621547c5c1d439f32e879b6fab5343e648f83241dcf861899b2")
	if err != nil {
		f.Fatal(err)
	}
	for n := range genuine {
		f.Add(genuine[:n], associated)
		changed := slices.Clone(genuine)
		changed[n] ^= 1
		f.Add(changed, associated)
	}
	f.Add(genuine, associated)
	f.Add(genuine, []byte{})
	f.Add(append(slices.Clone(genuine), 0), associated)
	reader := seal.New([][]byte{key('b'), key('a')})
	f.Fuzz(func(t *testing.T, sealed, ad []byte) {
		got, newest, ok := reader.Open(sealed, ad)
		if want := bytes.Equal(sealed, genuine) && bytes.Equal(ad, associated); ok != want || newest {
			t.Errorf("ok %v, newest %v, want %v and not newest", ok, newest, want)
		}
		if ok != bytes.Equal(got, plain) {
			t.Errorf("opened %q, ok %v", got, ok)
		}
	})
}
