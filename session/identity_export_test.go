package session

import "crypto/cipher"

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
