package mongostore

import (
	"bytes"
	"context"
	"encoding/binary"
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
)

// played is a server that a test plays. Above the network everything is the
// driver's own, also its repetitions.
type played struct {
	*drivertest.MockDeployment

	noRetries bool // of writes by the driver, as with a standalone server

	// reach is asked for a connection before each command; nil: there is one.
	reach func() error

	// answer answers a command. An error means that the connection broke. A nil
	// reply stands for the one of an empty collection with the right indexes.
	answer func(ctx context.Context, command bson.Raw) (bson.D, error)
}

// store opens a store on the server. Its client needs no closing.
func (p *played) store(t *testing.T, opts Options) (*Store, error) {
	t.Helper()
	p.MockDeployment = drivertest.NewMockDeployment()
	o := options.Client().ApplyURI("mongodb://played").SetRetryWrites(!p.noRetries)
	if err := xoptions.SetInternalClientOptions(o, "deployment", driver.Deployment(p)); err != nil {
		t.Fatal(err)
	}
	c, err := mongo.Connect(o)
	if err != nil {
		t.Fatal(err)
	}
	return New(t.Context(), c.Database("app").Collection("sessions"), opts)
}

func (p *played) mustStore(t *testing.T, opts Options) *Store {
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

// Write takes the command out of a message: a header of 16 bytes, 4 of flags, and
// sections. A section of kind 0 is the command, one of kind 1 a field of it that
// is a list of documents.
func (c *playedConnection) Write(_ context.Context, message []byte) error {
	var fields bson.D
	for rest := message[16+4:]; len(rest) > 0; {
		kind, length := rest[0], int(binary.LittleEndian.Uint32(rest[1:]))
		section := append([]byte(nil), rest[1:1+length]...)
		rest = rest[1+length:]
		if kind == 0 {
			var body bson.D
			if err := bson.Unmarshal(section, &body); err != nil {
				return err
			}
			fields = append(body, fields...)
			continue
		}
		name, docs, _ := bytes.Cut(section[4:], []byte{0})
		var list bson.A
		for len(docs) > 0 {
			n := binary.LittleEndian.Uint32(docs)
			list = append(list, bson.Raw(docs[:n]))
			docs = docs[n:]
		}
		fields = append(fields, bson.E{Key: string(name), Value: list})
	}
	command, err := bson.Marshal(fields)
	c.command = command
	return err
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

// ordinary returns the reply of a server that has the right indexes and no
// sessions.
func ordinary(command string) bson.D {
	switch command {
	case "listIndexes":
		exists := bson.E{Key: "partialFilterExpression", Value: bson.D{{Key: "user", Value: bson.D{{Key: "$exists", Value: true}}}}}
		return batch(0, listed(bson.D{key("_id", 1)}), listed(bson.D{key("expires", 1)}, bson.E{Key: "expireAfterSeconds", Value: 0}),
			listed(bson.D{key("name", 1), key("user", 1)}, exists))
	case "update":
		return bson.D{{Key: "n", Value: 0}, {Key: "nModified", Value: 0}}
	case "insert", "delete":
		return bson.D{{Key: "n", Value: 1}}
	case "killCursors":
		return bson.D{{Key: "ok", Value: 1}}
	}
	return batch(0)
}

// batch returns the first batch of a list. If cursor is not 0, there are more.
func batch(cursor int64, docs ...any) bson.D {
	return bson.D{{Key: "cursor", Value: bson.D{
		{Key: "id", Value: cursor}, {Key: "ns", Value: "app.sessions"}, {Key: "firstBatch", Value: append(bson.A{}, docs...)},
	}}}
}
