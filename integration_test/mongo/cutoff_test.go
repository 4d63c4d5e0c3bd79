package mongo_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/echosession/echosession/mongostore"
	"github.com/echosession/echosession/session"
)

// What only a cut-off primary has is taken back when it finds the others again.
// It must not be acknowledged, nor be what an acknowledged save is based on.
func TestPrimaryCutOffAndWrittenTo(t *testing.T) {
	set := replicaSet(t)
	set.healthy(t)
	open := func(timeout time.Duration) (*session.Manager[ledger], []*history) {
		s, _ := set.store(t, unique("cutoff"), mongostore.Options{Timeout: timeout})
		l := newLoad(t, s, 2)
		return l.m, l.sessions
	}
	// One store gives up before the primary does, the other waits for the next.
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
