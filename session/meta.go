package session

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/echosession/echosession/internal/token"
)

// meta is what the core keeps with a record for itself, in Record.Meta. Times
// are Unix milliseconds.
type meta struct {
	digest        token.Digest  // of the secret that the record accepts
	nonce         uint64        // of the write that made this version: an exchange knows its own writes by it
	shape         uint64        // of T and the codec that wrote Data
	issued        int64         // when the secret was made
	age           time.Duration // the session's own MaxAge; 0: the configured one
	authenticated int64         // when User last became somebody; 0: never
	schema        int32         // Config.SchemaVersion of the writer
	old           []oldSecret   // secrets that were replaced not long ago, the latest last
}

// oldSecret is a secret that a newer one replaced.
type oldSecret struct {
	digest token.Digest
	until  int64 // when it becomes unknown; 0: RenewGrace after somebody presents its successor
	usable bool  // it still opens the session, because its replacement was routine and the response may be lost
}

// maxOld bounds how many old secrets a record has. The oldest becomes unknown
// early.
const maxOld = 4

// The encoding begins with metaVersion. Then follow digest, nonce and shape with
// their fixed lengths, and the other fields as varints. Each old secret is its
// digest, until, and one byte that is 1 if it is usable.
const (
	metaVersion  = 1
	metaFixedLen = 1 + len(token.Digest{}) + 8 + 8
	timeLen      = 6 // of a time of our days as a varint; the encoding may be longer than this estimate
)

// maxTime is 9999-12-31. RFC 3339 cannot write a year after 9999.
var maxTime = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).UnixMilli()

func (m *meta) encode() []byte {
	const oldLen = len(token.Digest{}) + timeLen + 1
	b := make([]byte, 0, metaFixedLen+2*timeLen+3+len(m.old)*oldLen)
	b = append(b, metaVersion)
	b = append(b, m.digest[:]...)
	b = binary.BigEndian.AppendUint64(b, m.nonce)
	b = binary.BigEndian.AppendUint64(b, m.shape)
	b = binary.AppendVarint(b, m.issued)
	b = binary.AppendVarint(b, m.age.Milliseconds())
	b = binary.AppendVarint(b, m.authenticated)
	b = binary.AppendVarint(b, int64(m.schema))
	b = binary.AppendVarint(b, int64(len(m.old)))
	for _, o := range m.old {
		b = append(b, o.digest[:]...)
		b = binary.AppendVarint(b, o.until)
		usable := byte(0)
		if o.usable {
			usable = 1
		}
		b = append(b, usable)
	}
	return b
}

// decode replaces m. After an error m must not be used.
func (m *meta) decode(b []byte) error {
	if len(b) < metaFixedLen || b[0] != metaVersion {
		return fmt.Errorf("%w: its meta data was not written by this library", ErrCorrupt)
	}
	*m = meta{nonce: binary.BigEndian.Uint64(b[metaFixedLen-16:]), shape: binary.BigEndian.Uint64(b[metaFixedLen-8:])}
	copy(m.digest[:], b[1:])
	r := metaReader{rest: b[metaFixedLen:]}
	m.issued = r.varint(maxTime)
	m.age = time.Duration(r.varint(maxCookieAge.Milliseconds())) * time.Millisecond
	m.authenticated = r.varint(maxTime)
	m.schema = int32(r.varint(maxSchema))
	if n := r.varint(maxOld); n > 0 {
		m.old = make([]oldSecret, n)
	}
	for i := range m.old {
		o := &m.old[i]
		copy(o.digest[:], r.take(len(o.digest)))
		o.until = r.varint(maxTime)
		o.usable = bytes.Equal(r.take(1), []byte{1})
	}
	if r.damaged || len(r.rest) > 0 {
		return fmt.Errorf("%w: its meta data is damaged", ErrCorrupt)
	}
	return nil
}

// metaReader takes values off the front of rest. If one is missing or out of
// range, damaged is set, and the values mean nothing.
type metaReader struct {
	rest    []byte
	damaged bool
}

// take returns the next n bytes, or nil if there are fewer.
func (r *metaReader) take(n int) []byte {
	if len(r.rest) < n {
		r.damaged = true
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *metaReader) varint(limit int64) int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 || v < 0 || v > limit {
		r.damaged = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// newNonce returns a nonce. It may be guessed, but must differ at every write.
func newNonce() uint64 { return rand.Uint64() }
