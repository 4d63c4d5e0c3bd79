package main

import (
	"cmp"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"sync"
)

// users stands for the application's own database. It has the names of the users,
// and salted hashes of their passwords. The zero value has no users.
type users struct {
	iterations int // of the hash; 0: defaultIterations

	mu   sync.Mutex
	hash map[string][]byte // by name: the salt, and then the hash
}

const (
	saltLen           = 16
	defaultIterations = 600_000 // OWASP Password Storage Cheat Sheet, for PBKDF2-HMAC-SHA256
)

func (u *users) add(name, password string) error {
	if name == "" || len(password) < 8 {
		return errors.New("give a name, and a password of at least eight characters")
	}
	salt := make([]byte, saltLen)
	rand.Read(salt)
	hash, err := u.hashOf(password, salt)
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, taken := u.hash[name]; taken {
		return errors.New("the name is taken")
	}
	if u.hash == nil {
		u.hash = map[string][]byte{}
	}
	u.hash[name] = hash
	return nil
}

// check reports whether the password is right. It takes as long for an unknown name
// as for a known one.
func (u *users) check(name, password string) bool {
	u.mu.Lock()
	stored, ok := u.hash[name]
	u.mu.Unlock()
	if !ok {
		stored = make([]byte, saltLen+sha256.Size)
	}
	hash, err := u.hashOf(password, stored[:saltLen:saltLen])
	return err == nil && subtle.ConstantTimeCompare(hash, stored) == 1 && ok
}

func (u *users) hashOf(password string, salt []byte) ([]byte, error) {
	hash, err := pbkdf2.Key(sha256.New, password, salt, cmp.Or(u.iterations, defaultIterations), sha256.Size)
	return append(salt, hash...), err
}
