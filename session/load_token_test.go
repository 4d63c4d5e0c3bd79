package session_test

import (
	"bytes"
	"encoding/base64"
	"math/bits"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/echosession/echosession/session"
)

// sid is one cookie of the name.
func sid(token string) string { return rigCookie + "=" + token }

// secret22 is a well-formed secret that nobody has.
const secret22 = "AAAAAAAAAAAAAAAAAAAAAA"

// Shapes that no token has: a store is not asked about them.
func malformedTokens() map[string]string {
	return map[string]string{
		"empty":                 "",
		"dot":                   ".",
		"no dot":                strings.Repeat("a", 45),
		"id only":               "abc",
		"no secret":             "abc.",
		"no id":                 "." + secret22,
		"short secret":          "abc." + secret22[1:],
		"long secret":           "abc." + secret22 + "A",
		"padding":               "abc." + secret22[2:] + "==",
		"two dots":              "abc." + secret22 + ".",
		"signature":             "abc." + secret22 + "." + secret22,
		"id of 65":              strings.Repeat("i", 65) + "." + secret22,
		"256 bytes":             strings.Repeat("i", 256-23) + "." + secret22,
		"257 bytes":             strings.Repeat("i", 257-23) + "." + secret22,
		"64 KiB":                strings.Repeat("i", 64<<10),
		"unicode in the id":     "ä." + secret22,
		"unicode in the secret": "abc.äAAAAAAAAAAAAAAAAAAAA",
		"binary":                "\x00\xff." + secret22,
		"plus":                  "a+b." + secret22,
		"slash":                 "a/b." + secret22,
		"space":                 "a b." + secret22,
		"percent":               "a%2Eb." + secret22,
		"quoted":                `"abc.` + secret22 + `"`,
		"quoted in part":        `abc."` + secret22[2:] + `"`,
		"another =":             "=abc." + secret22,
		// The neighbours of the ranges of base64url.
		"@": "@." + secret22, "[": "[." + secret22, "`": "`." + secret22, "{": "{." + secret22,
		"/ in the secret": "abc./" + secret22[1:], ": in the secret": "abc.:" + secret22[1:],
	}
}

func TestMalformedTokensNeverReachTheStore(t *testing.T) {
	t.Parallel()
	for name, token := range malformedTokens() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			q := r.requestWith(nil, sid(token))
			if s := q.get(); !s.IsNew() || s.ID() == "" {
				t.Errorf("IsNew %v, id %q, want a new session", s.IsNew(), s.ID())
			}
			wantAction(t, q.commit(), session.ActionNone)
			r.store.wantCalls(t, "")
			r.log.want(t, session.EventRejected)
			if e := r.log.all(session.EventRejected)[0]; e.ID != "" || e.Err == nil || strings.Contains(e.Err.Error(), secret22) {
				t.Errorf("event %+v, want an error that does not repeat the token, and no id", e)
			}
			if _, err := r.m.Open(t.Context(), token); err == nil {
				t.Error("Open gave no error")
			} else {
				wantErr(t, err, session.ErrNotFound)
			}
			r.store.wantCalls(t, "")
		})
	}
}

// What has the shape of a token is looked up, and grants nothing.
func TestUnknownTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, token := range []string{
		"a." + secret22,
		"-_azAZ09." + secret22,
		strings.Repeat("i", 64) + "." + secret22,
		"abc.azAZ09-_azAZ09-_azAZ09",
	} {
		r.forget()
		q := r.request(token)
		s := q.get()
		if !s.IsNew() || s.ID() == idOf(token) {
			t.Errorf("%s: new %v, id %q, want a new session with an id of its own", token, s.IsNew(), s.ID())
		}
		s.Data.Count = 1
		if out := q.commit(); out.Token == token || idOf(out.Token) == idOf(token) {
			t.Errorf("the token %s that the client made up was adopted", token)
		}
		r.store.wantCalls(t, "load create")
		r.log.want(t, session.EventRejected, session.EventCreated)
		if e := r.log.all(session.EventRejected)[0]; e.ID != idOf(token) {
			t.Errorf("rejected %q, want the id %q", e.ID, idOf(token))
		}
		_, err := r.m.Open(t.Context(), token)
		wantErr(t, err, session.ErrNotFound)
	}
}

func TestWrongSecretForARealID(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	before := r.record(idOf(token))
	for _, secret := range []string{secret22, strings.ToUpper(secretOf(token)), secretOf(token)[1:] + "A"} {
		r.forget()
		wrong := idOf(token) + "." + secret
		q := r.request(wrong)
		s := q.get()
		if !s.IsNew() || s.Data.Name != "" || s.ID() == idOf(token) {
			t.Errorf("a wrong secret gave %v with Data %+v, want a new session", s, s.Data)
		}
		s.Data.Count = 1
		q.commit()
		r.store.wantCalls(t, "load create")
		r.log.want(t, session.EventRejected, session.EventCreated)
		_, err := r.m.Open(t.Context(), wrong)
		wantErr(t, err, session.ErrNotFound)
	}
	if after := r.record(idOf(token)); after.Version != before.Version {
		t.Errorf("version %d, want %d: the record is somebody else's", after.Version, before.Version)
	}
	if s := r.request(token).get(); s.IsNew() {
		t.Error("the right token opens a new session, want the stored one")
	}
}

// A token of one kind of session is nothing to another: neither its record nor,
// where the records are of one kind by accident, its secret.
func TestTokenOfAnotherKind(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other := r.another(func(cfg *session.Config[visit]) { cfg.Cookie.Name = "other" })
	token := other.seed(visit{Name: "n"})
	q := r.request(token)
	if s := q.get(); !s.IsNew() {
		t.Error("the token of another kind opens its session")
	}
	r.log.want(t, session.EventRejected)
	_, err := r.m.Open(t.Context(), token)
	wantErr(t, err, session.ErrNotFound)

	r.overwrite(idOf(token), func(rec *session.Record) { rec.Name = rigCookie })
	r.forget()
	if s := r.request(token).get(); !s.IsNew() {
		t.Error("the secret of another kind is accepted")
	}
	r.log.want(t, session.EventRejected)
	if s := other.requestWith(nil, "other="+token).get(); !s.IsNew() {
		t.Error("a record of another kind is accepted")
	}
}

func TestExpiredSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(cfg *session.Config[visit]) { cfg.MaxAge = time.Minute })
		token := r.seed(visit{Name: "n"})
		time.Sleep(time.Minute - time.Millisecond)
		if s := r.request(token).get(); s.IsNew() {
			t.Error("a new session just before the end, want the stored one")
		}
		time.Sleep(time.Millisecond)
		q := r.request(token)
		s := q.get()
		if !s.IsNew() || s.ID() == idOf(token) {
			t.Errorf("new %v, id %q, want a new session at the end", s.IsNew(), s.ID())
		}
		wantAction(t, q.commit(), session.ActionNone)
		_, err := r.m.Open(t.Context(), token)
		wantErr(t, err, session.ErrNotFound)
		_, err = r.m.Find(t.Context(), idOf(token))
		wantErr(t, err, session.ErrNotFound)
	})
}

// MaxAge was made shorter: that holds for what is stored, though the store
// still has it as live.
func TestExpiredByAShortenedAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		long := newRig(t, func(cfg *session.Config[visit]) { cfg.MaxAge = time.Hour })
		token := long.seed(visit{Name: "n"})
		r := long.another(func(cfg *session.Config[visit]) { cfg.MaxAge = time.Minute })
		time.Sleep(time.Minute - time.Millisecond)
		s := r.request(token).get()
		if end := time.Now().Add(time.Millisecond); s.IsNew() || !s.ExpiresAt().Equal(end) {
			t.Errorf("new %v, ends %v, want the stored session to end %v", s.IsNew(), s.ExpiresAt(), end)
		}
		if info, err := r.m.Find(t.Context(), idOf(token)); err != nil || !info.ExpiresAt.Equal(s.ExpiresAt()) {
			t.Errorf("Find: ends %v, %v, want %v", info.ExpiresAt, err, s.ExpiresAt())
		}
		time.Sleep(time.Millisecond)
		r.forget()
		if s := r.request(token).get(); !s.IsNew() {
			t.Error("the stored session, want a new one")
		}
		r.log.want(t, session.EventExpired)
		if e := r.log.all(session.EventExpired)[0]; e.ID != idOf(token) {
			t.Errorf("expired %q, want %q", e.ID, idOf(token))
		}
		if s := long.request(token).get(); s.IsNew() {
			t.Error("where the age is still an hour, a new session, want the stored one")
		}
	})
}

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
