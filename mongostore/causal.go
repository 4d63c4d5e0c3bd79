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
	latest atomic.Pointer[bson.Timestamp] // the cluster's time of the newest answer; nil: none had one
}

// begin returns a context for one operation, and what must be called at its end,
// with its error. The time of an error does not count: it may be the time of a
// write that no majority has, and a read would wait for that.
func (c *causal) begin(ctx context.Context) (inSession context.Context, end func(err error)) {
	sess, err := c.client.StartSession()
	if err != nil {
		return ctx, func(error) {} // the operation itself will fail and say why
	}
	if latest := c.latest.Load(); latest != nil {
		_ = sess.AdvanceOperationTime(latest)
	}
	return mongo.NewSessionContext(ctx, sess), func(err error) {
		sess.EndSession(context.Background())
		if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
			return
		}
		t, latest := sess.OperationTime(), c.latest.Load()
		for t != nil && (latest == nil || t.After(*latest)) && !c.latest.CompareAndSwap(latest, t) {
			latest = c.latest.Load()
		}
	}
}
