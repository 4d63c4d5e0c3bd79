package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// A token is what the client holds: <id>.<secret>, and .<signature> with signing
// keys. The id is public, it names the record; the secret proves that the client
// may use it and is stored only as a digest. All is bounded and checked before
// any store is asked.
const (
	maxTokenLen = 256
	maxIDLen    = 64
	secretLen   = 22 // 16 bytes in base64url without padding: 128 random bits
)

// parseToken splits a token that has the right shape. It does not tell whether
// there is such a session.
func parseToken(token string) (id, secret string, ok bool) {
	id, secret, ok = strings.Cut(token, ".")
	if !ok || !validID(id) || len(secret) != secretLen || !base64URL(secret) {
		return "", "", false
	}
	return id, secret, true
}

// validID reports whether id may be the public part of a token.
func validID(id string) bool {
	return 1 <= len(id) && len(id) <= maxIDLen && base64URL(id)
}

func base64URL(s string) bool {
	for i := range len(s) {
		if !isBase64URL[s[i]] {
			return false
		}
	}
	return true
}

var isBase64URL = func() (is [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		is[c] = true
	}
	return is
}()

// mint makes an id or a secret: 128 bits of the system's CSPRNG, in base64url.
// Each is a string of its own, so that who keeps the one does not keep the
// other in memory.
func mint() string {
	var random [16]byte
	rand.Read(random[:]) // never fails: it ends the program instead
	var text [secretLen]byte
	base64.RawURLEncoding.Encode(text[:], random[:])
	return string(text[:])
}

// digest is all that a store ever has of a secret.
type digest [sha256.Size]byte

// digestOf binds the secret to the kind of session: a token of one kind is
// nothing to another. name holds no NUL, so the pair is unambiguous.
func digestOf(name, secret string) digest {
	var buf [128]byte
	b := append(buf[:0], name...)
	b = append(b, 0)
	b = append(b, secret...)
	return sha256.Sum256(b)
}
