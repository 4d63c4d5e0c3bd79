package session

import (
	"context"
	"iter"
	"time"
)

// Store keeps records. The comments here are the whole contract: the core
// relies on nothing else, and it takes no lock to protect a store.
//
// Any number of goroutines may call the methods at once. Each call is one
// atomic step: of several Updates and Deletes of the same version exactly one
// succeeds.
//
// Every method honours ctx: if ctx is canceled, it returns an error that is
// [context.Canceled] and matches no other error of the contract. A store that
// cannot be reached, or that was closed, returns [ErrUnavailable] and never
// [ErrNotFound]: this difference keeps users signed in during an outage. An
// error that matches none of the errors below is passed on unchanged.
//
// Package storetest checks every clause of this contract.
type Store interface {
	// Load returns the record of id as it was last written. It returns
	// ErrNotFound if there is no record of id, or if the record has expired.
	// Expiry is checked at every read, against the store's own clock, no matter
	// when expired records are collected. Load returns ErrCorrupt if the stored
	// record cannot be decoded, together with the fields that can be read: if the
	// ID, the Name and the User are among them, the record can still be deleted.
	Load(ctx context.Context, id string) (Record, error)

	// Create stores r as version 1, no matter what r.Version is. It returns
	// ErrExists if the id is taken. It may also return ErrExists for an expired
	// record that was not collected yet. It never replaces a live record.
	Create(ctx context.Context, r Record) error

	// Update replaces the record of r.ID, but only while the stored version is
	// r.Version, and stores it as r.Version+1. If the stored SeenAt is after
	// r.SeenAt, then a Touch came in between, which does not change the version:
	// SeenAt stays as it is stored, and ExpiresAt becomes the later of the two.
	// Update returns ErrConflict if the stored version is another one. It
	// returns ErrNotFound if there is no record, or if the record has expired.
	// It never creates a record: what was deleted stays deleted.
	Update(ctx context.Context, r Record) error

	// Touch moves SeenAt and ExpiresAt of the record r.ID to r.SeenAt and
	// r.ExpiresAt, each only forward, and only while the stored version is
	// r.Version. It uses no other field of r, and the version stays. It returns
	// ErrConflict and ErrNotFound like Update.
	Touch(ctx context.Context, r Record) error

	// Delete removes the record of id, but only while the stored version is
	// version; version 0 stands for any version. It returns ErrConflict if the
	// stored version is another one, and ErrNotFound if there is no record. For
	// an expired record that was not collected yet, it may also return
	// ErrNotFound; the id is free afterwards in any case.
	Delete(ctx context.Context, id string, version int64) error
}

// Record is one session as a store sees it. A store keeps every field and
// returns it unchanged.
//
// The byte slices are immutable once they have been handed over, in both
// directions: a store may keep the slices that it is given, the core may keep
// the slices that it gets, and neither writes into them again.
type Record struct {
	ID        string // the public part of the token
	Name      string // kind of session: the configured cookie name
	User      string // the user of the session; "" if it is anonymous
	Version   int64  // 1 after Create, one more after each Update
	CreatedAt time.Time
	SeenAt    time.Time // when it was last saved or touched
	ExpiresAt time.Time // all three: UTC, whole milliseconds
	Format    string    // of Data: the codec's name, or "sealed"
	Meta      []byte    // the core's own, opaque to a store
	Data      []byte    // the application's value, encoded
}

// UserStore is the ability of a store to find the records of a user by an
// index. [New] looks for it once, by a type assertion. Without it the methods
// of the Manager that take a user return [errors.ErrUnsupported].
type UserStore interface {
	// ListUser yields the live records of the kind name that belong to user,
	// each once, in any order. A record that is created, or that ends, during
	// the list may or may not be yielded. A record that cannot be decoded is
	// yielded with [ErrCorrupt] and the fields that can be read, at least its
	// ID, and the list goes on. Any other error ends the list.
	ListUser(ctx context.Context, name, user string) iter.Seq2[Record, error]

	// DeleteUser deletes the records of the kind name that belong to user,
	// except the record exceptID ("": no exception), and returns how many live
	// records it deleted. The number may include expired records. Records whose
	// Create or Update was acknowledged before the call are gone when DeleteUser
	// returns without an error.
	DeleteUser(ctx context.Context, name, user, exceptID string) (int64, error)
}

// StatusStore is the ability of a store to report that it lost its server, and
// that it has it again. [New] looks for it once, by a type assertion. While the
// status is not [StatusConnected], requests wait; see Config.ReconnectTimeout.
type StatusStore interface {
	// Watch calls f with the present status before it returns, and then at each
	// change. It never makes two calls at a time, and no call after stop has
	// returned. f must not block and must not call stop. stop may be called
	// more than once.
	Watch(f func(Status)) (stop func())
}

// Status is the state of the connection of a [StatusStore].
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
