package mongostore

import (
	"fmt"
	"math"
	"reflect"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// older keeps the fields that it does not know.
type older struct {
	Name string
	Rest map[string]any `bson:",inline"`
}

func TestBSONIsDeterministic(t *testing.T) {
	t.Parallel()
	type value struct {
		M map[string]any
		N map[int]map[string]int
		D bson.D
		L []bson.M
		O older
		P *older `json:",omitempty"`
	}
	build := func(step int) *value {
		some := func(f func(key int)) {
			for i := range 50 {
				f(i * step % 50)
			}
		}
		m, n, deep, rest := bson.M{}, map[int]map[string]int{}, map[string]any{}, map[string]any{}
		some(func(k int) {
			m[fmt.Sprint(k)] = k
			n[k] = map[string]int{"x": k, "y": k}
			deep[fmt.Sprint(k)] = map[string]any{"a": k, "b": bson.M{"d": k, "c": []any{map[string]any{"f": k, "e": k}}}}
			rest[fmt.Sprint(k)] = map[string]any{"x": k, "y": nil}
		})
		return &value{deep, n, bson.D{{Key: "z", Value: m}, {Key: "a", Value: deep}}, []bson.M{m, deep}, older{"a", rest}, &older{"b", deep}}
	}
	first, err := BSON().Marshal(build(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []int{3, 7, 49} {
		if got, _ := BSON().Marshal(build(step)); string(got) != string(first) {
			t.Errorf("the same value, filled by steps of %d, has other bytes", step)
		}
	}
	got, data := through(t, map[string]any{"10": 1, "9": 2, "A": 3, "B": 4, "a": map[string]any{"d": 1, "c": 2}})
	const want = `{"10": {"$numberInt":"1"},"9": {"$numberInt":"2"},"A": {"$numberInt":"3"},"B": {"$numberInt":"4"},"a": {"c": {"$numberInt":"2"},"d": {"$numberInt":"1"}}}`
	if data.String() != want {
		t.Errorf("got %v (%v), want %s", data, got, want)
	}
}

// A map with the option inline keeps what a newer version added, at any depth.
func TestBSONInlineMapKeepsUnknownFields(t *testing.T) {
	t.Parallel()
	type (
		newLine struct {
			Item  string
			Price int64
			Gift  *point
		}
		newer struct {
			Name  string
			Lines []newLine
			Theme string
			Big   int64
		}
		oldLine struct {
			Item string
			Rest map[string]bson.RawValue `bson:",inline"`
		}
		raws struct {
			Rest  map[string]bson.RawValue `bson:",inline"`
			Name  string
			Lines []oldLine
		}
		known   struct{ Name string }
		inlines struct {
			Known known  `bson:",inline"`
			Rest  bson.M `json:",inline"`
		}
	)
	want := newer{"a", []newLine{{"apple", math.MaxInt64, &point{1, 2}}, {}}, "dark", math.MaxInt64}
	for _, old := range []any{new(raws), new(older), new(inlines)} {
		_, data := through(t, want)
		if err := BSON().Unmarshal(data, old); err != nil {
			t.Fatal(err)
		}
		switch old := old.(type) {
		case *raws:
			old.Name = "b"
		case *older:
			old.Name = "b"
		case *inlines:
			old.Known.Name = "b"
		}
		again, err := BSON().Marshal(old)
		if err != nil {
			t.Fatal(err)
		}
		want, got := want, newer{}
		want.Name = "b"
		if err := BSON().Unmarshal(again, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%T: %v: got %+v (%v), want %+v", old, bson.Raw(again), got, err, want)
		}
	}
}

// Two requests change the same raw value. It is merged as one, for its kind and
// its bytes mean nothing apart.
func TestBSONRawValuesMergeWhole(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	type visitor struct {
		Rest map[string]bson.RawValue `bson:",inline"`
	}
	m, err := session.New(session.Config[visitor]{Store: memstore.New(memstore.Options{}), Codec: BSON()})
	if err != nil {
		t.Fatal(err)
	}
	raw := func(v any) bson.RawValue {
		kind, data, err := bson.MarshalValue(v)
		if err != nil {
			t.Fatal(err)
		}
		return bson.RawValue{Type: kind, Value: data}
	}
	s, err := m.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.Data.Rest = map[string]bson.RawValue{"theme": raw(int32(1)), "big": raw(int64(1))}
	if err := s.Save(ctx); err != nil {
		t.Fatal(err)
	}
	first, err := m.Open(ctx, s.Token())
	if err != nil {
		t.Fatal(err)
	}
	second, err := m.Open(ctx, s.Token())
	if err != nil {
		t.Fatal(err)
	}
	first.Data.Rest["theme"] = raw("dark")
	second.Data.Rest["theme"], second.Data.Rest["big"] = raw(int32(2)), raw(int64(2))
	for _, s := range []*session.Session[visitor]{first, second} {
		if err := s.Save(ctx); err != nil {
			t.Fatal(err)
		}
	}
	got, err := m.Find(ctx, s.ID())
	if err != nil {
		t.Fatal(err)
	}
	if want := second.Data; !reflect.DeepEqual(got.Data, want) {
		t.Errorf("got %v, want %v, as the later one has it", got.Data, want)
	}
}
