package session

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"time"
	"unicode/utf8"

	json "github.com/go-json-experiment/json"
)

// KV is the interface of caches and of older session stores: get, set and
// delete. [FromKV] calls its methods from many goroutines at once, but it never
// makes two calls at once that write the same key.
//
// Values are immutable in both directions: neither side writes into a value
// that has been handed over. Every method honours ctx. If the server cannot be
// reached, a method returns [ErrUnavailable], never [ErrNotFound].
type KV interface {
	// Get returns the value of key as it was last set. It returns ErrNotFound if
	// there is no value, or if its ttl is over.
	Get(ctx context.Context, key string) ([]byte, error)

	// Set stores value, whether key has a value already or not. The value may be
	// dropped after ttl, which is positive, and must not be dropped earlier: a
	// server that counts in seconds must round ttl up.
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error

	// Delete removes key. If key is absent, it returns nil or ErrNotFound.
	Delete(ctx context.Context, key string) error
}

// FromKV makes a [Store] of kv. The keys are the session ids. The Store is a
// [StatusStore] if kv is one, and it is no [UserStore]. Each value is a JSON
// object that an operator can read, with Data as a string if it is text. Any
// other value is [ErrCorrupt]: the Store never changes it, and only a Delete with
// version 0 removes it.
//
// A KV cannot compare the stored version when it writes. So the Store compares
// it before, and lets only one goroutine at a time write a key. This works
// within one process and with one FromKV of the same kv. If two processes
// change a session at once, the last write wins. If one process deletes a
// session while another one updates it, the session can come back: a log-out
// can be undone. If several processes share their sessions, use a store that
// keeps the whole contract of Store.
func FromKV(kv KV) Store {
	s := &kvStore{kv: kv, seed: maphash.MakeSeed()}
	for i := range s.locks {
		s.locks[i] = make(chan struct{}, 1)
	}
	if status, ok := kv.(StatusStore); ok {
		return kvStatusStore{s, status}
	}
	return s
}

type kvStore struct {
	kv    KV
	seed  maphash.Seed
	locks [64]chan struct{} // by hash of the key; full while a key is being written
}

type kvStatusStore struct {
	*kvStore
	StatusStore
}

func (s *kvStore) Load(ctx context.Context, id string) (Record, error) {
	r, err := s.get(ctx, id)
	if err != nil {
		return Record{}, fmt.Errorf("session: kv: load: %w", err)
	}
	return r, nil
}

func (s *kvStore) Create(ctx context.Context, r Record) error {
	return s.locked(ctx, "create", r.ID, func() error {
		switch _, err := s.get(ctx, r.ID); {
		case err == nil:
			return ErrExists
		case !errors.Is(err, ErrNotFound):
			return err
		}
		r.Version = 1
		return s.set(ctx, r)
	})
}

func (s *kvStore) Update(ctx context.Context, r Record) error {
	return s.locked(ctx, "update", r.ID, func() error {
		stored, err := s.getVersion(ctx, r)
		if err != nil {
			return err
		}
		if stored.SeenAt.After(r.SeenAt) { // touched since r was loaded
			r.SeenAt, r.ExpiresAt = stored.SeenAt, later(stored.ExpiresAt, r.ExpiresAt)
		}
		r.Version++
		return s.set(ctx, r)
	})
}

func (s *kvStore) Touch(ctx context.Context, r Record) error {
	return s.locked(ctx, "touch", r.ID, func() error {
		stored, err := s.getVersion(ctx, r)
		seen, expires := later(stored.SeenAt, r.SeenAt), later(stored.ExpiresAt, r.ExpiresAt)
		if err != nil || seen.Equal(stored.SeenAt) && expires.Equal(stored.ExpiresAt) {
			return err
		}
		stored.SeenAt, stored.ExpiresAt = seen, expires
		return s.set(ctx, stored)
	})
}

func (s *kvStore) Delete(ctx context.Context, id string, version int64) error {
	return s.locked(ctx, "delete", id, func() error {
		stored, err := s.get(ctx, id)
		switch {
		case version == 0 && errors.Is(err, ErrCorrupt):
		case err != nil:
			return err
		case version != 0 && version != stored.Version:
			return ErrConflict
		}
		return s.kv.Delete(ctx, id)
	})
}

// locked calls f while no other goroutine writes id. It adds the operation to
// the error.
func (s *kvStore) locked(ctx context.Context, op, id string, f func() error) error {
	lock := s.locks[maphash.String(s.seed, id)%uint64(len(s.locks))]
	var err error
	select {
	case lock <- struct{}{}: // possible even if ctx is canceled: get finds out
		defer func() { <-lock }()
		err = f()
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("session: kv: %s: %w", op, err)
	}
	return nil
}

// getVersion returns the live record of r.ID, or ErrConflict if its version is
// not r.Version.
func (s *kvStore) getVersion(ctx context.Context, r Record) (Record, error) {
	stored, err := s.get(ctx, r.ID)
	if err == nil && stored.Version != r.Version {
		err = ErrConflict
	}
	return stored, err
}

// get returns the live record of id.
func (s *kvStore) get(ctx context.Context, id string) (Record, error) {
	if err := ctx.Err(); err != nil { // kv may ignore it
		return Record{}, err
	}
	value, err := s.kv.Get(ctx, id)
	if err != nil {
		return Record{}, err
	}
	var stored kvRecord
	err = json.Unmarshal(value, &stored)
	switch {
	case err != nil || stored.ID != id || stored.Version < 1 || stored.ExpiresAt.IsZero():
		// The cause is dropped, because it may quote the value.
		return Record{}, fmt.Errorf("%w: the value is not a JSON object with its id, a version and an end", ErrCorrupt)
	case !time.Now().Before(stored.ExpiresAt):
		return Record{}, ErrNotFound
	}
	return stored.record(), nil
}

// set stores r until it expires. Requires the lock of r.ID.
func (s *kvStore) set(ctx context.Context, r Record) error {
	ttl := time.Until(r.ExpiresAt)
	if ttl <= 0 {
		if err := s.kv.Delete(ctx, r.ID); !errors.Is(err, ErrNotFound) {
			return err
		}
		return nil
	}
	value, err := json.Marshal(newKVRecord(r))
	if err != nil {
		return err
	}
	return s.kv.Set(ctx, r.ID, value, ttl)
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// kvRecord is a [Record] as it is stored.
type kvRecord struct {
	ID        string    `json:"id"`
	Name      kvText    `json:"name"`
	User      kvText    `json:"user,omitzero"`
	Version   int64     `json:"version"`
	CreatedAt time.Time `json:"created"`
	SeenAt    time.Time `json:"seen"`
	ExpiresAt time.Time `json:"expires"`
	Format    kvText    `json:"format"`
	Meta      []byte    `json:"meta,omitzero"` // base64
	Data      kvText    `json:"data,omitzero"`
}

func newKVRecord(r Record) kvRecord {
	return kvRecord{
		r.ID, kvText(r.Name), kvText(r.User), r.Version, r.CreatedAt.UTC(), r.SeenAt.UTC(), r.ExpiresAt.UTC(),
		kvText(r.Format), r.Meta, kvText(r.Data),
	}
}

func (k *kvRecord) record() Record {
	return Record{
		k.ID, string(k.Name), string(k.User), k.Version, k.CreatedAt.UTC(), k.SeenAt.UTC(), k.ExpiresAt.UTC(),
		string(k.Format), k.Meta, []byte(k.Data),
	}
}

// kvText is written as a JSON string without losing a byte. Text stays as it
// is. Bytes that are not valid UTF-8, and text that begins with kvBinary, are
// written in base64 after kvBinary.
type kvText string

const kvBinary = "base64:"

func (t kvText) MarshalText() ([]byte, error) {
	if utf8.ValidString(string(t)) && !strings.HasPrefix(string(t), kvBinary) {
		return []byte(t), nil
	}
	return base64.StdEncoding.AppendEncode([]byte(kvBinary), []byte(t)), nil
}

func (t *kvText) UnmarshalText(text []byte) error {
	if !bytes.HasPrefix(text, []byte(kvBinary)) {
		*t = kvText(text)
		return nil
	}
	plain, err := base64.StdEncoding.DecodeString(string(text[len(kvBinary):]))
	*t = kvText(plain)
	return err
}
