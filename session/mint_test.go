package session_test

import (
	"bytes"
	"encoding/base64"
	"math/bits"
	"reflect"
	"strings"
	"testing"

	"github.com/echosession/echosession/session"
)

func TestTokensAreRandomAndUnique(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const n = 400
	seen := map[string]bool{}
	var set [2][128]int // how often each bit was 1, of ids and secrets
	for range n {
		s, err := r.m.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		id, secret, _ := strings.Cut(s.Token(), ".")
		if id != s.ID() || len(id) != 22 || len(secret) != 22 {
			t.Fatalf("token of %d and %d characters with the id %q, want 22 each and the id %q", len(id), len(secret), id, s.ID())
		}
		for i, text := range []string{id, secret} {
			if seen[text] {
				t.Fatalf("%q came twice", text)
			}
			seen[text] = true
			raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
			if err != nil || len(raw) != 16 {
				t.Fatalf("%q is %d bytes (%v), want 16: 128 bits", text, len(raw), err)
			}
			for b := range 128 {
				set[i][b] += bits.OnesCount8(raw[b/8] & (1 << (b % 8)))
			}
		}
	}
	// Each bit is 1 in half of them: 100 is ten standard deviations.
	for i, what := range []string{"id", "secret"} {
		for b, ones := range set[i] {
			if ones < n/2-100 || ones > n/2+100 {
				t.Errorf("bit %d of the %s is 1 in %d of %d, want about half", b, what, ones, n)
			}
		}
	}
	r.store.wantCalls(t, "")
}

// contains reports whether anything in v, which it walks, has the text in it.
func contains(v reflect.Value, text string) bool {
	switch v.Kind() {
	case reflect.String:
		return strings.Contains(v.String(), text)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			raw, _ := base64.RawURLEncoding.DecodeString(text)
			return bytes.Contains(v.Bytes(), []byte(text)) || len(raw) > 0 && bytes.Contains(v.Bytes(), raw)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && contains(v.Field(i), text) {
				return true
			}
		}
	}
	return false
}

func TestTheStoreNeverHasTheSecret(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *session.Config[visit]) { cfg.Rolling, cfg.TouchAfter = true, -1 })
	var secrets []string
	var records []session.Record
	r.store.answer(func(_ string, rec session.Record, do func() error) error {
		records = append(records, rec)
		return do()
	})
	s, err := r.m.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range []func(){
		func() { s.Data.Name = "n" }, func() { s.Data.Count++ }, s.Renew, s.Regenerate, s.Destroy,
	} {
		step()
		secrets = append(secrets, secretOf(s.Token()))
		if err := s.Save(t.Context()); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		secrets = append(secrets, secretOf(s.Token()))
	}
	if len(records) < 5 {
		t.Fatalf("%d calls, want all of the steps to reach the store", len(records))
	}
	for _, rec := range records {
		for _, secret := range secrets {
			if secret == "" || contains(reflect.ValueOf(rec), secret) {
				t.Errorf("the secret %q is in %+v", secret, rec)
			}
		}
	}
	// The search finds what is there.
	if rec := records[0]; !contains(reflect.ValueOf(rec), rec.ID) || !contains(reflect.ValueOf(rec), "Count") {
		t.Errorf("the search finds neither the id nor the data of %+v", rec)
	}
}
