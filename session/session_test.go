package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

func TestTimesOfASession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxAge(time.Hour))
		start := time.Now()
		q, s := r.begin()
		want := func(created, expires time.Time) {
			t.Helper()
			if !s.CreatedAt().Equal(created) || !s.ExpiresAt().Equal(expires) {
				t.Errorf("created %v, ends %v, want %v and %v", s.CreatedAt(), s.ExpiresAt(), created, expires)
			}
		}
		time.Sleep(time.Minute)
		want(start, start.Add(61*time.Minute)) // if it were saved now
		s.SetMaxAge(2 * time.Hour)
		want(start, start.Add(121*time.Minute))
		q.save(s)
		time.Sleep(time.Minute)
		want(start, start.Add(121*time.Minute)) // as it was saved
		rec := r.record(s.ID())
		if !rec.CreatedAt.Equal(start) || !rec.SeenAt.Equal(start.Add(time.Minute)) || !rec.ExpiresAt.Equal(s.ExpiresAt()) {
			t.Errorf("record %+v, want the times of the session", rec)
		}
		s.SetMaxAge(0)
		want(start, start.Add(62*time.Minute))
		q.save(s)
		want(start, start.Add(62*time.Minute))
		for _, at := range []time.Time{s.CreatedAt(), s.ExpiresAt()} {
			if at.Location() != time.UTC {
				t.Errorf("%v, want UTC", at)
			}
		}
	})
}

func TestSetMaxAgeClamps(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ set, want time.Duration }{
		{maxDays + 1, maxDays},
		{1 << 62, maxDays},
		{maxDays, maxDays},
		{time.Second, time.Second},
		{1, time.Millisecond},
		{time.Millisecond, time.Millisecond},
		{time.Millisecond + 1, 2 * time.Millisecond},
		{0, time.Hour},
		{-1, time.Hour},
		{-1 << 63, time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, maxAge(time.Hour))
			s := r.start()
			s.SetMaxAge(tt.set)
			if got := time.Until(s.ExpiresAt()); got != tt.want {
				t.Errorf("SetMaxAge(%v): ends in %v, want %v", tt.set, got, tt.want)
			}
			wantNoErr(t, s.Save(t.Context()))
			if rec := r.record(s.ID()); rec.ExpiresAt.Sub(rec.SeenAt) != tt.want {
				t.Errorf("SetMaxAge(%v): stored for %v, want %v", tt.set, rec.ExpiresAt.Sub(rec.SeenAt), tt.want)
			}
		})
	}
}

// A session's own age is used by every later save, until it is taken back.
func TestOwnAgeStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxAge(time.Hour))
		q, s := r.begin(r.seed(visit{Name: "n"}))
		s.SetMaxAge(time.Minute)
		token := q.commit().Token
		for _, step := range []struct {
			do  func(*visitSession)
			age time.Duration
		}{
			{counting, time.Minute},
			{(*visitSession).Renew, time.Minute},
			{func(s *visitSession) { s.SetMaxAge(0) }, time.Hour},
			{counting, time.Hour},
		} {
			time.Sleep(59 * time.Second)
			q, s := r.begin(token)
			step.do(s)
			token = q.commit().Token
			if rec := r.record(s.ID()); time.Until(rec.ExpiresAt) != step.age || !rec.SeenAt.Equal(time.Now()) {
				t.Errorf("seen %v, ends %v, want now and %v later", rec.SeenAt, rec.ExpiresAt, step.age)
			}
		}
	})
}

func TestReload(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n", Prefs: map[string]string{"a": "1"}})
	q, s := r.begin(token)
	s.Data.Count, s.Data.Prefs["b"] = 5, "2"
	r.foreign(token, noting("theirs"))
	wantNoErr(t, s.Reload(t.Context()))
	r.wantData(s, visit{Name: "n", Note: "theirs", Prefs: map[string]string{"a": "1"}})
	r.store.wantCalls(t, "load load")
	r.forget()
	wantAction(t, q.commit(), session.ActionNone) // nothing is changed any more
	q.end()
	r.store.wantCalls(t, "")
	r.log.want(t)
}

func TestReloadOfANewSession(t *testing.T) {
	t.Parallel()
	n := 0
	r := newRig(t, func(cfg *visitConfig) {
		cfg.New = func() visit { n++; return visit{Count: n} }
	})
	q, s := r.begin()
	s.Data.Name = "n"
	before := s.Data.Count
	if err := s.Reload(t.Context()); err != nil || s.Data.Name != "" || s.Data.Count == before || !s.IsNew() {
		t.Errorf("%v, Data %+v, want what New makes now", err, s.Data)
	}
	wantAction(t, q.commit(), session.ActionNone)
	r.store.wantCalls(t, "")
}

func TestReloadFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, s := r.begin(r.seed(visit{Name: "n"}))
	s.Data.Count = 5
	r.store.failWith(opLoad, session.ErrUnavailable)
	wantErr(t, s.Reload(t.Context()), session.ErrUnavailable)
	r.store.answer(nil)
	r.overwrite(s.ID(), func(rec *session.Record) { rec.Data = []byte("{") })
	wantErr(t, s.Reload(t.Context()), session.ErrCorrupt)
	r.wantData(s, visit{Name: "n", Count: 5})
	r.log.want(t, session.EventError, session.EventError)
}
