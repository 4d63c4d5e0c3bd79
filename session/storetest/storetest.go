// Package storetest checks that a [session.Store] keeps its contract: one case
// for each clause. A store's own test calls [Run]:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) session.Store { return mystore.New() })
//	}
//
// Nothing here waits for time to pass: expiry is checked with records that
// ended in the past, so that the suite also runs against a store whose clock
// is that of a server. Such a clock may differ from this machine's by some
// minutes.
package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/echosession/echosession/session"
)

// T is what a case needs of a test; a [*testing.T] is one. A case calls it on
// the goroutine on which it runs, and nowhere else.
type T interface {
	Helper()
	// Errorf reports a failure; the case goes on.
	Errorf(format string, args ...any)
	// Fatalf reports a failure and ends the case; it must not return.
	Fatalf(format string, args ...any)
	// Context is the parent of what the store is called with.
	Context() context.Context
}

// Case checks one clause of the contract.
type Case struct {
	// Name is unique: the operation, a slash and what is looked at.
	Name string
	// Clause is the sentence of the contract, in its own words.
	Clause string
	// Run checks it on s, which no other case may be using. Ids are random, so
	// that s may hold other records, but for the few of the case "Load/ids".
	// A case about an ability that s does not have passes.
	Run func(t T, s session.Store)
}

// Cases returns all of them, in the order of the contract.
func Cases() []Case {
	return slices.Concat(
		loadCases(), createCases(), updateCases(), touchCases(), deleteCases(),
		contextCases(), sliceCases(), concurrentCases(),
		listUserCases(), listMeanwhileCases(), deleteUserCases(), userConcurrentCases(), statusCases(),
	)
}

// Run runs every case as a subtest of t, one after the other. newStore is
// called for each with the subtest's own t, for its Cleanup, and returns a
// store that is empty or at least in nobody else's use.
func Run(t *testing.T, newStore func(t *testing.T) session.Store) {
	t.Helper()
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) { c.Run(t, newStore(t)) })
	}
}
