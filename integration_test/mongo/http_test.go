package mongo_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/internal/adaptertest"
	"github.com/echosession/echosession/internal/adaptertest/echo4"
	"github.com/echosession/echosession/mongostore"
	"github.com/echosession/echosession/session"
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

// The tests of the quickstart pass on this store.
func TestQuickstart(t *testing.T) {
	needOwn(t) // the quickstart has a fixed database
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
// of those that passed. It logs the output of those that failed.
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
	failed := map[string]bool{} // by test; "" for the package
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

// inserted returns how many documents were inserted since the server started.
func inserted(t *testing.T, db database) int64 {
	t.Helper()
	status := admin(t, db.Client(), bson.D{{Key: "serverStatus", Value: 1}})
	return status.Lookup("opcounters", "insert").AsInt64()
}

// A request that changes its session or logs out costs two commands, one that
// reads it costs one, and one without a cookie costs none.
func TestCommandsOfRequests(t *testing.T) {
	db := newDatabase(t)
	var log commandLog
	coll := connect(t, options.Client().ApplyURI(db.uri).SetMonitor(log.monitor())).Database(db.Name()).Collection("sessions")
	s, err := mongostore.New(t.Context(), coll, mongostore.Options{})
	must(t, "New", err)
	e := echo.New()
	use := func(path string, deferred bool, cfg session.Config[visitor]) {
		cfg.Store = s
		e.GET(path, func(c echo.Context) error {
			switch c.QueryParam("do") {
			case "nothing":
				return c.NoContent(http.StatusNoContent)
			case "read":
				_, err := session.Get[visitor](c)
				return err
			}
			s, err := session.Get[visitor](c)
			if err != nil {
				return err
			}
			if s.Data.N++; c.QueryParam("do") == "log out" {
				s.Destroy()
			}
			return nil
		}, echoadapter.Middleware(echoadapter.Config[visitor]{Session: cfg, Defer: deferred}))
	}
	use("/", false, session.Config[visitor]{})
	use("/deferred", true, session.Config[visitor]{})
	use("/rolling", false, session.Config[visitor]{Rolling: true, TouchAfter: -1})
	use("/throttled", false, session.Config[visitor]{Rolling: true, TouchAfter: time.Hour})

	var cookie *http.Cookie
	for _, tt := range []struct {
		name, url string
		sends     bool   // the cookie
		want      string // the commands
	}{
		{"no cookie, read", "/?do=read", false, ""},
		{"no cookie, deferred and unused", "/deferred?do=nothing", false, ""},
		{"no cookie, changed", "/?do=change", false, "insert"},
		{"read", "/?do=read", true, "find"},
		{"unused", "/?do=nothing", true, "find"},
		{"deferred and unused", "/deferred?do=nothing", true, ""},
		{"deferred and read", "/deferred?do=read", true, "find"},
		{"changed", "/?do=change", true, "find update"},
		{"rolling, read", "/rolling?do=read", true, "find update"},
		{"rolling, within TouchAfter", "/throttled?do=read", true, "find"},
		{"log out", "/?do=log+out", true, "find delete"},
	} {
		log.take()
		req := httptest.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, "https://example.com"+tt.url, nil)
		if tt.sends {
			req.AddCookie(cookie)
		}
		rec := httptest.NewRecorder()
		time.Sleep(2 * time.Millisecond) // so that a touch has a later time to write
		e.ServeHTTP(rec, req)
		for _, c := range rec.Result().Cookies() {
			cookie = c
		}
		if got := strings.Join(names(t, log.take()), " "); got != tt.want || rec.Code >= 400 {
			t.Errorf("%s: sent %q with status %d, want %q", tt.name, got, rec.Code, tt.want)
		}
	}
	figures.add("commands a request", "no cookie 0, read 1, changed 2, rolling touch 2, within TouchAfter 1, deferred and unused 0; failed: %t", t.Failed())
}
