package mongo_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/testcontainers/testcontainers-go"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/echosession/echosession/mongostore"
	"github.com/echosession/echosession/session"
)

// protected starts a server with users. A server without protection makes them
// first, and this one takes over its data: from outside a protected server cannot
// be given its first user.
func protected(t *testing.T) *server {
	t.Helper()
	needOwn(t)
	open := startServer(t, testCommands)
	c := connect(t, options.Client().ApplyURI("mongodb://"+open.address()))
	admin(t, c, bson.D{{Key: "createUser", Value: "root"}, {Key: "pwd", Value: "root-pw"}, {Key: "roles", Value: bson.A{"root"}}})
	app := bson.D{{Key: "db", Value: "app"}, {Key: "collection", Value: "sessions"}}
	crud := bson.A{"find", "insert", "update", "remove"}
	role := func(name string, actions bson.A) {
		must(t, "createRole", c.Database("app").RunCommand(t.Context(), bson.D{
			{Key: "createRole", Value: name}, {Key: "roles", Value: bson.A{}},
			{Key: "privileges", Value: bson.A{bson.D{{Key: "resource", Value: app}, {Key: "actions", Value: actions}}}},
		}).Err())
		must(t, "createUser", c.Database("app").RunCommand(t.Context(), bson.D{
			{Key: "createUser", Value: name}, {Key: "pwd", Value: "pw"}, {Key: "roles", Value: bson.A{name}},
		}).Err())
	}
	role("minimal", append(crud[:len(crud):len(crud)], "listIndexes"))
	role("blind", crud)
	role("maker", append(crud[:len(crud):len(crud)], "listIndexes", "createIndex", "collMod"))
	admin(t, c, bson.D{{Key: "fsync", Value: 1}})
	open.act(t, "kill") // a clean end would take longer
	return startServer(t, append([]string{"--auth"}, testCommands...), testcontainers.WithHostConfigModifier(func(h *container.HostConfig) {
		onLoopback(h)
		h.VolumesFrom = []string{open.c.GetContainerID()}
	}))
}

func TestPermissions(t *testing.T) {
	s := protected(t)
	uri := func(user, password string) string {
		return "mongodb://" + user + ":" + password + "@" + s.address() + "/app"
	}
	fails := func(what, uri string, opts mongostore.Options, wants ...string) {
		t.Helper()
		begin := time.Now()
		store, err := mongostore.Open(t.Context(), uri, opts)
		if err == nil {
			store.Close()
			t.Errorf("%s: got no error", what)
			return
		}
		if errors.Is(err, session.ErrUnavailable) || time.Since(begin) > 5*time.Second {
			t.Errorf("%s: after %v got %v, which reads as an outage", what, time.Since(begin), err)
		}
		for _, want := range wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got error %v, want one with %q", what, err, want)
			}
		}
		if strings.Contains(err.Error(), "wrong-pw") {
			t.Errorf("%s: the error has the password: %v", what, err)
		}
	}
	fails("wrong password", uri("minimal", "wrong-pw"), mongostore.Options{}, "18")
	fails("no credentials", "mongodb://"+s.address()+"/app", mongostore.Options{}, "13")
	fails("no permission for indexes", uri("minimal", "pw"), mongostore.Options{},
		"createIndex({expires: 1}, {expireAfterSeconds: 0})", "SkipIndexes")
	fails("skipped, and missing", uri("minimal", "pw"), mongostore.Options{SkipIndexes: true}, "is missing")

	maker, err := mongostore.Open(t.Context(), uri("maker", "pw"), mongostore.Options{})
	must(t, "Open by one who may", err)
	maker.Close()
	fails("may not see the indexes", uri("blind", "pw"), mongostore.Options{SkipIndexes: true}, "listIndexes")
	for _, opts := range []mongostore.Options{{}, {SkipIndexes: true}} {
		store, err := mongostore.Open(t.Context(), uri("minimal", "pw"), opts)
		must(t, "Open by one who may not, when they are there", err)
		r := newRecord("a", time.Hour)
		must(t, "Create", store.Create(t.Context(), r))
		must(t, "Update", store.Update(t.Context(), r))
		r.Version++
		must(t, "Touch", store.Touch(t.Context(), r))
		must(t, "Delete", store.Delete(t.Context(), r.ID, 0))
		_, err = store.DeleteUser(t.Context(), "sid", "u1", "")
		must(t, "DeleteUser", err)
		store.Close()
	}
	figures.add("permissions", "find, insert, update, remove, listIndexes do; failed: %t", t.Failed())
}

// The store does not take over the caller's weak writes and reads from a
// secondary, and closing the store does not disconnect the caller's client.
func TestCallersCollection(t *testing.T) {
	db := newDatabase(t)
	var log commandLog
	c := connect(t, options.Client().ApplyURI(db.uri).SetMonitor(log.monitor()))
	coll := c.Database(db.Name()).Collection("sessions", options.Collection().
		SetWriteConcern(writeconcern.Unacknowledged()).SetReadPreference(readpref.SecondaryPreferred()))
	s, err := mongostore.New(t.Context(), coll, mongostore.Options{})
	must(t, "New", err)
	log.take()
	must(t, "Create", s.Create(t.Context(), newRecord("a", time.Hour)))
	_, err = s.Load(t.Context(), "a")
	must(t, "Load", err)
	for _, command := range log.take() {
		if w := command.Lookup("writeConcern", "w"); w.Type != 0 && w.String() != `"majority"` {
			t.Errorf("write concern %v, want majority", w)
		}
		if mode := command.Lookup("$readPreference", "mode"); mode.Type != 0 && mode.String() == `"secondaryPreferred"` {
			t.Errorf("read preference %v, want primary", mode)
		}
	}
	for range 2 {
		must(t, "Close", s.Close())
	}
	for op, err := range afterClose(t.Context(), s) {
		if !errors.Is(err, session.ErrUnavailable) || errors.Is(err, session.ErrNotFound) {
			t.Errorf("%s after Close: got error %v, want %v", op, err, session.ErrUnavailable)
		}
	}
	must(t, "the caller's client after Close", c.Ping(t.Context(), nil))

	owned := db.open(t, mongostore.Options{})
	for range 2 {
		must(t, "Close", owned.Close())
	}
	for op, err := range afterClose(t.Context(), owned) {
		if !errors.Is(err, session.ErrUnavailable) || errors.Is(err, session.ErrNotFound) {
			t.Errorf("%s after Close: got error %v, want %v", op, err, session.ErrUnavailable)
		}
	}
	if _, err := mongostore.New(t.Context(), coll, mongostore.Options{Monitor: mongostore.NewMonitor()}); err == nil {
		t.Error("a monitor that is not in the client's options: got no error")
	}
}

func afterClose(ctx context.Context, s *mongostore.Store) map[string]error {
	r := newRecord("a", time.Hour)
	_, load := s.Load(ctx, "a")
	_, users := s.DeleteUser(ctx, "sid", "u1", "")
	errs := map[string]error{
		"Load": load, "Create": s.Create(ctx, r), "Update": s.Update(ctx, r), "Touch": s.Touch(ctx, r),
		"Delete": s.Delete(ctx, "a", 0), "DeleteUser": users, "ListUser": nil,
	}
	for _, err := range s.ListUser(ctx, "sid", "u1") {
		errs["ListUser"] = err
	}
	return errs
}
