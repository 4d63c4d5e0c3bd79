// Package mongostore keeps sessions in MongoDB. Many instances of an application
// share them, and what was acknowledged survives a fail-over.
//
// A session is one document, found by its _id. Every operation of a request is
// one command. docs/mongodb.md describes the document, the indexes and the
// permissions that an application needs.
package mongostore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/echosession/echosession/session"
)

const defaultTimeout = 10 * time.Second

// Options are the settings of a [Store]. The zero value is ready for use if the
// URI names a database.
type Options struct {
	// Database is for Open alone. Default: the database that the URI names. If
	// neither names one, Open fails.
	Database string

	// Collection is for Open alone. Default "sessions".
	Collection string

	// Timeout bounds each operation, and the ping with which Open begins. An
	// earlier deadline of the caller's context holds. If Timeout is shorter than
	// an election of the replica set, every election causes errors. Default 10s.
	// Work on indexes at the start waits for the context alone.
	Timeout time.Duration

	// SkipIndexes leaves it to an operator to make the indexes. The store still
	// verifies them, and its error names what is missing or wrong.
	SkipIndexes bool

	// Monitor tells the store whether its server can be reached. If it is nil,
	// Open makes one of its own. For New it must be the one whose ServerMonitor
	// is in the options of the caller's client; without a Monitor the store
	// counts as connected.
	Monitor *Monitor
}

// Store is a [session.Store] in a collection of MongoDB. Its methods may be
// called from several goroutines at once. Make one with [Open] or [New].
type Store struct {
	coll    *mongo.Collection // reads what a majority has, from the primary; writes to a majority
	causal  *causal
	timeout time.Duration
	monitor *Monitor      // nil: the store counts as connected
	client  *mongo.Client // Close disconnects it; nil: it is the caller's
	closed  atomic.Bool
}

var (
	_ session.Store       = (*Store)(nil)
	_ session.UserStore   = (*Store)(nil)
	_ session.StatusStore = (*Store)(nil)
)

// Open connects to the server that uri names and returns a store that owns the
// connection. It returns when the server has answered and the indexes exist. Its
// errors never contain a part of the URI.
func Open(ctx context.Context, uri string, opts Options) (*Store, error) {
	timeout, err := opts.timeout()
	if err != nil {
		return nil, err
	}
	opts.Monitor = cmp.Or(opts.Monitor, NewMonitor())
	client, database, err := connect(uri, opts)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := client.Ping(limited, readpref.Primary()); err != nil {
		_ = disconnect(client)
		return nil, opening.translate(ctx, err)
	}
	s, err := New(ctx, client.Database(database).Collection(cmp.Or(opts.Collection, "sessions")), opts)
	if err != nil {
		_ = disconnect(client)
		return nil, err
	}
	s.client = client
	return s, nil
}

// New returns a store in a collection of the caller's client. It never closes
// that client. It ignores the settings of the collection: it reads from the
// primary what a majority has, and writes to a majority. A primary that was cut
// off from the others has writes that can still be lost, and a change based on
// one of them would be lost with it.
func New(ctx context.Context, coll *mongo.Collection, opts Options) (*Store, error) {
	if coll == nil {
		return nil, opening.errorf("New needs a collection")
	}
	timeout, err := opts.timeout()
	if err != nil {
		return nil, err
	}
	s := &Store{
		timeout: timeout,
		monitor: opts.Monitor,
		causal:  &causal{client: coll.Database().Client()},
		coll: coll.Clone(options.Collection().
			SetReadPreference(readpref.Primary()).
			SetReadConcern(readconcern.Majority()).
			SetWriteConcern(writeconcern.Majority()). // not j: false, which waits for the next periodic flush
			SetRegistry(bson.NewRegistry())),
	}
	if err := s.prepareIndexes(ctx, opts.SkipIndexes); err != nil {
		return nil, err
	}
	if s.monitor != nil && !s.monitor.heard.Load() {
		return nil, opening.errorf("Options.Monitor hears nothing from the client: " +
			"make the client with SetServerMonitor(monitor.ServerMonitor()) in its options")
	}
	return s, nil
}

func (o Options) timeout() (time.Duration, error) {
	if o.Timeout < 0 {
		return 0, opening.errorf("Options.Timeout is %v: must not be negative, 0 stands for %v", o.Timeout, defaultTimeout)
	}
	return cmp.Or(o.Timeout, defaultTimeout), nil
}

// Watch implements [session.StatusStore]. The store is connected while there is
// a server that takes writes. Closing the store does not change the status.
func (s *Store) Watch(f func(session.Status)) (stop func()) {
	if s.monitor == nil {
		f(session.StatusConnected)
		return func() {}
	}
	return s.monitor.watch(f)
}

// Close disconnects the client that Open made; the client that New was given
// stays as it is. Operations that begin afterwards fail with
// [session.ErrUnavailable]; those that have begun get two seconds to finish.
// Close may be called more than once.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	if s.client == nil {
		return nil
	}
	s.monitor.freeze()
	return disconnect(s.client)
}

// closeGrace is how long a client that is closed waits for its operations, and
// for a server to accept its farewell, which no server does during an outage.
const closeGrace = 2 * time.Second

// disconnect has a context of its own, because it belongs to no request.
func disconnect(client *mongo.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	err := client.Disconnect(ctx)
	if err == nil || errors.Is(err, mongo.ErrClientDisconnected) || errors.Is(err, context.DeadlineExceeded) {
		return nil // a deadline cuts off what has not ended
	}
	return fmt.Errorf("mongostore: close: %w", err)
}

// connect makes a client and returns the name of the database.
func connect(uri string, opts Options) (*mongo.Client, string, error) {
	clientOptions := options.Client().ApplyURI(uri).SetServerMonitor(opts.Monitor.ServerMonitor())
	database := cmp.Or(opts.Database, databaseOf(uri))
	if database == "" && clientOptions.Validate() == nil {
		return nil, "", opening.errorf("no database is named, neither by the URI (mongodb://host/database) nor by Options.Database")
	}
	client, err := mongo.Connect(clientOptions)
	if err != nil {
		return nil, "", opening.errorf("the URI is not valid: %s", invalidPart(uri, err))
	}
	return client, database, nil
}

// databaseOf returns the database that a valid URI names, or "".
func databaseOf(uri string) string {
	_, rest, _ := strings.Cut(uri, "://")
	rest, _, _ = strings.Cut(rest, "?")
	_, path, _ := strings.Cut(rest[strings.LastIndexByte(rest, '@')+1:], "/")
	database, _ := url.PathUnescape(path)
	return database
}

// invalidPart names the part of a URI because of which the driver gave err. It
// quotes neither, because they may contain a password.
func invalidPart(uri string, err error) string {
	base, _, hasOptions := strings.Cut(uri, "?")
	dns, isDNS := errors.AsType[*net.DNSError](err)
	switch {
	case !strings.HasPrefix(uri, "mongodb://") && !strings.HasPrefix(uri, "mongodb+srv://"):
		return "it must begin with mongodb:// or mongodb+srv://"
	case isDNS:
		return "DNS knows no servers for its host: " + dns.Err
	case hasOptions && options.Client().ApplyURI(base).Validate() == nil:
		return "the options after the question mark"
	}
	return "the user, the password or the hosts (special characters in a password must be escaped)"
}
