package session_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// Only a log-in moves the absolute end of a session.
func TestAbsoluteTimeout(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		do    func(*visitSession)
		moves bool
	}{
		"use":                 {looking, false},
		"a change":            {counting, false},
		"SaveAlways":          {savingAlways, false},
		"Renew":               {(*visitSession).Renew, false},
		"SetMaxAge":           {func(s *visitSession) { s.SetMaxAge(maxDays); s.Data.Count++ }, false},
		"signing out":         {naming(""), false},
		"signing in as other": {naming("bob"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, byName, rolling(time.Hour, -1), absolute(3*time.Hour))
				token := r.seed(visit{Name: "ada"})
				end := time.Now().Add(3 * time.Hour)
				for i := range 3 {
					time.Sleep(50 * time.Minute)
					out := r.handle(token, tt.do)
					wantAction(t, out, session.ActionSet)
					token = out.Token
					if tt.moves && i == 0 {
						end = time.Now().Add(3 * time.Hour)
					}
					age := min(time.Until(end), time.Hour)
					if name == "SetMaxAge" {
						age = time.Until(end)
					}
					if got := time.Duration(out.Cookie.MaxAge) * time.Second; got != age {
						t.Errorf("the cookie has the Max-Age %v, want %v", got, age)
					}
					r.wantEndsIn(idOf(token), age)
					if got := time.Until(r.request(token).get().ExpiresAt()); got != age {
						t.Errorf("the session ends in %v, want in %v", got, age)
					}
				}
				for time.Until(end) > 50*time.Minute {
					time.Sleep(30 * time.Minute)
					wantAction(t, r.handle(token, looking), session.ActionSet)
				}
				time.Sleep(time.Until(end) - time.Millisecond)
				r.wantOpens(token, idOf(token))
				time.Sleep(time.Millisecond)
				r.wantUnknown(token)
			})
		})
	}
}

// A session that was signed out keeps the end of its last log-in. The next
// log-in gives it another one.
func TestAbsoluteTimeoutAfterSigningOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName, rolling(24*time.Hour, -1), absolute(3*time.Hour))
		token := r.seed(visit{})
		time.Sleep(time.Hour)
		token = r.signIn(token, "ada")
		end := time.Now().Add(3 * time.Hour)
		time.Sleep(time.Hour)
		token = r.signIn(token, "")
		time.Sleep(time.Hour)
		if s := r.request(token).get(); !s.ExpiresAt().Equal(end) || !s.AuthenticatedAt().IsZero() {
			t.Errorf("ends at %v, authenticated at %v, want %v and never", s.ExpiresAt(), s.AuthenticatedAt(), end)
		}
		token = r.signIn(token, "ada")
		if s := r.request(token).get(); !s.ExpiresAt().Equal(time.Now().Add(3 * time.Hour)) {
			t.Errorf("ends at %v, want 3h after the log-in", s.ExpiresAt())
		}
	})
}

// ExpiresAt of a session that is not stored is the end that a save would give
// it.
func TestAbsoluteTimeoutOfANewSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName, absolute(time.Hour))
		q, s := r.begin()
		for age, want := range map[time.Duration]time.Duration{0: time.Hour, time.Minute: time.Minute, maxDays: time.Hour} {
			s.SetMaxAge(age)
			if got := time.Until(s.ExpiresAt()); got != want {
				t.Errorf("the session ends in %v after SetMaxAge(%v), want in %v", got, age, want)
			}
		}
		s.SetMaxAge(0)
		time.Sleep(30 * time.Minute)
		counting(s)
		out := q.commit()
		if out.Cookie.MaxAge != 30*60 || !s.ExpiresAt().Equal(time.Now().Add(30*time.Minute)) {
			t.Errorf("Max-Age %d, ends at %v, want half an hour for both", out.Cookie.MaxAge, s.ExpiresAt())
		}
	})
}

// A shortened time-out holds for the sessions that are stored, at their next
// load.
func TestShortenedTimeouts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before, after func(*visitConfig)
		do            func(*visitSession) // while the old setting holds
		end           time.Duration
	}{
		"MaxAge":                         {rolling(24*time.Hour, -1), rolling(2*time.Hour, -1), looking, 2 * time.Hour},
		"AbsoluteTimeout":                {absolute(20 * time.Hour), absolute(2 * time.Hour), counting, 2 * time.Hour},
		"AbsoluteTimeout, set":           {absolute(0), absolute(2 * time.Hour), counting, 2 * time.Hour},
		"AbsoluteTimeout after a log-in": {absolute(0), absolute(2 * time.Hour), naming("bob"), 2 * time.Hour},
		"an age of its own, which stays": {rolling(24*time.Hour, -1), rolling(2*time.Hour, -1),
			func(s *visitSession) { s.SetMaxAge(5 * time.Hour) }, 5 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				long := newRig(t, byName, tt.before)
				token := long.seed(visit{Name: "ada"})
				if out := long.handle(token, tt.do); out.Token != "" {
					token = out.Token
				}
				r := long.another(byName, tt.after)
				time.Sleep(tt.end - time.Millisecond)
				info, err := r.m.Find(t.Context(), idOf(token))
				if end := time.Now().Add(time.Millisecond); err != nil || !info.ExpiresAt.Equal(end) {
					t.Errorf("Find: ends at %v, %v, want %v", info.ExpiresAt, err, end)
				}
				if n := len(r.sessionsOf(info.User)); n != 1 {
					t.Errorf("Sessions lists %d before the end, want 1", n)
				}
				if s, err := r.m.Open(t.Context(), token); err != nil || !s.ExpiresAt().Equal(info.ExpiresAt) {
					t.Errorf("Open: %v, %v, want the session with that end", s, err)
				}
				time.Sleep(time.Millisecond)
				r.forget()
				r.wantUnknown(token)
				if n := len(r.log.all(session.EventExpired)); n == 0 && name != "an age of its own, which stays" {
					t.Errorf("no event %q, want one: the store still has the record", session.EventExpired)
				}
				_, err = r.m.Find(t.Context(), idOf(token))
				wantErr(t, err, session.ErrNotFound)
				wantErr(t, r.m.Update(t.Context(), idOf(token), count), session.ErrNotFound)
				wantErr(t, r.m.DeleteOf(t.Context(), "ada", idOf(token)), session.ErrNotFound)
				if n := len(r.sessionsOf(info.User)); n != 0 {
					t.Errorf("Sessions lists %d after the end, want none", n)
				}
			})
		})
	}
}

// A longer time-out revives no session. It holds from the next use on.
func TestLengthenedTimeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		short := newRig(t, rolling(time.Hour, -1), absolute(2*time.Hour))
		token := short.seed(visit{Name: "n"})
		r := short.another(rolling(24*time.Hour, -1))
		time.Sleep(time.Hour)
		r.wantUnknown(token)
		token = short.seed(visit{Name: "n"})
		time.Sleep(30 * time.Minute)
		if out := r.handle(token, looking); out.Cookie == nil || out.Cookie.MaxAge != 24*60*60 {
			t.Errorf("the outcome is %+v, want a Max-Age of a day", out)
		}
	})
}

// A request that began before the end of the session and saves after it brings
// nothing back.
func TestSaveAfterTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byName, rolling(time.Hour, -1), absolute(90*time.Minute))
		for name, do := range map[string]func(*visitSession){"a change": counting, "a touch": looking, "Renew": (*visitSession).Renew} {
			token := r.seed(visit{Name: "ada"})
			q, s := r.begin(token)
			time.Sleep(2 * time.Hour)
			do(s)
			if out := q.commit(); out.Action != session.ActionNone {
				t.Errorf("%s: the outcome is %+v, want none", name, out)
			}
			r.wantUnknown(token)
		}
	})
}

// A clock that is behind takes no time from a session.
func TestSlowClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxAge(time.Hour))
		token := r.seed(visit{Name: "n"})
		ahead := time.Now().Add(time.Minute)
		r.overwrite(idOf(token), func(rec *session.Record) { rec.SeenAt, rec.ExpiresAt = ahead, ahead.Add(time.Hour) })
		r.handle(token, counting)
		if rec := r.record(idOf(token)); !rec.SeenAt.Equal(ahead) || !rec.ExpiresAt.Equal(ahead.Add(time.Hour)) {
			t.Errorf("seen at %v, ends at %v, want %v and an hour later as before", rec.SeenAt, rec.ExpiresAt, ahead)
		}
	})
}

// The times of a record are in UTC and whole milliseconds, whatever the
// configuration counts in.
func TestStoredTimesAreWholeMilliseconds(t *testing.T) {
	t.Parallel()
	const odd = time.Hour + 1500*time.Microsecond
	for name, tt := range map[string]struct {
		set   func(*visitConfig)
		calls string
	}{
		"MaxAge":          {rolling(odd, -1), "load touch load update"},
		"AbsoluteTimeout": {absolute(odd), "load load update"}, // extended to its end at once
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, always, tt.set)
				r.store.answer(func(op string, rec session.Record, do func() error) error {
					for name, at := range map[string]time.Time{"CreatedAt": rec.CreatedAt, "SeenAt": rec.SeenAt, "ExpiresAt": rec.ExpiresAt} {
						if !at.Equal(at.Truncate(time.Millisecond)) || at.Location() != time.UTC {
							t.Errorf("%s of %s is %v, want UTC and whole milliseconds", name, op, at)
						}
					}
					return do()
				})
				time.Sleep(700 * time.Microsecond)
				token := r.seed(visit{Name: "n"})
				time.Sleep(700 * time.Microsecond)
				r.handle(token, looking)
				r.handle(token, counting)
				r.store.wantCalls(t, tt.calls)
			})
		})
	}
}

// fuzzRecord stores a record that change has damaged, and uses it in every way.
// Each gives a session, or one of the errors of a record that cannot be read.
func fuzzRecord(t *testing.T, change func(*session.Record)) {
	r := newRig(t, rolling(time.Hour, -1))
	token := r.seed(visit{Name: "n"})
	r.overwrite(idOf(token), change)
	before := r.record(idOf(token))
	allowed := func(what string, err error) {
		if err != nil && !errors.Is(err, session.ErrCorrupt) && !errors.Is(err, session.ErrNotFound) && !errors.Is(err, session.ErrSchema) {
			t.Errorf("%s: %v, want ErrCorrupt, ErrNotFound or ErrSchema", what, err)
		}
	}
	info, err := r.m.Find(t.Context(), idOf(token))
	allowed("Find", err)
	if err == nil && info.ID != idOf(token) {
		t.Errorf("Find: the id %q, want %q", info.ID, idOf(token))
	}
	s, err := r.m.Open(t.Context(), token)
	allowed("Open", err)
	if (err == nil) != (s != nil) {
		t.Errorf("Open: %v, %v, want either a session or an error", s, err)
	}
	_, err = r.request(token).x.Peek(t.Context())
	allowed("Peek", err)
	q := r.request(token)
	s, err = q.x.Session(t.Context())
	allowed("Session", err)
	r.wantUnchanged(before)
	if err == nil && !s.IsNew() {
		s.Data.Count++
		_, err := q.tryCommit()
		allowed("Commit", err)
		allowed("Update", r.m.Update(t.Context(), idOf(token), count))
	}
	wantNoErr(t, r.m.Delete(t.Context(), idOf(token)))
}

// FuzzMeta gives a record arbitrary meta data.
func FuzzMeta(f *testing.F) {
	m, err := session.New(visitConfig{Store: memstore.New(memstore.Options{}), Cookie: session.Cookie{Name: rigCookie}})
	if err != nil {
		f.Fatal(err)
	}
	s, err := m.Start(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	for _, step := range []func(){func() {}, func() { s.SetMaxAge(time.Hour) }, s.Renew, s.Renew, s.Renew} {
		step()
		if err := s.Save(f.Context()); err != nil {
			f.Fatal(err)
		}
		rec, err := m.Store().Load(f.Context(), s.ID())
		if err != nil {
			f.Fatal(err)
		}
		for n := range len(rec.Meta) {
			f.Add(rec.Meta[:n], n%2 == 0)
		}
		f.Add(rec.Meta, true)
		f.Add(append(rec.Meta[:len(rec.Meta):len(rec.Meta)], 0), false)
	}
	f.Add([]byte(nil), false)
	f.Fuzz(func(t *testing.T, meta []byte, keepDigest bool) {
		fuzzRecord(t, func(rec *session.Record) {
			const upToTheDigest = 33
			if keepDigest && len(meta) > upToTheDigest {
				meta = append(rec.Meta[:upToTheDigest:upToTheDigest], meta[upToTheDigest:]...)
			}
			rec.Meta = meta
		})
	})
}

// FuzzStoredData gives a record arbitrary data in an arbitrary format.
func FuzzStoredData(f *testing.F) {
	for _, v := range []visit{{}, fullVisit(), {Note: "\x00\u2028"}} {
		data, err := session.JSON().Marshal(&v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "json")
		f.Add(data[:len(data)/2], "json")
	}
	for _, text := range []string{
		"", "null", "{}", "[]", `{"Name":null}`, `{"Name":1}`, `{"Name":"a","Name":"b"}`, ` {"Prefs":{"a":"1","a":"2"}} `,
		"{\"Name\":\"\xff\"}", `{"Pages":[null,{}]}`,
	} {
		f.Add([]byte(text), "json")
	}
	f.Add([]byte("x"), "sealed")
	f.Add([]byte("{}"), "")
	f.Fuzz(func(t *testing.T, data []byte, format string) {
		fuzzRecord(t, func(rec *session.Record) { rec.Data, rec.Format = data, format })
	})
}
