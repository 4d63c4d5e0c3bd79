package mongo_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/echosession/echosession/mongostore"
	"github.com/echosession/echosession/session"
)

func wantVersion(t *testing.T, s *mongostore.Store, id, meta string, version int64) {
	t.Helper()
	r, err := s.Load(t.Context(), id)
	if err != nil || r.Version != version || string(r.Meta) != meta {
		t.Errorf("stored: got version %d and meta %q (%v), want %d and %q", r.Version, r.Meta, err, version, meta)
	}
}

// The driver repeats no writes to a standalone server. If a reply is lost, the
// store finds out whether the write was made, and never makes it twice.
func TestLostReply(t *testing.T) {
	needOwn(t)
	direct := newDatabase(t)
	plain := direct.open(t, mongostore.Options{})
	p := newProxy(t, standalone(t))
	through := direct
	through.uri = "mongodb://" + p.Listen + "/" + direct.Name()
	for name, fault := range map[string]string{"closed": loseReplies, "silent": swallow} {
		t.Run(name, func(t *testing.T) {
			s := through.open(t, mongostore.Options{Timeout: 2 * time.Second})
			// once loses the reply to one command: when the store sends it again, the
			// network works.
			once := func(op func() error) error {
				p.begin(fault)
				heal := time.AfterFunc(400*time.Millisecond, p.end)
				defer heal.Stop()
				err := op()
				p.end()
				return err
			}
			r := newRecord(name, time.Hour)
			must(t, "Create", once(func() error { return s.Create(t.Context(), r) }))
			wantVersion(t, plain, r.ID, string(r.Meta), 1)
			must(t, "Update", once(func() error { return s.Update(t.Context(), changed(r, "mine")) }))
			wantVersion(t, plain, r.ID, "mine", 2)

			// This write was never made, so it still is a conflict.
			if err := once(func() error { return s.Update(t.Context(), changed(r, "stale")) }); !errors.Is(err, session.ErrConflict) {
				t.Errorf("Update of an old version: got error %v, want %v", err, session.ErrConflict)
			}
			taken := newRecord(name+" taken", time.Hour)
			must(t, "Create", plain.Create(t.Context(), taken))
			if err := once(func() error { return s.Create(t.Context(), changed(taken, "another")) }); !errors.Is(err, session.ErrExists) {
				t.Errorf("Create of a taken id: got error %v, want %v", err, session.ErrExists)
			}
			wantVersion(t, plain, r.ID, "mine", 2)
			if err := once(func() error { return s.Delete(t.Context(), r.ID, 1) }); !errors.Is(err, session.ErrConflict) {
				t.Errorf("Delete of an old version: got error %v, want %v", err, session.ErrConflict)
			}
			wantVersion(t, plain, r.ID, "mine", 2)
			// It is gone, but this delete or another one may have removed it.
			if err := once(func() error { return s.Delete(t.Context(), r.ID, 2) }); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("Delete: got error %v, want %v", err, session.ErrUnavailable)
			}
			if _, err := plain.Load(t.Context(), r.ID); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("after Delete: got error %v, want %v", err, session.ErrNotFound)
			}
			if err := once(func() error { return s.Update(t.Context(), changed(r, "late")) }); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("Update after Delete: got error %v, want %v", err, session.ErrNotFound)
			}
		})
	}
}

func failNext(t *testing.T, set members, times int, commands []string, data bson.D) (off func()) {
	t.Helper()
	c := connect(t, options.Client().ApplyURI("mongodb://"+set.primary(t).address()+"/?directConnection=true"))
	admin(t, c, bson.D{
		{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: bson.D{{Key: "times", Value: times}}},
		{Key: "data", Value: append(bson.D{{Key: "failCommands", Value: commands}}, data...)},
	})
	return func() {
		admin(t, c, bson.D{{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: "off"}})
	}
}

// A write that no majority confirmed was made on one member. It counts as made
// when a look finds that a majority has it.
func TestWriteConcernError(t *testing.T) {
	set := replicaSet(t)
	set.healthy(t)
	s, _ := set.store(t, unique("unconfirmed"), mongostore.Options{Timeout: storeTimeout})
	unconfirmed := bson.D{{Key: "writeConcernError", Value: bson.D{{Key: "code", Value: 64}, {Key: "errmsg", Value: "waiting for replication timed out"}}}}
	r := newRecord("a", time.Hour)
	for _, op := range []struct {
		name, command string
		do            func() error
		after         func()
	}{
		{"Create", "insert", func() error { return s.Create(t.Context(), r) }, func() { wantVersion(t, s, "a", string(r.Meta), 1) }},
		{"Update", "update", func() error { return s.Update(t.Context(), changed(r, "mine")) }, func() { wantVersion(t, s, "a", "mine", 2) }},
		{"Delete", "delete", func() error { return s.Delete(t.Context(), "a", 2) }, func() {
			if _, err := s.Load(t.Context(), "a"); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("after Delete: got error %v, want %v", err, session.ErrNotFound)
			}
		}},
	} {
		off := failNext(t, set, 1, []string{op.command}, unconfirmed)
		must(t, op.name+" with a writeConcernError", op.do())
		off()
		op.after()
	}
}

// If another write came after one that was not confirmed, it is unknown whether
// the first was made. To call it a conflict would have the change made twice.
func TestAnotherWriteInBetween(t *testing.T) {
	set := replicaSet(t)
	set.healthy(t)
	name := unique("between")
	other, _ := set.store(t, name, mongostore.Options{Timeout: storeTimeout})
	var between func() // what happens before the reply to the next update arrives
	s, _ := set.store(t, name, mongostore.Options{Timeout: storeTimeout}, func(o *options.ClientOptions) {
		o.SetMonitor(&event.CommandMonitor{Succeeded: func(_ context.Context, e *event.CommandSucceededEvent) {
			if f := between; f != nil && e.CommandName == "update" {
				between = nil
				f()
			}
		}})
	})
	r := newRecord("a", time.Hour)
	must(t, "Create", s.Create(t.Context(), r))
	second := changed(r, "theirs")
	second.Version = 2
	between = func() { must(t, "Update by another", other.Update(t.Context(), second)) }
	off := failNext(t, set, 1, []string{"update"}, bson.D{{Key: "writeConcernError", Value: bson.D{{Key: "code", Value: 64}, {Key: "errmsg", Value: "timed out"}}}})
	err := s.Update(t.Context(), changed(r, "mine"))
	off()
	if !errors.Is(err, session.ErrUnavailable) || errors.Is(err, session.ErrConflict) {
		t.Errorf("Update, made and overwritten before it was confirmed: got error %v, want %v", err, session.ErrUnavailable)
	}
	wantVersion(t, other, "a", "theirs", 3)
}

// While two of three members do not answer, no write is reported as made, though
// the third member has it.
func TestNoMajority(t *testing.T) {
	set := replicaSet(t)
	set.healthy(t)
	s, _ := set.store(t, unique("minority"), mongostore.Options{Timeout: 1500 * time.Millisecond})
	r := newRecord("a", time.Hour)
	must(t, "Create", s.Create(t.Context(), r))
	p := set.primary(t)
	t.Cleanup(func() { set.healthy(t) })
	for _, m := range set {
		if m != p {
			m.act(t, "pause")
			defer m.act(t, "unpause")
		}
	}
	for op, do := range map[string]func(context.Context) error{
		"Create": func(ctx context.Context) error { return s.Create(ctx, newRecord("b", time.Hour)) },
		"Update": func(ctx context.Context) error { return s.Update(ctx, changed(r, "mine")) },
	} {
		if err := do(t.Context()); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("%s without a majority: got error %v, want %v", op, err, session.ErrUnavailable)
		}
	}
}
