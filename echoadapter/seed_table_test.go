package echoadapter_test

import (
	"fmt"
	"slices"
	"testing"
)

// behaviour is something that sessions do whether they are loaded before the
// handler or when it asks for them.
type behaviour struct {
	name string
	run  func(t *testing.T, deferred bool)
}

// What the middleware that this one succeeds did, and its users rely on: its
// life cycle and its test suite.
func TestBehavioursOfTheSeed(t *testing.T) {
	t.Parallel()
	table := slices.Concat(
		countingBehaviours,
		identityBehaviours,
		regenerateBehaviours,
		removalBehaviours,
		overrideBehaviours,
		savingBehaviours,
		failureBehaviours,
		loadFailureBehaviours,
		cookieBehaviours,
		scopeBehaviours,
		lifetimeBehaviours,
		rollingBehaviours,
		statusBehaviours,
	)
	for _, deferred := range []bool{false, true} {
		t.Run(fmt.Sprintf("defer=%t", deferred), func(t *testing.T) {
			t.Parallel()
			for _, b := range table {
				t.Run(b.name, func(t *testing.T) {
					t.Parallel()
					b.run(t, deferred)
				})
			}
		})
	}
}
