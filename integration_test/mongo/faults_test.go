package mongo_test

import (
	"context"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/echosession/echosession/mongostore"
)

// storeTimeout is longer than an election of the set, and short enough for a
// test.
const storeTimeout = 5 * time.Second

// underLoad runs fault while clients work, checks their history and adds a line
// to the closing table.
func underLoad(t *testing.T, set members, name string, fault func(t *testing.T) (faults int)) {
	t.Helper()
	set.healthy(t)
	s, _ := set.store(t, unique("faults"), mongostore.Options{Timeout: storeTimeout})
	l := newLoad(t, s, 6)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.run(ctx, 8, time.Second) // the log-outs come during the first fault
	}()
	time.Sleep(500 * time.Millisecond) // of undisturbed work
	faults := fault(t)
	time.Sleep(500 * time.Millisecond)
	cancel()
	<-done
	set.healthy(t)
	v := l.check(t)
	if v.changes < 20 {
		t.Errorf("%d changes were acknowledged: too few to prove anything", v.changes)
	}
	figures.add(name, "%d requests, %d failed, %d changes acknowledged, %d faults, longest outage %v, violations %d, porcupine: %s",
		l.requests.Load(), l.failed.Load(), v.changes, faults, l.outage.Round(10*time.Millisecond), v.violations, v.porcupine)
}

func TestPrimaryKilled(t *testing.T) {
	set := replicaSet(t)
	underLoad(t, set, "kill -9 of the primary, 3 times", func(t *testing.T) int {
		for range 3 {
			p := set.primary(t)
			p.act(t, "kill")
			other := set.primary(t)
			time.Sleep(300 * time.Millisecond)
			p.act(t, "start")
			if other == p {
				t.Error("the killed one is primary")
			}
			set.healthy(t)
		}
		return 3
	})
}

func TestPrimaryPaused(t *testing.T) {
	set := replicaSet(t)
	underLoad(t, set, "primary paused", func(t *testing.T) int {
		p := set.primary(t)
		p.act(t, "pause")
		time.Sleep(3 * electionTimeout)
		p.act(t, "unpause")
		set.healthy(t)
		return 1
	})
}

// The other members lose the primary, and clients reach all three. Until the
// primary notices, it accepts writes that no majority will have, and reads them.
func TestPrimaryPartitioned(t *testing.T) {
	set := replicaSet(t)
	underLoad(t, set, "primary cut off from the others, 2 times", func(t *testing.T) int {
		for range 2 {
			p := set.primary(t)
			begin := time.Now()
			p.act(t, "cut off")
			until(t, "another primary is there", 20*time.Second, func() bool { return set.primary(t) != p })
			time.Sleep(time.Until(begin.Add(4 * electionTimeout)))
			p.act(t, "join")
			set.healthy(t)
		}
		return 2
	})
}

func TestPrimaryStoppedAndSteppedDown(t *testing.T) {
	set := replicaSet(t)
	underLoad(t, set, "primary stopped, then stepped down", func(t *testing.T) int {
		p := set.primary(t)
		p.act(t, "stop")
		set.primary(t)
		p.act(t, "start")
		set.healthy(t)

		p = set.primary(t)
		c := connect(t, options.Client().ApplyURI("mongodb://"+p.address()+"/?directConnection=true"))
		// The server may close the connection before it answers.
		_ = c.Database("admin").RunCommand(t.Context(), bson.D{
			{Key: "replSetStepDown", Value: 3}, {Key: "secondaryCatchUpPeriodSecs", Value: 2},
		}).Err()
		set.primary(t)
		set.healthy(t)
		return 2
	})
}

// The network to the primary breaks in every way, one after the other.
func TestNetwork(t *testing.T) {
	set := replicaSet(t)
	set.healthy(t)
	for _, s := range set {
		p := newProxy(t, s)
		defer func() { p.end() }()
		proxies[s] = p
	}
	underLoad(t, set, "replies lost, reset, half sent, slow, swallowed", func(t *testing.T) int {
		n := 0
		for range 4 {
			for _, fault := range []string{loseReplies, resetPeer, halfRequests, slowReplies} {
				p := proxies[set.primary(t)]
				p.begin(fault)
				time.Sleep(120 * time.Millisecond)
				p.end()
				time.Sleep(150 * time.Millisecond)
				n++
			}
		}
		p := proxies[set.primary(t)]
		p.begin(swallow)
		time.Sleep(time.Second)
		p.end()
		return n + 1
	})
}

var proxies = map[*server]*proxy{}

// The primary answers with each error that the test command can make.
func TestFailCommand(t *testing.T) {
	set := replicaSet(t)
	faults := []bson.D{
		{{Key: "closeConnection", Value: true}},
		{{Key: "blockConnection", Value: true}, {Key: "blockTimeMS", Value: 300}},
		{{Key: "errorCode", Value: 91}},
		{{Key: "errorCode", Value: 189}},
		{{Key: "errorCode", Value: 10107}},
		{{Key: "errorCode", Value: 11600}},
		{{Key: "errorCode", Value: 11602}},
		{{Key: "writeConcernError", Value: bson.D{{Key: "code", Value: 64}, {Key: "errmsg", Value: "waiting for replication timed out"}}}},
		{{Key: "writeConcernError", Value: bson.D{{Key: "code", Value: 91}, {Key: "errmsg", Value: "shutting down"}}}, {Key: "errorLabels", Value: bson.A{"RetryableWriteError"}}},
	}
	underLoad(t, set, "failCommand of 9 sorts", func(t *testing.T) int {
		n := 0
		for range 2 {
			for _, fault := range faults {
				p := set.primary(t)
				c := connect(t, options.Client().ApplyURI("mongodb://"+p.address()+"/?directConnection=true"))
				admin(t, c, bson.D{
					{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: bson.D{{Key: "times", Value: 5}}},
					{Key: "data", Value: append(bson.D{{Key: "failCommands", Value: bson.A{"find", "insert", "update", "delete"}}}, fault...)},
				})
				time.Sleep(100 * time.Millisecond)
				n += 5
			}
		}
		return n
	})
}
