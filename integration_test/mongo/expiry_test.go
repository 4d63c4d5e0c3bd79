package mongo_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/mongostore"
	"github.com/echosession/echosession/session"
)

// stored reports whether there is a document, expired or not.
func (db database) stored(t *testing.T, id string) bool {
	t.Helper()
	n, err := db.sessions().CountDocuments(t.Context(), bson.D{{Key: "_id", Value: id}})
	must(t, "count", err)
	return n > 0
}

// until polls for something that the server does in its own time.
func until(t *testing.T, what string, limit time.Duration, ok func() bool) time.Duration {
	t.Helper()
	begin := time.Now()
	for !ok() {
		if time.Since(begin) > limit {
			t.Fatalf("%s: not within %v", what, limit)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return time.Since(begin)
}

func TestServerRemovesExpired(t *testing.T) {
	needOwn(t)
	db := newDatabase(t)
	s := db.open(t, mongostore.Options{})
	must(t, "Create", s.Create(t.Context(), newRecord("short", 300*time.Millisecond)))
	must(t, "Create", s.Create(t.Context(), newRecord("touched", 300*time.Millisecond)))
	must(t, "Create", s.Create(t.Context(), newRecord("long", time.Hour)))
	must(t, "Touch", s.Touch(t.Context(), newRecord("touched", time.Hour)))
	took := until(t, "TTL", 30*time.Second, func() bool { return !db.stored(t, "short") })
	for _, id := range []string{"touched", "long"} {
		if !db.stored(t, id) {
			t.Errorf("%s was removed, and has not expired", id)
		}
	}
	figures.add("TTL", "a session of 300ms was removed after %v, the monitor runs every second", took.Round(10*time.Millisecond))
}

// With the monitor off nothing is removed, and all the same nothing expired is
// read, listed, updated or touched.
func TestExpiryOnRead(t *testing.T) {
	needOwn(t)
	db := newDatabase(t)
	ttlMonitor := func(on bool) {
		admin(t, db.Client(), bson.D{{Key: "setParameter", Value: 1}, {Key: "ttlMonitorEnabled", Value: on}})
	}
	ttlMonitor(false)
	defer ttlMonitor(true)
	s := db.open(t, mongostore.Options{})
	ctx := t.Context()
	r := newRecord("a", 200*time.Millisecond)
	must(t, "Create", s.Create(ctx, r))
	_, err := s.Load(ctx, "a")
	must(t, "Load before its end", err)
	until(t, "expiry", 10*time.Second, func() bool { return time.Now().After(r.ExpiresAt) })

	later := r
	later.SeenAt, later.ExpiresAt = r.SeenAt.Add(time.Second), r.ExpiresAt.Add(time.Hour)
	_, loadErr := s.Load(ctx, "a")
	for op, err := range map[string]error{"Load": loadErr, "Update": s.Update(ctx, later), "Touch": s.Touch(ctx, later)} {
		if !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%s of an expired session: got error %v, want %v", op, err, session.ErrNotFound)
		}
	}
	if err := s.Create(ctx, r); !errors.Is(err, session.ErrExists) {
		t.Errorf("Create over an expired session: got error %v, want %v", err, session.ErrExists)
	}
	for r, err := range s.ListUser(ctx, "sid", "u1") {
		t.Errorf("ListUser: got %s (%v), want none", r.ID, err)
	}
	if !db.stored(t, "a") {
		t.Error("the document is gone: this test shows nothing")
	}
}

// The index may go while the application runs. Sessions still end in time; the
// next start makes it again.
func TestIndexDropped(t *testing.T) {
	needOwn(t)
	db := newDatabase(t)
	s := db.open(t, mongostore.Options{})
	must(t, "drop", db.sessions().Indexes().DropOne(t.Context(), "expires_1"))
	must(t, "Create", s.Create(t.Context(), newRecord("a", 100*time.Millisecond)))
	until(t, "expiry", 10*time.Second, func() bool {
		_, err := s.Load(t.Context(), "a")
		return errors.Is(err, session.ErrNotFound)
	})
	if !db.stored(t, "a") {
		t.Error("removed without an index")
	}
	db.open(t, mongostore.Options{})
	until(t, "TTL after the next start", 30*time.Second, func() bool { return !db.stored(t, "a") })
}

// Every operation ends with the caller's context or the time-out of the store.
func TestDeadlines(t *testing.T) {
	needOwn(t)
	db := newDatabase(t)
	s := db.open(t, mongostore.Options{Timeout: 300 * time.Millisecond})
	r := newRecord("a", time.Hour)
	must(t, "Create", s.Create(t.Context(), r))
	p := newProxy(t, standalone(t))
	through := db
	through.uri = "mongodb://" + p.Listen + "/" + db.Name()
	s = through.open(t, mongostore.Options{Timeout: 300 * time.Millisecond})
	p.begin(swallow)
	defer p.end()
	for name, ctx := range map[string]func() (context.Context, context.CancelFunc){
		"of the store": func() (context.Context, context.CancelFunc) { return context.WithCancel(t.Context()) },
		"of the caller": func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), 50*time.Millisecond)
		},
	} {
		for op, do := range map[string]func(context.Context) error{
			"Load":       func(ctx context.Context) error { _, err := s.Load(ctx, "a"); return err },
			"Create":     func(ctx context.Context) error { return s.Create(ctx, newRecord("b", time.Hour)) },
			"Update":     func(ctx context.Context) error { return s.Update(ctx, r) },
			"Touch":      func(ctx context.Context) error { return s.Touch(ctx, r) },
			"Delete":     func(ctx context.Context) error { return s.Delete(ctx, "a", 0) },
			"DeleteUser": func(ctx context.Context) error { _, err := s.DeleteUser(ctx, "sid", "u1", ""); return err },
			"ListUser": func(ctx context.Context) error {
				for _, err := range s.ListUser(ctx, "sid", "u1") {
					return err
				}
				return nil
			},
		} {
			limited, cancel := ctx()
			begin := time.Now()
			err := do(limited)
			cancel()
			if took := time.Since(begin); !errors.Is(err, session.ErrUnavailable) || took > 2*time.Second {
				t.Errorf("%s, deadline %s: got error %v after %v, want %v after at most 300ms", op, name, err, took, session.ErrUnavailable)
			}
		}
	}
}

// A list that is left holds up nobody where the server has gone silent meanwhile.
func TestLeavingAList(t *testing.T) {
	needOwn(t)
	db := newDatabase(t)
	plain := db.open(t, mongostore.Options{})
	for i := range 150 { // more than come at once
		must(t, "Create", plain.Create(t.Context(), newRecord(fmt.Sprint(i), time.Hour)))
	}
	p := newProxy(t, standalone(t))
	through := db
	through.uri = "mongodb://" + p.Listen + "/" + db.Name()
	for name, tt := range map[string]struct {
		cancel, leave bool
		want          error
	}{
		"to the deadline":   {false, false, session.ErrUnavailable},
		"canceled":          {true, false, context.Canceled},
		"left":              {false, true, nil},
		"canceled and left": {true, true, nil},
	} {
		s := through.open(t, mongostore.Options{Timeout: 10 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		var began time.Time
		var last error
		for _, err := range s.ListUser(ctx, "sid", "u1") {
			if began.IsZero() {
				began = time.Now()
				p.begin(swallow)
			}
			if last = err; tt.cancel {
				cancel()
			}
			if tt.leave {
				break
			}
		}
		if took := time.Since(began); took > 2*time.Second || !errors.Is(last, tt.want) {
			t.Errorf("%s: got error %v after %v, want %v after at most 300ms", name, last, took, tt.want)
		}
		cancel()
		p.end()
	}
}
