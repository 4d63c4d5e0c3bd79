package mongostore

import (
	"context"
	"errors"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// causal makes what the store reads at least as new as all that it was told
// before, and as what a majority has: the server waits until that is so. Without
// it a read could miss what was just written, by this store or by whoever kept it
// from writing: that may have reached the primary alone so far, and a new primary
// needs a moment to learn what the former one had from a majority (MongoDB
// manual, "Causal Consistency and Read and Write Concerns").
type causal struct {
	client *mongo.Client
	latest atomic.Uint64       // when the store was last answered, by the cluster's clock
	free   chan *mongo.Session // for the next operations: one is costly to make
}

// freeSessions bounds how many wait for their next operation.
const freeSessions = 64

func newCausal(client *mongo.Client) *causal {
	return &causal{client: client, free: make(chan *mongo.Session, freeSessions)}
}

// begin returns a context for one operation, which is to be handed to end.
func (c *causal) begin(ctx context.Context) (context.Context, *mongo.Session) {
	var sess *mongo.Session
	select {
	case sess = <-c.free:
	default:
		var err error
		if sess, err = c.client.StartSession(); err != nil {
			return ctx, nil
		}
	}
	if t := c.latest.Load(); t != stamp(sess.OperationTime()) {
		_ = sess.AdvanceOperationTime(&bson.Timestamp{T: uint32(t >> 32), I: uint32(t)}) // never back
	}
	return mongo.NewSessionContext(ctx, sess), sess
}

// end takes the outcome of the operation.
func (c *causal) end(sess *mongo.Session, err error) {
	if sess == nil {
		return
	}
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		sess.EndSession(context.Background()) // it may have missed the answer
		return
	}
	for t, old := stamp(sess.OperationTime()), c.latest.Load(); t > old; old = c.latest.Load() {
		if c.latest.CompareAndSwap(old, t) {
			break
		}
	}
	select {
	case c.free <- sess:
	default:
		sess.EndSession(context.Background())
	}
}

// stamp is a time of the cluster as a number; 0 for none, as of a server alone.
func stamp(t *bson.Timestamp) uint64 {
	if t == nil {
		return 0
	}
	return uint64(t.T)<<32 | uint64(t.I)
}

// close ends what waits.
func (c *causal) close() {
	for {
		select {
		case sess := <-c.free:
			sess.EndSession(context.Background())
		default:
			return
		}
	}
}
