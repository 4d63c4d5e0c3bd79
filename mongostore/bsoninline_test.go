package mongostore_test

import (
	"fmt"
	"math"
	"reflect"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/mongostore"
	"github.com/echosession/echosession/session"
)

type (
	newerLine struct {
		Item  string
		Price int64
		Gift  *point
	}
	newer struct {
		Name  string
		Lines []newerLine
		ByID  map[string]newerLine
		Theme string
		Big   int64
	}

	rawLine struct {
		Item string
		Rest map[string]bson.RawValue `bson:",inline"`
	}
	rawOlder struct {
		Rest  map[string]bson.RawValue `bson:",inline"`
		Name  string
		Lines []rawLine
		ByID  map[string]rawLine
	}
	anyOlder struct {
		Name string
		Rest map[string]any `bson:",inline"`
	}
	driverOlder struct {
		Name string
		Rest bson.M `json:",inline"`
	}
)

// What a newer version added is kept by an older one with an inline map,
// wherever it has one.
func TestBSONInlineMapKeepsUnknownFields(t *testing.T) {
	t.Parallel()
	t.Run("raw", keepsUnknown(func(v *rawOlder) { v.Name = "b" }))
	t.Run("any", keepsUnknown(func(v *anyOlder) { v.Name = "b" }))
	t.Run("bson.M", keepsUnknown(func(v *driverOlder) { v.Name = "b" }))
}

func keepsUnknown[T any](change func(*T)) func(*testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		line := newerLine{"apple", math.MaxInt64, &point{1, 2}}
		want := newer{"a", []newerLine{line, {}}, map[string]newerLine{"1": line}, "dark", math.MaxInt64}
		codec := mongostore.BSON()
		data, err := codec.Marshal(&want)
		if err != nil {
			t.Fatal(err)
		}
		var old T
		if err := codec.Unmarshal(data, &old); err != nil {
			t.Fatal(err)
		}
		change(&old)
		if data, err = codec.Marshal(&old); err != nil {
			t.Fatal(err)
		}
		var got newer
		if err := codec.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if want.Name = "b"; !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %+v, want %+v", bson.Raw(data), got, want)
		}
	}
}

func TestBSONInlineMapHasAnOrder(t *testing.T) {
	t.Parallel()
	v := anyOlder{Name: "a", Rest: map[string]any{}}
	for i := range 50 {
		v.Rest[fmt.Sprint(i*7%50)] = map[string]any{"x": i, "y": nil}
	}
	first, err := mongostore.BSON().Marshal(&v)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if got, _ := mongostore.BSON().Marshal(&v); string(got) != string(first) {
			t.Fatalf("the same value: got %v, want %v", bson.Raw(got), bson.Raw(first))
		}
	}
	if back := through(t, anyOlder{"a", map[string]any{}}); back.Rest != nil {
		t.Errorf("an empty inline map: got %#v, which is documented to come back nil", back.Rest)
	}
}

// A value of package bson is merged as one: the kind of one side is nothing
// without its value.
func TestRawValuesMergeWhole(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m, err := session.New(session.Config[rawOlder]{Store: memstore.New(memstore.Options{}), Codec: mongostore.BSON()})
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
	for _, s := range []*session.Session[rawOlder]{first, second} {
		if err := s.Save(ctx); err != nil {
			t.Fatal(err)
		}
	}
	got, err := m.Find(ctx, s.ID())
	if err != nil {
		t.Fatal(err)
	}
	// Both changed it, so it is as the later one has it.
	if want := second.Data; got.Data.Rest["theme"].Type != bson.TypeInt32 || !reflect.DeepEqual(got.Data, want) {
		t.Errorf("got %v, want the later one's int32 2 and int64 2", got.Data.Rest)
	}
}
