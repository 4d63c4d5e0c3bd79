// Package mongo_test runs the MongoDB store against real servers: one alone, and
// a replica set of three that is killed, paused and cut off under load.
//
// Run it with scripts/mongo.sh. Then no test is skipped, and a server that does
// not start is a failure. Without the script, as in a plain go test of the whole
// workspace, all tests are skipped.
package mongo_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/testcontainers/testcontainers-go/log"
)

func TestMain(m *testing.M) {
	log.SetDefault(quiet{})
	code := m.Run()
	closing.run()
	figures.print()
	os.Exit(code)
}

// quiet drops the log of starting and ending containers.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

// need skips a test unless scripts/mongo.sh runs the suite.
func need(t *testing.T) {
	t.Helper()
	if os.Getenv("ECHOSESSION_MONGO") == "" {
		t.Skip("needs MongoDB: run it as sh scripts/mongo.sh go test ./integration_test/mongo/...")
	}
}

// external returns the server that MONGODB_URI names; "" if the suite starts its
// own.
func external() string { return os.Getenv("MONGODB_URI") }

// needOwn skips a test that configures, starts or breaks servers if MONGODB_URI
// names one.
func needOwn(t *testing.T) {
	t.Helper()
	need(t)
	if external() != "" {
		t.Skip("needs a server of its own, not the one of MONGODB_URI")
	}
}

// closers end what tests share, in reverse order.
type closers struct {
	mu  sync.Mutex
	all []func(context.Context) error
}

var closing closers

func (c *closers) add(f func(context.Context) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, f)
}

func (c *closers) run() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range slices.Backward(c.all) {
		if err := f(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "cleaning up:", err)
		}
	}
}

// table is printed at the end of the suite.
type table struct {
	mu   sync.Mutex
	rows []string
}

var figures table

func (t *table) add(what, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, what+"\t"+fmt.Sprintf(format, args...))
}

func (t *table) print() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.rows) == 0 {
		return
	}
	fmt.Println()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MongoDB suite\t")
	fmt.Fprintln(w, strings.Join(t.rows, "\n"))
	w.Flush()
}

func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// until waits for something that the server does in its own time, and returns how
// long that took.
func until(t *testing.T, what string, limit time.Duration, ok func() bool) time.Duration {
	t.Helper()
	begin := time.Now()
	for !ok() {
		if time.Since(begin) > limit {
			t.Fatalf("%s: not within %v", what, limit)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return time.Since(begin)
}
