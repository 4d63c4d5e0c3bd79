package echoadapter_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

// mutators are all calls that change a session, each with what the store is to
// have then of a session that counted to 1.
var mutators = []struct {
	name  string
	do    func(c echo.Context, v *session.Session[visits]) error
	want  visits
	id    bool // whether the id stays
	token bool // whether the token does
	age   time.Duration
}{
	{"Data", func(_ echo.Context, v *session.Session[visits]) error { v.Data.Name = "Ada"; return nil },
		visits{Count: 1, Name: "Ada"}, true, true, day},
	{"Renew", func(_ echo.Context, v *session.Session[visits]) error { v.Renew(); return nil },
		visits{Count: 1}, true, false, day},
	{"Renew and Data", func(_ echo.Context, v *session.Session[visits]) error { v.Renew(); v.Data.Count = 5; return nil },
		visits{Count: 5}, true, false, day},
	{"Regenerate", func(_ echo.Context, v *session.Session[visits]) error {
		v.Regenerate()
		v.Data.Name = "Eve"
		return nil
	},
		visits{Name: "Eve"}, false, false, day},
	{"SetMaxAge", func(_ echo.Context, v *session.Session[visits]) error { v.SetMaxAge(time.Hour); return nil },
		visits{Count: 1}, true, true, time.Hour},
	{"SetMaxAge of a regenerated one", func(_ echo.Context, v *session.Session[visits]) error {
		v.Regenerate()
		v.Data.Count = 3
		v.SetMaxAge(time.Hour)
		return nil
	}, visits{Count: 3}, false, false, time.Hour},
	{"Update", func(c echo.Context, v *session.Session[visits]) error {
		return v.Update(c.Request().Context(), func(d *visits) error { d.Count += 10; return nil })
	}, visits{Count: 11}, true, true, day},
	{"Update over a pending change", func(c echo.Context, v *session.Session[visits]) error {
		v.Data.Name = "Ada"
		return v.Update(c.Request().Context(), func(d *visits) error { d.Count += 10; return nil })
	}, visits{Count: 11, Name: "Ada"}, true, true, day},
	{"Renew and Update", func(c echo.Context, v *session.Session[visits]) error {
		v.Renew()
		return v.Update(c.Request().Context(), func(d *visits) error { d.Count += 10; return nil })
	}, visits{Count: 11}, true, false, day},
	{"Save", func(c echo.Context, v *session.Session[visits]) error {
		v.Data.Name = "Ada"
		return v.Save(c.Request().Context())
	}, visits{Count: 1, Name: "Ada"}, true, true, day},
	{"Save of what SetSave prevented", func(c echo.Context, v *session.Session[visits]) error {
		v.SetSave(session.SaveNever)
		v.Data.Name = "Ada"
		return v.Save(c.Request().Context())
	}, visits{Count: 1, Name: "Ada"}, true, true, day},
	{"Renew, SetMaxAge and Save", func(c echo.Context, v *session.Session[visits]) error {
		v.Renew()
		v.SetMaxAge(time.Hour)
		return v.Save(c.Request().Context())
	}, visits{Count: 1}, true, false, time.Hour},
	{"Reload, then Data", func(c echo.Context, v *session.Session[visits]) error {
		v.Data.Count = 50
		err := v.Reload(c.Request().Context())
		v.Data.Count++
		return err
	}, visits{Count: 2}, true, true, day},
}

// A change that only its own request sees is none.
func TestMutatorsAreSeenThroughAReloadFromTheStore(t *testing.T) {
	t.Parallel()
	for _, m := range mutators {
		t.Run(m.name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, deferred bool) {
				s := open(t, echoadapter.Config[visits]{Defer: deferred})
				s.on("/mutate", m.do)
				b := s.returning()
				id, token := b.id(), b.token()
				r := b.get("/mutate")
				r.expectStatus(t, http.StatusOK)
				r.expectCookie(t)
				if kept := b.id() == id; kept != m.id {
					t.Errorf("the id stays: %t, expected %t", kept, m.id)
				}
				if kept := b.token() == token; kept != m.token {
					t.Errorf("the token stays: %t, expected %t", kept, m.token)
				}
				s.expectStored(b.id(), m.want)
				info, _ := s.stored(b.id())
				if got := info.ExpiresAt.Sub(info.SeenAt); got != m.age {
					t.Errorf("the stored age is %v, expected %v", got, m.age)
				}
				s.browserWith(b.token()).get("/read").expect(t, http.StatusOK, strconv.Itoa(m.want.Count))
				if !m.token {
					s.browserWith(token).get("/read").expect(t, http.StatusOK, "0")
				}
				if n := s.records(); n != 1 {
					t.Errorf("the store has %d records, expected 1", n)
				}
			})
		})
	}
}

func TestDestroyIsSeenThroughAReloadFromTheStore(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred})
		b := s.returning()
		id, token := b.id(), b.token()
		b.get("/remove").expectClearing(t)
		s.expectNotStored(id)
		s.browserWith(token).get("/read").expect(t, http.StatusOK, "0")
	})
}

// The mutators of a session that is new: a record is there if and only if it was
// given something.
func TestMutatorsOfANewSession(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		do     func(c echo.Context, v *session.Session[visits]) error
		stored bool
		want   visits
	}{
		{"Data", increment, true, visits{Count: 1}},
		{"Renew", func(_ echo.Context, v *session.Session[visits]) error { v.Renew(); return nil }, false, visits{}},
		{"Regenerate", func(_ echo.Context, v *session.Session[visits]) error { v.Regenerate(); return nil }, false, visits{}},
		{"Destroy", func(_ echo.Context, v *session.Session[visits]) error { v.Data.Count = 5; v.Destroy(); return nil }, false, visits{}},
		{"SetMaxAge", func(_ echo.Context, v *session.Session[visits]) error { v.SetMaxAge(time.Hour); return nil }, false, visits{}},
		{"Update", func(c echo.Context, v *session.Session[visits]) error {
			return v.Update(c.Request().Context(), func(d *visits) error { d.Count += 10; return nil })
		}, true, visits{Count: 10}},
		{"Save", func(c echo.Context, v *session.Session[visits]) error { return v.Save(c.Request().Context()) }, true, visits{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, deferred bool) {
				s := open(t, echoadapter.Config[visits]{Defer: deferred})
				s.on("/mutate", row.do)
				b := s.browser()
				r := b.get("/mutate")
				r.expectStatus(t, http.StatusOK)
				if !row.stored {
					r.expectNoCookie(t)
					s.expectCalls()
					return
				}
				r.expectCookie(t)
				s.expectStored(b.id(), row.want)
				s.browserWith(b.token()).get("/read").expect(t, http.StatusOK, strconv.Itoa(row.want.Count))
			})
		})
	}
}
