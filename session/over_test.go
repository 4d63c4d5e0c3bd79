package session_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/echosession/echosession/session"
)

// A Session kept beyond its request stores nothing, and says so.
func TestSessionAfterTheRequest(t *testing.T) {
	t.Parallel()
	for _, stored := range []bool{false, true} {
		t.Run(fmt.Sprintf("stored %v", stored), func(t *testing.T) {
			r := newRig(t)
			q, s := r.beginStored(stored, fullVisit())
			id, token := s.ID(), s.Token()
			q.commit()
			q.end()
			r.forget()
			s.Data.Count++
			for what, err := range map[string]error{
				"Save":   s.Save(t.Context()),
				"Reload": s.Reload(t.Context()),
				"Update": s.Update(t.Context(), func(*visit) error { t.Error("fn was called"); return nil }),
			} {
				if !errors.Is(err, session.ErrNoSession) {
					t.Errorf("%s: %v, want ErrNoSession", what, err)
				}
			}
			if s.ID() != id || s.Token() != token || s.IsNew() == stored || s.Manager() != r.m || s.CreatedAt().IsZero() || s.ExpiresAt().IsZero() {
				t.Errorf("id %q, token %q, new %v: want them as they were", s.ID(), s.Token(), s.IsNew())
			}
			s.Renew()
			s.SetMaxAge(1)
			s.Destroy()
			s.Regenerate()
			s.SetSave(session.SaveAlways)
			if out := q.end(); out != (session.Outcome{}) {
				t.Errorf("outcome %+v, want nothing", out)
			}
			if out := q.commit(); out != (session.Outcome{}) {
				t.Errorf("outcome %+v, want nothing", out)
			}
			r.store.wantCalls(t, "")
			r.log.want(t)
		})
	}
}

// One that was never asked for cannot be had any more.
func TestSessionFirstAskedAfterTheRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := r.request(r.seed(fullVisit()))
	q.end()
	_, err := q.x.Session(t.Context())
	wantErr(t, err, session.ErrNoSession)
	_, err = q.x.Peek(t.Context())
	wantErr(t, err, session.ErrNoSession)
	wantErr(t, q.x.Load(t.Context()), session.ErrNoSession)
	r.store.wantCalls(t, "")

	// The hooks are not called any more: they may belong to another request.
	q = r.requestWith(nil, sid(r.seed(fullVisit())))
	s := q.get()
	q.end()
	q.failed = func(session.Op, error) error { t.Error("Failed was called"); return nil }
	q.beforeSave = func(*visitSession) error { t.Error("BeforeSave was called"); return nil }
	_ = s.Save(t.Context())
	_, _ = q.x.Session(t.Context())
}

// Goroutines that outlive their handler: every method, while the request ends.
func TestSessionDuringTheEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 20 {
		q, s := r.begin(r.seed(fullVisit()))
		var wg sync.WaitGroup
		for _, f := range []func(){
			func() { s.ID() }, func() { s.Token() }, func() { s.IsNew() }, func() { s.CreatedAt() }, func() { s.ExpiresAt() },
			func() { s.AuthenticatedAt() }, func() { s.Renew() }, func() { s.SetMaxAge(1e9) }, func() { s.SetSave(session.SaveAuto) },
			func() { s.Manager() }, func() { _ = fmt.Sprint(s) },
			func() { _, _ = q.x.Session(t.Context()) }, func() { _, _ = q.x.Peek(t.Context()) },
			func() { _, _ = q.tryCommit() }, func() { _, _ = q.x.End(t.Context()) },
			func() { _, _ = session.FromContext[visit](q.x.Context(t.Context())) },
		} {
			wg.Go(f)
		}
		wg.Wait()
		q.end()
		wantErr(t, s.Save(t.Context()), session.ErrNoSession)
	}
}

// Two goroutines of one request that ask at once load once, and get the same.
func TestSessionFromManyGoroutines(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := r.request(r.seed(fullVisit()))
	got := make([]*visitSession, 10)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			s, err := q.x.Session(t.Context())
			if err != nil {
				t.Error(err)
			}
			got[i] = s
		})
		wg.Go(func() {
			if v, err := q.x.Peek(t.Context()); err != nil || v.Name != "n" {
				t.Errorf("Peek gave %+v, %v", v, err)
			}
		})
	}
	wg.Wait()
	for _, s := range got {
		if s != got[0] {
			t.Errorf("sessions %p and %p, want one", s, got[0])
		}
	}
	r.store.wantCalls(t, "load")
}
