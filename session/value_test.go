package session_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
	"github.com/echosession/echosession/session/sessiontest"
)

// visitV1 is visit in an older program, which has other fields in another
// order.
type visitV1 struct {
	Note  string
	Old   string
	Prefs map[string]string
	Name  string
}

// seedV1 stores a session as the older program does, and returns its token.
func (r *rig) seedV1(v visitV1) (token string) {
	r.Helper()
	token, err := sessiontest.Token(r.Context(), managerOf[visitV1](r.T, r.store.Store), v)
	wantNoErr(r.T, err)
	return token
}

// What an older program stored is not written again until it changes. Then it
// is stored in the new form.
func TestOlderShapeIsNoChange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seedV1(visitV1{Name: "n", Note: "x", Old: "gone", Prefs: map[string]string{"b": "2", "a": "1"}})
	before := r.record(idOf(token))
	q, s := r.begin(token)
	r.wantData(s, visit{Name: "n", Note: "x", Prefs: map[string]string{"a": "1", "b": "2"}})
	wantAction(t, q.commit(), session.ActionNone)
	q.end()
	wantNoErr(t, r.m.Update(t.Context(), idOf(token), func(*visit) error { return nil }))
	r.store.wantCalls(t, "load load")
	r.log.want(t)
	r.wantUnchanged(before)

	wantAction(t, r.handle(token, func(s *visitSession) { s.Data.Prefs["a"] = "3" }), session.ActionSet)
	r.wantEncoded(idOf(token), visit{Name: "n", Note: "x", Prefs: map[string]string{"a": "3", "b": "2"}})
	if got := r.record(idOf(token)).Version; got != before.Version+1 {
		t.Errorf("the record has the version %d, want %d", got, before.Version+1)
	}
}

// The same value with its names in another order, and with spaces, is no
// change.
func TestAnotherOrderIsNoChange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seedV1(visitV1{})
	r.overwrite(idOf(token), func(rec *session.Record) {
		rec.Data = []byte(` {"Prefs": {"b":"2", "a":"1"}, "Note":"n",` + "\n" + `"Name":"u\u0041", "Unknown":[1,{"x":null}] } `)
	})
	q, s := r.begin(token)
	r.wantData(s, visit{Name: "uA", Note: "n", Prefs: map[string]string{"a": "1", "b": "2"}})
	wantAction(t, q.commit(), session.ActionNone)
	r.store.wantCalls(t, "load")
	// It is a change to empty a map, or to make an empty map nil.
	wantAction(t, r.handle(token, func(s *visitSession) { s.Data.Prefs = map[string]string{} }), session.ActionSet)
	wantAction(t, r.handle(token, func(s *visitSession) { s.Data.Prefs = nil }), session.ActionSet)
}

// Manager.Update reads what an older program stored, and stores it in the new
// form.
func TestManagerUpdateOfAnOlderShape(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seedV1(visitV1{Name: "n"})
	wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
	r.wantEncoded(idOf(token), visit{Name: "n", Count: 1})
	wantAction(t, r.handle(token, looking), session.ActionNone)
}

// wantEncoded fails unless the Data in the record of id is the encoding of want,
// byte for byte.
func (r *rig) wantEncoded(id string, want visit) {
	r.Helper()
	data, err := session.JSON().Marshal(&want)
	wantNoErr(r.T, err)
	if got := r.record(id).Data; !bytes.Equal(got, data) {
		r.Errorf("stored %s, want %s", got, data)
	}
}

// upper is a migration that leaves a mark in Note.
func upper(from int, data []byte) (visit, error) {
	var v visit
	err := session.JSON().Unmarshal(data, &v)
	v.Note = fmt.Sprintf("%s from %d", strings.ToUpper(v.Note), from)
	return v, err
}

// Data of an older SchemaVersion is migrated in every way of loading it. It is
// stored with the next save, and not migrated again.
func TestMigrate(t *testing.T) {
	t.Parallel()
	for _, set := range []func(*visitConfig){func(*visitConfig) {}, sealing(key("a"))} {
		old := newRig(t, byName, schema(2, nil), set)
		token := old.seed(visit{Name: "ada", Note: "note"})
		r := old.another(byName, schema(5, upper), set)
		want := visit{Name: "ada", Note: "NOTE from 2"}
		before := r.record(idOf(token))
		q, s := r.begin(token)
		r.wantData(s, want)
		wantAction(t, q.commit(), session.ActionNone)
		r.wantUnchanged(before)
		if v := r.request(token).peek(); !equalVisits(v, want) {
			t.Errorf("Peek: %+v, want %+v", v, want)
		}
		if info, err := r.m.Find(t.Context(), idOf(token)); err != nil || !equalVisits(info.Data, want) {
			t.Errorf("Find: %+v, %v, want %+v", info.Data, err, want)
		}
		if infos := r.sessionsOf("ada"); len(infos) != 1 || !equalVisits(infos[0].Data, want) {
			t.Errorf("Sessions: %+v, want %+v", infos, want)
		}
		// What a save stored is not migrated again.
		r.handle(token, counting)
		want.Count++
		r.wantData(r.request(token).get(), want)
		wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
		want.Count++
		r.wantData(r.request(token).get(), want)
	}
}

// Manager.Update migrates as well, and stores what it made of that.
func TestManagerUpdateMigrates(t *testing.T) {
	t.Parallel()
	old := newRig(t, schema(0, nil))
	token := old.seed(visit{Note: "note"})
	r := old.another(schema(1, upper))
	wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
	r.wantStored(idOf(token), visit{Note: "NOTE from 0", Count: 1})
}

// Two processes of different versions change a session at once. What the older
// one stored is migrated before the merge.
func TestMigrateInAConflict(t *testing.T) {
	t.Parallel()
	old := newRig(t, schema(1, nil))
	token := old.seed(visit{Note: "note", Prefs: map[string]string{}})
	r := old.another(schema(2, func(from int, data []byte) (v visit, err error) {
		err = session.JSON().Unmarshal(data, &v)
		v.Prefs["migrated"] = "yes"
		return v, err
	}))
	slow, s := r.begin(token)
	counting(s)
	old.handle(token, noting("theirs"))
	wantAction(t, slow.commit(), session.ActionSet)
	r.wantStored(idOf(token), visit{Note: "theirs", Count: 1, Prefs: map[string]string{"migrated": "yes"}})
}

// A migration that fails is ErrCorrupt with its cause, and the record stays.
// ErrDiscard is the way out.
func TestMigrateFails(t *testing.T) {
	t.Parallel()
	old := newRig(t, schema(1, nil))
	token := old.seed(visit{Note: "note"})
	r := old.another(schema(2, func(int, []byte) (visit, error) { return visit{Note: "half"}, errBroken }))
	r.wantCorrupt("a migration that fails", token)
	_, err := r.m.Find(t.Context(), idOf(token))
	wantErr(t, err, errBroken)
	old.wantOpens(token, idOf(token))
	q, _ := r.answering(session.ErrDiscard, session.OpLoad, session.ErrCorrupt, token)
	s := q.get()
	if !s.IsNew() || s.ID() == idOf(token) || s.Data.Note != "" {
		t.Errorf("the request has %v, new %v, with %+v, want a new session with an id of its own", s, s.IsNew(), s.Data)
	}
	counting(s)
	out := q.commit()
	wantAction(t, out, session.ActionSet)
	r.wantOpens(out.Token, s.ID())
}

// What a newer version stored can be read, extended and ended, but not written.
func TestNewerSchemaIsReadOnly(t *testing.T) {
	t.Parallel()
	newer := newRig(t, byName, rolling(24*time.Hour, -1), schema(3, nil))
	token := newer.seed(visit{Name: "ada", Note: "note"})
	r := newer.another(byName, schema(2, upper), renewAfter(time.Nanosecond))
	before := r.record(idOf(token))
	r.wantData(r.request(token).get(), visit{Name: "ada", Note: "note"})
	wantAction(t, r.handle(token, looking), session.ActionNone)
	r.log.want(t) // no attempt to renew the token either
	for name, save := range map[string]func(*fakeRequest, *visitSession) error{
		"Save":   func(_ *fakeRequest, s *visitSession) error { return s.Save(t.Context()) },
		"Update": func(_ *fakeRequest, s *visitSession) error { return s.Update(t.Context(), count) },
		"commit": func(q *fakeRequest, _ *visitSession) error { _, err := q.tryCommit(); return err },
		"Renew":  func(_ *fakeRequest, s *visitSession) error { s.Renew(); return s.Save(t.Context()) },
	} {
		q, s := r.begin(token)
		counting(s)
		if err := save(q, s); !errors.Is(err, session.ErrSchema) {
			t.Errorf("%s: %v, want ErrSchema", name, err)
		}
		r.wantUnchanged(before)
	}
	wantErr(t, r.m.Update(t.Context(), idOf(token), count), session.ErrSchema)
	r.wantUnchanged(before)
	rolled := newer.another(byName, schema(2, nil), rolling(48*time.Hour, -1))
	wantAction(t, rolled.handle(token, looking), session.ActionSet)
	wantAction(t, r.handle(token, (*visitSession).Destroy), session.ActionClear)
}

// What a newer version stored and this one cannot decode is ErrSchema, and not
// ErrCorrupt.
func TestNewerSchemaThatDoesNotDecode(t *testing.T) {
	t.Parallel()
	newer := newRig(t, schema(3, nil))
	token := newer.seed(visit{Note: "note"})
	newer.overwrite(idOf(token), func(rec *session.Record) { rec.Data = []byte(`{"Count":"many"}`) })
	r := newer.another(schema(2, nil))
	_, err := r.m.Open(t.Context(), token)
	wantErr(t, err, session.ErrSchema)
	if errors.Is(err, session.ErrCorrupt) {
		t.Errorf("error %v, want no ErrCorrupt", err)
	}
}

// Another SchemaVersion alone is no change.
func TestSchemaVersionAloneIsNoChange(t *testing.T) {
	t.Parallel()
	for name, versions := range map[string][2]int{"newer": {1, 2}, "the same": {2, 2}, "older": {2, 1}} {
		t.Run(name, func(t *testing.T) {
			old := newRig(t, schema(versions[0], nil))
			token := old.seed(visit{Note: "note"})
			r := old.another(schema(versions[1], nil))
			before := r.record(idOf(token))
			wantAction(t, r.handle(token, looking), session.ActionNone)
			r.store.wantCalls(t, "load")
			r.wantUnchanged(before)
		})
	}
}

// What a newer version stored is extended by use, although this version would
// write its user, another seal or another token.
func TestNewerSchemaIsExtended(t *testing.T) {
	t.Parallel()
	type changes []func(*visitConfig)
	for name, tt := range map[string]struct{ newer, older changes }{
		"as it is":     {nil, nil},
		"its user":     {nil, changes{byName}},
		"another key":  {changes{sealing(key("b"), key("a"))}, changes{sealing(key("a"), key("b"))}},
		"its new key":  {changes{sealing(key("a"))}, changes{sealing(key("b"), key("a"))}},
		"a due token":  {nil, changes{renewAfter(time.Minute)}},
		"all together": {changes{sealing(key("a"))}, changes{sealing(key("b"), key("a")), byName, renewAfter(time.Minute)}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				newer := newRig(t, append(tt.newer, rolling(time.Hour, -1), schema(3, nil))...)
				token := newer.seed(visit{Name: "ada"})
				r := newer.another(append(tt.older, rolling(time.Hour, -1), schema(2, nil))...)
				stored := newer.record(idOf(token))
				for range 4 {
					time.Sleep(20 * time.Minute)
					r.handle(token, looking)
				}
				r.wantOpens(token, idOf(token))
				r.wantEndsIn(idOf(token), time.Hour)
				if got := r.record(idOf(token)); string(got.Data) != string(stored.Data) || got.User != stored.User {
					t.Errorf("the record is %+v, want Data and User as the newer version stored them, %+v", got, stored)
				}
				if n := r.store.count(opUpdate); n != 0 {
					t.Errorf("%d updates, want none", n)
				}
				r.log.wantNone(t, session.EventError)
			})
		})
	}
}
