package session_test

import (
	jsonv1 "encoding/json"
	"math"
	"reflect"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

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
	// olderCart keeps in R what only the newer one knows.
	olderCart[R any] struct {
		Name  string
		Lines []struct {
			Item string
			Rest R `json:",embed"`
		}
		Rest R `json:",embed"`
	}
)

// A catch-all field of T keeps what a newer version of T added, also where both
// versions save at once, and to have it makes no write of a read.
func TestUnknownFieldsAreKept(t *testing.T) {
	t.Parallel()
	t.Run("map of json.RawMessage", keepsUnknown[map[string]jsonv1.RawMessage])
	t.Run("map of jsontext.Value", keepsUnknown[map[string]jsontext.Value])
	t.Run("jsontext.Value", keepsUnknown[jsontext.Value])
}

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
		reading(t, newer, s.Token())
		reading(t, older, s.Token())
		if after, err := store.Load(t.Context(), s.ID()); err != nil || after.Version != before.Version {
			t.Errorf("reading what the %s version stored made version %d of %d, %s, of %s (%v)", writer, after.Version, before.Version, after.Data, before.Data, err)
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
		t.Errorf("got %+v (%v), want %+v", got.Data, err, want)
	}
}

// reading is a request that only reads.
func reading[T any](t *testing.T, m *session.Manager[T], token string) {
	t.Helper()
	x := m.Begin(nil, session.BeginOptions[T]{Cookies: []string{"echo.sid=" + token}})
	s, err := x.Session(t.Context())
	wantNoErr(t, err)
	if s.IsNew() {
		t.Fatal("the session was not found")
	}
	_, err = x.End(t.Context())
	wantNoErr(t, err)
}
