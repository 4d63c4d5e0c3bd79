package adaptertest

import (
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/echosession/echosession/session"
)

// slowEnds are what a slow request may do once it goes on, besides reading.
var slowEnds = map[string]func(Context, *visit) error{
	"changes":                       increment,
	"is forced":                     func(_ Context, v *visit) error { v.SetSave(session.SaveAlways); return nil },
	"renews":                        renew,
	"takes another age":             func(_ Context, v *visit) error { v.SetMaxAge(day / 2); return nil },
	"regenerates, keeping the data": regenerateKeeping,
}

func TestSlowRequestAfterDestroyBringsNothingBack(t *testing.T, e env) {
	for name, then := range slowEnds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := &complaints{answer: e.teapot()}
			s := e.open(t, config{ErrorHandler: asked.handle})
			held := s.hold("/slow", onlyRead, then)
			b := s.returning()
			id, token := b.id(), b.token()
			held.begin(s.browserWith(token), "/slow")
			b.get("/remove").expectClearing(t)
			r := held.end(t)
			r.expectStatus(t, http.StatusOK)
			r.expectNoCookie(t)
			s.expectNotStored(id)
			s.expectRecords(0)
			s.expectEvents(session.EventGone, 1)
			s.expectEvents(session.EventError, 0)
			asked.expect(t)
			s.browserWith(token).get("/read").expect(t, http.StatusOK, "0")
		})
	}
}

func TestSlowRequestWithTheOldTokenDuringARenewalIsDropped(t *testing.T, e env) {
	ends := maps.Clone(slowEnds)
	maps.Copy(ends, map[string]func(Context, *visit) error{
		"destroys":                func(_ Context, v *visit) error { v.Destroy(); return nil },
		"regenerates":             func(_ Context, v *visit) error { v.Regenerate(); return nil },
		"regenerates and changes": func(_ Context, v *visit) error { v.Regenerate(); v.Data.Count = 7; return nil },
	})
	for name, then := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := &complaints{answer: e.teapot()}
			s := e.open(t, config{ErrorHandler: asked.handle})
			held := s.hold("/slow", onlyRead, then)
			s.on("/renew", func(_ Context, v *visit) error { v.Renew(); v.Data.Name = "Ada"; return nil })
			b := s.returning()
			id, old := b.id(), b.token()
			held.begin(s.browserWith(old), "/slow")
			b.get("/renew").expectCookie(t)
			if b.token() == old || b.id() != id {
				t.Errorf("the token changed: %t, the id: %t, expected only the token to change", b.token() != old, b.id() != id)
			}
			r := held.end(t)
			r.expectStatus(t, http.StatusOK)
			r.expectNoCookie(t)
			s.expectStored(id, Visits{Count: 1, Name: "Ada"})
			s.expectEvents(session.EventGone, 1)
			asked.expect(t)
			s.expectRecords(1)
			b.get("/count").expect(t, http.StatusOK, "2")
		})
	}
}

// TestSaveAfterAnothersDestroyIsErrGone: an explicit save of what is gone is an
// error for the handler, and brings nothing back.
func TestSaveAfterAnothersDestroyIsErrGone(t *testing.T, e env) {
	for name, call := range map[string]func(Context, *visit) error{"Save": save, "Reload": reload, "Update": updateCount(1)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := e.open(t, config{})
			held := s.hold("/slow", increment, func(c Context, v *visit) error {
				for range 2 {
					if err := call(c, v); !isGone(err) {
						t.Errorf("%s of a destroyed session: %v, expected ErrGone", name, err)
					}
				}
				return nil
			})
			b := s.returning()
			held.begin(s.browserWith(b.token()), "/slow")
			b.get("/remove").expectClearing(t)
			held.end(t).expectNoCookie(t)
			s.expectRecords(0)
		})
	}
}

// TestSlowReaderOfASessionThatIsGoneSendsNoCookie: a request that only reads has
// nothing to lose. It is not even observed, unless its use had to be stored.
func TestSlowReaderOfASessionThatIsGoneSendsNoCookie(t *testing.T, e env) {
	for _, path := range []string{"/remove", "/renew"} {
		for _, rolling := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/rolling=%t", path[1:], rolling), func(t *testing.T) {
				t.Parallel()
				e.inTime(t, func(t *testing.T) {
					s := e.open(t, config{Session: sessions{Rolling: rolling, TouchAfter: -1}})
					held := s.hold("/slow", onlyRead, onlyRead)
					s.on("/renew", renew)
					b := s.returning()
					id, old := b.id(), b.token()
					s.pass(time.Minute)
					held.begin(s.browserWith(old), "/slow")
					s.pass(time.Minute)
					b.get(path).expectStatus(t, http.StatusOK)
					s.pass(time.Minute)
					before, live := s.stored(id)
					r := held.end(t)
					r.expect(t, http.StatusOK, "1")
					r.expectNoCookie(t)
					if after, still := s.stored(id); still != live || !after.ExpiresAt.Equal(before.ExpiresAt) {
						t.Errorf("the record is there: %t, until %v, expected %t, %v as before", still, after.ExpiresAt, live, before.ExpiresAt)
					}
					want := 0
					if rolling {
						want = 1
					}
					s.expectEvents(session.EventGone, want)
					s.expectEvents(session.EventError, 0)
				})
			})
		}
	}
}

// TestRequestWithAReplacedTokenFindsNothingAndLeavesNothing: a request that was
// sent with a token just before it was replaced does no harm.
func TestRequestWithAReplacedTokenFindsNothingAndLeavesNothing(t *testing.T, e env) {
	for _, path := range []string{"/read", "/count", "/remove", "/force", "/regenerate", "/save"} {
		t.Run(path[1:], func(t *testing.T) {
			t.Parallel()
			s := e.open(t, config{})
			s.on("/renew", renew)
			s.on("/force", func(_ Context, v *visit) error { v.SetSave(session.SaveAlways); return nil })
			s.on("/regenerate", func(_ Context, v *visit) error { v.Regenerate(); v.Data.Count++; return nil })
			s.on("/save", func(c Context, v *visit) error {
				if err := save(c, v); !isGone(err) {
					t.Errorf("Save: %v, expected ErrGone", err)
				}
				return nil
			})
			b := s.returning()
			id, old := b.id(), b.token()
			b.get("/renew").expectCookie(t)
			s.store.take()
			r := s.browserWith(old).get(path)
			r.expectStatus(t, http.StatusOK)
			r.expectNoCookie(t)
			s.expectWrites()
			s.expectStored(id, Visits{Count: 1})
			b.get("/count").expect(t, http.StatusOK, "2")
		})
	}
}

// withUsers is a site whose visitors have names, and can sign in and out.
func (e env) withUsers(t *testing.T, cfg sessions) *site {
	t.Helper()
	cfg.User = func(v *Visits) string { return v.Name }
	cfg.Store = e.newBackend(t) // not recorded, which would hide that it is a UserStore
	s := e.open(t, config{Session: cfg})
	s.on("/login", func(_ Context, v *visit) error { v.Data.Name = "ada"; return nil })
	s.on("/sign-out", func(_ Context, v *visit) error { v.Data.Name = ""; return nil })
	s.on("/renew", renew)
	s.on("/login-anew", func(_ Context, v *visit) error { v.Regenerate(); v.Data.Name = "ada"; return nil })
	return s
}

// slowHandlers are what a slow request does to its session when it goes on. They
// return the error that the library gave them.
var slowHandlers = map[string]func(Context, *visit) error{
	"a change":               func(_ Context, v *visit) error { v.Data.Count = 99; return session.ErrGone },
	"a touch":                func(Context, *visit) error { return session.ErrGone },
	"Save":                   func(c Context, v *visit) error { v.Data.Count = 99; return save(c, v) },
	"SetMaxAge":              func(_ Context, v *visit) error { v.SetMaxAge(time.Hour); return session.ErrGone },
	"Renew":                  func(_ Context, v *visit) error { v.Renew(); return session.ErrGone },
	"Destroy":                func(_ Context, v *visit) error { v.Destroy(); return session.ErrGone },
	"Regenerate":             func(_ Context, v *visit) error { v.Regenerate(); v.Data.Count = 99; return session.ErrGone },
	"Regenerate, left empty": func(_ Context, v *visit) error { v.Regenerate(); return session.ErrGone },
	"Update":                 updateCount(1),
}

// TestSlowRequestWhileTheSessionChangesHands: a request with the old token is held
// in its handler meanwhile. When it goes on it changes nothing of what is there,
// does not disturb the cookie, and is no error.
func TestSlowRequestWhileTheSessionChangesHands(t *testing.T, e env) {
	get := func(paths ...string) func(s *site, b *browser) {
		return func(s *site, b *browser) {
			for _, path := range paths {
				if r := b.get(path); path == "/remove" {
					r.expectClearing(s.t)
				} else {
					r.expectCookie(s.t)
				}
			}
		}
	}
	for what, meanwhile := range map[string]struct {
		user string // whose session it is at first
		do   func(s *site, b *browser)
	}{
		"log-in":             {"", get("/login")},
		"log-in, Regenerate": {"", get("/login-anew")},
		"step-up":            {"ada", get("/renew")},
		"signing out":        {"ada", get("/sign-out")},
		"log-out":            {"ada", get("/remove")},
		"log-out, log-in":    {"ada", get("/remove", "/login")},
		"DeleteUser": {"ada", func(s *site, b *browser) {
			if n, err := s.manager.DeleteUser(s.t.Context(), "ada"); n != 1 || err != nil {
				s.t.Errorf("DeleteUser: %d, %v, expected 1", n, err)
			}
		}},
		"DeleteOthers": {"ada", func(s *site, b *browser) {
			other := s.browser()
			other.get("/login").expectCookie(s.t)
			if n, err := s.manager.DeleteOthers(s.t.Context(), "ada", other.id()); n != 1 || err != nil {
				s.t.Errorf("DeleteOthers: %d, %v, expected 1", n, err)
			}
			other.get("/count").expect(s.t, http.StatusOK, "1")
		}},
	} {
		for how, act := range slowHandlers {
			t.Run(what+"/"+how, func(t *testing.T) {
				t.Parallel()
				e.inTime(t, func(t *testing.T) {
					s := e.withUsers(t, sessions{Rolling: true, TouchAfter: -1})
					held := s.hold("/slow", onlyRead, func(c Context, v *visit) error {
						if err := act(c, v); !isGone(err) {
							t.Errorf("%s: %v, expected ErrGone", how, err)
						}
						return nil
					})
					b := s.returning()
					if meanwhile.user != "" {
						b.get("/login").expectCookie(t)
					}
					held.begin(s.browserWith(b.token()), "/slow")
					s.pass(time.Second)
					meanwhile.do(s, b)
					s.pass(time.Second)
					id, token, records := b.id(), b.token(), s.backend.Live(t)
					before, live := s.stored(id)
					r := held.end(t)
					r.expectStatus(t, http.StatusOK)
					r.expectNoCookie(t)
					after, still := s.stored(id)
					if still != live || encoded(t, after.Data) != encoded(t, before.Data) || after.User != before.User ||
						!after.ExpiresAt.Equal(before.ExpiresAt) || !after.AuthenticatedAt.Equal(before.AuthenticatedAt) {
						t.Errorf("the session became %t %+v, expected it as before, %t %+v", still, after, live, before)
					}
					s.expectRecords(records)
					if token == "" || !live {
						return
					}
					s.browserWith(token).get("/read").expectStatus(t, http.StatusOK)
					if got, _ := s.stored(id); got.ExpiresAt.Equal(before.ExpiresAt) {
						t.Error("the client's token opens nothing any more")
					}
				})
			})
		}
	}
}

// TestOldTokenAfterALogIn is the other way round: what a superseded token sends
// after the log-in, within the grace and after it.
func TestOldTokenAfterALogIn(t *testing.T, e env) {
	e.inTime(t, func(t *testing.T) {
		s := e.withUsers(t, sessions{})
		b := s.returning()
		old := b.token()
		b.get("/login").expectCookie(t)
		for _, path := range []string{"/count", "/read", "/remove", "/renew", "/login", "/login-anew"} {
			late := s.browserWith(old)
			late.get(path).expectNoCookie(t)
			if late.token() != old {
				t.Errorf("GET %s with the old token gave the browser %q", path, late.token())
			}
		}
		s.expectStored(b.id(), Visits{Count: 1, Name: "ada"})
		if e.Backend != nil {
			return // how long the grace lasts is in meta, and passes only by itself
		}
		s.pass(30 * time.Second)
		late := s.browserWith(old)
		late.get("/count").expectCookie(t) // it belongs to a stranger now
		if late.id() == b.id() {
			t.Errorf("the old token opens the session %s after the grace", b.id())
		}
		s.expectStored(b.id(), Visits{Count: 1, Name: "ada"})
		b.get("/count").expect(t, http.StatusOK, "2")
	})
}
