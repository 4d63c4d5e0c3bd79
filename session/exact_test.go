package session_test

import (
	"encoding/json"
	"math/big"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// own encodes itself, in a way that nobody knows.
type own struct{ n int }

func (o own) MarshalText() ([]byte, error) { return []byte{byte('0' + o.n)}, nil }

func TestShapesWhoseEncodingIsExact(t *testing.T) {
	t.Parallel()
	type recursive struct {
		Next  *recursive
		Other []recursive
	}
	for _, tt := range []struct {
		value any
		want  bool
	}{
		{struct{ N int }{}, true},
		{struct {
			A []string
			B map[string]time.Time
			C [2]float64
			D *netip.Addr
			E json.RawMessage
		}{}, true},
		{recursive{}, true},
		{struct{ V any }{}, false},
		{struct{ V []map[string]any }{}, false},
		{struct{ V map[string]*[1]any }{}, false},
		{struct {
			V any `json:"-"`
			N int
		}{}, true},
		{struct{ V own }{}, false},
		{struct{ V *big.Float }{}, false},
		{struct{ V map[own]int }{}, false},
		{struct{ V struct{ Deep *own } }{}, false},
	} {
		typ := reflect.TypeOf(tt.value)
		if got := session.IsExact(typ, "json"); got != tt.want {
			t.Errorf("IsExact(%v) is %v, want %v", typ, got, tt.want)
		}
		if session.IsExact(typ, "another") {
			t.Errorf("IsExact(%v) is true of a codec that nobody knows", typ)
		}
	}
}

// A number that `any` cannot hold is read again and again without being written.
func TestReadingAnyNeverWrites(t *testing.T) {
	t.Parallel()
	type free struct{ V any }
	store := memstore.New(memstore.Options{})
	m, err := session.New(session.Config[free]{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Data.V = int64(1<<60 + 1)
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, err := store.Load(t.Context(), s.ID())
	if err != nil {
		t.Fatal(err)
	}
	x := m.Begin(nil, session.BeginOptions[free]{Cookies: []string{"echo.sid=" + s.Token()}})
	if _, err := x.Session(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := x.End(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := store.Load(t.Context(), s.ID())
	if err != nil {
		t.Fatal(err)
	}
	if after.Version != before.Version {
		t.Errorf("reading wrote version %d, %s, over %d, %s", after.Version, after.Data, before.Version, before.Data)
	}
}
