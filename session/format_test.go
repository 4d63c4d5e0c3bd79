package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// written returns v in every form in which programs write values into logs.
func written(t *testing.T, v any) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		out[verb] = fmt.Sprintf(verb, v)
	}
	out["Println"] = fmt.Sprintln(v, []any{v}, map[string]any{"key": v}, struct{ V any }{v})
	out["errors"] = fmt.Errorf("wrapped: %v", v).Error()
	var buf bytes.Buffer
	slog.New(slog.NewTextHandler(&buf, nil)).Info("m", "key", v, slog.Group("g", "v", v))
	out["slog text"] = buf.String()
	buf.Reset()
	slog.New(slog.NewJSONHandler(&buf, nil)).Info("m", "key", v, slog.Group("g", "v", v))
	out["slog JSON"] = buf.String()
	if data, err := json.Marshal(v); err != nil {
		out["encoding/json"] = err.Error()
	} else {
		out["encoding/json"] = string(data)
	}
	if data, err := session.JSON().Marshal(v); err == nil {
		out["the codec"] = string(data)
	}
	return out
}

// markedKey is a key whose letters are easily found, also as numbers or in hex.
const markedKey = "MARKED-KEY-MARKED-KEY-MARKED-KEY"

// wantNoSecrets fails if a secret is in v as it is written, in one of several
// encodings.
func wantNoSecrets(t *testing.T, what string, v any, secrets ...string) {
	t.Helper()
	for how, text := range written(t, v) {
		for _, secret := range secrets {
			for form, s := range map[string]string{
				"plain": secret, "hex": fmt.Sprintf("%x", secret), "HEX": fmt.Sprintf("%X", secret),
				"bytes": strings.Trim(fmt.Sprint([]byte(secret)), "[]"), "base64": strings.Trim(mustJSON([]byte(secret)), `"=`),
				"go": strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(secret)), "[]byte{"), "}"),
			} {
				if strings.Contains(text, s) {
					t.Errorf("%s by %s has a secret in the form %s, want none: %s", what, how, form, text)
				}
			}
		}
	}
}

// mustJSON encodes v.
func mustJSON(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// secretRig makes a rig with keys of both kinds, and a configuration with the
// same keys.
func secretRig(t *testing.T) (*rig, visitConfig) {
	cfg := visitConfig{
		Store: memstore.New(memstore.Options{}), Cookie: session.Cookie{Name: rigCookie},
		SigningKeys: [][]byte{[]byte(markedKey)}, EncryptionKeys: [][]byte{[]byte(markedKey)},
	}
	r := newRig(t, func(c *visitConfig) {
		c.SigningKeys, c.EncryptionKeys = cfg.SigningKeys, cfg.EncryptionKeys
	})
	return r, cfg
}

// No value of the package shows a secret or a key when a program writes it.
func TestSecretsAreNotWritten(t *testing.T) {
	t.Parallel()
	r, cfg := secretRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	s.Renew()
	secrets := []string{markedKey, secretOf(token), secretOf(s.Token()), signedSecret(token), signedSecret(s.Token())}
	wantNoSecrets(t, "Session", s, secrets...)
	wantNoSecrets(t, "Session value", struct{ S visitSession }{visitSession{Data: s.Data}}, secrets...)
	wantNoSecrets(t, "Manager", r.m, secrets...)
	wantNoSecrets(t, "Exchange", q.x, secrets...)
	wantNoSecrets(t, "Config", cfg, secrets...)
	wantNoSecrets(t, "Config pointer", &cfg, secrets...)
	wantNoSecrets(t, "Cookie", cfg.Cookie, secrets...)
	info, err := r.m.Find(t.Context(), s.ID())
	wantNoErr(t, err)
	wantNoSecrets(t, "Info", info, secrets...)
	wantNoSecrets(t, "Record", r.record(s.ID()), secrets...)
	q.commit()
	for _, e := range r.log.events {
		wantNoSecrets(t, "Event", e, secrets...)
	}
	wantNoSecrets(t, "Session", s, append(secrets, signedSecret(s.Token()))...)
}

// No error and no event has a secret or a key in it, whatever goes wrong with a
// token.
func TestErrorsHaveNoSecrets(t *testing.T) {
	t.Parallel()
	r, cfg := secretRig(t)
	token := r.seed(visit{Name: "n"})
	secret := signedSecret(token)
	var errs []error
	add := func(err error) {
		t.Helper()
		if err == nil {
			t.Error("no error, want one")
		}
		errs = append(errs, err)
	}
	ctx := t.Context()
	for _, fail := range []error{session.ErrUnavailable, session.ErrNotFound, session.ErrCorrupt, context.Canceled, errBroken} {
		r.store.failWith(opLoad, fail)
		_, err := r.m.Open(ctx, token)
		add(err)
		_, err = r.m.Find(ctx, token)
		add(err)
		_, err = r.m.Find(ctx, idOf(token))
		add(err)
		add(r.m.Update(ctx, idOf(token), count))
		if _, err := r.request(token).x.Session(ctx); err != nil {
			add(err)
		}
	}
	r.store.answer(nil)
	for _, fail := range []error{session.ErrUnavailable, session.ErrNotFound, errBroken} {
		_, s := r.begin(token)
		s.Renew()
		s.Data.Count++
		r.store.failWith(opUpdate, fail)
		add(s.Save(ctx))
		r.store.answer(nil)
	}
	for _, bad := range []string{token + "x", token[1:], "x" + token, "x." + secret, idOf(token) + "." + secret} {
		_, err := r.m.Open(ctx, bad)
		add(err)
		add(r.m.Update(ctx, bad, count))
		r.request(bad).get()
	}
	cfg.SigningKeys, cfg.EncryptionKeys = [][]byte{[]byte(markedKey)[:12]}, [][]byte{[]byte(markedKey)[:12]}
	_, err := session.New(cfg)
	add(err)
	cfg.SigningKeys, cfg.EncryptionKeys = nil, nil
	other, err := session.New(cfg)
	wantNoErr(t, err)
	_, err = other.Open(ctx, token)
	add(err)
	for _, err := range errs {
		wantNoSecrets(t, "error", err, secret, markedKey[:12])
		for e := err; e != nil; e = errors.Unwrap(e) {
			wantNoSecrets(t, "wrapped error", e, secret, markedKey[:12])
		}
	}
	for _, e := range r.log.events {
		wantNoSecrets(t, "event", e, secret, markedKey[:12])
		if e.Err != nil {
			wantNoSecrets(t, "error of an event", e.Err, secret, markedKey[:12])
		}
		if strings.Contains(e.ID, ".") {
			t.Errorf("the event is %+v, want no more than an id in its ID", e)
		}
	}
}

// Each type is formatted by its name and what is public of it.
func TestFormat(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	q, s := r.begin(token)
	for _, tt := range []struct {
		v    any
		want string
	}{
		{s, "session.Session[session_test.visit](" + idOf(token) + ")"},
		{&visitSession{}, "session.Session[session_test.visit](none)"},
		{(*visitSession)(nil), "session.Session[session_test.visit](none)"},
		{r.m, "session.Manager[session_test.visit](sid)"},
		{(*session.Manager[visit])(nil), "<nil>"},
		{q.x, "session.Exchange[session_test.visit]"},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if got := fmt.Sprintf(verb, tt.v); got != tt.want {
				t.Errorf("%s of a %T is %q, want %q", verb, tt.v, got, tt.want)
			}
		}
	}
	cfg := visitConfig{
		Store: r.store, MaxAge: 60e9, Rolling: true, TouchAfter: -1, AbsoluteTimeout: 61e9, RenewAfter: 62e9, RenewGrace: 63e9,
		AllowEmpty: true, MaxBytes: 77, ReconnectTimeout: 64e9, Codec: session.JSON(), SchemaVersion: 5,
		SigningKeys: make([][]byte, 2), EncryptionKeys: make([][]byte, 3), Cookie: session.Cookie{Name: "c"},
	}
	for _, part := range []string{
		"session.Config[session_test.visit]", "fakeStore", "Name:c", "MaxAge:1m0s", "Rolling:true", "TouchAfter:-1ns",
		"AbsoluteTimeout:1m1s", "RenewAfter:1m2s", "RenewGrace:1m3s", "AllowEmpty:true", "MaxBytes:77", "ReconnectTimeout:1m4s",
		"Codec:session.", "SchemaVersion:5", "SigningKeys:2", "EncryptionKeys:3",
	} {
		if got := fmt.Sprintf("%+v", cfg); !strings.Contains(got, part) || cfg.LogValue().String() != got {
			t.Errorf("the text is %q, by LogValue %q, want %q in both", got, cfg.LogValue(), part)
		}
	}
}

// Each type is logged with what is public of it.
func TestLogValue(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	token := r.seed(visit{Name: "n"})
	var buf bytes.Buffer
	log := slog.New(slog.NewTextHandler(&buf, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	log.Info("m", "s", r.request(token).get(), "m", r.m, "empty", &visitSession{}, "nil", (*session.Manager[visit])(nil))
	want := "level=INFO msg=m s.id=" + idOf(token) + " s.new=false m.cookie=sid empty=none nil=none\n"
	if got := buf.String(); got != want {
		t.Errorf("logged %q, want %q", got, want)
	}
}
