package session_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// FuzzMetaEncoding: what is decoded is encoded to the same again.
func FuzzMetaEncoding(f *testing.F) {
	m, err := session.New(visitConfig{Store: memstore.New(memstore.Options{})})
	if err != nil {
		f.Fatal(err)
	}
	s, err := m.Start(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	for range 6 {
		if err := s.Save(f.Context()); err != nil {
			f.Fatal(err)
		}
		r, err := m.Store().Load(f.Context(), s.ID())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(r.Meta)
		s.Renew()
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		once, err := session.RecodeMeta(data)
		if err != nil {
			if !errors.Is(err, session.ErrCorrupt) {
				t.Errorf("error %v, want ErrCorrupt", err)
			}
			return
		}
		if len(once) > len(data) {
			t.Errorf("%x became longer: %x", data, once)
		}
		if twice, err := session.RecodeMeta(once); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%x, and again %x, %v", once, twice, err)
		}
	})
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
