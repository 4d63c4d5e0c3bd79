package mongo_test

import (
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/mongostore"
	"github.com/echosession/echosession/session"
)

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

// Without the monitor nothing is removed. All the same, an expired session cannot
// be read, listed, updated or touched.
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
		t.Error("the document is gone, so this test shows nothing")
	}
}

// If the index is dropped while the application runs, sessions still end in time,
// and the next start makes the index again.
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
