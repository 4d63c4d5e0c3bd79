// Package token makes and reads the tokens by which clients present sessions.
//
// A token is <id>.<secret>, or <id>.<secret>.<signature> if there are signing
// keys. The id is public and names the record. The secret proves that the client
// may use it, and a store gets only its digest.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

const (
	// MaxLen is the length of the longest token that Parse looks into.
	MaxLen = 256
	// MaxIDLen is the length of the longest id.
	MaxIDLen = 64
	// SecretLen is the length of every secret: 128 bits in base64url.
	SecretLen = 22

	randomLen = 16 // bytes in SecretLen characters
)

// New returns an id or a secret: 128 bits of the system's random generator in
// base64url. Each call returns a string of its own, so that keeping an id does
// not keep a secret in memory.
func New() string {
	var random [randomLen]byte
	rand.Read(random[:]) // never fails: it ends the program instead
	var text [SecretLen]byte
	base64.RawURLEncoding.Encode(text[:], random[:])
	return string(text[:])
}

// ValidID reports whether id can be the public part of a token: 1 to MaxIDLen
// characters of base64url.
func ValidID(id string) bool {
	return 1 <= len(id) && len(id) <= MaxIDLen && isBase64URL(id)
}

func isBase64URL(s string) bool {
	for i := range len(s) {
		if !base64URL[s[i]] {
			return false
		}
	}
	return true
}

// base64URL is the alphabet of RFC 4648, section 5, without padding.
var base64URL = func() (in [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		in[c] = true
	}
	return in
}()

// Digest is what a store keeps of a secret.
type Digest [sha256.Size]byte

// DigestOf returns SHA-256(name, 0, secret). The name binds the secret to one
// kind of session: a token of another kind opens nothing. The name must not
// contain a zero byte.
func DigestOf(name, secret string) Digest {
	var buf [128]byte
	b := append(buf[:0], name...)
	b = append(b, 0)
	b = append(b, secret...)
	return sha256.Sum256(b)
}

// Equal reports whether d and o are the same digest. It takes the same time
// whether they are or not.
func (d Digest) Equal(o Digest) bool {
	return subtle.ConstantTimeCompare(d[:], o[:]) == 1
}

// EachCookie yields the value of each cookie called name in the lines of a
// Cookie header, in the order sent, until yield returns false. Values are taken
// as they are (RFC 6265bis, section 5.7.3), as a token is never quoted.
// EachCookie does not allocate.
func EachCookie(lines []string, name string, yield func(value string) bool) {
	for _, line := range lines {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			key, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
			if ok && key == name && !yield(value) {
				return
			}
		}
	}
}
