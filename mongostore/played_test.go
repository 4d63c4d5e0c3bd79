package mongostore_test

import (
	"context"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/description"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/drivertest"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/mnet"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/wiremessage"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/xoptions"

	"github.com/echosession/echosession/mongostore"
)

// played is a server that a test plays. All above the network is the driver's
// own, which also repeats what failed.
type played struct {
	*drivertest.MockDeployment

	// reach is asked for a connection before each command; nil: there is one.
	reach func() error

	// answer answers a command. An error is a connection that broke; a nil reply
	// is what a server says whose collection is as it is to be, and empty.
	answer func(ctx context.Context, command bson.Raw) (bson.D, error)
}

// store is one on the server. Its client has nothing that was to be closed.
func (p *played) store(t *testing.T, opts mongostore.Options) (*mongostore.Store, error) {
	t.Helper()
	p.MockDeployment = drivertest.NewMockDeployment()
	o := options.Client().ApplyURI("mongodb://played")
	if err := xoptions.SetInternalClientOptions(o, "deployment", driver.Deployment(p)); err != nil {
		t.Fatal(err)
	}
	c, err := mongo.Connect(o)
	if err != nil {
		t.Fatal(err)
	}
	return mongostore.New(t.Context(), c.Database("app").Collection("sessions"), opts)
}

func (p *played) mustStore(t *testing.T, opts mongostore.Options) *mongostore.Store {
	t.Helper()
	s, err := p.store(t, opts)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return s
}

func (p *played) SelectServer(context.Context, description.ServerSelector) (driver.Server, error) {
	return p, nil
}

func (p *played) Connection(ctx context.Context) (*mnet.Connection, error) {
	if p.reach != nil {
		if err := p.reach(); err != nil {
			return nil, err
		}
	}
	c, err := p.MockDeployment.Connection(ctx)
	if err != nil {
		return nil, err
	}
	return mnet.NewConnection(&playedConnection{Describer: c.Describer, server: p}), nil
}

type playedConnection struct {
	mnet.Describer
	server  *played
	command bson.Raw
}

func (c *playedConnection) Close() error { return nil }

// Write takes the command out of a message: it follows the header, four bytes of
// flags and one of the kind.
func (c *playedConnection) Write(_ context.Context, message []byte) error {
	doc := bson.Raw(message[16+4+1:])
	length := int(doc[0]) | int(doc[1])<<8 | int(doc[2])<<16
	c.command = append(bson.Raw(nil), doc[:length]...)
	return nil
}

func (c *playedConnection) Read(ctx context.Context) ([]byte, error) {
	var reply bson.D
	if c.server.answer != nil {
		var err error
		if reply, err = c.server.answer(ctx, c.command); err != nil {
			return nil, err
		}
	}
	if reply == nil {
		reply = ordinary(commandName(c.command))
	}
	if reply[0].Key != "ok" {
		reply = append(bson.D{{Key: "ok", Value: 1}}, reply...)
	}
	doc, err := bson.Marshal(reply)
	if err != nil {
		return nil, err
	}
	_, message := wiremessage.AppendHeaderStart(nil, wiremessage.NextRequestID(), 0, wiremessage.OpMsg)
	message = wiremessage.AppendMsgFlags(message, 0)
	message = wiremessage.AppendMsgSectionType(message, wiremessage.SingleDocument)
	message = append(message, doc...)
	n := len(message)
	message[0], message[1], message[2], message[3] = byte(n), byte(n>>8), byte(n>>16), byte(n>>24)
	return message, nil
}

func commandName(command bson.Raw) string {
	first, err := command.IndexErr(0)
	if err != nil {
		return ""
	}
	return first.Key()
}

// ordinary is the reply of a server that has the collection with its indexes, and
// no sessions in it.
func ordinary(command string) bson.D {
	switch command {
	case "listIndexes":
		exists := bson.E{Key: "partialFilterExpression", Value: bson.D{{Key: "user", Value: bson.D{{Key: "$exists", Value: true}}}}}
		return batch(0, index(bson.D{key("_id", 1)}), index(bson.D{key("expires", 1)}, bson.E{Key: "expireAfterSeconds", Value: 0}),
			index(bson.D{key("name", 1), key("user", 1)}, exists))
	case "update":
		return bson.D{{Key: "n", Value: 0}, {Key: "nModified", Value: 0}}
	case "insert", "delete":
		return bson.D{{Key: "n", Value: 1}}
	case "killCursors":
		return bson.D{{Key: "ok", Value: 1}}
	}
	return batch(0)
}

// batch is the first of a list; there are more where the cursor is not 0.
func batch(cursor int64, docs ...any) bson.D {
	return bson.D{{Key: "cursor", Value: bson.D{
		{Key: "id", Value: cursor}, {Key: "ns", Value: "app.sessions"}, {Key: "firstBatch", Value: append(bson.A{}, docs...)},
	}}}
}
