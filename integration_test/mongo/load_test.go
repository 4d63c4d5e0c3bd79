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

// ledger is the Data of the sessions: a number, and the changes that made it.
type ledger struct {
	N    int
	Done map[string][]int // the numbers that each change made: one number if all is well
}

// history records what clients did to one session, and what the store answered.
type history struct {
	id       string
	renewing sync.Mutex // one renewal at a time

	mu       sync.Mutex
	token    string
	acked    map[string]bool // changes that were acknowledged
	unknown  map[string]bool // changes that ended in an error: they may have been made
	deleted  bool            // a log-out was acknowledged
	revived  int             // reads that succeeded after that
	renewed  []string        // tokens that were replaced, and must open nothing
	accepted int             // how often such a token opened the session
	errs     map[string]int
}

// load has clients at work on some sessions.
type load struct {
	m        *session.Manager[ledger]
	sessions []*history
	tape     *tape
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
	l := &load{m: m, tape: newTape()}
	for range n {
		s, err := m.Start(t.Context())
		must(t, "Start", err)
		s.Data = ledger{Done: map[string][]int{"begin": {0}}}
		must(t, "Save", s.Save(t.Context()))
		l.sessions = append(l.sessions, &history{
			id: s.ID(), token: s.Token(), acked: map[string]bool{"begin": true}, unknown: map[string]bool{}, errs: map[string]int{},
		})
	}
	return l
}

// run keeps clients busy until ctx ends. They log out the last session after the
// time logout.
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
	for range 2 {
		wg.Go(func() { l.watch(ctx) })
	}
	wg.Wait()
	l.note(nil)
}

// note counts the outcome of a request.
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

// requestTime bounds a request, as an adapter bounds its commit.
const requestTime = 6 * time.Second

func (l *load) count(ctx context.Context, h *history, change func(context.Context, *history, string) (int, error)) {
	name := fmt.Sprint("c", l.seq.Add(1))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
	defer cancel()
	from := l.tape.now()
	n, err := change(ctx, h, name)
	l.tape.update(h.id, name, from, n, err)
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

// add returns a change that makes the next number and stores it in n.
func add(name string, n *int) func(*ledger) error {
	return func(v *ledger) error {
		v.N++
		v.Done[name] = append(v.Done[name], v.N)
		*n = v.N
		return nil
	}
}

func (l *load) byManager(ctx context.Context, h *history, name string) (n int, err error) {
	from := l.tape.now()
	if err = l.m.Update(ctx, h.id, add(name, &n)); errors.Is(err, session.ErrNotFound) {
		l.tape.read(h.id, from, 0, err)
	}
	return n, err
}

func (l *load) bySession(ctx context.Context, h *history, name string) (n int, err error) {
	h.mu.Lock()
	token := h.token
	h.mu.Unlock()
	s, err := l.m.Open(ctx, token)
	if err != nil {
		return 0, err
	}
	err = s.Update(ctx, add(name, &n))
	return n, err
}

// renew replaces the token. If the outcome is unknown, it looks which token opens
// the session.
func (l *load) renew(ctx context.Context, h *history) {
	h.renewing.Lock()
	defer h.renewing.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
	defer cancel()
	h.mu.Lock()
	token := h.token
	h.mu.Unlock()
	s, err := l.m.Open(ctx, token)
	if err == nil {
		s.Renew()
		next := s.Token()
		err = s.Save(ctx)
		made := err == nil
		if !made && !errors.Is(err, session.ErrGone) {
			// It may have been made all the same.
			_, e := l.m.Open(ctx, next)
			made = e == nil
		}
		if made {
			h.mu.Lock()
			h.token = next
			h.renewed = append(h.renewed, token)
			h.mu.Unlock()
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
	from := l.tape.now()
	err := l.m.Delete(ctx, h.id)
	l.tape.remove(h.id, from, err)
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
	old := append([]string(nil), h.renewed...)
	h.mu.Unlock()
	l.note(l.look(ctx, h))
	if len(old) > 0 {
		if _, err := l.m.Open(ctx, old[len(old)-1]); err == nil {
			h.mu.Lock()
			h.accepted++
			h.mu.Unlock()
		}
	}
}

func (l *load) look(ctx context.Context, h *history) error {
	h.mu.Lock()
	deleted := h.deleted
	h.mu.Unlock()
	from := l.tape.now()
	info, err := l.m.Find(ctx, h.id)
	l.tape.read(h.id, from, info.Data.N, err)
	if err == nil && deleted {
		h.mu.Lock()
		h.revived++
		h.mu.Unlock()
	}
	return err
}

// watch goes on to read while writers wait for a primary. Its reads do not count
// as requests, because the figures say how long writers wait.
func (l *load) watch(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
		_ = l.look(limited, l.sessions[i%len(l.sessions)]) // the tape has it
		cancel()
		time.Sleep(5 * time.Millisecond)
	}
}
