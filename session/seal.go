package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
)

// formatSealed is the Format of a record whose Data is sealed.
const formatSealed = "sealed"

// sealer encrypts Data at rest with XAES-256-GCM, which is AES-256-GCM with a
// key for each message, derived from the first half of a nonce of 192 random
// bits: so many can be made that none ever meets another (C2SP, XAES-256-GCM).
// Nil where there are no keys.
type sealer struct {
	keys []sealKey // the first seals, all open
}

type sealKey struct {
	block cipher.Block // AES with the key
	k1    [aes.BlockSize]byte
}

const (
	sealNonceLen = 24
	sealDerive   = 12 // of them derive the key, the rest is the nonce of GCM
)

func newSealer(keys [][]byte) *sealer {
	if len(keys) == 0 {
		return nil
	}
	s := new(sealer)
	for _, key := range keys {
		block, err := aes.NewCipher(key)
		if err != nil {
			panic(err) // the configuration was checked
		}
		k := sealKey{block: block}
		// The subkey K1 of CMAC: the encrypted zero block, doubled in GF(2^128).
		block.Encrypt(k.k1[:], k.k1[:])
		var carry byte
		for i := len(k.k1) - 1; i >= 0; i-- {
			next := k.k1[i] >> 7
			k.k1[i] = k.k1[i]<<1 | carry
			carry = next
		}
		k.k1[len(k.k1)-1] ^= carry * 0b10000111
		s.keys = append(s.keys, k)
	}
	return s
}

// aead returns AES-256-GCM with the key for the nonce.
func (k sealKey) aead(nonce []byte) cipher.AEAD {
	var derived [2 * aes.BlockSize]byte
	for i := range 2 {
		block := derived[i*aes.BlockSize : (i+1)*aes.BlockSize]
		copy(block, []byte{0, byte(i + 1), 'X', 0})
		copy(block[4:], nonce[:sealDerive])
		subtle.XORBytes(block, block, k.k1[:])
		k.block.Encrypt(block, block)
	}
	block, err := aes.NewCipher(derived[:])
	if err != nil {
		panic(err) // the length is right
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the block size of GCM
	}
	return gcm
}

// seal returns r, with the version that it will have, as it is stored: its Data
// is the nonce and the sealed text.
func (s *sealer) seal(r Record, version int64) Record {
	if s == nil {
		return r
	}
	var nonce [sealNonceLen]byte
	rand.Read(nonce[:])
	gcm := s.keys[0].aead(nonce[:])
	sealed := make([]byte, 0, sealNonceLen+len(r.Data)+gcm.Overhead())
	sealed = append(sealed, nonce[:]...)
	r.Data = gcm.Seal(sealed, nonce[sealDerive:], r.Data, associated(r, version, r.Format))
	r.Format = formatSealed
	return r
}

// open returns a record as it was before it was sealed, by a codec called
// format, and whether it would be sealed in the same way again. A record that
// never was sealed is returned as it is.
func (s *sealer) open(r Record, format string) (opened Record, current bool, err error) {
	if r.Format != formatSealed {
		return r, s == nil, nil
	}
	if s == nil {
		return r, false, fmt.Errorf("session: open %s: %w: it is sealed, and Config.EncryptionKeys is empty", r.ID, ErrCorrupt)
	}
	if len(r.Data) >= sealNonceLen {
		nonce, text := r.Data[:sealNonceLen], r.Data[sealNonceLen:]
		ad := associated(r, r.Version, format)
		for i, k := range s.keys {
			if plain, err := k.aead(nonce).Open(nil, nonce[sealDerive:], text, ad); err == nil {
				r.Data, r.Format = plain, format
				return r, i == 0, nil
			}
		}
	}
	return r, false, fmt.Errorf("session: open %s: %w: no key opens it, or it was altered", r.ID, ErrCorrupt)
}

// associated is what the seal binds besides Data: all that identifies the
// record, so that nothing of it can be exchanged with that of another, or put
// back to what it was. SeenAt and ExpiresAt are not among it, since a touch
// moves them alone.
func associated(r Record, version int64, format string) []byte {
	b := make([]byte, 0, 256)
	for _, part := range []string{r.ID, r.Name, r.User, format} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(version))
	b = binary.BigEndian.AppendUint64(b, uint64(r.CreatedAt.UnixMilli()))
	return append(b, r.Meta...)
}
