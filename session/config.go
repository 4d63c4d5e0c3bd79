package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"
)

// Config is what an application says of one kind of session. The zero value of
// every field but Store is the safe setting. [New] copies it: changing it
// afterwards has no effect.
type Config[T any] struct {
	// Store keeps the sessions. Required here; an adapter makes a memory store
	// where it is nil.
	Store Store

	// Cookie says how the client keeps its token. Its Name also separates
	// sessions of different kinds in one store.
	Cookie Cookie

	// New makes the first value of Data. Default: the zero value of T. It may
	// be called from several goroutines at once. A session that is still as New
	// made it is not stored; see AllowEmpty.
	New func() T

	// MaxAge is how long a session lives after it was last saved or, with
	// Rolling, used. It is the store's time that counts, the cookie only goes
	// with it. Default 24h, at most 400 days, where browsers cut it off
	// (RFC 6265bis, section 5.5).
	MaxAge time.Duration

	// Rolling makes use extend the session: a request that finds it in the
	// store, asked for or not, moves its end. The cookie goes out again
	// whenever the end moved.
	Rolling bool

	// TouchAfter, with Rolling, extends at most this often, because each time
	// is a write. 0: a twenty-fourth of MaxAge; negative: at every request.
	TouchAfter time.Duration

	// AllowEmpty also stores new sessions whose Data is still as New made it.
	// Every robot that calls then leaves a record.
	AllowEmpty bool

	// MaxBytes bounds the encoded Data; beyond it a save is [ErrTooLarge] and
	// nothing is stored. Default 64 KiB.
	MaxBytes int

	// ReconnectTimeout is how long a request waits for a store that tells that
	// it is connecting or disconnected, counted from the moment when that
	// began; then requests fail at once with [ErrUnavailable], but for one a
	// second that tries. Default 10s. See [StatusStore].
	ReconnectTimeout time.Duration

	// Codec encodes Data. Default [JSON].
	Codec Codec

	// Merge reconciles a change with one that another request saved meanwhile.
	// base is what both started from. It may be called several times for one
	// save, and from several goroutines for several sessions; an error of it
	// fails the save. What it is given is nobody else's. Default: field by
	// field and map key by map key; where both sides changed one, mine stays
	// and [EventConflict] is observed.
	Merge func(base, mine, theirs *T) (T, error)

	// NewID makes the public part of a token: 1 to 64 of A-Za-z0-9_-. The
	// secret part is always the library's own. It is asked again where the id
	// is taken, and may be called from several goroutines at once. Default: 128
	// random bits.
	NewID func(ctx context.Context) (string, error)

	// Observe is told what happens to sessions, for logs, metrics and audits.
	// It is called from many goroutines at once and must not block.
	Observe func(context.Context, Event)
}

const (
	defaultMaxAge           = 24 * time.Hour
	defaultMaxBytes         = 64 << 10
	defaultReconnectTimeout = 10 * time.Second
	touchesPerAge           = 24

	// maxCookieAge is where browsers cut a cookie's Max-Age.
	maxCookieAge = 400 * 24 * time.Hour
)

// compile returns cfg with its defaults, or all that is wrong with it.
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
		refuse("ReconnectTimeout", cfg.ReconnectTimeout, "must not be negative: 0 is 10s, 1ns is not to wait")
	}
	cfg.ReconnectTimeout = cmp.Or(cfg.ReconnectTimeout, defaultReconnectTimeout)

	if cfg.Codec == nil {
		cfg.Codec = JSON()
	}
	if name := cfg.Codec.Name(); name == "" || name == "sealed" {
		refuse("Codec", name, `must have a name of its own, other than "sealed"`)
	}
	if cfg.New == nil {
		cfg.New = func() (zero T) { return zero }
	}
	if reasons := checkShape(reflect.TypeFor[T](), cfg.Codec.Name()); len(reasons) > 0 {
		for _, reason := range reasons {
			refuse("T", reflect.TypeFor[T]().String(), reason)
		}
	} else if err := roundTrip(cfg.Codec, cfg.New()); err != nil {
		refuse("T", reflect.TypeFor[T]().String(), fmt.Sprintf("cannot be stored by the %s codec: %v", cfg.Codec.Name(), err))
	}
	return cfg, errors.Join(problems...)
}

// wholeMillis rounds up, for records keep whole milliseconds.
func wholeMillis(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}

// roundTrip finds what no look at the type can: a value that the codec refuses.
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
