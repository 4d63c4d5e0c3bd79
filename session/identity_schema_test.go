package session_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/echosession/echosession/session"
)

// upper is a migration that leaves its mark.
func upper(from int, data []byte) (visit, error) {
	var v visit
	err := session.JSON().Unmarshal(data, &v)
	v.Note = fmt.Sprintf("%s from %d", strings.ToUpper(v.Note), from)
	return v, err
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	for _, set := range []func(*visitConfig){func(*visitConfig) {}, sealing(key("a"))} {
		old := newRig(t, byName, schema(2, nil), set)
		token := old.seed(visit{Name: "ada", Note: "note"})
		r := old.another(byName, schema(5, upper), set)
		want := visit{Name: "ada", Note: "NOTE from 2"}
		before := r.record(idOf(token))
		q := r.request(token)
		r.wantData(q.get(), want)
		wantAction(t, q.commit(), session.ActionNone) // to be old is no change
		r.same(before)
		if v, err := r.request(token).x.Peek(t.Context()); err != nil || !equalVisits(v, want) {
			t.Errorf("Peek gave %+v, %v, want %+v", v, err, want)
		}
		if info, err := r.m.Find(t.Context(), idOf(token)); err != nil || !equalVisits(info.Data, want) {
			t.Errorf("Find gave %+v, %v, want %+v", info.Data, err, want)
		}
		if infos := r.sessionsOf("ada"); len(infos) != 1 || !equalVisits(infos[0].Data, want) {
			t.Errorf("Sessions gave %+v, want %+v", infos, want)
		}
		// The next save stores the new schema, and is migrated no more.
		r.with(token, counting)
		want.Count++
		r.wantData(r.request(token).get(), want)
		wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
		want.Count++
		r.wantData(r.request(token).get(), want)
	}
}

// A background job migrates, too.
func TestManagerUpdateMigrates(t *testing.T) {
	t.Parallel()
	old := newRig(t, schema(0, nil))
	token := old.seed(visit{Note: "note"})
	r := old.another(schema(1, upper))
	wantNoErr(t, r.m.Update(t.Context(), idOf(token), count))
	r.wantStored(idOf(token), visit{Note: "NOTE from 0", Count: 1})
}

// Two processes of different versions change one session at once: what the
// older one stored is migrated before it is merged.
func TestMigrateInAConflict(t *testing.T) {
	t.Parallel()
	old := newRig(t, schema(1, nil))
	token := old.seed(visit{Note: "note", Prefs: map[string]string{}})
	r := old.another(schema(2, func(from int, data []byte) (v visit, err error) {
		err = session.JSON().Unmarshal(data, &v)
		v.Prefs["migrated"] = "yes"
		return v, err
	}))
	slow := r.request(token)
	counting(slow.get())
	old.with(token, noting("theirs"))
	wantAction(t, slow.commit(), session.ActionSet)
	want := visit{Note: "theirs", Count: 1, Prefs: map[string]string{"migrated": "yes"}}
	r.wantStored(idOf(token), want)
}

// A migration that fails is ErrCorrupt, with its cause; the record stays.
func TestMigrateFails(t *testing.T) {
	t.Parallel()
	old := newRig(t, schema(1, nil))
	token := old.seed(visit{Note: "note"})
	r := old.another(schema(2, func(int, []byte) (visit, error) { return visit{Note: "half"}, errBroken }))
	r.wantCorrupt("a migration that fails", token)
	_, err := r.m.Find(t.Context(), idOf(token))
	wantErr(t, err, errBroken)
	old.wantOpens(token, idOf(token))
	// The way out, where that is wanted: another session instead.
	q := r.requestWith(func(q *fakeRequest) { q.failed = func(session.Op, error) error { return session.ErrDiscard } }, sid(token))
	s := q.get()
	if !s.IsNew() || s.ID() == idOf(token) || s.Data.Note != "" {
		t.Errorf("%v, new %v, with %+v, want a new session with an id of its own", s, s.IsNew(), s.Data)
	}
	counting(s)
	out := q.commit()
	wantAction(t, out, session.ActionSet)
	r.wantOpens(out.Token, s.ID())
}

// What a newer version stored can be read where it decodes, but not written.
func TestNewerSchemaIsReadOnly(t *testing.T) {
	t.Parallel()
	newer := newRig(t, byName, rolling(24*time.Hour, -1), schema(3, nil))
	token := newer.seed(visit{Name: "ada", Note: "note"})
	r := newer.another(byName, schema(2, upper), renewAfter(time.Nanosecond))
	before := r.record(idOf(token))
	if s := r.request(token).get(); s.Data.Note != "note" || s.IsNew() {
		t.Errorf("Data %+v, want it as it is, not migrated", s.Data)
	}
	r.forget()
	wantAction(t, r.with(token, looking), session.ActionNone) // not even renewed
	r.log.want(t)                                             // nor tried to
	for name, save := range map[string]func(*visitSession) error{
		"Save":   func(s *visitSession) error { return s.Save(t.Context()) },
		"Update": func(s *visitSession) error { return s.Update(t.Context(), count) },
		"commit": nil,
		"Renew":  func(s *visitSession) error { s.Renew(); return s.Save(t.Context()) },
	} {
		q, s := r.begin(token)
		counting(s)
		var err error
		if save != nil {
			err = save(s)
		} else {
			_, err = q.tryCommit()
		}
		if !errors.Is(err, session.ErrSchema) {
			t.Errorf("%s gave %v, want ErrSchema", name, err)
		}
		r.same(before)
	}
	wantErr(t, r.m.Update(t.Context(), idOf(token), count), session.ErrSchema)
	r.same(before)
	// It can be extended and ended.
	rolled := newer.another(byName, schema(2, nil), rolling(48*time.Hour, -1))
	wantAction(t, rolled.with(token, looking), session.ActionSet)
	wantAction(t, r.with(token, (*visitSession).Destroy), session.ActionClear)
}

// Where it does not decode, that is why.
func TestNewerSchemaThatDoesNotDecode(t *testing.T) {
	t.Parallel()
	newer := newRig(t, schema(3, nil))
	token := newer.seed(visit{Note: "note"})
	newer.overwrite(idOf(token), func(rec *session.Record) { rec.Data = []byte(`{"Count":"many"}`) })
	r := newer.another(schema(2, nil))
	_, err := r.m.Open(t.Context(), token)
	wantErr(t, err, session.ErrSchema)
	if errors.Is(err, session.ErrCorrupt) {
		t.Errorf("error %v, want it not to be ErrCorrupt: the newer version can read it", err)
	}
}

// Another version alone is no change.
func TestSchemaVersionAloneIsNoChange(t *testing.T) {
	t.Parallel()
	for name, versions := range map[string][2]int{"newer": {1, 2}, "the same": {2, 2}, "older": {2, 1}} {
		t.Run(name, func(t *testing.T) {
			token := ""
			old := newRig(t, schema(versions[0], nil))
			token = old.seed(visit{Note: "note"})
			r := old.another(schema(versions[1], nil))
			before := r.record(idOf(token))
			wantAction(t, r.with(token, looking), session.ActionNone)
			r.store.wantCalls(t, "load")
			r.same(before)
			t.Log(name)
		})
	}
}
