// Package storetest checks that a [session.Store] keeps its contract, with one
// case for each clause. The test of a store calls [Run]:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) session.Store { return mystore.New() })
//	}
//
// No case waits for time to pass: the cases about expiry use records that ended
// in the past. So the suite also runs against a store that goes by the clock of
// a server, even if that clock differs from this machine's by some minutes.
package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/echosession/echosession/session"
)

// T is what a case needs from a test; a [*testing.T] is one. A case calls its
// methods only on the goroutine that runs the case.
//
// A T may also have the method Skip(args ...any), as a [*testing.T] has it. A
// case about an ability that the store lacks calls Skip with the reason. If
// there is no such method, the case passes.
type T interface {
	Helper()
	// Errorf reports a failure; the case goes on.
	Errorf(format string, args ...any)
	// Fatalf reports a failure and ends the case; it must not return.
	Fatalf(format string, args ...any)
	// Context is the parent of the contexts that the store is called with.
	Context() context.Context
}

// Case checks one clause of the contract.
type Case struct {
	// Name is unique. It has the form operation, slash, subject.
	Name string
	// Clause is the text of the contract that the case checks.
	Clause string
	// Run checks the clause on s. No other case may use s at the same time. The
	// case uses random ids, so that s may hold other records; only the case
	// "Load/ids" uses a few fixed ids.
	Run func(t T, s session.Store)
}

// Cases returns all cases, in the order of the contract.
func Cases() []Case {
	return slices.Concat(loadCases, createCases, updateCases, touchCases, deleteCases,
		generalCases, concurrentCases, listUserCases, deleteUserCases, statusCases)
}

// Run runs every case as a subtest of t, one after the other. It calls newStore
// for each case with the t of the subtest, so that newStore can register a
// Cleanup. The store must not be in use by anything else; it need not be empty.
// The cases about an ability that the store lacks are skipped.
func Run(t *testing.T, newStore func(t *testing.T) session.Store) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) { c.Run(t, newStore(t)) })
	}
}
