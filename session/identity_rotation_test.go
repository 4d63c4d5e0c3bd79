package session_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// A key is rotated in steps, during each of which some processes are one step
// ahead: it is added as the last one, made the first one, and the old one is
// taken out when all sessions have been saved or touched since, after MaxAge.
// Clients that go on all the while keep their sessions.
func TestKeysRotateUnderLoad(t *testing.T) {
	t.Parallel()
	a, b := key("a"), key("b")
	for kind, set := range map[string]func(keys ...[]byte) func(*visitConfig){
		"signing": signing,
		"sealing": sealing,
		"both": func(keys ...[]byte) func(*visitConfig) {
			return func(cfg *visitConfig) { cfg.SigningKeys, cfg.EncryptionKeys = keys, keys }
		},
	} {
		for _, roll := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/rolling=%t", kind, roll), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					age := func(cfg *visitConfig) {
						cfg.MaxAge, cfg.Rolling, cfg.TouchAfter, cfg.RenewAfter = time.Hour, roll, time.Minute, 10*time.Minute
					}
					first := newRig(t, age, set(a))
					var processes []*rig
					for _, keys := range [][][]byte{{a}, {a, b}, {b, a}, {b}} {
						processes = append(processes, first.another(age, set(keys...)))
					}
					clients := make([]*client, 8)
					for i := range clients {
						clients[i] = &client{token: first.seed(visit{Name: "n"}), reads: i%2 == 0 && roll}
					}
					for i := range len(processes) - 1 {
						// Both kinds of process serve, and then only the later one.
						load(clients, processes[i:i+2], 5*time.Minute)
						load(clients, processes[i+1:i+2], 70*time.Minute)
					}
					for i, c := range clients {
						if got := processes[3].request(c.token).get().Data.Count; got != c.count {
							t.Errorf("client %d has counted to %d, its session says %d", i, c.count, got)
						}
					}
				})
			})
		}
	}
}

// client is a browser that goes on with the last token that it was sent.
type client struct {
	token string
	reads bool // it changes nothing; others count
	count int
}

// load has all clients make requests of the processes for d, at once.
func load(clients []*client, processes []*rig, d time.Duration) {
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	for _, c := range clients {
		wg.Go(func() {
			for time.Now().Before(end) {
				time.Sleep(time.Minute + rand.N(3*time.Minute))
				c.visit(processes[rand.N(len(processes))])
			}
		})
	}
	wg.Wait()
}

func (c *client) visit(r *rig) {
	q := r.request(c.token)
	s, err := q.x.Session(r.Context())
	if err != nil || s.IsNew() || s.Data.Count != c.count {
		r.Errorf("a request lost its session: %v, %v, want the count %d", s, err, c.count)
		return
	}
	if !c.reads {
		c.count++
		s.Data.Count++
	}
	out, err := q.tryCommit()
	if err != nil {
		r.Errorf("Commit: %v", err)
	}
	if out.Action == session.ActionSet {
		c.token = out.Token
	}
	if _, err := q.x.End(r.Context()); err != nil {
		r.Errorf("End: %v", err)
	}
}

// A session that is only read is extended without being saved: its Data must
// be sealed by the first key all the same before the old one can go.
func TestReadingReseals(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(*visitConfig){"rotated": sealing(key("a")), "turned on": func(*visitConfig) {}} {
		for _, ask := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/asked=%t", name, ask), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					old := newRig(t, rolling(time.Hour, time.Minute), before)
					token := old.seed(secretVisit())
					both := old.another(rolling(time.Hour, time.Minute), sealing(key("b"), key("a")))
					for range 4 { // for longer than MaxAge
						time.Sleep(20 * time.Minute)
						q := both.request(token)
						if ask {
							q.get()
						} else {
							q.load()
						}
						wantAction(t, q.commit(), session.ActionSet)
						q.end()
					}
					if rec := both.record(idOf(token)); rec.Format != "sealed" {
						t.Errorf("format %q after all that time, want it sealed", rec.Format)
					}
					s, err := old.another(sealing(key("b"))).m.Open(t.Context(), token)
					if err != nil || !equalVisits(s.Data, secretVisit()) {
						t.Errorf("with the new key alone Open gave %v, want the session", err)
					}
				})
			})
		}
	}
}
