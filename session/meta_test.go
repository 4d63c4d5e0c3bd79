package session

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/echosession/echosession/internal/token"
)

// fullMeta has a value in each field.
func fullMeta() meta {
	return meta{
		digest: token.Digest{1, 2, 3}, nonce: 4, shape: 5, issued: 1_600_000_000_000, age: 30 * 24 * time.Hour,
		authenticated: 1_600_000_000_001, schema: 6,
		old: []oldSecret{{token.Digest{7}, 1_600_000_030_000, false}, {token.Digest{8}, 0, true}},
	}
}

// The encoding does not change, because records of earlier versions have it.
func TestMetaEncodingIsPinned(t *testing.T) {
	t.Parallel()
	want := "01" + "0102030000000000000000000000000000000000000000000000000000000000" +
		"0000000000000004" + "0000000000000005" +
		"8080f4f6905d" + "80a0f6a713" + "8280f4f6905d" + "0c" + "04" +
		"0700000000000000000000000000000000000000000000000000000000000000" + "e0d4f7f6905d" + "00" +
		"0800000000000000000000000000000000000000000000000000000000000000" + "00" + "01"
	m := fullMeta()
	if got := hex.EncodeToString(m.encode()); got != want {
		t.Errorf("the encoding is\n%s, want\n%s", got, want)
	}
	var back meta
	if err := back.decode(m.encode()); err != nil || !reflect.DeepEqual(back, m) {
		t.Errorf("decoded: %+v, %v, want %+v", back, err, m)
	}
}

// FuzzMetaEncoding: what can be decoded is encoded and decoded to the same value.
func FuzzMetaEncoding(f *testing.F) {
	full := fullMeta()
	f.Add(full.encode())
	f.Add((&meta{}).encode())
	f.Add(full.encode()[:60])
	f.Fuzz(func(t *testing.T, data []byte) {
		var once, twice meta
		if err := once.decode(data); err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("error %v, want ErrCorrupt", err)
			}
			return
		}
		encoded := once.encode()
		if len(encoded) > len(data) {
			t.Errorf("%x became longer: %x", data, encoded)
		}
		if err := twice.decode(encoded); err != nil || !reflect.DeepEqual(once, twice) || !bytes.Equal(encoded, twice.encode()) {
			t.Errorf("%x was decoded to %+v, and again to %+v, %v", data, once, twice, err)
		}
	})
}
