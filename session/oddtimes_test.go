package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// Records keep whole milliseconds, whatever the configuration counts in.
func TestStoredTimesAreWholeMilliseconds(t *testing.T) {
	t.Parallel()
	odd := time.Hour + time.Microsecond
	for name, change := range map[string]func(*visitConfig){
		"AbsoluteTimeout": absolute(odd),
		"MaxAge":          maxAge(odd),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, change)
			rec := r.record(idOf(r.seed(visit{Count: 1})))
			for what, at := range map[string]time.Time{"CreatedAt": rec.CreatedAt, "SeenAt": rec.SeenAt, "ExpiresAt": rec.ExpiresAt} {
				if !at.Equal(at.Truncate(time.Millisecond)) || at.Location() != time.UTC {
					t.Errorf("%s of %v: %s is %v, want UTC and whole milliseconds", name, odd, what, at)
				}
			}
		})
	}
}

// A longer age holds beside another request that only extends the session, by
// its old age and at a later time, between the look and the write.
func TestLongerAgeBesideATouch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rolling(24*time.Hour, -1))
		token := r.seed(visit{Count: 1})
		const month = 30 * 24 * time.Hour
		q, s := r.begin(token)
		s.SetMaxAge(month)
		var written time.Time
		r.store.answer(func(op string, rec session.Record, do func() error) error {
			if op != opUpdate || !written.IsZero() {
				return do()
			}
			written = rec.SeenAt
			time.Sleep(time.Second)
			rec.SeenAt = time.Now().UTC()
			rec.ExpiresAt = rec.SeenAt.Add(24 * time.Hour)
			if err := r.store.Store.Touch(t.Context(), rec); err != nil {
				t.Errorf("the other request's touch: %v", err)
			}
			return do()
		})
		out := q.commit()
		r.store.answer(nil)
		wantAction(t, out, session.ActionSet)
		if want := int(month.Seconds()); out.Cookie.MaxAge < want-1 || out.Cookie.MaxAge > want {
			t.Errorf("the cookie lives %d seconds, want %d", out.Cookie.MaxAge, want)
		}
		rec := r.record(s.ID())
		if !rec.SeenAt.Equal(written.Add(time.Second)) {
			t.Errorf("seen at %v, want %v, when the other request used it", rec.SeenAt, written.Add(time.Second))
		}
		if info, err := r.m.Find(t.Context(), s.ID()); err != nil || info.ExpiresAt.Before(written.Add(month)) {
			t.Errorf("the session ends %v, %v, want not before %v, as the cookie does", info.ExpiresAt, err, written.Add(month))
		}
	})
}
