// Package seal encrypts data at rest with XAES-256-GCM, as specified by C2SP.
//
// XAES-256-GCM is AES-256-GCM with a key for each message, derived from half of a
// random nonce of 192 bits: no number of messages makes two nonces meet.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
)

// KeyLen is the length of a key in bytes.
const KeyLen = 32

const (
	nonceLen  = 24
	deriveLen = 12 // of the nonce: derives the key; the rest is the nonce of AES-GCM
)

// Sealer seals with its first key and opens with all of them. Its methods may be
// called from several goroutines at once.
type Sealer struct{ keys []key }

type key struct {
	block cipher.Block        // AES with the key
	k1    [aes.BlockSize]byte // the subkey K1 of CMAC
}

// New returns a Sealer of the keys, of KeyLen bytes each, or nil if there are
// none. It panics on a key of another length.
func New(keys [][]byte) *Sealer {
	if len(keys) == 0 {
		return nil
	}
	s := new(Sealer)
	for _, k := range keys {
		s.keys = append(s.keys, newKey(k))
	}
	return s
}

func newKey(secret []byte) key {
	if len(secret) != KeyLen {
		panic(aes.KeySizeError(len(secret)))
	}
	k := key{block: mustAES(secret)}
	// K1 is the encrypted zero block, doubled in GF(2^128).
	k.block.Encrypt(k.k1[:], k.k1[:])
	var carry byte
	for i := len(k.k1) - 1; i >= 0; i-- {
		next := k.k1[i] >> 7
		k.k1[i] = k.k1[i]<<1 | carry
		carry = next
	}
	k.k1[len(k.k1)-1] ^= carry * 0b10000111
	return k
}

// aead returns AES-256-GCM with the key for the nonce.
func (k key) aead(nonce []byte) cipher.AEAD {
	var derived [KeyLen]byte
	for i := range 2 {
		block := derived[i*aes.BlockSize : (i+1)*aes.BlockSize]
		copy(block, []byte{0, byte(i + 1), 'X', 0})
		copy(block[4:], nonce[:deriveLen])
		subtle.XORBytes(block, block, k.k1[:])
		k.block.Encrypt(block, block)
	}
	gcm, err := cipher.NewGCM(mustAES(derived[:]))
	if err != nil {
		panic(err) // AES has the block size of GCM
	}
	return gcm
}

func mustAES(key []byte) cipher.Block {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the length is right
	}
	return block
}

// Seal returns the nonce followed by the encrypted plain. Open needs the same
// associated data, which is not part of the result.
func (s *Sealer) Seal(plain, associated []byte) []byte {
	var nonce [nonceLen]byte
	rand.Read(nonce[:]) // never fails: it ends the program instead
	gcm := s.keys[0].aead(nonce[:])
	sealed := make([]byte, 0, nonceLen+len(plain)+gcm.Overhead())
	sealed = append(sealed, nonce[:]...)
	return gcm.Seal(sealed, nonce[deriveLen:], plain, associated)
}

// Open returns what Seal was given. newest reports whether the first key opened
// it. Open is not ok if no key opens it, or if sealed or the associated data was
// altered.
func (s *Sealer) Open(sealed, associated []byte) (plain []byte, newest, ok bool) {
	if len(sealed) < nonceLen {
		return nil, false, false
	}
	nonce, text := sealed[:nonceLen], sealed[nonceLen:]
	for i, k := range s.keys {
		if plain, err := k.aead(nonce).Open(nil, nonce[deriveLen:], text, associated); err == nil {
			return plain, i == 0, true
		}
	}
	return nil, false, false
}
