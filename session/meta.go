package session

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"
)

// meta is what the core keeps with a record for itself, in Record.Meta.
type meta struct {
	digest digest        // of the secret that the record accepts
	nonce  uint64        // of the write that made this version: tells one's own from another's
	shape  uint64        // of T and the codec that wrote Data
	issued int64         // when the secret was made, in Unix milliseconds
	age    time.Duration // the session's own MaxAge; 0: the configured one
}

// metaVersion leads the encoding: digest, nonce and shape with their fixed
// lengths, then issued and age in whole milliseconds as varints.
const (
	metaVersion  = 1
	metaFixedLen = 1 + len(digest{}) + 8 + 8
)

func (m meta) encode() []byte {
	b := make([]byte, 0, metaFixedLen+2*binary.MaxVarintLen64)
	b = append(b, metaVersion)
	b = append(b, m.digest[:]...)
	b = binary.BigEndian.AppendUint64(b, m.nonce)
	b = binary.BigEndian.AppendUint64(b, m.shape)
	b = binary.AppendVarint(b, m.issued)
	return binary.AppendVarint(b, m.age.Milliseconds())
}

func decodeMeta(b []byte) (meta, error) {
	if len(b) < metaFixedLen || b[0] != metaVersion {
		return meta{}, fmt.Errorf("%w: its meta data is not of this library", ErrCorrupt)
	}
	var m meta
	rest := b[1:]
	rest = rest[copy(m.digest[:], rest):]
	m.nonce = binary.BigEndian.Uint64(rest)
	m.shape = binary.BigEndian.Uint64(rest[8:])
	rest = rest[16:]
	issued, n := binary.Varint(rest)
	if n > 0 {
		rest = rest[n:]
	}
	age, k := binary.Varint(rest)
	if n <= 0 || k != len(rest) || k == 0 || age < 0 || age > maxCookieAge.Milliseconds() {
		return meta{}, fmt.Errorf("%w: its meta data is damaged", ErrCorrupt)
	}
	m.issued = issued
	m.age = time.Duration(age) * time.Millisecond
	return m, nil
}

// newNonce need not be unguessable, only different at every write.
func newNonce() uint64 { return rand.Uint64() }
