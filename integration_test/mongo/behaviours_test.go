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
	passed := 0
	for _, name := range goTest(t, "ECHOSESSION_TEST_MONGODB_URI="+db.uri, "-run", "^("+strings.Join(livesOverHTTP, "|")+")", "./echoadapter") {
		if strings.Contains(name, "/defer=") {
			passed++
		}
	}
	// Each stores at least one session, unless it ran elsewhere.
	if stored := inserted(t, db) - before; passed == 0 || stored < int64(passed)/2 {
		t.Errorf("%d tests passed, and %d documents were inserted: they did not run on this server", passed, stored)
	}
	figures.add("lives over HTTP, standalone", "%d cases of the adapter's tests passed, failed: %t", passed, t.Failed())
}

// The quickstart keeps its sessions here where a variable says so.
func TestQuickstart(t *testing.T) {
	needOwn(t) // it has a database of a fixed name
	db := newDatabase(t)
	passed := goTest(t, "MONGODB_URI="+db.uri, "./examples/quickstart")
	n, err := db.Client().Database("quickstart").Collection("sessions").CountDocuments(t.Context(), bson.D{})
	must(t, "count", err)
	if len(passed) == 0 || n == 0 {
		t.Errorf("%d tests of the quickstart passed, and %d sessions are stored: they did not run on this server", len(passed), n)
	}
	figures.add("quickstart", "%d of its tests passed, %d sessions stored, failed: %t", len(passed), n, t.Failed())
}

// goTest runs tests of another package with a variable set, and returns the names
// of those that passed. What those that failed said is told.
func goTest(t *testing.T, env string, args ...string) (passed []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"test", "-race", "-count=1", "-json"}, args...)...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), env)
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("go test %s: %v", args[len(args)-1], err)
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
	for _, e := range events {
		switch {
		case e.Action == "output" && failed[e.Test]:
			t.Logf("%s: %s", e.Test, strings.TrimSpace(e.Output))
		case e.Action == "pass" && e.Test != "":
			passed = append(passed, e.Test)
		}
	}
	return passed
}

// inserted counts the documents that the server was ever given.
func inserted(t *testing.T, db database) int64 {
	t.Helper()
	status := admin(t, db.Client(), bson.D{{Key: "serverStatus", Value: 1}})
	return status.Lookup("opcounters", "insert").AsInt64()
}
