package session

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/echosession/echosession/internal/seal"
)

// Config configures one kind of session. The zero value of every field except
// Store is the safe setting. [New] copies it: a later change has no effect.
//
// All functions may be called from several goroutines at once.
type Config[T any] struct {
	// Store keeps the sessions. It is required here; an adapter makes a memory
	// store if it is nil.
	Store Store

	// Cookie says how the client keeps its token. Its Name also separates
	// sessions of different kinds in one store.
	Cookie Cookie

	// New makes the first value of Data. Default: the zero value of T. A session
	// that is still as New made it is not stored; see AllowEmpty.
	New func() T

	// MaxAge is how long a session lives after it was last saved or, with
	// Rolling, used. The store enforces it; the cookie only follows. Default 24h,
	// at most 400 days, because browsers keep no cookie for longer (RFC 6265bis,
	// section 5.5).
	MaxAge time.Duration

	// Rolling makes use extend the session: a request that finds it in the store
	// moves its end, whether or not the handler asks for the session. The cookie
	// is sent again whenever the end moved.
	Rolling bool

	// TouchAfter, with Rolling, extends a session at most this often, because
	// each time is a write. 0: a twenty-fourth of MaxAge; negative: at every
	// request.
	TouchAfter time.Duration

	// AbsoluteTimeout ends a session even if it is used: this long after User
	// last became somebody, or else after CreatedAt. Nothing else moves it, also
	// not signing out (OWASP ASVS 5.0, V7.3.2). 0: none.
	AbsoluteTimeout time.Duration

	// RenewAfter replaces tokens older than this during ordinary requests, if the
	// session is loaded and the response can still carry a cookie. The old token
	// works until RenewGrace after the new one was first presented, because a
	// response can be lost. It extends the session only with Rolling. 0: never.
	RenewAfter time.Duration

	// RenewGrace is how long a token that Renew or a change of User replaced is
	// still recognised. It opens nothing, but a request that was on its way with
	// it does no harm to the session or its cookie. A token that RenewAfter
	// replaced still works, until this long after the new one was first presented.
	// Default 30s.
	RenewGrace time.Duration

	// AllowEmpty also stores new sessions whose Data is still as New made it.
	// Then every robot that calls leaves a record.
	AllowEmpty bool

	// MaxBytes bounds the encoded Data. A save of more is [ErrTooLarge] and stores
	// nothing. Default 64 KiB.
	MaxBytes int

	// ReconnectTimeout is how long a request waits for a [StatusStore] that is
	// connecting or disconnected, counted from the moment when that began. After
	// it requests fail at once with [ErrUnavailable], except for one a second
	// that tries. Default 10s.
	ReconnectTimeout time.Duration

	// Codec encodes Data. Default [JSON].
	Codec Codec

	// SchemaVersion is the version of T. It is stored with every record. What a
	// newer version stored can be read here if it decodes, but a save of it is
	// [ErrSchema].
	SchemaVersion int

	// Migrate makes a T of what an older SchemaVersion stored: from is that
	// version, and data is what its codec made. The same data must give the same
	// value. Default: the codec decodes it.
	Migrate func(from int, data []byte) (T, error)

	// SigningKeys sign the tokens with HMAC-SHA-256. Each has at least 32 bytes;
	// the first one signs, all verify. A forged token never reaches the store. A
	// token without a signature is then unknown, and so is a signed token without
	// keys.
	SigningKeys [][]byte

	// EncryptionKeys seal Data in the store (XAES-256-GCM). Each has 32 bytes; the
	// first one seals, all open. Records that were stored before there were keys
	// can be read, and are sealed when they are next saved or extended. A sealed
	// record whose key is missing is [ErrCorrupt].
	EncryptionKeys [][]byte

	// User returns whose session it is, or "" for an anonymous one. It is indexed,
	// so that the sessions of a user can be listed and deleted. When it changes,
	// the token is renewed as by Renew. It must depend on the value alone.
	User func(*T) string

	// Merge reconciles a change with one that another request saved meanwhile.
	// base is what both started from. It may be called several times for one
	// save, and may keep and change what it is given. Its error fails the save.
	// Default: field by field and map key by map key; if both sides changed one,
	// mine stays and [EventConflict] is observed.
	Merge func(base, mine, theirs *T) (T, error)

	// NewID makes the public part of a token: 1 to 64 of A-Za-z0-9_-. The secret
	// part is always the library's own. NewID must never return an id again, even
	// if its session has ended: a slow request could take the new session for its
	// own. It is called again if the id is taken. Its context carries no session.
	// Default: 128 random bits.
	NewID func(ctx context.Context) (string, error)

	// Observe is called when something happens to a session, for logs, metrics and
	// audits. It must not block or call Close. Its context carries no session.
	Observe func(context.Context, Event)
}

const (
	defaultMaxAge           = 24 * time.Hour
	defaultMaxBytes         = 64 << 10
	defaultReconnectTimeout = 10 * time.Second
	defaultRenewGrace       = 30 * time.Second
	maxTimeout              = 876_000 * time.Hour
	maxSchema               = 1<<31 - 1
	minSigningKey           = 32
	touchesPerAge           = 24

	// maxCookieAge is the longest Max-Age that browsers keep.
	maxCookieAge = 400 * 24 * time.Hour
)

// compile returns cfg with its defaults, or all its problems.
func (cfg Config[T]) compile() (Config[T], error) {
	var problems []error
	refuse := func(field string, value any, reason string) {
		problems = append(problems, &ConfigError{Field: field, Value: value, Reason: reason})
	}

	if cfg.Store == nil {
		refuse("Store", nil, "is missing: give it a memstore.New or another store")
	}
	cfg.Cookie = cfg.Cookie.withDefaults()
	cfg.Cookie.check(refuse)

	if cfg.MaxAge < 0 || cfg.MaxAge > maxCookieAge {
		refuse("MaxAge", cfg.MaxAge, "must be between 0 (24h) and 9600h, 400 days: browsers keep no cookie for longer")
	}
	cfg.MaxAge = wholeMillis(cmp.Or(cfg.MaxAge, defaultMaxAge))
	if cfg.Rolling && cfg.MaxAge > 0 && cfg.TouchAfter >= cfg.MaxAge {
		refuse("TouchAfter", cfg.TouchAfter, "must be shorter than MaxAge, or sessions end before they are extended")
	}
	cfg.TouchAfter = cmp.Or(cfg.TouchAfter, cfg.MaxAge/touchesPerAge)
	if cfg.MaxBytes < 0 {
		refuse("MaxBytes", cfg.MaxBytes, "must not be negative: 0 is 64 KiB")
	}
	cfg.MaxBytes = cmp.Or(cfg.MaxBytes, defaultMaxBytes)
	if cfg.ReconnectTimeout < 0 {
		refuse("ReconnectTimeout", cfg.ReconnectTimeout, "must not be negative: 0 is 10s, 1ns means no wait")
	}
	cfg.ReconnectTimeout = cmp.Or(cfg.ReconnectTimeout, defaultReconnectTimeout)

	for _, timeout := range []struct {
		field string
		d     time.Duration
	}{{"AbsoluteTimeout", cfg.AbsoluteTimeout}, {"RenewAfter", cfg.RenewAfter}, {"RenewGrace", cfg.RenewGrace}} {
		if timeout.d < 0 || timeout.d > maxTimeout {
			refuse(timeout.field, timeout.d, "must not be negative, nor more than 876000h, a hundred years")
		}
	}
	cfg.AbsoluteTimeout = wholeMillis(cfg.AbsoluteTimeout)
	cfg.RenewGrace = wholeMillis(cmp.Or(cfg.RenewGrace, defaultRenewGrace))
	if cfg.SchemaVersion < 0 || cfg.SchemaVersion > maxSchema {
		refuse("SchemaVersion", cfg.SchemaVersion, "must be between 0 and 2147483647")
	}
	cfg.checkKeys(refuse)

	if cfg.Codec == nil {
		cfg.Codec = JSON()
	}
	if name := cfg.Codec.Name(); name == "" || name == "sealed" {
		refuse("Codec", name, `must have a name of its own, other than "sealed"`)
	}
	if cfg.New == nil {
		cfg.New = func() (zero T) { return zero }
	}
	if reasons := typeRulesOf(cfg.Codec).CheckType(reflect.TypeFor[T]()); len(reasons) > 0 {
		for _, reason := range reasons {
			refuse("T", reflect.TypeFor[T]().String(), reason)
		}
	} else if err := roundTrip(cfg.Codec, cfg.New()); err != nil {
		refuse("T", reflect.TypeFor[T]().String(), fmt.Sprintf("cannot be stored by the %s codec: %v", cfg.Codec.Name(), err))
	}
	return cfg, errors.Join(problems...)
}

// checkKeys refuses keys of the wrong length, and copies the others.
func (cfg *Config[T]) checkKeys(refuse func(field string, value any, reason string)) {
	cfg.SigningKeys = slices.Clone(cfg.SigningKeys)
	for i, key := range cfg.SigningKeys {
		if len(key) < minSigningKey {
			refuse(fmt.Sprintf("SigningKeys[%d]", i), nil, fmt.Sprintf("has %d bytes: make one of at least %d by crypto/rand", len(key), minSigningKey))
		}
		cfg.SigningKeys[i] = bytes.Clone(key)
	}
	cfg.EncryptionKeys = slices.Clone(cfg.EncryptionKeys)
	for i, key := range cfg.EncryptionKeys {
		if len(key) != seal.KeyLen {
			refuse(fmt.Sprintf("EncryptionKeys[%d]", i), nil, fmt.Sprintf("has %d bytes: make one of exactly %d by crypto/rand", len(key), seal.KeyLen))
		}
		cfg.EncryptionKeys[i] = bytes.Clone(key)
	}
}

// wholeMillis rounds up, because records have whole milliseconds.
func wholeMillis(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}

// roundTrip finds what the type does not show: a value that the codec refuses.
func roundTrip[T any](codec Codec, first T) error {
	for _, v := range []*T{new(T), &first} {
		data, err := codec.Marshal(v)
		if err != nil {
			return err
		}
		if err := codec.Unmarshal(data, new(T)); err != nil {
			return err
		}
	}
	return nil
}
