package session_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

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

// bareCodec is the JSON codec without its rules for types.
type bareCodec struct{ session.Codec }

// rulesCodec has its own rules for types.
type rulesCodec struct {
	session.Codec
	reasons []string
	atomic  reflect.Type
}

func (c rulesCodec) CheckType(reflect.Type) []string { return c.reasons }
func (c rulesCodec) Exact(reflect.Type) bool         { return true }
func (c rulesCodec) Atomic(t reflect.Type) bool      { return t == c.atomic }

func TestCodecRefusesTypes(t *testing.T) {
	t.Parallel()
	reasons := func(c session.Codec) (found []string) {
		_, err := session.New(session.Config[struct{ V error }]{Store: memstore.New(memstore.Options{}), Codec: c})
		if err == nil {
			return nil
		}
		for _, err := range err.(interface{ Unwrap() []error }).Unwrap() {
			e, ok := errors.AsType[*session.ConfigError](err)
			if !ok || e.Field != "T" {
				t.Errorf("error %v, want a ConfigError of T", err)
			}
			found = append(found, e.Reason)
		}
		return found
	}
	for _, tt := range []struct {
		name  string
		codec session.Codec
		want  []string
	}{
		{"JSON", session.JSON(), []string{"T.V is the interface error, which cannot be decoded: only one without methods can"}},
		{"no rules", bareCodec{session.JSON()}, nil},
		{"own rules", rulesCodec{session.JSON(), []string{"one", "two"}, nil}, []string{"one", "two"}},
		{"own rules that refuse nothing", rulesCodec{session.JSON(), nil, nil}, nil},
	} {
		if got := reasons(tt.codec); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: New refused T for %q, want %q", tt.name, got, tt.want)
		}
	}
}

// The default merge looks into a page, unless the codec says that it counts as
// one.
func TestCodecSaysWhatMergesAsOne(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		codec     session.Codec
		title     string // what is stored of the other request's change
		conflicts int
	}{
		{"looked into", rulesCodec{session.JSON(), nil, nil}, "theirs", 0},
		{"counts as one", rulesCodec{session.JSON(), nil, reflect.TypeFor[page]()}, "", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			type data struct{ Last page }
			log := new(eventLog)
			m, err := session.New(session.Config[data]{Store: memstore.New(memstore.Options{}), Codec: tt.codec, Observe: log.observe})
			if err != nil {
				t.Fatal(err)
			}
			s, err := m.Start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			wantNoErr(t, s.Save(t.Context()))
			wantNoErr(t, m.Update(t.Context(), s.ID(), func(d *data) error { d.Last.Title = "theirs"; return nil }))
			s.Data.Last.Path = "mine"
			wantNoErr(t, s.Save(t.Context()))
			if want := (page{"mine", tt.title}); s.Data.Last != want {
				t.Errorf("merged %+v, want %+v", s.Data.Last, want)
			}
			if got := len(log.all(session.EventConflict)); got != tt.conflicts {
				t.Errorf("%d conflicts, want %d", got, tt.conflicts)
			}
		})
	}
}
