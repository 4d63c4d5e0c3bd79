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
	keys []*sync.Pool // of hash.Hash; the first signs, all verify
}

func newSigner(name string, keys [][]byte) *signer {
	if len(keys) == 0 {
		return nil
	}
	s := &signer{name: name}
	for _, key := range keys {
		s.keys = append(s.keys, &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }})
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
	mac := key.Get().(hash.Hash)
	mac.Reset()
	var buf [2 * maxTokenLen]byte
	b := append(buf[:0], s.name...)
	b = append(b, 0)
	b = append(b, token...)
	mac.Write(b)
	var sum [sha256.Size]byte
	mac.Sum(sum[:0])
	base64.RawURLEncoding.Encode(text[:], sum[:])
	key.Put(mac)
}
