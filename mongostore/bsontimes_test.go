package mongostore_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/mongostore"
)

// The query that is documented finds times with a part below the millisecond
// and times without one.
func TestBSONTimesAreFound(t *testing.T) {
	t.Parallel()
	type value struct{ At, Last time.Time }
	when := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	times := []time.Time{time.Now(), {}, time.Unix(-1, 1)}
	for _, d := range []time.Duration{time.Millisecond, time.Microsecond, 1, 0} {
		times = append(times, when.Add(d), when.Add(-d), when.Add(time.Hour+d), when.Add(-time.Hour-d))
	}
	for _, file := range []string{"../docs/mongodb.md", "bson.go"} {
		query := documentedQuery(t, file)
		for _, at := range times {
			data, err := mongostore.BSON().Marshal(&struct{ Data value }{value{at, at}})
			if err != nil {
				t.Fatal(err)
			}
			for op, want := range map[string]bool{"$lt": at.Before(when), "$gte": !at.Before(when)} {
				query := strings.ReplaceAll(query, "$lt", op)
				if got := finds(t, query, data, when); got != want {
					t.Errorf("%s: %s of %v with when = %v: found is %t, want %t", file, query, at, when, got, want)
				}
			}
		}
	}
}

// documentedQuery returns the first query by $or in a file.
func documentedQuery(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	query := regexp.MustCompile(`\{\$or: \[.*\]\}`).Find(text)
	if query == nil {
		t.Fatalf("%s: got no query by $or, want one", file)
	}
	return string(query)
}

var condition = regexp.MustCompile(`\{"([\w.]+)": \{(\$\w+): when\}\}`)

// finds does what a server does with a query by $or that compares with a date:
// what is no date does not match.
func finds(t *testing.T, query string, doc bson.Raw, when time.Time) bool {
	t.Helper()
	conditions := condition.FindAllStringSubmatch(query, -1)
	if len(conditions) != strings.Count(query, "when") || len(conditions) == 0 {
		t.Fatalf("%s has conditions that this test cannot read: got %q", query, conditions)
	}
	for _, c := range conditions {
		ms, ok := doc.Lookup(strings.Split(c[1], ".")...).DateTimeOK()
		if before := ms < when.UnixMilli(); ok && before == (c[2] == "$lt") {
			return true
		}
	}
	return false
}

// A time that was rounded is a date, and finer ones keep their digits.
func TestBSONTimesInTheDocument(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 1, 12, 0, 0, 123456789, time.UTC)
	data, err := mongostore.BSON().Marshal(&map[string]time.Time{"fine": at, "whole": at.Truncate(time.Millisecond)})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"fine": {"t": {"$date":{"$numberLong":"1782907200123"}},"ns": {"$numberInt":"456789"}},"whole": {"$date":{"$numberLong":"1782907200123"}}}`
	if got := bson.Raw(data).String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
