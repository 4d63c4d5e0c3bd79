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

// answers keeps what a store was answered last, by the cluster's clock.
type answers struct {
	commandLog
	last bson.Timestamp
}

func (a *answers) watch(o *options.ClientOptions) {
	m := a.monitor()
	m.Succeeded = func(_ context.Context, e *event.CommandSucceededEvent) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.last.T, a.last.I, _ = e.Reply.Lookup("operationTime").TimestampOK()
	}
	o.SetMonitor(m)
}

// A read sees what a majority has, and no less than what the store was told
// before: by its own writes, and by being refused one.
func TestReadsAfterWrites(t *testing.T) {
	set := replicaSet(t)
	set.healthy(t)
	name := unique("causal")
	var log answers
	s, _ := set.store(t, name, mongostore.Options{Timeout: storeTimeout}, log.watch)
	other, _ := set.store(t, name, mongostore.Options{Timeout: storeTimeout})
	r := newRecord("a", time.Hour)
	later := changed(r, "mine")
	later.Version = 2
	for _, step := range []struct {
		name string
		do   func() error
		want error
	}{
		{"Create", func() error { return s.Create(t.Context(), r) }, nil},
		{"Update", func() error { return s.Update(t.Context(), changed(r, "mine")) }, nil},
		{"Touch", func() error {
			touched := later
			touched.SeenAt, touched.ExpiresAt = r.SeenAt.Add(time.Second), r.ExpiresAt.Add(time.Second)
			return s.Touch(t.Context(), touched)
		}, nil},
		{"refused Update", func() error {
			must(t, "Update by another", other.Update(t.Context(), later))
			return s.Update(t.Context(), later)
		}, session.ErrConflict},
		{"refused Touch", func() error { return s.Touch(t.Context(), later) }, session.ErrConflict},
		{"refused Create", func() error { return s.Create(t.Context(), r) }, session.ErrExists},
		{"DeleteUser", func() error { _, err := s.DeleteUser(t.Context(), "sid", "nobody", ""); return err }, nil},
		{"refused Delete", func() error { return s.Delete(t.Context(), "a", 2) }, session.ErrConflict},
		{"Delete of an absent session", func() error { return s.Delete(t.Context(), "b", 0) }, session.ErrNotFound},
	} {
		if err := step.do(); !errors.Is(err, step.want) {
			t.Errorf("%s: got error %v, want %v", step.name, err, step.want)
		}
		told := log.last
		log.take()
		if _, err := s.Load(t.Context(), "a"); err != nil {
			t.Errorf("Load after %s: %v", step.name, err)
		}
		for _, err := range s.ListUser(t.Context(), "sid", "u1") {
			must(t, "ListUser", err)
		}
		for _, command := range log.take() {
			concern := command.Lookup("readConcern").Document()
			level, _ := concern.Lookup("level").StringValueOK()
			at, i, _ := concern.Lookup("afterClusterTime").TimestampOK()
			if level != "majority" || at == 0 || at < told.T || at == told.T && i < told.I {
				t.Errorf("a read after %s: read concern %v, want majority and not before %v", step.name, concern, told)
			}
		}
	}
}
