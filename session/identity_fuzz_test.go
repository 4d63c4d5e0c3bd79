package session_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// fuzzManager has a store of its own, and keys where they are given.
func fuzzManager(f *testing.F, sign, seal [][]byte) *session.Manager[visit] {
	f.Helper()
	m, err := session.New(visitConfig{
		Store: memstore.New(memstore.Options{}), Cookie: session.Cookie{Name: rigCookie}, SigningKeys: sign, EncryptionKeys: seal,
	})
	if err != nil {
		f.Fatal(err)
	}
	return m
}

// FuzzSealedEnvelope: what is opened is what was sealed, and all else is ErrCorrupt.
func FuzzSealedEnvelope(f *testing.F) {
	m := fuzzManager(f, nil, [][]byte{key("a"), key("b")})
	s, err := m.Start(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	s.Data = secretVisit()
	if err := s.Save(f.Context()); err != nil {
		f.Fatal(err)
	}
	genuine, err := m.Store().Load(f.Context(), s.ID())
	if err != nil {
		f.Fatal(err)
	}
	for n := range len(genuine.Data) {
		f.Add(genuine.Data[:n], "", int64(0))
	}
	f.Add(genuine.Data, "", int64(0))
	f.Add(genuine.Data, "ada", int64(0))
	f.Add(genuine.Data, "", int64(1))
	f.Fuzz(func(t *testing.T, data []byte, user string, later int64) {
		store := &tamperedStore{Store: m.Store(), alter: func(r *session.Record) {
			r.Data, r.User, r.Version = data, user, r.Version+later
		}}
		reader, err := session.New(visitConfig{Store: store, Cookie: session.Cookie{Name: rigCookie}, EncryptionKeys: [][]byte{key("b"), key("a")}})
		if err != nil {
			t.Fatal(err)
		}
		info, err := reader.Find(t.Context(), genuine.ID)
		whole := bytes.Equal(data, genuine.Data) && user == "" && later == 0
		if whole != (err == nil) || err != nil && !errors.Is(err, session.ErrCorrupt) {
			t.Errorf("Find gave the error %v, want none exactly for what was sealed, and else ErrCorrupt", err)
		}
		if whole != equalVisits(info.Data, secretVisit()) || !whole && !equalVisits(info.Data, visit{}) {
			t.Errorf("Find gave %+v", info.Data)
		}
	})
}

// FuzzMetaEncoding: what is decoded is encoded to the same again.
func FuzzMetaEncoding(f *testing.F) {
	m := fuzzManager(f, nil, nil)
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
