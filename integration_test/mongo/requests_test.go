package mongo_test

import (
	"context"
	"errors"
	"time"

	"github.com/echosession/echosession/session"
)

// renew replaces the token. While it is not known which one is in force, both
// may be.
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
			// It may have been made: find out which of the two opens.
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

// watch goes on to read while those who write wait for a primary. It is no
// request of the figures, which are to tell how long writers do.
func (l *load) watch(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
		_ = l.look(limited, l.sessions[i%len(l.sessions)]) // on the tape
		cancel()
		time.Sleep(5 * time.Millisecond)
	}
}
