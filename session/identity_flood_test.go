package session_test

import (
	"crypto/rand"
	"encoding/base64"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/echosession/echosession/session"
)

// randomToken has the shape of one, and is nobody's.
func randomToken() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:16]) + "." + base64.RawURLEncoding.EncodeToString(b[16:])
}

func randomSignature() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// A flood of made-up tokens: with signing keys the store never hears of it, and
// without it hears of each once. Nothing is stored, nothing is left behind.
func TestFloodOfRandomTokens(t *testing.T) {
	t.Parallel()
	const n = 5000
	for name, tt := range map[string]struct {
		set   func(*visitConfig)
		token func() string
		loads int
	}{
		"no keys":                   {func(*visitConfig) {}, randomToken, n},
		"no keys, of a wrong shape": {func(*visitConfig) {}, func() string { return randomToken() + "." + randomSignature() }, 0},
		"keys, unsigned":            {signing(key("a")), randomToken, 0},
		"keys, with a signature":    {signing(key("a"), key("b")), func() string { return randomToken() + "." + randomSignature() }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, byName, tt.set, func(cfg *visitConfig) { cfg.Observe = nil })
			victim := r.seed(visit{Name: "ada"})
			before := r.record(idOf(victim))
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for range n / 4 {
						q := r.request(tt.token())
						if s, err := q.x.Session(t.Context()); err != nil || !s.IsNew() {
							t.Errorf("a random token gave %v, %v, want a new session", s, err)
							return
						}
						if out, err := q.tryCommit(); err != nil || out.Action != session.ActionNone {
							t.Errorf("outcome %+v, %v, want nothing", out, err)
							return
						}
						if _, err := q.x.End(t.Context()); err != nil {
							t.Errorf("End: %v", err)
						}
					}
				})
			}
			wg.Wait()
			if got := r.store.count(opLoad); got != tt.loads || len(r.store.order) != tt.loads {
				t.Errorf("the store was asked %d times, of them %d loads, want %d loads alone", len(r.store.order), got, tt.loads)
			}
			r.wantRecords(1)
			r.same(before)
			r.wantOpens(victim, idOf(victim))
		})
	}
}

// One request can make the store be asked four times at most, whatever it sends,
// and never by what is signed wrongly.
func TestFloodInOneRequest(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set   func(*visitConfig)
		loads int
	}{
		"no keys": {func(*visitConfig) {}, 4},
		"keys":    {signing(key("a")), 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, tt.set)
			victim := r.seed(visit{Name: "n"})
			var tokens []string
			for range 100 {
				tokens = append(tokens, randomToken(), randomToken()+"."+randomSignature(), strings.Repeat("x", 300), "\x00", "ä")
			}
			q := r.request(tokens...)
			if s := q.get(); !s.IsNew() {
				t.Errorf("%v, want a new session", s)
			}
			wantAction(t, q.commit(), session.ActionNone)
			if n := r.store.count(opLoad); n != tt.loads || len(r.store.order) != n {
				t.Errorf("the store was asked %q, want %d loads", r.store.order, tt.loads)
			}
			// With keys the good one is found behind all of them.
			if tt.loads == 0 {
				if s := r.request(append(tokens, victim)...).get(); s.IsNew() {
					t.Error("forged cookies in front keep the good one from being found")
				}
			}
		})
	}
}

// A giant token costs next to nothing.
func TestGiantTokensCostNothing(t *testing.T) {
	for _, set := range []func(*visitConfig){func(*visitConfig) {}, signing(key("a"))} {
		r := newRig(t, set, func(cfg *visitConfig) { cfg.Observe = nil })
		giant := strings.Repeat("A", 1<<20)
		for _, token := range []string{giant, giant + "." + secret22, "a." + giant, giant + "." + randomSignature(), strings.Repeat(".", 1<<20), strings.Repeat("ä", 1<<19)} {
			line := sid(token)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			q := r.requestWith(nil, line)
			if s := q.get(); !s.IsNew() {
				t.Errorf("%v, want a new session", s)
			}
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 64<<10 {
				t.Errorf("a token of %d bytes made the server allocate %d, want it to be refused by its length", len(token), got)
			}
			r.store.wantCalls(t, "")
		}
	}
}
