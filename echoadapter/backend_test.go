package echoadapter_test

import (
	"context"
	"crypto/rand"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/mongostore"
	"github.com/echosession/echosession/session"
)

// The sites of these tests have a memstore. Where this names a server they have
// a mongostore on it instead: the MongoDB suite of integration_test runs the
// tests of whole lives again in that way.
var mongoURI = os.Getenv("ECHOSESSION_TEST_MONGODB_URI")

// backend is what a site keeps its sessions in.
type backend interface {
	session.Store
	// live counts the sessions that have not ended.
	live(t *testing.T) int
	// age makes d pass.
	age(t *testing.T, d time.Duration)
}

func newBackend(t *testing.T) backend {
	if mongoURI == "" {
		return inMemory{newMemstore()}
	}
	return newInMongo(t)
}

// newMemstore makes one whose sweeps do not come between.
func newMemstore() *memstore.Store { return memstore.New(memstore.Options{SweepEvery: day}) }

type inMemory struct{ *memstore.Store }

func (s inMemory) live(*testing.T) int { return s.Len() }

// age sleeps, in a bubble.
func (s inMemory) age(_ *testing.T, d time.Duration) { time.Sleep(d) }

// withClock runs f where (*site).pass makes time pass at once: in a bubble, or
// on a server, whose documents can be made older.
func withClock(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if mongoURI != "" {
		f(t)
		return
	}
	synctest.Test(t, f)
}

// openWithClock is open within withClock: a bubble has no sockets.
func openWithClock(t *testing.T, cfg echoadapter.Config[visits]) *site {
	t.Helper()
	if mongoURI != "" {
		return open(t, cfg)
	}
	return openInBubble(t, cfg)
}

// onlyInMemory skips what says nothing about the server.
func onlyInMemory(t *testing.T, why string) {
	t.Helper()
	if mongoURI != "" {
		t.Skip(why)
	}
}

// precision is how exactly a test can say when a session ends. A server's clock
// goes on while the test asks.
func precision() time.Duration {
	if mongoURI != "" {
		return 20 * time.Second
	}
	return time.Millisecond
}

var mongoClient = sync.OnceValues(func() (*mongo.Client, error) {
	return mongo.Connect(options.Client().ApplyURI(mongoURI))
})

type inMongo struct {
	*mongostore.Store
	coll *mongo.Collection
}

func newInMongo(t *testing.T) inMongo {
	t.Helper()
	client, err := mongoClient()
	if err != nil {
		t.Fatalf("MongoDB: %v", err)
	}
	coll := client.Database("echoadapter_test").Collection(rand.Text())
	s, err := mongostore.New(t.Context(), coll, mongostore.Options{})
	if err != nil {
		t.Fatalf("mongostore.New: %v", err)
	}
	t.Cleanup(func() {
		s.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := coll.Drop(ctx); err != nil {
			t.Errorf("dropping a collection: %v", err)
		}
	})
	return inMongo{s, coll}
}

func (s inMongo) live(t *testing.T) int {
	t.Helper()
	n, err := s.coll.CountDocuments(t.Context(), bson.D{{Key: "expires", Value: bson.D{{Key: "$gt", Value: time.Now()}}}})
	if err != nil {
		t.Fatalf("MongoDB: %v", err)
	}
	return int(n)
}

// age takes d from all times of the documents. Those in meta stay.
func (s inMongo) age(t *testing.T, d time.Duration) {
	t.Helper()
	older := bson.D{}
	for _, field := range []string{"created", "seen", "expires"} {
		older = append(older, bson.E{Key: field, Value: bson.D{{Key: "$subtract", Value: bson.A{"$" + field, d.Milliseconds()}}}})
	}
	if _, err := s.coll.UpdateMany(t.Context(), bson.D{}, mongo.Pipeline{{{Key: "$set", Value: older}}}); err != nil {
		t.Fatalf("MongoDB: %v", err)
	}
}
