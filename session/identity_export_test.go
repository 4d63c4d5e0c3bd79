package session

import "crypto/cipher"

// What the tests of identity need of the inside.
var ParseToken = parseToken

// CookieValues are the values of the cookies called name, in the order sent.
func CookieValues(lines []string, name string) (values []string) {
	eachValue(lines, name, func(v string) bool {
		values = append(values, v)
		return true
	})
	return values
}

// SignToken signs as m would.
func SignToken[T any](m *Manager[T], token string) string { return m.signer.sign(token) }

// VerifyToken is the opposite of SignToken.
func VerifyToken[T any](m *Manager[T], signed string) (token string, ok bool) {
	return m.signer.verify(signed)
}

// XAES is the AEAD for a nonce of 24 bytes, of which it takes the last 12.
func XAES(key, nonce []byte) cipher.AEAD { return newSealer([][]byte{key}).keys[0].aead(nonce) }

// RecodeMeta decodes and encodes meta data.
func RecodeMeta(b []byte) ([]byte, error) {
	var m meta
	if err := m.decode(b); err != nil {
		return nil, err
	}
	return m.encode(), nil
}
