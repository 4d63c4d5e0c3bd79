package session_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// codecSample is a value with a field of each kind.
type codecSample struct {
	Wait  int64
	Text  string
	Words []string
	Set   map[string]int
	Any   any
}

// JSON is deterministic, replaces invalid UTF-8, keeps nil and empty apart, and
// matches names exactly.
func TestJSONCodec(t *testing.T) {
	t.Parallel()
	codec := session.JSON()
	if codec.Name() != "json" {
		t.Errorf("the name is %q, want json", codec.Name())
	}
	v := codecSample{Set: map[string]int{"c": 3, "a": 1, "b": 2}, Words: []string{}, Any: map[string]any{"y": 1, "x": nil}}
	want := `{"Wait":0,"Text":"","Words":[],"Set":{"a":1,"b":2,"c":3},"Any":{"x":null,"y":1}}`
	for range 20 {
		if data, err := codec.Marshal(&v); err != nil || string(data) != want {
			t.Fatalf("Marshal: %s, %v, want %s", data, err, want)
		}
	}
	data, err := codec.Marshal(&codecSample{Text: "a\xffb", Set: map[string]int{"\xff": 1, "\xfe": 2}})
	if err != nil || !json.Valid(data) || !bytes.Contains(data, []byte("a\uFFFDb")) {
		t.Errorf("Marshal of invalid UTF-8: %s, %v, want it replaced", data, err)
	}
	var back codecSample
	if err := codec.Unmarshal(data, &back); err != nil || back.Text != "a\uFFFDb" || back.Words != nil {
		t.Errorf("Unmarshal: %+v, %v, want the same value, with nil as nil", back, err)
	}
	if err := codec.Unmarshal([]byte(`{"wait":1}`), &back); err != nil || back.Wait != 0 {
		t.Errorf("Unmarshal: Wait is %d, %v, want 0 from another name", back.Wait, err)
	}
	for _, bad := range []string{"", "{", `{"Wait":"x"}`, `[]`, `{} {}`} {
		if err := codec.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("Unmarshal of %q: no error, want one", bad)
		}
	}
}

// An error of a codec may quote Data. Its text is left out of ours, and
// errors.As finds it.
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
	s, err := managerOf[rates](t, r.store.Store).Start(t.Context())
	wantNoErr(t, err)
	s.Data.Of = map[string]float64{"private": math.NaN()}
	for what, err := range map[string]error{"Migrate": migrating, "Save": s.Save(t.Context())} {
		if err == nil || strings.Contains(err.Error(), "private") {
			t.Errorf("%s: %v, want an error without Data", what, err)
			continue
		}
		cause, ok := errors.AsType[*jsonv2.SemanticError](err)
		if !ok || !strings.Contains(cause.Error(), "private") {
			t.Errorf("%s: %v, want the error of the codec in it", what, err)
		}
	}
}

// A codec that fails to encode fails every way of saving, before the store is
// called.
func TestEncodingFails(t *testing.T) {
	t.Parallel()
	codec := &failingCodec{Codec: session.JSON()}
	r := newRig(t, func(cfg *visitConfig) { cfg.Codec = codec })
	q, calls := r.answering(errBroken, session.OpSave, errBroken, r.seed(visit{Name: "n"}))
	s := q.get()
	s.Data.Count = 2
	codec.err = errBroken
	wantErr(t, s.Save(t.Context()), errBroken)
	wantErr(t, s.Update(t.Context(), count), errBroken)
	wantErr(t, r.m.Update(t.Context(), s.ID(), count), errBroken)
	q.wantCommitErr(errBroken)
	q.end()
	if *calls != 1 {
		t.Errorf("Failed was called %d times, want once", *calls)
	}
	r.store.wantCalls(t, "load load") // by the request and by the Manager
}

// failingCodec is a codec that fails with err, if there is one. It is for one
// goroutine.
type failingCodec struct {
	session.Codec
	err error
}

// Marshal implements session.Codec.
func (c *failingCodec) Marshal(v any) ([]byte, error) {
	if c.err != nil {
		return nil, c.err
	}
	return c.Codec.Marshal(v)
}

// A record of another codec is ErrCorrupt, and is left as it is.
func TestAnotherFormat(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	other := r.another(func(cfg *visitConfig) { cfg.Codec = renamedCodec{name: "other"} })
	_, err := other.request(token).x.Session(t.Context())
	wantErr(t, err, session.ErrCorrupt)
	r.wantOpens(token, idOf(token))
}

// newerCart is what a newer version of a program stores.
type (
	newerLine struct {
		Item  string
		Price int64
	}
	newerCart struct {
		Name  string
		Lines []newerLine
		Theme string
		Sizes map[string]int64
	}
	// olderCart keeps in R the fields that only newerCart knows.
	olderCart[R any] struct {
		Name  string
		Lines []struct {
			Item string
			Rest R `json:",embed"`
		}
		Rest R `json:",embed"`
	}
)

// A catch-all field keeps what a newer version of T added, also if both
// versions save at once. It does not make reading write.
func TestUnknownFieldsAreKept(t *testing.T) {
	t.Parallel()
	t.Run("map of json.RawMessage", keepsUnknown[map[string]json.RawMessage])
	t.Run("map of jsontext.Value", keepsUnknown[map[string]jsontext.Value])
	t.Run("jsontext.Value", keepsUnknown[jsontext.Value])
}

// keepsUnknown tests a catch-all field of type R.
func keepsUnknown[R any](t *testing.T) {
	t.Parallel()
	store := memstore.New(memstore.Options{})
	newer, err := session.New(session.Config[newerCart]{Store: store})
	wantNoErr(t, err)
	older, err := session.New(session.Config[olderCart[R]]{Store: store})
	wantNoErr(t, err)
	s, err := newer.Start(t.Context())
	wantNoErr(t, err)
	s.Data = newerCart{"a", []newerLine{{"apple", math.MaxInt64}}, "dark", map[string]int64{"s": math.MaxInt64}}
	want := s.Data
	wantNoErr(t, s.Save(t.Context()))

	unwritten := func(writer string) {
		before, err := store.Load(t.Context(), s.ID())
		wantNoErr(t, err)
		readOnly(t, newer, s.Token())
		readOnly(t, older, s.Token())
		if after, err := store.Load(t.Context(), s.ID()); err != nil || after.Version != before.Version {
			t.Errorf("reading what the %s version stored wrote %s over %s (%v), want no write", writer, after.Data, before.Data, err)
		}
	}
	unwritten("newer")
	mine, err := older.Open(t.Context(), s.Token())
	wantNoErr(t, err)
	theirs, err := newer.Open(t.Context(), s.Token())
	wantNoErr(t, err)
	theirs.Data.Theme, theirs.Data.Sizes = "light", map[string]int64{"s": math.MinInt64, "t": 1}
	wantNoErr(t, theirs.Save(t.Context()))
	mine.Data.Name = "b"
	wantNoErr(t, mine.Save(t.Context()))
	unwritten("older")
	want.Name, want.Theme, want.Sizes = "b", theirs.Data.Theme, theirs.Data.Sizes
	if got, err := newer.Find(t.Context(), s.ID()); err != nil || !reflect.DeepEqual(got.Data, want) {
		t.Errorf("Find: %+v, %v, want %+v", got.Data, err, want)
	}
}

// readOnly makes a request that only reads.
func readOnly[T any](t *testing.T, m *session.Manager[T], token string) {
	t.Helper()
	x := m.Begin(nil, session.BeginOptions[T]{Cookies: []string{"echo.sid=" + token}})
	s, err := x.Session(t.Context())
	wantNoErr(t, err)
	if s.IsNew() {
		t.Fatal("the token opens a new session, want the stored one")
	}
	_, err = x.End(t.Context())
	wantNoErr(t, err)
}

// FuzzCodecJSON: what is decoded keeps its value and its bytes from then on.
func FuzzCodecJSON(f *testing.F) {
	for _, v := range []visit{{}, fullVisit(), secretVisit(), {Note: "\x00\u2028\xff"}} {
		data, err := session.JSON().Marshal(&v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range []string{"", "null", "{}", `{"Name":"a","Name":"b"}`, `{"Prefs":{"\ud800":"1"}}`, `{"Count":1e3}`, `{"Pages":[null]}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v, w visit
		if session.JSON().Unmarshal(data, &v) != nil {
			return
		}
		once, err := session.JSON().Marshal(&v)
		if err != nil {
			t.Fatalf("%q was decoded to %+v, and cannot be encoded: %v", data, v, err)
		}
		if err := session.JSON().Unmarshal(once, &w); err != nil {
			t.Fatalf("%q was encoded to %q, and cannot be decoded: %v", data, once, err)
		}
		if twice, err := session.JSON().Marshal(&w); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%q became %q and then %q, %v", data, once, twice, err)
		}
	})
}
