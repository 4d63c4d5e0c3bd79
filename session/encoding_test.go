package session_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/echosession/echosession/session"
)

// visitV1 is visit as an older program had it: other fields in another order.
type visitV1 struct {
	Note  string
	Old   string
	Prefs map[string]string
	Name  string
}

// What an older program stored is no change, although this one would write it
// otherwise; and what is changed then is stored in the new form.
func TestOlderShapeIsNoChange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old, err := managerOf[visitV1](t, r.store).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	old.Data = visitV1{Name: "n", Note: "x", Old: "gone", Prefs: map[string]string{"b": "2", "a": "1"}}
	wantNoErr(t, old.Save(t.Context()))
	before := r.record(old.ID())
	r.forget()
	q := r.request(old.Token())
	if s := q.get(); s.Data.Name != "n" || s.Data.Note != "x" || s.Data.Prefs["a"] != "1" {
		t.Errorf("Data %+v, want what the older program stored", s.Data)
	}
	wantAction(t, q.commit(), session.ActionNone)
	q.end()
	r.store.wantCalls(t, "load")
	r.log.want(t)
	if after := r.record(old.ID()); !bytes.Equal(after.Data, before.Data) || after.Version != before.Version {
		t.Errorf("stored %s, want %s untouched", after.Data, before.Data)
	}

	// The Manager too writes nothing where nothing changes.
	wantNoErr(t, r.m.Update(t.Context(), old.ID(), func(*visit) error { return nil }))
	r.store.wantCalls(t, "load load")

	q = r.request(old.Token())
	q.get().Data.Prefs["a"] = "3"
	wantAction(t, q.commit(), session.ActionSet)
	want, _ := session.JSON().Marshal(&visit{Name: "n", Note: "x", Prefs: map[string]string{"a": "3", "b": "2"}})
	if after := r.record(old.ID()); !bytes.Equal(after.Data, want) || after.Version != before.Version+1 {
		t.Errorf("stored %s as version %d, want %s as version %d", after.Data, after.Version, want, before.Version+1)
	}
}

// The same value with the names of an object in another order, and spaces.
func TestAnotherOrderIsNoChange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old, err := managerOf[visitV1](t, r.store).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantNoErr(t, old.Save(t.Context()))
	r.overwrite(old.ID(), func(rec *session.Record) {
		rec.Data = []byte(` {"Prefs": {"b":"2", "a":"1"}, "Note":"n",` + "\n" + `"Name":"u\u0041", "Unknown":[1,{"x":null}] } `)
	})
	r.forget()
	q := r.request(old.Token())
	if s := q.get(); s.Data.Name != "uA" || s.Data.Prefs["b"] != "2" {
		t.Errorf("Data %+v, want what is stored", s.Data)
	}
	wantAction(t, q.commit(), session.ActionNone)
	r.store.wantCalls(t, "load")

	// A change is one all the same, and so is one that only empties a map.
	q = r.request(old.Token())
	q.get().Data.Prefs = map[string]string{}
	wantAction(t, q.commit(), session.ActionSet)
	q = r.request(old.Token())
	q.get().Data.Prefs = nil
	wantAction(t, q.commit(), session.ActionSet)
}

// A codec that fails at the commit, when the record is of an older shape or of
// this one.
func TestEncodingFails(t *testing.T) {
	t.Parallel()
	codec := &failingCodec{Codec: session.JSON()}
	r := newRig(t, func(cfg *visitConfig) { cfg.Codec = codec })
	token := r.seed(visit{Name: "n"})
	var ops []session.Op
	q := r.requestWith(func(q *fakeRequest) {
		q.failed = func(op session.Op, err error) error { ops = append(ops, op); return err }
	}, sid(token))
	s := q.get()
	s.Data.Count = 2
	codec.err = errBroken
	wantErr(t, s.Save(t.Context()), errBroken)
	wantErr(t, s.Update(t.Context(), func(*visit) error { return nil }), errBroken)
	wantErr(t, r.m.Update(t.Context(), s.ID(), func(*visit) error { return nil }), errBroken)
	q.wantCommitErr(errBroken)
	q.end()
	if len(ops) != 1 || ops[0] != session.OpSave {
		t.Errorf("the hook was asked about %q, want one failed save", ops)
	}
	r.store.wantCalls(t, "load load") // one of them by the Manager
}

// failingCodec is for one goroutine.
type failingCodec struct {
	session.Codec
	err error
}

func (c *failingCodec) Marshal(v any) ([]byte, error) {
	if c.err != nil {
		return nil, c.err
	}
	return c.Codec.Marshal(v)
}

// Format and codec must agree.
func TestAnotherFormat(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	other := r.another(func(cfg *visitConfig) { cfg.Codec = renamedCodec{name: "other"} })
	_, err := other.request(token).x.Session(t.Context())
	wantErr(t, err, session.ErrCorrupt)
	if s := r.request(token).get(); s.IsNew() {
		t.Error("a new session, want the stored one to be as it was")
	}
}

type codecSample struct {
	Wait  int64
	Text  string
	Words []string
	Set   map[string]int
	Any   any
}

func TestJSONCodec(t *testing.T) {
	t.Parallel()
	codec := session.JSON()
	if codec.Name() != "json" {
		t.Errorf("it is called %q, want json", codec.Name())
	}
	v := codecSample{Set: map[string]int{"c": 3, "a": 1, "b": 2}, Words: []string{}, Any: map[string]any{"y": 1, "x": nil}}
	want := `{"Wait":0,"Text":"","Words":[],"Set":{"a":1,"b":2,"c":3},"Any":{"x":null,"y":1}}`
	for range 20 {
		if data, err := codec.Marshal(&v); err != nil || string(data) != want {
			t.Fatalf("%s, %v, want %s", data, err, want)
		}
	}
	data, err := codec.Marshal(&codecSample{Text: "a\xffb", Set: map[string]int{"\xff": 1, "\xfe": 2}})
	if err != nil || !json.Valid(data) || !bytes.Contains(data, []byte("a\uFFFDb")) {
		t.Errorf("invalid UTF-8: %s, %v, want it replaced", data, err)
	}
	var back codecSample
	if err := codec.Unmarshal(data, &back); err != nil || back.Text != "a\uFFFDb" || back.Words != nil {
		t.Errorf("%+v, %v, want it back, with nil as nil", back, err)
	}
	if err := codec.Unmarshal([]byte(`{"wait":1}`), &back); err != nil || back.Wait != 0 {
		t.Errorf("wait is %d (%v), want 0: names match exactly", back.Wait, err)
	}
	for _, bad := range []string{"", "{", `{"Wait":"x"}`, `[]`, `{} {}`} {
		if err := codec.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

// What a codec says may quote Data, and errors go into logs. Who needs to know
// can unwrap them.
func TestErrorsOfCodecsAreHidden(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n", Note: "private"})
	newer := r.another(func(cfg *visitConfig) {
		cfg.SchemaVersion = 1
		cfg.Migrate = func(_ int, data []byte) (v visit, err error) {
			var old struct{ Note time.Time }
			return v, session.JSON().Unmarshal(data, &old)
		}
	})
	_, migrating := newer.m.Find(t.Context(), idOf(token))
	type rates struct{ Of map[string]float64 }
	m := managerOf[rates](t, r.store.Store)
	s, err := m.Start(t.Context())
	wantNoErr(t, err)
	s.Data.Of = map[string]float64{"private": math.NaN()}
	for what, err := range map[string]error{"Migrate": migrating, "Save": s.Save(t.Context())} {
		if err == nil || strings.Contains(err.Error(), "private") {
			t.Errorf("%s: error %v, want one without Data", what, err)
			continue
		}
		cause, ok := errors.AsType[*jsonv2.SemanticError](err)
		if !ok || !strings.Contains(cause.Error(), "private") {
			t.Errorf("%s: error %v, want one with the codec's own inside", what, err)
		}
	}
}
