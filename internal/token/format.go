package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"strings"
	"sync"
)

var (
	// ErrMalformed: the text does not have the shape of a token.
	ErrMalformed = errors.New("malformed token")
	// ErrSignature: the text has the shape of a token, but no signature by one of
	// the keys.
	ErrSignature = errors.New("token without a valid signature")
)

// signatureLen is the length of every signature: 256 bits in base64url.
const signatureLen = 43

// Format writes and reads the tokens of one kind of session. Its methods may be
// called from several goroutines at once.
type Format struct {
	name string
	keys []*sync.Pool // of *mac; the first key signs, all keys verify
}

// NewFormat returns the format of the sessions called name. Without signing keys
// tokens have no signature. The keys must not be changed afterwards.
func NewFormat(name string, signingKeys [][]byte) *Format {
	f := &Format{name: name}
	for _, key := range signingKeys {
		f.keys = append(f.keys, &sync.Pool{New: func() any { return &mac{Hash: hmac.New(sha256.New, key)} }})
	}
	return f
}

// Join returns the token of an id and a secret, signed by the first key.
func (f *Format) Join(id, secret string) string {
	if len(f.keys) == 0 {
		return id + "." + secret
	}
	var signature [signatureLen]byte
	f.sign(f.keys[0], id, secret, &signature)
	return id + "." + secret + "." + string(signature[:])
}

// Parse splits a token into its id and its secret. The fault is nil,
// ErrMalformed or ErrSignature; none of them contains the text. Parse checks the
// signature only of a text that has the shape of a token, since that costs more.
// Parse does not know whether there is such a session.
func (f *Format) Parse(text string) (id, secret string, fault error) {
	if len(text) > MaxLen {
		return "", "", ErrMalformed
	}
	id, rest, _ := strings.Cut(text, ".")
	secret, signature, signed := strings.Cut(rest, ".")
	switch {
	case !ValidID(id), len(secret) != SecretLen, !isBase64URL(secret):
		return "", "", ErrMalformed
	case signed && (len(f.keys) == 0 || len(signature) != signatureLen || !isBase64URL(signature)):
		return "", "", ErrMalformed
	case len(f.keys) > 0 && !f.verify(id, secret, signature):
		return "", "", ErrSignature
	}
	return id, secret, nil
}

// verify reports whether one of the keys made the signature. It tries all keys,
// so that the time it takes does not show which one did.
func (f *Format) verify(id, secret, signature string) (ok bool) {
	if signature == "" {
		return false
	}
	var want [signatureLen]byte
	for _, key := range f.keys {
		f.sign(key, id, secret, &want)
		if hmac.Equal(want[:], []byte(signature)) {
			ok = true
		}
	}
	return ok
}

// mac is the HMAC of a key. Its buffers are fields because local ones would be
// allocated at each call.
type mac struct {
	hash.Hash
	message [2 * MaxLen]byte
	sum     [sha256.Size]byte
}

// sign writes HMAC-SHA-256(name, 0, id "." secret) into signature. The name
// binds it to one kind of session, as it does in DigestOf.
func (f *Format) sign(key *sync.Pool, id, secret string, signature *[signatureLen]byte) {
	m := key.Get().(*mac)
	defer key.Put(m)
	m.Reset()
	b := append(m.message[:0], f.name...)
	b = append(b, 0)
	b = append(b, id...)
	b = append(b, '.')
	b = append(b, secret...)
	m.Write(b)
	base64.RawURLEncoding.Encode(signature[:], m.Sum(m.sum[:0]))
}
