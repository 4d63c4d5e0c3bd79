package mongostore

import (
	"context"
	"errors"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// causal makes every read at least as new as all that the store was told before.
// The server waits until it is. Otherwise a read could miss a write of this
// store, or the write because of which the store was refused: both may be known
// to the primary alone so far, and a new primary needs a moment to learn what the
// former one had from a majority (MongoDB manual, "Causal Consistency and Read
// and Write Concerns").
type causal struct {
	client *mongo.Client
	latest atomic.Uint64       // the cluster's time of the newest answer
	idle   chan *mongo.Session // kept, because making one is costly
}

// maxIdle bounds the sessions that are kept for later operations.
const maxIdle = 64

// begin returns a context for one operation. Its session must be given to end.
func (c *causal) begin(ctx context.Context) (context.Context, *mongo.Session) {
	var sess *mongo.Session
	select {
	case sess = <-c.idle:
	default:
		var err error
		if sess, err = c.client.StartSession(); err != nil {
			return ctx, nil // the operation itself will fail and say why
		}
	}
	if t := c.latest.Load(); t != stamp(sess.OperationTime()) {
		_ = sess.AdvanceOperationTime(&bson.Timestamp{T: uint32(t >> 32), I: uint32(t)}) // only forward
	}
	return mongo.NewSessionContext(ctx, sess), sess
}

// end takes the session back, with the outcome of its operation. After an error it
// may have missed the answer.
func (c *causal) end(sess *mongo.Session, err error) {
	if sess == nil {
		return
	}
	if err == nil || errors.Is(err, mongo.ErrNoDocuments) {
		t, latest := stamp(sess.OperationTime()), c.latest.Load()
		for t > latest && !c.latest.CompareAndSwap(latest, t) {
			latest = c.latest.Load()
		}
		select {
		case c.idle <- sess:
			return
		default:
		}
	}
	sess.EndSession(context.Background())
}

// stamp turns a time of the cluster into a number; 0 for none, as a standalone
// server has none.
func stamp(t *bson.Timestamp) uint64 {
	if t == nil {
		return 0
	}
	return uint64(t.T)<<32 | uint64(t.I)
}

// close ends the idle sessions.
func (c *causal) close() {
	for {
		select {
		case sess := <-c.idle:
			sess.EndSession(context.Background())
		default:
			return
		}
	}
}
