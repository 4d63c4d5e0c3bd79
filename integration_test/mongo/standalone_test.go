package mongo_test

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/echosession/echosession/mongostore"
	"github.com/echosession/echosession/session"
)

// testCommands are arguments of a server: tests may make it fail, and it collects
// expired documents every second.
var testCommands = []string{"--setParameter", "enableTestCommands=1", "--setParameter", "ttlMonitorSleepSecs=1"}

var alone struct {
	mu     sync.Mutex
	server *server
}

// standalone returns the server that most tests share; nil if MONGODB_URI names
// it.
func standalone(t *testing.T) *server {
	t.Helper()
	need(t)
	if external() != "" {
		return nil
	}
	alone.mu.Lock()
	defer alone.mu.Unlock()
	if alone.server == nil {
		alone.server = startServer(t, testCommands)
	}
	return alone.server
}

// database belongs to one test, on the shared server.
type database struct {
	*mongo.Database
	uri string
}

// unique returns a name that no other run has.
func unique(name string) string { return name + strings.ToLower(rand.Text()[:12]) }

func newDatabase(t *testing.T) database {
	t.Helper()
	s := standalone(t)
	name := unique("t")
	base := external()
	if s != nil {
		base = "mongodb://" + s.address()
	}
	c := connect(t, options.Client().ApplyURI(base))
	db := database{c.Database(name), withDatabase(base, name)}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = db.Drop(ctx)
	})
	return db
}

// withDatabase returns the URI with another database. The server still looks up
// the user where it did before.
func withDatabase(uri, name string) string {
	head, query, _ := strings.Cut(uri, "?")
	scheme, rest, _ := strings.Cut(head, "://")
	hosts, old, _ := strings.Cut(rest, "/")
	if strings.Contains(hosts, "@") && !strings.Contains(query, "authSource") {
		if old == "" {
			old = "admin"
		}
		query = strings.Trim(query+"&authSource="+old, "&")
	}
	return strings.TrimSuffix(scheme+"://"+hosts+"/"+name+"?"+query, "?")
}

func connect(t *testing.T, opts *options.ClientOptions) *mongo.Client {
	t.Helper()
	c, err := mongo.Connect(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Not long: a server that was killed does not answer.
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = c.Disconnect(ctx)
	})
	return c
}

// open opens a store in the database.
func (db database) open(t *testing.T, opts mongostore.Options) *mongostore.Store {
	t.Helper()
	s, err := mongostore.Open(t.Context(), db.uri, opts)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func (db database) sessions() *mongo.Collection { return db.Collection("sessions") }

// run runs a command of the database.
func (db database) run(t *testing.T, command bson.D) {
	t.Helper()
	if err := db.RunCommand(t.Context(), command).Err(); err != nil {
		t.Fatalf("%v: %v", command[0].Key, err)
	}
}

// admin runs a command for the whole server.
func admin(t *testing.T, c *mongo.Client, command bson.D) bson.Raw {
	t.Helper()
	raw, err := c.Database("admin").RunCommand(context.WithoutCancel(t.Context()), command).Raw()
	if err != nil {
		t.Fatalf("%v: %v", command[0].Key, err)
	}
	return raw
}

// commandLog keeps the commands that a client sends.
type commandLog struct {
	mu       sync.Mutex
	commands []bson.Raw
}

func (l *commandLog) monitor() *event.CommandMonitor {
	return &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.commands = append(l.commands, append(bson.Raw(nil), e.Command...))
	}}
}

// take returns the commands since the last take.
func (l *commandLog) take() []bson.Raw {
	l.mu.Lock()
	defer l.mu.Unlock()
	commands := l.commands
	l.commands = nil
	return commands
}

func newRecord(id string, life time.Duration) session.Record {
	now := time.Now().UTC().Truncate(time.Millisecond)
	return session.Record{
		ID: id, Name: "sid", User: "u1", Version: 1, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(life),
		Format: "json", Meta: []byte("meta of " + id), Data: []byte(`{"n":1}`),
	}
}

// names returns the names of commands.
func names(t *testing.T, commands []bson.Raw) (names []string) {
	t.Helper()
	for _, command := range commands {
		first, err := command.IndexErr(0)
		must(t, "command", err)
		names = append(names, first.Key())
	}
	return names
}

// stored reports whether there is a document with the id, expired or not.
func (db database) stored(t *testing.T, id string) bool {
	t.Helper()
	n, err := db.sessions().CountDocuments(t.Context(), bson.D{{Key: "_id", Value: id}})
	must(t, "count", err)
	return n > 0
}

// changed returns r with other content, as the next write would have it.
func changed(r session.Record, meta string) session.Record {
	r.Meta, r.Data = []byte(meta), []byte(`{"n":2}`)
	return r
}
