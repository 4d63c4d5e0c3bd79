package session_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// A renewal by the way that fails, at every request anew, keeps nobody from
// using the session.
func TestRefreshThatFailsStillExtends(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*visitConfig)
		hook   func(*visitSession) error
		want   error
	}{
		"too large":  {func(cfg *visitConfig) { cfg.MaxBytes = 500 }, nil, session.ErrTooLarge},
		"BeforeSave": {func(*visitConfig) {}, func(*visitSession) error { return errBroken }, errBroken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				seeded := newRig(t)
				token := seeded.seed(visit{Name: strings.Repeat("x", 1000)})
				r := seeded.another(rolling(24*time.Hour, time.Minute), renewAfter(time.Hour), tt.change)
				for i := range 30 {
					time.Sleep(time.Hour)
					r.forget()
					q := r.requestWith(func(q *fakeRequest) { q.beforeSave = tt.hook }, sid(token))
					if q.get().IsNew() {
						t.Fatalf("signed out after %d hours of use", i+1)
					}
					q.commit()
					q.end()
					r.log.want(t, session.EventError, session.EventTouched)
					wantErr(t, r.log.one(t, session.EventError).Err, tt.want)
				}
			})
		})
	}
}

// An Update that failed brings back what Regenerate left behind; that this
// request itself deleted some of it is no log-out.
func TestUpdateThatFailsAfterTwoRegenerations(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, s := r.begin(r.seed(visit{Name: "n"}))
	s.Regenerate()
	s.Data.Name = "a"
	r.store.goDown(true)
	wantErr(t, s.Save(t.Context()), session.ErrUnavailable)
	s.Regenerate()
	s.Data.Name = "b"
	deletes := 0
	r.store.answer(func(op string, _ session.Record, do func() error) error {
		if op == opDelete {
			if deletes++; deletes == 2 {
				return session.ErrUnavailable
			}
		}
		return do()
	})
	add := count
	wantErr(t, s.Update(t.Context(), add), session.ErrUnavailable)
	r.store.answer(nil)
	wantNoErr(t, s.Update(t.Context(), add))
	if got := r.data(s.ID()); got.Name != "b" || got.Count != 1 || r.len() != 1 {
		t.Errorf("%d records, of which the session's has %+v, want 1 with b and 1", r.len(), got)
	}
}
