package mongo_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go/network"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/echosession/echosession/mongostore"
)

// electionTimeout is short, because a fail-over takes about as long.
const electionTimeout = time.Second

// members are the three servers of a replica set.
type members []*server

var three struct {
	mu  sync.Mutex
	set members
}

// replicaSet returns the set that the tests share. They break it one after the
// other.
func replicaSet(t *testing.T) members {
	t.Helper()
	needOwn(t)
	three.mu.Lock()
	defer three.mu.Unlock()
	if three.set == nil {
		begin := time.Now()
		three.set = startReplicaSet(t)
		figures.add("replica set of three", "first majority write %v after the start", time.Since(begin).Round(100*time.Millisecond))
	}
	return three.set
}

func startReplicaSet(t *testing.T) members {
	t.Helper()
	// The members talk over a network of their own, and clients reach them over the
	// engine's default network. So a member can be cut off from the others and not
	// from its clients. The network is internal: the engine publishes ports on a
	// network that leads outside, and that must stay the default one.
	nw, err := network.New(t.Context(), network.WithInternal(), network.WithLabels(labels()))
	if err != nil {
		t.Fatalf("docker: %v", err)
	}
	closing.add(nw.Remove)
	var set members
	var config bson.A
	for i := range 3 {
		s := startServer(t, append([]string{"--replSet", "rs0",
			// A member that cannot reach its source looks for another one after this
			// time. Until then no write has a majority.
			"--setParameter", "oplogNetworkTimeoutBufferSeconds=1"}, testCommands...))
		s.host, s.own = fmt.Sprintf("rs%d:27017", i), nw.ID
		s.act(t, "join")
		set = append(set, s)
		config = append(config, bson.D{{Key: "_id", Value: i}, {Key: "host", Value: s.host}})
	}
	direct := connect(t, options.Client().ApplyURI("mongodb://"+set[0].address()+"/?directConnection=true"))
	admin(t, direct, bson.D{{Key: "replSetInitiate", Value: bson.D{
		{Key: "_id", Value: "rs0"}, {Key: "members", Value: config},
		{Key: "settings", Value: bson.D{
			{Key: "electionTimeoutMillis", Value: electionTimeout.Milliseconds()},
			{Key: "heartbeatIntervalMillis", Value: 200},
		}},
	}}})
	set.healthy(t)
	return set
}

func (m members) uri(database string) string {
	hosts := make([]string, len(m))
	for i, s := range m {
		hosts[i] = s.host
	}
	return "mongodb://" + strings.Join(hosts, ",") + "/" + database + "?replicaSet=rs0"
}

// options returns the options of a client that reaches the members by dialer.
func (m members) options() *options.ClientOptions {
	return options.Client().ApplyURI(m.uri("")).SetDialer(dialer(m)).
		SetHeartbeatInterval(500 * time.Millisecond)
}

// healthy waits until a write reaches all three members.
func (m members) healthy(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
	defer cancel()
	c, err := mongo.Connect(m.options())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Disconnect(ctx)
	all := options.Collection().SetWriteConcern(&writeconcern.WriteConcern{W: 3})
	for {
		try, stop := context.WithTimeout(ctx, 3*time.Second)
		_, err := c.Database("health").Collection("writes", all).InsertOne(try, bson.D{})
		stop()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("the replica set is not healthy after 30s: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// primary waits for a member that takes writes, and returns it.
func (m members) primary(t *testing.T) *server {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		for _, s := range m {
			if s.isPrimary() {
				return s
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("no primary for 30s")
	return nil
}

func (s *server) isPrimary() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	s.mu.Lock()
	addr := s.addr // not the proxy, whose faults are for the store
	s.mu.Unlock()
	c, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + addr + "/?directConnection=true"))
	if err != nil {
		return false
	}
	defer c.Disconnect(ctx)
	raw, err := c.Database("admin").RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Raw()
	if err != nil {
		return false
	}
	up, _ := raw.Lookup("isWritablePrimary").BooleanOK()
	return up
}

// store opens a store in a database of the set, and returns its collection.
func (m members) store(t *testing.T, database string, opts mongostore.Options, more ...func(*options.ClientOptions)) (*mongostore.Store, *mongo.Collection) {
	t.Helper()
	if opts.Monitor == nil {
		opts.Monitor = mongostore.NewMonitor()
	}
	o := m.options().SetServerMonitor(opts.Monitor.ServerMonitor())
	for _, f := range more {
		f(o)
	}
	coll := connect(t, o).Database(database).Collection("sessions")
	s, err := mongostore.New(t.Context(), coll, opts)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s, coll
}
