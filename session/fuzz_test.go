package session_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// FuzzCookieHeader sends arbitrary lines: they never panic, never make the
// store be asked more than four times, are never an error, and never open a
// session without its whole token.
func FuzzCookieHeader(f *testing.F) {
	for _, token := range malformedTokens() {
		f.Add("sid="+token, "", true)
	}
	f.Add("a=1; sid=TOKEN; b", "c", false)
	f.Add("sid=x.TOKEN; sid=TOKENx", "sid=TOKEN;sid=TOKEN", false)
	f.Add("sid=a."+secret22+";sid=b."+secret22+";sid=c."+secret22, "sid=d."+secret22+"; sid=e."+secret22, false)
	f.Add("sid\t=\tTOKEN ;;;", "sid==; sid", true)
	f.Fuzz(func(t *testing.T, first, second string, plain bool) {
		r := newRig(t)
		token := r.seed(visit{Name: "mine"})
		first, second = strings.ReplaceAll(first, "TOKEN", token), strings.ReplaceAll(second, "TOKEN", token)
		q := r.requestBy(plain, first, second)
		s, err := q.x.Session(t.Context())
		if err != nil {
			t.Fatalf("Session: %v, want no error", err)
		}
		if n := r.store.count(opLoad); n > 4 {
			t.Errorf("%d loads, want at most 4", n)
		}
		if s.IsNew() == (s.Data.Name == "mine") || !s.IsNew() && s.Token() != token {
			t.Errorf("new %v with %+v and token %q", s.IsNew(), s.Data, s.Token())
		}
		if !s.IsNew() && !strings.Contains(first, token) && !strings.Contains(second, token) {
			t.Errorf("%q, %q opened a session without its token", first, second)
		}
		if s.IsNew() && (strings.Contains(first, s.ID()) || strings.Contains(second, s.ID())) {
			t.Errorf("the id %q of the client was adopted", s.ID())
		}
		wantAction(t, q.commit(), session.ActionNone)
		q.end()
		if n := r.store.count(opCreate) + r.store.count(opUpdate) + r.store.count(opDelete) + r.store.count(opTouch); n != 0 || r.len() != 1 {
			t.Errorf("%d writes and %d records, want none and one", n, r.len())
		}
	})
}

// fuzzRecord stores a record of which a part is arbitrary, and looks at what
// becomes of it everywhere.
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
		t.Errorf("Find gave %q, want %q", info.ID, idOf(token))
	}
	s, err := r.m.Open(t.Context(), token)
	allowed("Open", err)
	if (err == nil) != (s != nil) {
		t.Errorf("Open gave %v, %v, want one of both", s, err)
	}
	_, err = r.request(token).x.Peek(t.Context())
	allowed("Peek", err)
	q := r.request(token)
	s, err = q.x.Session(t.Context())
	allowed("Session", err)
	if after := r.record(idOf(token)); string(after.Data) != string(before.Data) || string(after.Meta) != string(before.Meta) || after.Version != before.Version {
		t.Errorf("the record became %+v, want it untouched: %+v", after, before)
	}
	if err == nil && !s.IsNew() {
		s.Data.Count++
		_, err := q.tryCommit()
		allowed("Commit", err)
		allowed("Update", r.m.Update(t.Context(), idOf(token), count))
	}
	wantNoErr(t, r.m.Delete(t.Context(), idOf(token)))
}

// FuzzMeta gives a record arbitrary meta data: ErrCorrupt, ErrNotFound or a
// session, never a panic.
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

// FuzzStoredData gives a record arbitrary data.
func FuzzStoredData(f *testing.F) {
	for _, v := range []visit{{}, fullVisit(), {Note: "\x00\u2028"}} {
		data, err := session.JSON().Marshal(&v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "json")
		f.Add(data[:len(data)/2], "json")
	}
	for _, text := range []string{"", "null", "{}", "[]", `{"Name":null}`, `{"Name":1}`, `{"Name":"a","Name":"b"}`, ` {"Prefs":{"a":"1","a":"2"}} `, "{\"Name\":\"\xff\"}", `{"Pages":[null,{}]}`} {
		f.Add([]byte(text), "json")
	}
	f.Add([]byte("x"), "sealed")
	f.Add([]byte("{}"), "")
	f.Fuzz(func(t *testing.T, data []byte, format string) {
		fuzzRecord(t, func(rec *session.Record) { rec.Data, rec.Format = data, format })
	})
}
