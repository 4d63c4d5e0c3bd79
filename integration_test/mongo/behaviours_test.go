package mongo_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/echosession/echosession/internal/adaptertest"
	"github.com/echosession/echosession/internal/adaptertest/echo4"
	"github.com/echosession/echosession/mongostore"
)

// What the adapter's suite shows with memstore holds with this store as well:
// whole lives of sessions, as a browser sees them.
func TestLivesOverHTTP(t *testing.T) {
	db := newDatabase(t)
	before := inserted(t, db)
	var stores atomic.Int64
	t.Run("suite", func(t *testing.T) {
		h := echo4.Harness()
		h.Backend = func(t *testing.T) adaptertest.Backend {
			coll := db.Collection(rand.Text())
			s, err := mongostore.New(t.Context(), coll, mongostore.Options{})
			must(t, "mongostore.New", err)
			t.Cleanup(func() { must(t, "Close", s.Close()) })
			stores.Add(1)
			return backend{s, coll}
		}
		adaptertest.RunLives(t, h)
	})
	// Nearly each test stores a session.
	if stored := inserted(t, db) - before; stores.Load() == 0 || stored < stores.Load()/2 {
		t.Errorf("%d stores were made, and %d documents inserted: the tests did not run on this server", stores.Load(), stored)
	}
	figures.add("lives over HTTP, standalone", "%d programs of the adapters' suite, failed: %t", stores.Load(), t.Failed())
}

// backend is a store whose documents can be made older.
type backend struct {
	*mongostore.Store
	coll *mongo.Collection
}

func (b backend) Live(t *testing.T) int {
	t.Helper()
	n, err := b.coll.CountDocuments(t.Context(), bson.D{{Key: "expires", Value: bson.D{{Key: "$gt", Value: time.Now()}}}})
	must(t, "count", err)
	return int(n)
}

// Age takes d from all times of the documents. Those in meta stay.
func (b backend) Age(t *testing.T, d time.Duration) {
	t.Helper()
	older := bson.D{}
	for _, field := range []string{"created", "seen", "expires"} {
		older = append(older, bson.E{Key: field, Value: bson.D{{Key: "$subtract", Value: bson.A{"$" + field, d.Milliseconds()}}}})
	}
	_, err := b.coll.UpdateMany(t.Context(), bson.D{}, mongo.Pipeline{{{Key: "$set", Value: older}}})
	must(t, "making documents older", err)
}

// Precision leaves time for the test itself, during which the clock goes on.
func (b backend) Precision() time.Duration { return 20 * time.Second }

// The quickstart keeps its sessions here if a variable says so.
func TestQuickstart(t *testing.T) {
	needOwn(t) // it has a database of a fixed name
	db := newDatabase(t)
	passed := goTest(t, "MONGODB_URI="+db.uri, "./examples/quickstart")
	n, err := db.Client().Database("quickstart").Collection(mongostore.DefaultCollection).CountDocuments(t.Context(), bson.D{})
	must(t, "count", err)
	if len(passed) == 0 || n == 0 {
		t.Errorf("%d tests of the quickstart passed, and %d sessions are stored: they did not run on this server", len(passed), n)
	}
	figures.add("quickstart", "%d of its tests passed, %d sessions stored, failed: %t", len(passed), n, t.Failed())
}

// goTest runs tests of another package with a variable set, and returns the names
// of those that passed. It logs what the failed ones wrote.
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
