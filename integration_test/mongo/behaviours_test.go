package mongo_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// livesOverHTTP are the tests of the adapter that go through whole lives of
// sessions, by a browser's eyes. They run on whatever server they are told.
var livesOverHTTP = []string{
	"TestBehavioursOfTheSeed",
	"TestConcurrentUpdatesAddUp",
	"TestDestroyIsSeenThroughAReloadFromTheStore",
	"TestIDFromTheClientIsNeverAdopted",
	"TestMutators",
	"TestOldTokenAfterALogIn",
	"TestOverlapping",
	"TestPublicIDEndsASession",
	"TestReadingLeavesNoRecordForARobot",
	"TestRegenerateWithEqualContentIsStored",
	"TestRequestWithAReplacedToken",
	"TestSaveAfterAnothersDestroyIsErrGone",
	"TestSlow",
	"TestStoreHasNoUsableToken",
}

// What the adapter's own tests show on memstore holds on this store as well.
func TestLivesOverHTTP(t *testing.T) {
	db := newDatabase(t)
	before := inserted(t, db)
	cmd := exec.CommandContext(t.Context(), "go", "test", "-race", "-count=1", "-json",
		"-run", "^("+strings.Join(livesOverHTTP, "|")+")", "./echoadapter")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "ECHOSESSION_TEST_MONGODB_URI="+db.uri)
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("the tests of echoadapter: %v", err)
	}
	type event struct{ Action, Test, Output string }
	var events []event
	failed := map[string]bool{} // "" for what belongs to no test
	for line := range bytes.Lines(out) {
		var e event
		if json.Unmarshal(line, &e) == nil {
			events = append(events, e)
			failed[e.Test] = failed[e.Test] || e.Action == "fail"
		}
	}
	passed := 0
	for _, e := range events {
		switch {
		case e.Action == "output" && failed[e.Test]:
			t.Logf("%s: %s", e.Test, strings.TrimSpace(e.Output))
		case e.Action == "pass" && strings.Contains(e.Test, "/defer="):
			passed++
		}
	}
	// Each stores at least one session, unless it ran elsewhere.
	if stored := inserted(t, db) - before; passed == 0 || stored < int64(passed)/2 {
		t.Errorf("%d tests passed, and %d documents were inserted: they did not run on this server", passed, stored)
	}
	figures.add("lives over HTTP, standalone", "%d cases of the adapter's tests passed, failed: %t", passed, t.Failed())
}

// inserted counts the documents that the server was ever given.
func inserted(t *testing.T, db database) int64 {
	t.Helper()
	status := admin(t, db.Client(), bson.D{{Key: "serverStatus", Value: 1}})
	return status.Lookup("opcounters", "insert").AsInt64()
}
