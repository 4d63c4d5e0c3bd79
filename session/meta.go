package session

import (
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
	nonce         uint64        // of the write that made this version: tells one's own from another's
	shape         uint64        // of T and the codec that wrote Data
	issued        int64         // when the secret was made
	age           time.Duration // the session's own MaxAge; 0: the configured one
	authenticated int64         // when User last became somebody; 0: never
	schema        int           // Config.SchemaVersion of the writer
	former        []former      // secrets that were replaced not long ago
}

// former is a secret that was replaced.
type former struct {
	digest token.Digest
	until  int64 // when it becomes unknown; 0: RenewGrace after its successor is first presented
	works  bool  // it still opens the session: the replacement was routine, and its response may have been lost
}

// maxFormer bounds how many are remembered: the oldest becomes unknown early.
const maxFormer = 4

// metaVersion leads the encoding. Then come digest, nonce and shape with their
// fixed lengths, and the rest as varints; each former secret is its digest,
// until, and whether it works.
const (
	metaVersion  = 1
	metaFixedLen = 1 + len(token.Digest{}) + 8 + 8
)

func (m *meta) encode() []byte {
	const varints = 5
	b := make([]byte, 0, metaFixedLen+varints*binary.MaxVarintLen64+len(m.former)*(len(token.Digest{})+binary.MaxVarintLen64+1))
	b = append(b, metaVersion)
	b = append(b, m.digest[:]...)
	b = binary.BigEndian.AppendUint64(b, m.nonce)
	b = binary.BigEndian.AppendUint64(b, m.shape)
	b = binary.AppendVarint(b, m.issued)
	b = binary.AppendVarint(b, m.age.Milliseconds())
	b = binary.AppendVarint(b, m.authenticated)
	b = binary.AppendVarint(b, int64(m.schema))
	b = binary.AppendVarint(b, int64(len(m.former)))
	for _, f := range m.former {
		b = append(b, f.digest[:]...)
		b = binary.AppendVarint(b, f.until)
		works := byte(0)
		if f.works {
			works = 1
		}
		b = append(b, works)
	}
	return b
}

// decode fills m, which is zero. What it leaves there after an error is not to be
// used.
func (m *meta) decode(b []byte) error {
	if len(b) < metaFixedLen || b[0] != metaVersion {
		return fmt.Errorf("%w: its meta data is not of this library", ErrCorrupt)
	}
	r := metaReader{rest: b[1:]}
	r.digest(&m.digest)
	m.nonce = binary.BigEndian.Uint64(r.rest)
	m.shape = binary.BigEndian.Uint64(r.rest[8:])
	r.rest = r.rest[16:]
	m.issued = r.int(maxTime)
	m.age = time.Duration(r.int(maxCookieAge.Milliseconds())) * time.Millisecond
	m.authenticated = r.int(maxTime)
	m.schema = int(r.int(maxSchema))
	if n := r.int(maxFormer); n > 0 {
		m.former = make([]former, n)
	}
	for i := range m.former {
		f := &m.former[i]
		r.digest(&f.digest)
		f.until = r.int(maxTime)
		f.works = r.int8() == 1
	}
	if r.damaged || len(r.rest) > 0 {
		return fmt.Errorf("%w: its meta data is damaged", ErrCorrupt)
	}
	return nil
}

// maxTime is the year 9999, the end of what other formats can write.
var maxTime = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).UnixMilli()

// metaReader takes values off the front of rest. Once something is missing or
// out of range it is damaged, and the values mean nothing.
type metaReader struct {
	rest    []byte
	damaged bool
}

func (r *metaReader) digest(d *token.Digest) {
	if n := copy(d[:], r.rest); n < len(d) {
		r.damaged = true
	} else {
		r.rest = r.rest[n:]
	}
}

func (r *metaReader) int(limit int64) int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 || v < 0 || v > limit {
		r.damaged = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *metaReader) int8() byte {
	if len(r.rest) == 0 {
		r.damaged = true
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

// standing is what a secret is to a record.
type standing int

const (
	standingUnknown    standing = iota
	standingCurrent             // it is the one that the record accepts
	standingFormer              // it was replaced as a matter of routine, and still opens the session
	standingSuperseded          // it was replaced for good, not long ago: recognised, for it to do no harm
)

// opens reports whether it lets its holder in.
func (s standing) opens() bool { return s == standingCurrent || s == standingFormer }

// judge tells what the secret with digest d is by now. It looks at all digests
// and compares each in constant time.
func (m *meta) judge(d token.Digest) standing {
	s := standingUnknown
	var now int64
	if len(m.former) > 0 {
		now = time.Now().UnixMilli()
	}
	for _, f := range m.former {
		if f.digest.Equal(d) && (f.until == 0 || now < f.until) {
			s = standingSuperseded
			if f.works {
				s = standingFormer
			}
		}
	}
	if m.digest.Equal(d) {
		s = standingCurrent
	}
	return s
}

// unconfirmed reports whether a former secret waits for its successor, which
// the caller has presented.
func (m *meta) unconfirmed() bool {
	for _, f := range m.former {
		if f.until == 0 {
			return true
		}
	}
	return false
}

// replace makes d the secret that the record accepts. For good: every former
// one stops working now. As a matter of routine: the last one works until grace
// after d is first presented.
func (m *meta) replace(d token.Digest, now int64, grace time.Duration, forGood bool) {
	kept := m.confirmed(now, grace)
	last := former{digest: m.digest, works: !forGood}
	if forGood {
		last.until = now + grace.Milliseconds()
		kept = superseded(kept)
	}
	kept = append(kept, last)
	m.former = kept[max(0, len(kept)-maxFormer):]
	m.digest, m.issued = d, now
}

// superseded makes all of them secrets that open nothing.
func superseded(all []former) []former {
	for i := range all {
		all[i].works = false
	}
	return all
}

// confirmed returns, in memory of its own, the former secrets that are still
// known at now, each with an end.
func (m *meta) confirmed(now int64, grace time.Duration) []former {
	var kept []former
	for _, f := range m.former {
		if f.until == 0 {
			f.until = now + grace.Milliseconds()
		}
		if now < f.until {
			kept = append(kept, f)
		}
	}
	return kept
}

// newNonce need not be unguessable, only different at every write.
func newNonce() uint64 { return rand.Uint64() }
