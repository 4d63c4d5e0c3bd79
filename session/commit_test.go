package session_test

import (
	"slices"
	"testing"
	"time"

	"github.com/echosession/echosession/session"
)

// commitCase is what a handler does, and what the commit makes of it.
type commitCase struct {
	name   string
	config func(*visitConfig)
	do     func(*visitSession)
	calls  string // of the store by the commit
	action session.Action
	events []session.EventKind
}

var (
	onlyCreated   = []session.EventKind{session.EventCreated}
	onlySaved     = []session.EventKind{session.EventSaved}
	onlyRenewed   = []session.EventKind{session.EventRenewed}
	onlyDestroyed = []session.EventKind{session.EventDestroyed}
)

// run makes the request: of a session that is stored, or of none.
func (c commitCase) run(t *testing.T, stored bool) {
	t.Run(c.name, func(t *testing.T) {
		t.Parallel()
		r := newRig(t, func(cfg *visitConfig) {
			if c.config != nil {
				c.config(cfg)
			}
		})
		var token string
		q := r.request()
		if stored {
			token = r.seed(fullVisit())
			q = r.request(token)
		}
		s := q.get()
		c.do(s)
		r.forget()
		out := q.commit()
		r.store.wantCalls(t, c.calls)
		r.log.want(t, c.events...)
		wantAction(t, out, c.action)
		if out.Action == session.ActionSet && out.Token != s.Token() {
			t.Errorf("the response has the token %q, want that of the session, %q", out.Token, s.Token())
		}
		if out.Action == session.ActionSet && r.data(s.ID()).Name != s.Data.Name {
			t.Errorf("stored %+v, want %+v", r.data(s.ID()), s.Data)
		}
		// Neither a second commit nor the end does or says anything more.
		r.forget()
		if again := q.commit(); again != (session.Outcome{}) {
			t.Errorf("the second commit says %+v, want nothing", again)
		}
		if last := q.end(); last != (session.Outcome{}) {
			t.Errorf("the end says %+v, want nothing", last)
		}
		r.store.wantCalls(t, "")
		r.log.want(t)
	})
}

func TestCommitOfANewSession(t *testing.T) {
	t.Parallel()
	set, none := session.ActionSet, session.ActionNone
	for _, c := range []commitCase{
		{"untouched", nil, looking, "", none, nil},
		{"changed", nil, func(s *visitSession) { s.Data.Count = 1 }, "create", set, onlyCreated},
		{"changed back", nil, func(s *visitSession) { s.Data.Count = 1; s.Data.Count = 0 }, "", none, nil},
		{"empty is not nil", nil, func(s *visitSession) { s.Data.Pages = []page{} }, "create", set, onlyCreated},
		{"SaveNever", nil, func(s *visitSession) { s.Data.Count = 1; s.SetSave(session.SaveNever) }, "", none, nil},
		{"SaveNever taken back", nil, func(s *visitSession) {
			s.Data.Count = 1
			s.SetSave(session.SaveNever)
			s.SetSave(session.SaveAuto)
		}, "create", set, onlyCreated},
		{"SaveAlways", nil, alwaysSave, "create", set, onlyCreated},
		{"SaveAlways taken back", nil, func(s *visitSession) {
			s.SetSave(session.SaveAlways)
			s.SetSave(session.SaveAuto)
		}, "", none, nil},
		{"SaveNever with AllowEmpty", allowEmpty, func(s *visitSession) { s.SetSave(session.SaveNever) }, "", none, nil},
		{"untouched with AllowEmpty", allowEmpty, looking, "create", set, onlyCreated},
		{"Renew", nil, (*visitSession).Renew, "", none, nil},
		{"Renew and a change", nil, func(s *visitSession) { s.Renew(); s.Data.Count = 1 }, "create", set, onlyCreated},
		{"SetMaxAge", nil, func(s *visitSession) { s.SetMaxAge(time.Hour) }, "", none, nil},
		{"Regenerate", nil, (*visitSession).Regenerate, "", none, nil},
		{"Regenerate and a change", nil, func(s *visitSession) { s.Regenerate(); s.Data.Count = 1 }, "create", set, onlyCreated},
		{"a change and Regenerate", nil, func(s *visitSession) { s.Data.Count = 1; s.Regenerate() }, "", none, nil},
		{"Destroy", nil, (*visitSession).Destroy, "", none, nil},
		{"Destroy with AllowEmpty", allowEmpty, (*visitSession).Destroy, "", none, nil},
		{"Destroy after a change", nil, func(s *visitSession) { s.Data.Count = 1; s.Destroy() }, "", none, nil},
		{"Destroy and SaveAlways", nil, func(s *visitSession) { s.Destroy(); s.SetSave(session.SaveAlways) }, "", none, nil},
		{"rolling", always, looking, "", none, nil},
	} {
		c.run(t, false)
	}
}

func TestCommitOfAStoredSession(t *testing.T) {
	t.Parallel()
	set, none, gone := session.ActionSet, session.ActionNone, session.ActionClear
	for _, c := range []commitCase{
		{"untouched", nil, looking, "", none, nil},
		{"untouched with AllowEmpty", allowEmpty, looking, "", none, nil},
		{"read everywhere", nil, func(s *visitSession) {
			_ = s.Data.Pages[0].Path + s.Data.Prefs["lang"]
			s.ID()
			s.Token()
			s.ExpiresAt()
		}, "", none, nil},
		{"changed", nil, counting, "update", set, onlySaved},
		{"changed back", nil, func(s *visitSession) { s.Data.Count++; s.Data.Count-- }, "", none, nil},
		{"changed deep in a slice", nil, func(s *visitSession) { s.Data.Pages[1].Title = "x" }, "update", set, onlySaved},
		{"swapped in a slice", nil, func(s *visitSession) { slices.Reverse(s.Data.Pages) }, "update", set, onlySaved},
		{"changed in a map", nil, func(s *visitSession) { s.Data.Prefs["zone"] = "cet" }, "update", set, onlySaved},
		{"added to a map", nil, func(s *visitSession) { s.Data.Prefs[""] = "" }, "update", set, onlySaved},
		{"removed from a map", nil, func(s *visitSession) { delete(s.Data.Prefs, "lang") }, "update", set, onlySaved},
		{"another map of the same contents", nil, func(s *visitSession) {
			s.Data.Prefs = map[string]string{"zone": "utc", "lang": "de"}
		}, "", none, nil},
		{"emptied", nil, func(s *visitSession) { s.Data = visit{} }, "update", set, onlySaved},
		{"SaveNever", nil, func(s *visitSession) { s.Data.Count++; s.SetSave(session.SaveNever) }, "", none, nil},
		{"SaveNever and Renew", nil, func(s *visitSession) { s.Renew(); s.SetSave(session.SaveNever) }, "", none, nil},
		{"SaveNever, rolling", always, func(s *visitSession) { s.SetSave(session.SaveNever) }, "", none, nil},
		{"SaveAlways", nil, alwaysSave, "update", set, onlySaved},
		{"Renew", nil, (*visitSession).Renew, "update", set, onlyRenewed},
		{"Renew twice", nil, func(s *visitSession) { s.Renew(); s.Renew() }, "update", set, onlyRenewed},
		{"Renew and a change", nil, func(s *visitSession) { s.Renew(); s.Data.Count++ }, "update", set, onlyRenewed},
		{"SetMaxAge", nil, func(s *visitSession) { s.SetMaxAge(time.Hour) }, "update", set, onlySaved},
		{"SetMaxAge to what it is", nil, func(s *visitSession) { s.SetMaxAge(0) }, "", none, nil},
		{"SetMaxAge taken back", nil, func(s *visitSession) { s.SetMaxAge(time.Hour); s.SetMaxAge(-1) }, "", none, nil},
		{"Destroy", nil, (*visitSession).Destroy, "delete", gone, onlyDestroyed},
		{"Destroy after a change", nil, func(s *visitSession) { s.Data.Count++; s.Destroy() }, "delete", gone, onlyDestroyed},
		{"Destroy after Renew", nil, func(s *visitSession) { s.Renew(); s.Destroy() }, "delete", gone, onlyDestroyed},
		{"Destroy before SaveNever", nil, func(s *visitSession) { s.Destroy(); s.SetSave(session.SaveNever) }, "", none, nil},
		{"Destroy after SaveNever", nil, func(s *visitSession) { s.SetSave(session.SaveNever); s.Destroy() }, "delete", gone, onlyDestroyed},
		{"Destroy, SaveNever, Destroy", nil, func(s *visitSession) {
			s.Destroy()
			s.SetSave(session.SaveNever)
			s.Destroy()
		}, "delete", gone, onlyDestroyed},
		{"Destroy before SaveAlways", nil, func(s *visitSession) { s.Destroy(); s.SetSave(session.SaveAlways) }, "delete", gone, onlyDestroyed},
		{"Destroy after SaveAlways", nil, func(s *visitSession) { s.SetSave(session.SaveAlways); s.Destroy() }, "delete", gone, onlyDestroyed},
	} {
		c.run(t, true)
	}
}

// What the value of New is made of does not matter: a session that is still
// as New made it is empty.
func TestCommitWithNew(t *testing.T) {
	t.Parallel()
	withNew := func(cfg *visitConfig) {
		cfg.New = func() visit { return visit{Prefs: map[string]string{"a": "1", "b": "2"}} }
	}
	for _, c := range []commitCase{
		{"untouched", withNew, looking, "", session.ActionNone, nil},
		{"changed", withNew, func(s *visitSession) { s.Data.Prefs["a"] = "2" }, "create", session.ActionSet, onlyCreated},
		{"emptied", withNew, func(s *visitSession) { s.Data = visit{} }, "create", session.ActionSet, onlyCreated},
		{"Regenerate", withNew, func(s *visitSession) { s.Data.Prefs["a"] = "2"; s.Regenerate() }, "", session.ActionNone, nil},
	} {
		c.run(t, false)
	}
}
