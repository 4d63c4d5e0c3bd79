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

// KV is the get, set and delete of older session stores and of caches. Its
// methods are called from many goroutines at once, but those that write one
// key never at the same time by one [FromKV].
//
// Values are immutable in both directions: nobody writes into them once they
// were handed over. Every method honours ctx. A server that cannot be reached
// is [ErrUnavailable], never [ErrNotFound].
type KV interface {
	// Get returns the value of key as it was last set. ErrNotFound where there
	// is none, and where its time has run out.
	Get(ctx context.Context, key string) ([]byte, error)

	// Set stores value, whether key has one already or not. It may be forgotten
	// after ttl and must not be before, so that a store which counts in
	// seconds rounds up. ttl is positive.
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error

	// Delete removes key. One that is absent is not an error, or ErrNotFound.
	Delete(ctx context.Context, key string) error
}

// FromKV makes a [Store] of kv; keys are the ids. It is a [StatusStore] if kv
// is one. What is stored is one JSON object that an operator can read, with
// Data as a string where it is text. A value that is not such an object is
// [ErrCorrupt] and is left as it is.
//
// A KV cannot compare before it writes. So the Store does, one writer of a key
// at a time, and its versions hold within one process, and for one FromKV of
// that kv: of two processes that change the same session at once the last one
// wins, and a session that one of them deletes can come back by an update that
// the other has begun: a log-out can be undone. Where several processes share
// their sessions, use a store that has Store's contract itself.
func FromKV(kv KV) Store {
	s := &kvStore{kv: kv, seed: maphash.MakeSeed()}
	for i := range s.writing {
		s.writing[i] = make(chan struct{}, 1)
	}
	if status, ok := kv.(StatusStore); ok {
		return kvStatusStore{s, status}
	}
	return s
}

type kvStore struct {
	kv      KV
	seed    maphash.Seed
	writing [64]chan struct{} // full while a key of that hash is being written
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
	return s.write(ctx, "create", r.ID, func() error {
		_, err := s.get(ctx, r.ID)
		if err == nil {
			return ErrExists
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		r.Version = 1
		return s.set(ctx, r)
	})
}

func (s *kvStore) Update(ctx context.Context, r Record) error {
	return s.write(ctx, "update", r.ID, func() error {
		stored, err := s.getVersion(ctx, r)
		if err != nil {
			return err
		}
		if stored.SeenAt.After(r.SeenAt) {
			r.SeenAt = stored.SeenAt
			if stored.ExpiresAt.After(r.ExpiresAt) {
				r.ExpiresAt = stored.ExpiresAt
			}
		}
		r.Version++
		return s.set(ctx, r)
	})
}

func (s *kvStore) Touch(ctx context.Context, r Record) error {
	return s.write(ctx, "touch", r.ID, func() error {
		stored, err := s.getVersion(ctx, r)
		if err != nil {
			return err
		}
		seen, ends := r.SeenAt.After(stored.SeenAt), r.ExpiresAt.After(stored.ExpiresAt)
		if !seen && !ends {
			return nil
		}
		if seen {
			stored.SeenAt = r.SeenAt
		}
		if ends {
			stored.ExpiresAt = r.ExpiresAt
		}
		return s.set(ctx, stored)
	})
}

func (s *kvStore) Delete(ctx context.Context, id string, version int64) error {
	return s.write(ctx, "delete", id, func() error {
		stored, err := s.get(ctx, id)
		switch {
		case errors.Is(err, ErrCorrupt) && version == 0:
		case err != nil:
			return err
		case version != 0 && stored.Version != version:
			return ErrConflict
		}
		return s.delete(ctx, id)
	})
}

// write calls f while nobody else writes id.
func (s *kvStore) write(ctx context.Context, op, id string, f func() error) error {
	writing := s.writing[maphash.String(s.seed, id)%uint64(len(s.writing))]
	err := ctx.Err() // the select below may overlook it
	if err == nil {
		select {
		case writing <- struct{}{}:
			defer func() { <-writing }()
			err = f()
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		return fmt.Errorf("session: kv: %s: %w", op, err)
	}
	return nil
}

func (s *kvStore) getVersion(ctx context.Context, r Record) (Record, error) {
	stored, err := s.get(ctx, r.ID)
	if err == nil && stored.Version != r.Version {
		err = ErrConflict
	}
	return stored, err
}

func (s *kvStore) get(ctx context.Context, id string) (Record, error) {
	if err := ctx.Err(); err != nil { // whether kv looks at it or not
		return Record{}, err
	}
	value, err := s.kv.Get(ctx, id)
	if err != nil {
		return Record{}, err
	}
	var stored kvRecord
	if err := json.Unmarshal(value, &stored); err != nil {
		// The cause may quote what is stored, and so is not passed on.
		return Record{}, fmt.Errorf("%w: not a JSON object as it is written here", ErrCorrupt)
	}
	r := stored.record()
	if r.ID != id || r.Version < 1 || r.ExpiresAt.IsZero() {
		return Record{}, fmt.Errorf("%w: without its id, its version or its end", ErrCorrupt)
	}
	if !time.Now().Before(r.ExpiresAt) {
		return Record{}, ErrNotFound
	}
	return r, nil
}

// set stores r for the rest of its life. Requires the place in writing.
func (s *kvStore) set(ctx context.Context, r Record) error {
	ttl := time.Until(r.ExpiresAt)
	if ttl <= 0 {
		return s.delete(ctx, r.ID)
	}
	value, err := json.Marshal(newKVRecord(r))
	if err != nil {
		return err
	}
	return s.kv.Set(ctx, r.ID, value, ttl)
}

// delete requires the place in writing.
func (s *kvStore) delete(ctx context.Context, id string) error {
	if err := s.kv.Delete(ctx, id); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
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

// kvText is a JSON string; what is not valid UTF-8 follows kvBinary in base64,
// and so does text that begins like that. No byte is lost.
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
