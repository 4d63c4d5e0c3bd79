package session_test

import (
	"fmt"
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
	calls  string // of the store, by the commit
	action session.Action
	events []session.EventKind
}

// onlyCreated and the others are the events of a commit that does one thing.
var (
	onlyCreated   = []session.EventKind{session.EventCreated}
	onlySaved     = []session.EventKind{session.EventSaved}
	onlyRenewed   = []session.EventKind{session.EventRenewed}
	onlyDestroyed = []session.EventKind{session.EventDestroyed}
)

// run makes the request, of a session that is stored or of a new one.
func (c commitCase) run(t *testing.T, stored bool) {
	t.Run(c.name, func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		if c.config != nil {
			r = newRig(t, c.config)
		}
		q, s := r.beginStored(stored, fullVisit())
		c.do(s)
		r.forget()
		out := q.commit()
		r.store.wantCalls(t, c.calls)
		r.log.want(t, c.events...)
		wantAction(t, out, c.action)
		if out.Action == session.ActionSet {
			if out.Token != s.Token() {
				t.Errorf("the response has the token %q, want %q", out.Token, s.Token())
			}
			r.wantStored(s.ID(), s.Data)
		}
		// A second commit and the end do nothing more.
		r.forget()
		if again := q.commit(); again != (session.Outcome{}) {
			t.Errorf("the outcome of the second commit is %+v, want an empty one", again)
		}
		if last := q.end(); last != (session.Outcome{}) {
			t.Errorf("the outcome of the end is %+v, want an empty one", last)
		}
		r.store.wantCalls(t, "")
		r.log.want(t)
	})
}

// A new session is stored if its Data is no longer as New made it.
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
		{"SaveAlways", nil, savingAlways, "create", set, onlyCreated},
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

// A stored session is written only if its Data changed, or if the handler asked
// for it.
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
		{"SaveAlways", nil, savingAlways, "update", set, onlySaved},
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

// A session that is still as New made it counts as empty, whatever New makes.
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

// A session that the handler did not ask for is stored only if the adapter
// loaded it and AllowEmpty is set.
func TestCommitOfWhatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, allowEmpty)
	out := r.request().commit()
	wantAction(t, out, session.ActionNone)
	r.store.wantCalls(t, "")
	loaded := r.request().loadAndCommit()
	wantAction(t, loaded, session.ActionSet)
	r.store.wantCalls(t, "create")
	if out.Read || loaded.Read {
		t.Errorf("Read is %v, and %v with Load, want false for both", out.Read, loaded.Read)
	}
}

// If nothing was committed before, the end of the request commits.
func TestEndCommits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q, s := r.begin()
	s.Data.Count = 1
	out := q.end()
	wantAction(t, out, session.ActionSet)
	if out.Token != s.Token() || out.Cookie == nil || out.Cookie.Value != s.Token() || !out.Read {
		t.Errorf("the outcome is %+v, want the token in a cookie, and Read", out)
	}
	r.store.wantCalls(t, "create")
	wantAction(t, q.end(), session.ActionNone)
	r.store.wantCalls(t, "create")
}

// After a panic nothing is committed. The token of an earlier Save is sent.
func TestAbandon(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q, s := r.begin()
	s.Data.Count = 1
	wantAction(t, q.x.Abandon(t.Context()), session.ActionNone)
	wantAction(t, q.end(), session.ActionNone)
	r.store.wantCalls(t, "")

	q, s = r.begin()
	q.save(s)
	s.Data.Count = 2
	out := q.x.Abandon(t.Context())
	wantAction(t, out, session.ActionSet)
	if out.Cookie == nil || out.Cookie.Value != s.Token() {
		t.Errorf("the cookie is %v, want one with the token %q", out.Cookie, s.Token())
	}
	r.store.wantCalls(t, "create")
}

// Nothing of a commit that fails is in the response, whatever the Failed hook
// returns.
func TestFailedSave(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		do    func(*visitSession)
		fails string // the operation of the store
		op    session.Op
	}{
		"update":  {counting, opUpdate, session.OpSave},
		"renew":   {(*visitSession).Renew, opUpdate, session.OpSave},
		"create":  {regenerating("new"), opCreate, session.OpSave},
		"destroy": {(*visitSession).Destroy, opDelete, session.OpDestroy},
	} {
		for _, answer := range []error{errMapped, nil} {
			t.Run(fmt.Sprintf("%s/answer %v", name, answer), func(t *testing.T) {
				r := newRig(t)
				token := r.seed(visit{Name: "n"})
				q, calls := r.answering(answer, tt.op, errBroken, token)
				tt.do(q.get())
				r.store.failWith(tt.fails, errBroken)
				out, err := q.tryCommit()
				if err != answer || *calls != 1 {
					t.Errorf("Commit: %v after %d calls of Failed, want %v after one", err, *calls, answer)
				}
				wantAction(t, out, session.ActionNone)
				r.log.want(t, session.EventError)
				wantErr(t, r.log.one(t, session.EventError).Err, errBroken)
				r.store.answer(nil)
				q.end()
				r.wantRecords(1)
				r.wantOpens(token, idOf(token))
				r.wantStored(idOf(token), visit{Name: "n"})
			})
		}
	}
}

// A change that a failed save missed is observed as that error, and not as a
// late change as well.
func TestFailedSaveIsNotALateChange(t *testing.T) {
	t.Parallel()
	prepare := func(answer error) func(*visitSession) error {
		return func(s *visitSession) error { s.Data.Note = "prepared"; return answer }
	}
	for name, tt := range map[string]struct {
		beforeSave func(*visitSession) error
		conflict   bool // then the second write fails
		broken     bool
	}{
		"the store fails":                     {nil, false, true},
		"BeforeSave changes, the store fails": {prepare(nil), false, true},
		"BeforeSave changes and fails":        {prepare(errBroken), false, false},
		"merged, then the store fails":        {nil, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			token := r.seed(visit{Name: "n"})
			q := r.requestWith(func(q *fakeRequest) {
				q.beforeSave = tt.beforeSave
				q.failed = func(session.Op, error) error { return nil }
			}, sid(token))
			q.get().Data.Count = 5
			if tt.conflict {
				r.otherRequest(token, noting("theirs"))
			}
			r.store.answer(func(op string, _ session.Record, do func() error) error {
				if first := r.store.count(opUpdate) == 1; op == opUpdate && tt.broken && !(tt.conflict && first) {
					return errBroken
				}
				return do()
			})
			wantAction(t, q.commit(), session.ActionNone)
			q.end()
			r.log.one(t, session.EventError)
			r.log.wantNone(t, session.EventLost)
		})
	}
}

// The error handler writes a page when the commit failed. If a Save went well
// before, the page sends its token, because no other token of the client opens
// the session.
func TestAnswerOfAFailedCommitHasTheSavedToken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Count: 1})
	q, pages := r.writingErrorPages(token)
	s := q.get()
	s.Renew()
	q.save(s)
	s.Data.Count = 2
	r.store.failWith(opUpdate, errBroken)
	q.end()
	r.store.answer(nil)
	if len(*pages) != 1 {
		t.Fatalf("%d error pages, want one", len(*pages))
	}
	page := (*pages)[0]
	wantAction(t, page, session.ActionSet)
	if page.Cookie == nil {
		t.Error("the error page has no cookie, want one with the token")
	}
	r.wantOpens(page.Token, s.ID())
	r.wantInert(token)
}

// If nothing was saved before, the error page sends no token, and the token of
// the client works on.
func TestAnswerOfAFailedCommitWithoutASave(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Count: 1})
	q, pages := r.writingErrorPages(token)
	s := q.get()
	s.Renew()
	s.Data.Count = 2
	r.store.failWith(opUpdate, errBroken)
	q.end()
	r.store.answer(nil)
	if len(*pages) != 1 {
		t.Fatalf("%d error pages, want one", len(*pages))
	}
	wantAction(t, (*pages)[0], session.ActionNone)
	r.wantOpens(token, s.ID())
}

// writingErrorPages makes a request whose Failed hook writes a response. It
// collects the outcomes of their commits.
func (r *rig) writingErrorPages(token string) (q *fakeRequest, pages *[]session.Outcome) {
	pages = new([]session.Outcome)
	return r.requestWith(func(q *fakeRequest) {
		q.failed = func(session.Op, error) error {
			*pages = append(*pages, q.commit())
			return nil
		}
	}, sid(token)), pages
}
