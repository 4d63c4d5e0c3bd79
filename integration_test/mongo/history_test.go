package mongo_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/echosession/echosession/session"
)

// ledger is the Data of the sessions under fire: a number, and which changes
// made it.
type ledger struct {
	N    int
	Done map[string]int // how often each change was made
}

// history records what clients did to one session, and what they were told.
type history struct {
	id, token string

	mu       sync.Mutex
	acked    map[string]bool // changes that were acknowledged
	unknown  map[string]bool // changes that ended in an error: they may be there or not
	deleted  bool            // a log-out was acknowledged
	revived  int             // reads that succeeded although it had been
	renewed  []string        // tokens that were replaced, and must open nothing
	accepted int             // how often one did
	errs     map[string]int
}

// load is a number of clients at work on some sessions.
type load struct {
	m        *session.Manager[ledger]
	sessions []*history
	seq      atomic.Int64
	requests atomic.Int64
	failed   atomic.Int64

	mu     sync.Mutex
	lastOK time.Time
	outage time.Duration // the longest time in which no request succeeded
}

func newLoad(t *testing.T, store session.Store, n int) *load {
	t.Helper()
	m, err := session.New(session.Config[ledger]{
		Store: store, Cookie: session.Cookie{Name: "sid"}, ReconnectTimeout: 5 * time.Second, MaxBytes: 1 << 20,
	})
	must(t, "session.New", err)
	t.Cleanup(func() { m.Close() })
	l := &load{m: m}
	for range n {
		s, err := m.Start(t.Context())
		must(t, "Start", err)
		s.Data = ledger{Done: map[string]int{"begin": 1}}
		must(t, "Save", s.Save(t.Context()))
		l.sessions = append(l.sessions, &history{
			id: s.ID(), token: s.Token(), acked: map[string]bool{"begin": true}, unknown: map[string]bool{}, errs: map[string]int{},
		})
	}
	return l
}

// run keeps clients busy until ctx ends. The last session of each is the one
// that is logged out half way.
func (l *load) run(ctx context.Context, clients int, logout time.Duration) {
	l.lastOK = time.Now()
	begin := time.Now()
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for i := c; ctx.Err() == nil; i++ {
				h := l.sessions[i%len(l.sessions)]
				last := i%len(l.sessions) == len(l.sessions)-1
				switch {
				case last && time.Since(begin) > logout:
					l.logout(ctx, h)
				case i%3 == 0:
					l.count(ctx, h, l.byManager)
				case i%3 == 1:
					l.count(ctx, h, l.bySession)
				case i%7 == 2:
					l.renew(ctx, h)
				default:
					l.read(ctx, h)
				}
			}
		})
	}
	wg.Wait()
	l.note(nil)
}

// note takes the outcome of a request.
func (l *load) note(err error) {
	l.requests.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if gap := now.Sub(l.lastOK); gap > l.outage {
		l.outage = gap
	}
	if err == nil || errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrGone) {
		l.lastOK = now
		return
	}
	l.failed.Add(1)
}

// requestTime bounds a request as an adapter's commit does, but shorter.
const requestTime = 6 * time.Second

func (l *load) count(ctx context.Context, h *history, change func(context.Context, *history, string) error) {
	name := fmt.Sprint("c", l.seq.Add(1))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
	defer cancel()
	err := change(ctx, h, name)
	l.note(err)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err == nil:
		h.acked[name] = true
	case errors.Is(err, session.ErrNotFound), errors.Is(err, session.ErrGone):
		if !h.deleted && len(h.renewed) == 0 {
			h.errs["lost: "+err.Error()]++
		}
		h.unknown[name] = true
	default:
		h.unknown[name] = true
		h.errs[err.Error()]++
	}
}

func add(name string) func(*ledger) error {
	return func(v *ledger) error {
		v.N++
		v.Done[name]++
		return nil
	}
}

func (l *load) byManager(ctx context.Context, h *history, name string) error {
	return l.m.Update(ctx, h.id, add(name))
}

func (l *load) bySession(ctx context.Context, h *history, name string) error {
	h.mu.Lock()
	token := h.token
	h.mu.Unlock()
	s, err := l.m.Open(ctx, token)
	if err != nil {
		return err
	}
	return s.Update(ctx, add(name))
}

// renew replaces the token. While it is not known which one is in force, both
// may be.
func (l *load) renew(ctx context.Context, h *history) {
	h.mu.Lock()
	defer h.mu.Unlock() // one renewal at a time
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
	defer cancel()
	s, err := l.m.Open(ctx, h.token)
	if err == nil {
		old := s.Token()
		s.Renew()
		next := s.Token()
		if err = s.Save(ctx); err == nil {
			h.token = next
			h.renewed = append(h.renewed, old)
		} else if !errors.Is(err, session.ErrGone) {
			// It may have been made: find out which of the two opens.
			if _, e := l.m.Open(ctx, next); e == nil {
				h.token = next
				h.renewed = append(h.renewed, old)
			}
		}
	}
	l.note(err)
}

func (l *load) logout(ctx context.Context, h *history) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
	defer cancel()
	h.mu.Lock()
	done := h.deleted
	h.mu.Unlock()
	if done {
		l.read(ctx, h)
		return
	}
	err := l.m.Delete(ctx, h.id)
	l.note(err)
	if err == nil {
		h.mu.Lock()
		h.deleted = true
		h.mu.Unlock()
	}
}

func (l *load) read(ctx context.Context, h *history) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
	defer cancel()
	h.mu.Lock()
	deleted, old := h.deleted, append([]string(nil), h.renewed...)
	h.mu.Unlock()
	_, err := l.m.Find(ctx, h.id)
	l.note(err)
	if err == nil && deleted {
		h.mu.Lock()
		h.revived++
		h.mu.Unlock()
	}
	if len(old) > 0 {
		if _, err := l.m.Open(ctx, old[len(old)-1]); err == nil {
			h.mu.Lock()
			h.accepted++
			h.mu.Unlock()
		}
	}
}
