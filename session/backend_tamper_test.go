package session_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// tamperedStore is a store whose records alter changes as they are loaded.
type tamperedStore struct {
	session.Store
	alter func(*session.Record)
}

// Load implements session.Store.
func (s *tamperedStore) Load(ctx context.Context, id string) (session.Record, error) {
	r, err := s.Store.Load(ctx, id)
	if err == nil && s.alter != nil {
		r.Meta, r.Data = slices.Clone(r.Meta), slices.Clone(r.Data)
		s.alter(&r)
	}
	return r, err
}

// tampered puts s in front of the store.
func tampered(s *tamperedStore) func(*visitConfig) {
	return func(cfg *visitConfig) {
		s.Store = cfg.Store
		cfg.Store = s
	}
}

// wantCorrupt fails unless the record of the token is ErrCorrupt in every way of
// loading it, and is left as it is.
func (r *rig) wantCorrupt(what, token string) {
	r.Helper()
	r.forget()
	for how, err := range r.errorsOf(token) {
		if !errors.Is(err, session.ErrCorrupt) {
			r.Errorf("%s: %s: %v, want ErrCorrupt", what, how, err)
		}
	}
	// The error handler lets the request go on with an empty session. That stores
	// nothing.
	q, _ := r.answering(nil, session.OpLoad, session.ErrCorrupt, token)
	s := q.get()
	if !s.IsNew() || s.Data.Note != "" {
		r.Errorf("%s: Data is %+v, want nothing of the record", what, s.Data)
	}
	counting(s)
	s.SetSave(session.SaveAlways)
	wantAction(r.T, q.commit(), session.ActionNone)
	if err := s.Save(r.Context()); err == nil {
		r.Errorf("%s: Save: no error, want one", what)
	}
	q.end()
	for _, op := range []string{opCreate, opUpdate, opTouch, opDelete} {
		if n := r.store.count(op); n != 0 {
			r.Errorf("%s: %d calls of %s, want none", what, n, op)
		}
	}
}

// Sealed Data opens only in the record that it was sealed for, unchanged.
func TestSealBindsTheRecord(t *testing.T) {
	t.Parallel()
	flip := func(at int) func(r, _, _ *session.Record) {
		return func(r, _, _ *session.Record) { r.Data[(at+len(r.Data))%len(r.Data)] ^= 1 }
	}
	for what, alter := range map[string]func(r, earlier, other *session.Record){
		"user":                     func(r, _, _ *session.Record) { r.User = "eve" },
		"no user":                  func(r, _, _ *session.Record) { r.User = "" },
		"another version":          func(r, _, _ *session.Record) { r.Version++ },
		"an earlier version":       func(r, e, _ *session.Record) { r.Version = e.Version },
		"created":                  func(r, _, _ *session.Record) { r.CreatedAt = r.CreatedAt.Add(time.Millisecond) },
		"the nonce of the write":   func(r, _, _ *session.Record) { r.Meta[33]++ },
		"the shape":                func(r, _, _ *session.Record) { r.Meta[41]++ },
		"when it was issued":       func(r, _, _ *session.Record) { r.Meta[49]++ },
		"earlier data":             func(r, e, _ *session.Record) { r.Data = e.Data },
		"earlier data and version": func(r, e, _ *session.Record) { r.Data, r.Version = e.Data, e.Version },
		"earlier meta":             func(r, e, _ *session.Record) { r.Meta = e.Meta },
		"data of another":          func(r, _, o *session.Record) { r.Data = o.Data },
		"all of another":           func(r, _, o *session.Record) { meta, id := r.Meta, r.ID; *r = *o; r.Meta, r.ID = meta, id },
		"no data":                  func(r, _, _ *session.Record) { r.Data = nil },
		"a nonce alone":            func(r, _, _ *session.Record) { r.Data = r.Data[:24] },
		"less than a nonce":        func(r, _, _ *session.Record) { r.Data = r.Data[:23] },
		"truncated":                func(r, _, _ *session.Record) { r.Data = r.Data[:len(r.Data)-1] },
		"longer":                   func(r, _, _ *session.Record) { r.Data = append(r.Data, 0) },
		"a bit of the nonce":       flip(0),
		"a bit at its end":         flip(23),
		"a bit of the text":        flip(24),
		"a bit of the tag":         flip(-1),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			store := new(tamperedStore)
			r := newRig(t, byName, sealing(key("a")), tampered(store))
			token, other := r.seed(secretVisit()), r.seed(visit{Name: "eve", Note: "PLAINTEXT"})
			earlier := r.record(idOf(token))
			r.handle(token, counting)
			theirs := r.record(idOf(other))
			store.alter = func(rec *session.Record) { alter(rec, &earlier, &theirs) }
			r.wantCorrupt(what, token)
			store.alter = nil
			r.wantOpens(token, idOf(token))
		})
	}
}

// Sealed Data of a victim does not open in a record of another id, whose token
// a thief has, or in another kind of session.
func TestSealBindsTheIDAndTheName(t *testing.T) {
	t.Parallel()
	store := new(tamperedStore)
	r := newRig(t, byName, sealing(key("a")), tampered(store))
	victimToken, thief := r.seed(secretVisit()), r.seed(visit{Name: "ada"})
	victim := r.record(idOf(victimToken))
	store.alter = func(rec *session.Record) {
		rec.Data, rec.User, rec.CreatedAt = victim.Data, victim.User, victim.CreatedAt
	}
	r.wantCorrupt("data of another id", thief)

	// All of the record except for the id and the digest of the thief.
	store.alter = func(rec *session.Record) {
		id, digest := rec.ID, rec.Meta[:33]
		*rec = victim
		rec.ID, rec.Meta = id, slices.Concat(digest, victim.Meta[33:])
	}
	r.wantCorrupt("all of another id", thief)

	// A copy of the record, which would outlive it, with the secret of the victim.
	store.alter = func(rec *session.Record) {
		id := rec.ID
		*rec = victim
		rec.ID = id
	}
	r.wantCorrupt("a copy under another id", idOf(thief)+"."+secretOf(victimToken))

	store.alter = func(rec *session.Record) { rec.Name = "other" }
	other := r.another(byName, sealing(key("a")), tampered(store), func(cfg *visitConfig) { cfg.Cookie.Name = "other" })
	_, err := other.m.Find(t.Context(), idOf(thief))
	wantErr(t, err, session.ErrCorrupt)
}

// Sealed Data opens only with the codec that it was encoded by.
func TestSealBindsTheCodec(t *testing.T) {
	t.Parallel()
	r := newRig(t, sealing(key("a")))
	token := r.seed(secretVisit())
	r.another(sealing(key("a")), func(cfg *visitConfig) { cfg.Codec = renamedCodec{name: "mine"} }).wantCorrupt("another codec", token)
}

// Data that is sealed by a key that is not configured is ErrCorrupt. All keys
// open.
func TestSealedByAnotherKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, sealing(key("a")))
	token := r.seed(secretVisit())
	for what, set := range map[string]func(*visitConfig){
		"another key":   sealing(key("b")),
		"two others":    sealing(key("b"), key("c")),
		"no key at all": func(*visitConfig) {},
	} {
		r.another(set).wantCorrupt(what, token)
	}
	r.another(sealing(key("b"), key("c"), key("a"))).wantOpens(token, idOf(token))
	r.wantOpens(token, idOf(token))
}

// Data is sealed or not as the format of the record says. Anything else is
// ErrCorrupt.
func TestSealedFormatIsNotGuessed(t *testing.T) {
	t.Parallel()
	store := new(tamperedStore)
	r := newRig(t, sealing(key("a")), tampered(store))
	token := r.seed(secretVisit())
	store.alter = func(rec *session.Record) { rec.Format = "json" }
	r.wantCorrupt("sealed, called json", token)
	store.alter = func(rec *session.Record) { rec.Data = []byte(`{"Name":"eve"}`) }
	r.wantCorrupt("json, called sealed", token)
	store.alter = func(rec *session.Record) { rec.Format, rec.Data = "", nil }
	r.wantCorrupt("nothing", token)
}

// A key is rotated in steps, and at each step some processes are one step
// ahead. The new key is added as the last one, then made the first one, and the
// old key goes when every session was saved or touched since, which is after
// MaxAge. Clients keep their sessions all the while.
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
			t.Run(fmt.Sprintf("%s/rolling %t", kind, roll), func(t *testing.T) {
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
						// Both processes serve, and then only the later one.
						load(clients, processes[i:i+2], 5*time.Minute)
						load(clients, processes[i+1:i+2], 70*time.Minute)
					}
					for i, c := range clients {
						if got := processes[3].request(c.token).get().Data.Count; got != c.count {
							t.Errorf("the session of client %d has the count %d, want %d", i, got, c.count)
						}
					}
				})
			})
		}
	}
}

// client is a browser that goes on with the last token that it got.
type client struct {
	token string
	reads bool // it does not count
	count int
}

// load makes all clients send requests to the processes for d, at once.
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

// visit makes one request, which must find what the client has counted.
func (c *client) visit(r *rig) {
	q := r.request(c.token)
	s, err := q.x.Session(r.Context())
	if err != nil || s.IsNew() || s.Data.Count != c.count {
		r.Errorf("Session: %v, %v, want the session with the count %d", s, err, c.count)
		return
	}
	if !c.reads {
		c.count++
		s.Data.Count++
	}
	out, err := q.tryCommit()
	wantNoErr(r.T, err)
	if out.Action == session.ActionSet {
		c.token = out.Token
	}
	_, err = q.x.End(r.Context())
	wantNoErr(r.T, err)
}

// A session that is only read is extended without a save. Its Data is sealed by
// the first key all the same, so that the old key can go.
func TestReadingReseals(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(*visitConfig){"rotated": sealing(key("a")), "turned on": func(*visitConfig) {}} {
		for _, ask := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/asked %t", name, ask), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					old := newRig(t, rolling(time.Hour, time.Minute), before)
					token := old.seed(secretVisit())
					both := old.another(rolling(time.Hour, time.Minute), sealing(key("b"), key("a")))
					for range 4 { // in all longer than MaxAge
						time.Sleep(20 * time.Minute)
						q := both.request(token)
						q.load()
						if ask {
							q.get()
						}
						wantAction(t, q.commit(), session.ActionSet)
						q.end()
					}
					if rec := both.record(idOf(token)); rec.Format != "sealed" {
						t.Errorf("the record has the format %q, want sealed", rec.Format)
					}
					s, err := old.another(sealing(key("b"))).m.Open(t.Context(), token)
					if err != nil || !equalVisits(s.Data, secretVisit()) {
						t.Errorf("Open with the new key alone: %v, want the session", err)
					}
				})
			})
		}
	}
}
