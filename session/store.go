package session

import (
	"context"
	"iter"
	"time"
)

// Store keeps records. Its methods are the whole contract: the core never
// holds a lock for a store and never guesses what one did.
//
// All methods may be called at once from any number of goroutines. Each is one
// atomic step: of two Updates of the same version exactly one succeeds.
//
// Every method honours ctx: a canceled one gives an error that is
// [context.Canceled] and nothing else. A store that cannot be reached, or that
// was closed, answers with [ErrUnavailable], never with [ErrNotFound]: the
// difference is what keeps users signed in during an outage. An error that
// carries none of the sentinels below is passed on as it is.
//
// Package storetest checks every clause of this contract.
type Store interface {
	// Load returns the record of id as it was last written. ErrNotFound where
	// there is none, and where it expired: expiry is checked at every read,
	// against the store's own clock, whenever the record may be collected.
	// ErrCorrupt where it cannot be decoded, together with what can be read of
	// it: with its ID, Name and User it can still be deleted.
	Load(ctx context.Context, id string) (Record, error)

	// Create stores r, which was never stored before, as Version 1 whatever
	// r.Version says. ErrExists where the id is taken; a store may answer so
	// also for an expired record that it did not collect yet. It never
	// replaces a record that is live.
	Create(ctx context.Context, r Record) error

	// Update replaces the record of r.ID, only while the stored version is
	// r.Version, and stores it as r.Version+1. Where the stored SeenAt is after
	// that of r, a Touch came in between, which leaves the version: SeenAt then
	// stays as it is stored, and ExpiresAt is the later of both. ErrConflict where the version
	// is another, ErrNotFound where there is no record or it has expired but
	// is still there. It never creates: what was deleted stays deleted.
	Update(ctx context.Context, r Record) error

	// Touch sets SeenAt and ExpiresAt to those of r, each only where that
	// moves it forward, only while the stored version is r.Version. Nothing
	// else of r is looked at and the version stays. ErrConflict and
	// ErrNotFound as in Update.
	Touch(ctx context.Context, r Record) error

	// Delete removes the record of id, only while the stored version is
	// version; 0 stands for any version. ErrConflict if the version is another
	// one, ErrNotFound if there is no record. An expired record that was not
	// collected yet is removed, too; for it a store may answer ErrNotFound.
	Delete(ctx context.Context, id string, version int64) error
}

// Record is one session as a store sees it. A store keeps every field and
// gives it back equal.
//
// The byte slices are immutable once they were handed over, in both
// directions: a store may keep those that it is given, the core may keep those
// that it gets, and nobody writes into them again.
type Record struct {
	ID        string // the public part of the token
	Name      string // kind of session: the configured cookie name
	User      string // whose session it is; "" for nobody
	Version   int64  // 1 after Create, one more after each Update
	CreatedAt time.Time
	SeenAt    time.Time // when it was last saved or touched
	ExpiresAt time.Time // all three: UTC, whole milliseconds
	Format    string    // of Data: the codec's name, or "sealed"
	Meta      []byte    // the core's own, opaque to a store
	Data      []byte    // the application's value, encoded
}

// UserStore is the ability of a store to find the records of a user by an
// index. [New] asks for it once, by type assertion. Without it the Manager's
// calls about users are [errors.ErrUnsupported].
type UserStore interface {
	// ListUser yields the live records of the kind name that have the user, each
	// once, in any order. One that is created, or ends, meanwhile may or may not
	// be among them. One that cannot be decoded comes with [ErrCorrupt] and what
	// can be read of it, its ID at least, and the list goes on. Any other error
	// ends it.
	ListUser(ctx context.Context, name, user string) iter.Seq2[Record, error]

	// DeleteUser deletes the records of the kind name that have the user, all
	// but that of exceptID ("": all), and returns how many there were. Those that
	// were acknowledged before the call are gone when it returns without an error.
	DeleteUser(ctx context.Context, name, user, exceptID string) (int64, error)
}

// StatusStore is the ability of a store to tell when it loses its server and
// when it has it again. [New] asks for it once, by type assertion. While the
// status is not [StatusConnected], requests wait; see Config.ReconnectTimeout.
type StatusStore interface {
	// Watch calls f at once with the present status, before it returns, and
	// then at each change; never two calls at a time, and none after stop has
	// returned. f must not block and must not call stop. stop may be called
	// more than once.
	Watch(f func(Status)) (stop func())
}

// Status is what a [StatusStore] says of its connection.
type Status int

const (
	StatusConnecting   Status = iota // not connected yet
	StatusConnected                  // operations can succeed
	StatusDisconnected               // the connection was lost
)

// String returns the status in lower case.
func (s Status) String() string {
	switch s {
	case StatusConnecting:
		return "connecting"
	case StatusConnected:
		return "connected"
	case StatusDisconnected:
		return "disconnected"
	}
	return "unknown"
}
