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

// answers keeps the cluster's time of the last answer to a store.
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

// A read sees what a majority has, and at least what the store was told before:
// by the success of a write, or by its refusal.
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
		before := log.last
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
			if level != "majority" || at == 0 || at < before.T || at == before.T && i < before.I {
				t.Errorf("a read after %s: read concern %v, want majority and not before %v", step.name, concern, before)
			}
		}
	}
}

// A primary that was cut off loses its own writes when it finds the others again.
// Such a write must not be acknowledged, and no acknowledged save may be based on it.
func TestPrimaryCutOffAndWrittenTo(t *testing.T) {
	set := replicaSet(t)
	set.healthy(t)
	open := func(timeout time.Duration) (*session.Manager[ledger], []*history) {
		s, _ := set.store(t, unique("cutoff"), mongostore.Options{Timeout: timeout})
		l := newLoad(t, s, 2)
		return l.m, l.sessions
	}
	// One store gives up before the primary does, the other waits for the next
	// primary.
	m1, h1 := open(electionTimeout * 3 / 10)
	m2, h2 := open(storeTimeout)
	abandoned := func(do func(ctx context.Context) error) error {
		ctx, cancel := context.WithTimeout(t.Context(), electionTimeout*3/20)
		defer cancel()
		return do(ctx)
	}
	var acked, lost []string
	note := func(change string, err error) {
		t.Logf("%s: %v", change, err)
		if err == nil {
			acked = append(acked, change)
		}
	}

	p := set.primary(t)
	p.act(t, "cut off")
	var n int
	note("impatient", m1.Update(t.Context(), h1[0].id, add("impatient", &n)))
	note("abandoned", abandoned(func(ctx context.Context) error { return m2.Update(ctx, h2[0].id, add("abandoned", &n)) }))
	s, err := m2.Open(t.Context(), h2[0].token)
	must(t, "Open", err)
	_ = abandoned(func(ctx context.Context) error { return m2.Delete(ctx, h2[1].id) })
	note("log-out", m2.Delete(t.Context(), h2[1].id))
	until(t, "another primary is there", 20*time.Second, func() bool { return set.primary(t) != p })
	note("by the next primary", m2.Update(t.Context(), h2[0].id, add("by the next primary", &n)))
	must(t, "add", add("by an older request", &n)(&s.Data))
	note("by an older request", s.Save(t.Context()))
	p.act(t, "join")
	set.healthy(t)

	stored := map[string]bool{}
	for m, h := range map[*session.Manager[ledger]]*history{m1: h1[0], m2: h2[0]} {
		info, err := m.Find(t.Context(), h.id)
		must(t, "Find", err)
		for change := range info.Data.Done {
			stored[change] = true
		}
	}
	_, err = m2.Find(t.Context(), h2[1].id)
	stored["log-out"] = errors.Is(err, session.ErrNotFound)
	for _, change := range acked {
		if !stored[change] {
			lost = append(lost, change)
		}
	}
	if len(lost) > 0 {
		t.Errorf("lost %q of the acknowledged %q, want none lost", lost, acked)
	}
	figures.add("primary cut off and written to", "acknowledged %q, lost of them %q", acked, lost)
}
