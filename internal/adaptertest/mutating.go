package adaptertest

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/echosession/echosession/session"
)

// mutators are all calls that change a session, each with what the store must
// have then of a session that counted to 1.
var mutators = []struct {
	name      string
	do        func(c Context, v *visit) error
	want      Visits
	keepID    bool
	keepToken bool
	age       time.Duration
}{
	{"Data", func(_ Context, v *visit) error { v.Data.Name = "Ada"; return nil },
		Visits{Count: 1, Name: "Ada"}, true, true, day},
	{"Renew", renew, Visits{Count: 1}, true, false, day},
	{"Renew and Data", func(_ Context, v *visit) error { v.Renew(); v.Data.Count = 5; return nil },
		Visits{Count: 5}, true, false, day},
	{"Regenerate", func(_ Context, v *visit) error { v.Regenerate(); v.Data.Name = "Eve"; return nil },
		Visits{Name: "Eve"}, false, false, day},
	{"SetMaxAge", func(_ Context, v *visit) error { v.SetMaxAge(time.Hour); return nil },
		Visits{Count: 1}, true, true, time.Hour},
	{"SetMaxAge of a regenerated one", func(_ Context, v *visit) error {
		v.Regenerate()
		v.Data.Count = 3
		v.SetMaxAge(time.Hour)
		return nil
	}, Visits{Count: 3}, false, false, time.Hour},
	{"Update", updateCount(10), Visits{Count: 11}, true, true, day},
	{"Update over a pending change", func(c Context, v *visit) error { v.Data.Name = "Ada"; return updateCount(10)(c, v) },
		Visits{Count: 11, Name: "Ada"}, true, true, day},
	{"Renew and Update", func(c Context, v *visit) error { v.Renew(); return updateCount(10)(c, v) },
		Visits{Count: 11}, true, false, day},
	{"Save", func(c Context, v *visit) error { v.Data.Name = "Ada"; return save(c, v) },
		Visits{Count: 1, Name: "Ada"}, true, true, day},
	{"Save of what SetSave prevented", func(c Context, v *visit) error {
		v.SetSave(session.SaveNever)
		v.Data.Name = "Ada"
		return save(c, v)
	}, Visits{Count: 1, Name: "Ada"}, true, true, day},
	{"Renew, SetMaxAge and Save", func(c Context, v *visit) error { v.Renew(); v.SetMaxAge(time.Hour); return save(c, v) },
		Visits{Count: 1}, true, false, time.Hour},
	{"Reload, then Data", func(c Context, v *visit) error {
		v.Data.Count = 50
		err := reload(c, v)
		v.Data.Count++
		return err
	}, Visits{Count: 2}, true, true, day},
}

// TestMutatorsAreSeenThroughAReloadFromTheStore: a change that only its own
// request sees is none.
func TestMutatorsAreSeenThroughAReloadFromTheStore(t *testing.T, e env) {
	for _, m := range mutators {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			s := e.open(t, config{})
			s.on("/mutate", m.do)
			b := s.returning()
			id, token := b.id(), b.token()
			r := b.get("/mutate")
			r.expectStatus(t, http.StatusOK)
			r.expectCookie(t)
			if kept := b.id() == id; kept != m.keepID {
				t.Errorf("the id stays: %t, expected %t", kept, m.keepID)
			}
			if kept := b.token() == token; kept != m.keepToken {
				t.Errorf("the token stays: %t, expected %t", kept, m.keepToken)
			}
			s.expectStored(b.id(), m.want)
			info, _ := s.stored(b.id())
			if got := info.ExpiresAt.Sub(info.SeenAt); got != m.age {
				t.Errorf("the stored age is %v, expected %v", got, m.age)
			}
			s.browserWith(b.token()).get("/read").expect(t, http.StatusOK, strconv.Itoa(m.want.Count))
			if !m.keepToken {
				s.browserWith(token).get("/read").expect(t, http.StatusOK, "0")
			}
			s.expectRecords(1)
		})
	}
}

// TestMutatorsOfANewSession: a record is there if and only if the session was
// given something.
func TestMutatorsOfANewSession(t *testing.T, e env) {
	for _, tt := range []struct {
		name   string
		do     func(c Context, v *visit) error
		stored bool
		want   Visits
	}{
		{"Data", increment, true, Visits{Count: 1}},
		{"Renew", renew, false, Visits{}},
		{"Regenerate", func(_ Context, v *visit) error { v.Regenerate(); return nil }, false, Visits{}},
		{"Destroy", func(_ Context, v *visit) error { v.Data.Count = 5; v.Destroy(); return nil }, false, Visits{}},
		{"SetMaxAge", func(_ Context, v *visit) error { v.SetMaxAge(time.Hour); return nil }, false, Visits{}},
		{"Update", updateCount(10), true, Visits{Count: 10}},
		{"Save", save, true, Visits{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := e.open(t, config{})
			s.on("/mutate", tt.do)
			b := s.browser()
			r := b.get("/mutate")
			r.expectStatus(t, http.StatusOK)
			if !tt.stored {
				r.expectNoCookie(t)
				s.expectCalls()
				return
			}
			r.expectCookie(t)
			s.expectStored(b.id(), tt.want)
			s.browserWith(b.token()).get("/read").expect(t, http.StatusOK, strconv.Itoa(tt.want.Count))
		})
	}
}
