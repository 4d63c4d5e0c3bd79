package session_test

import (
	"fmt"
	"testing"

	"github.com/echosession/echosession/session"
)

// A session that nobody asked for is not stored, unless the adapter loaded it
// and AllowEmpty says so.
func TestCommitOfWhatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	for _, load := range []bool{false, true} {
		t.Run(fmt.Sprintf("load %v", load), func(t *testing.T) {
			r := newRig(t, allowEmpty)
			q := r.request()
			if load {
				q.load()
			}
			out, calls, action := q.commit(), "", session.ActionNone
			if load {
				calls, action = "create", session.ActionSet
			}
			wantAction(t, out, action)
			r.store.wantCalls(t, calls)
			if out.Read {
				t.Errorf("loaded %v: Read is true, but nobody looked", load)
			}
		})
	}
}

// Without a commit the end is one, with its outcome.
func TestEndCommits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q, s := r.begin()
	s.Data.Count = 1
	out := q.end()
	wantAction(t, out, session.ActionSet)
	if out.Token != s.Token() || out.Cookie == nil || out.Cookie.Value != s.Token() || !out.Read {
		t.Errorf("outcome %+v, want the token in a cookie, and Read", out)
	}
	r.store.wantCalls(t, "create")
	wantAction(t, q.end(), session.ActionNone)
	r.store.wantCalls(t, "create")
}

// After a panic nothing is committed.
func TestAbandon(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := r.request()
	q.get().Data.Count = 1
	wantAction(t, q.x.Abandon(t.Context()), session.ActionNone)
	r.store.wantCalls(t, "")
	wantAction(t, q.end(), session.ActionNone)
	r.store.wantCalls(t, "")

	q, s := r.begin()
	q.save(s)
	s.Data.Count = 2
	out := q.x.Abandon(t.Context())
	wantAction(t, out, session.ActionSet)
	if out.Cookie == nil || out.Cookie.Value != s.Token() {
		t.Errorf("cookie %v, want the one of the save that was made", out.Cookie)
	}
	r.store.wantCalls(t, "create")
}
