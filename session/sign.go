package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"sync"
)

// signatureLen is that of 32 bytes in base64url without padding.
const signatureLen = 43

// signer makes and checks the third part of a token: HMAC-SHA-256 of the
// cookie's name, a zero byte and the rest of the token. It is bound to the name
// for the same reason as the digest. Nil where there are no keys.
type signer struct {
	name string
	keys []*sync.Pool // of *mac; the first signs, all verify
}

// mac is an HMAC of a key, with room for what it is given and gives, which as
// variables would be allocated each time.
type mac struct {
	hash.Hash
	buf [2 * maxTokenLen]byte
	sum [sha256.Size]byte
}

func newSigner(name string, keys [][]byte) *signer {
	if len(keys) == 0 {
		return nil
	}
	s := &signer{name: name}
	for _, key := range keys {
		s.keys = append(s.keys, &sync.Pool{New: func() any { return &mac{Hash: hmac.New(sha256.New, key)} }})
	}
	return s
}

// sign returns the token with its signature.
func (s *signer) sign(token string) string {
	if s == nil {
		return token
	}
	var text [signatureLen]byte
	s.signature(s.keys[0], token, &text)
	return token + "." + string(text[:])
}

// verify returns the token without its signature, if that is right.
func (s *signer) verify(signed string) (token string, ok bool) {
	if s == nil {
		return signed, true
	}
	cut := len(signed) - signatureLen - 1
	if cut < 0 || signed[cut] != '.' {
		return "", false
	}
	token = signed[:cut]
	var text [signatureLen]byte
	for _, key := range s.keys {
		s.signature(key, token, &text)
		if hmac.Equal(text[:], []byte(signed[cut+1:])) {
			ok = true
		}
	}
	return token, ok
}

func (s *signer) signature(key *sync.Pool, token string, text *[signatureLen]byte) {
	m := key.Get().(*mac)
	defer key.Put(m)
	m.Reset()
	b := append(m.buf[:0], s.name...)
	b = append(b, 0)
	b = append(b, token...)
	m.Write(b)
	base64.RawURLEncoding.Encode(text[:], m.Sum(m.sum[:0]))
}
