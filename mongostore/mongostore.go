// Package mongostore keeps sessions in MongoDB: many instances of an
// application share them, and what was acknowledged survives a fail-over.
//
// A session is one document, found by its _id alone. Every operation of a
// request is one command; see docs/mongodb.md for the document, the indexes
// and what an application role must be allowed.
package mongostore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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

// What Options leave open.
const (
	DefaultCollection = "sessions"
	DefaultTimeout    = 10 * time.Second
)

// Options are the settings of a [Store]. The zero value is ready for use where
// the URI names a database.
type Options struct {
	// Database is used by Open alone. Default: the one that the URI names;
	// neither here nor there is an error.
	Database string

	// Collection is used by Open alone. Default "sessions".
	Collection string

	// Timeout bounds each operation, and the ping with which Open begins; the
	// deadline of the caller's context holds where it is earlier. One that is
	// shorter than an election of the replica set turns each into errors.
	// Default 10s. Work on indexes at the start waits for the context only.
	Timeout time.Duration

	// SkipIndexes leaves it to an operator to make the indexes. They are still
	// verified, and what is missing or wrong is an error that says so.
	SkipIndexes bool

	// Monitor tells the store of the connection to its server. Open makes one
	// of its own where this is nil. For New it is the one whose ServerMonitor
	// is in the options of the caller's client; without one the store counts
	// as connected.
	Monitor *Monitor
}

// Store is a [session.Store] in a collection of MongoDB. Its methods may be
// called from any number of goroutines at once. Make one with [Open] or [New].
type Store struct {
	coll    *mongo.Collection // reads at the primary of what a majority has, majority writes
	causal  *causal
	timeout time.Duration
	monitor *Monitor      // nil: counts as connected
	client  *mongo.Client // to be disconnected by Close; nil: the caller's
	closed  atomic.Bool
}

var (
	_ session.Store       = (*Store)(nil)
	_ session.UserStore   = (*Store)(nil)
	_ session.StatusStore = (*Store)(nil)
)

// Open connects to the server that uri names and returns a store that owns the
// connection. It returns once the server has answered and the indexes are
// there.
func Open(ctx context.Context, uri string, opts Options) (*Store, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	monitor := cmp.Or(opts.Monitor, NewMonitor())
	client, database, err := connect(uri, opts.Database, monitor)
	if err != nil {
		return nil, err
	}
	opts.Monitor = monitor
	coll := client.Database(database).Collection(cmp.Or(opts.Collection, DefaultCollection))
	s, err := open(ctx, client, coll, opts)
	if err != nil {
		_ = disconnect(client) // err says why
		return nil, err
	}
	s.client = client
	return s, nil
}

func open(ctx context.Context, client *mongo.Client, coll *mongo.Collection, opts Options) (*Store, error) {
	limited, cancel := context.WithTimeout(ctx, cmp.Or(opts.Timeout, DefaultTimeout))
	defer cancel()
	if err := client.Ping(limited, readpref.Primary()); err != nil {
		return nil, opening.translate(ctx, err)
	}
	return New(ctx, coll, opts)
}

// New returns a store in a collection of the caller's client, which stays the
// caller's. The collection is cloned: whatever it is set to, reads go to the
// primary and see what a majority has, and writes go to a majority. What only a
// primary has that was cut off from the others, and does not know it yet, can be
// lost; a change that was based on it would be lost with it.
func New(ctx context.Context, coll *mongo.Collection, opts Options) (*Store, error) {
	if coll == nil {
		return nil, errors.New("mongostore: New needs a collection")
	}
	if err := opts.check(); err != nil {
		return nil, err
	}
	s := &Store{
		timeout: cmp.Or(opts.Timeout, DefaultTimeout),
		monitor: opts.Monitor,
		coll: coll.Clone(options.Collection().
			SetReadPreference(readpref.Primary()).
			SetReadConcern(readconcern.Majority()).
			SetWriteConcern(writeconcern.Majority()). // never with j: false, which waits for the next periodic flush
			SetRegistry(bson.NewRegistry())),
	}
	s.causal = newCausal(coll.Database().Client())
	if err := s.prepareIndexes(ctx, opts.SkipIndexes); err != nil {
		return nil, err
	}
	if s.monitor != nil && !s.monitor.informed() {
		return nil, errors.New("mongostore: Options.Monitor hears nothing of the client: " +
			"make the client with SetServerMonitor(monitor.ServerMonitor()) in its options")
	}
	return s, nil
}

func (o Options) check() error {
	if o.Timeout < 0 {
		return fmt.Errorf("mongostore: Options.Timeout is %v: must not be negative, 0 is %v", o.Timeout, DefaultTimeout)
	}
	return nil
}

// Watch implements [session.StatusStore]: connected is to have a server that
// takes writes. Closing the store is no change.
func (s *Store) Watch(f func(session.Status)) (stop func()) {
	if s.monitor == nil {
		f(session.StatusConnected)
		return func() {}
	}
	return s.monitor.watch(f)
}

// Close ends the connection if Open made it. Every operation that follows
// fails with [session.ErrUnavailable]; those under way have two seconds to end
// as they would have. It may be called more than once.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.causal.close()
	if s.client == nil {
		return nil
	}
	s.monitor.freeze()
	return disconnect(s.client)
}
