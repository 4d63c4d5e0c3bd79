package echoadapter_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// lifeOfASession makes values of all exported types that a program can get hold
// of, the errors and events of a session's life among them, and returns the
// secrets that were involved.
func lifeOfASession(t *testing.T) (values []any, secrets map[string]string) {
	t.Helper()
	ctx := t.Context()
	signingKey, sealingKey := "SIGNING-KEY-SIGNING-KEY-SIGNING-", "SEALING-KEY-SEALING-KEY-SEALING-"
	store := memstore.New(memstore.Options{})
	cfg := session.Config[visits]{
		Store: store, SigningKeys: [][]byte{[]byte(signingKey)}, EncryptionKeys: [][]byte{[]byte(sealingKey)},
		User:    func(v *visits) string { return v.Name },
		Observe: func(_ context.Context, e session.Event) { values = append(values, e, e.Err) },
	}
	m := newManager(t, cfg)
	secrets = map[string]string{"signing key": signingKey, "sealing key": sealingKey}
	tokens := 0
	learn := func(token string) {
		parts := strings.Split(token, ".")
		tokens++
		for i, part := range map[string]string{"token": token, "secret": parts[1], "signature": parts[2]} {
			secrets[i+" "+string(rune('0'+tokens))] = part
		}
	}
	keep := func(err error) { values = append(values, err) }

	s, err := m.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.Data.Name = "ada"
	keep(s.Save(ctx))
	first := s.Token()
	learn(first)

	// A request that renews, seen from everywhere while it is under way.
	request := session.BeginOptions[visits]{Cookies: []string{cookieName + "=" + first}}
	x := m.Begin(nil, request)
	s, err = x.Session(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.Renew()
	learn(s.Token())
	values = append(values, request, x, s, *s, m, cfg, cfg.Cookie)
	late, err := m.Open(ctx, first)
	if err != nil {
		t.Fatal(err)
	}
	out, err := x.Commit(ctx, false)
	if err != nil || out.Token == "" {
		t.Fatalf("Commit: %v, no token", err)
	}
	second := out.Token
	values = append(values, out, session.Outcome{Action: session.ActionSet, Token: second, Cookie: &http.Cookie{Name: cookieName, Value: second}}, s, x)

	// What goes wrong tells nothing either, also where a token is given for an id.
	late.Data.Count++
	keep(late.Save(ctx))
	keep(late.Update(ctx, func(*visits) error { return nil }))
	keep(late.Reload(ctx))
	values = append(values, late)
	for _, token := range []string{first, second, second + "x", second[:len(second)-1], second[:45]} {
		_, err := m.Open(ctx, token)
		keep(err)
		_, err = m.Find(ctx, token)
		keep(err)
		keep(m.Update(ctx, token, func(*visits) error { return nil }))
		keep(m.Delete(ctx, token))
		keep(m.DeleteOf(ctx, "ada", token))
		_, err = m.DeleteOthers(ctx, "ada", token)
		keep(err)
		wrong := m.Begin(nil, session.BeginOptions[visits]{Cookies: []string{cookieName + "=" + token}})
		s, err := wrong.Session(ctx)
		keep(err)
		values = append(values, wrong, s)
	}
	bad := cfg
	bad.SigningKeys, bad.EncryptionKeys = [][]byte{[]byte(signingKey)[:31]}, [][]byte{[]byte(sealingKey + "x")}
	secrets["short signing key"], secrets["long sealing key"] = signingKey[:31], sealingKey
	_, err = session.New(bad)
	keep(err)
	problem, ok := errors.AsType[*session.ConfigError](err)
	if !ok {
		t.Fatalf("New gave %v, expected a ConfigError", err)
	}
	stranger := cfg
	stranger.EncryptionKeys = [][]byte{[]byte(strings.ToLower(sealingKey))}
	_, err = newManager(t, stranger).Open(ctx, second)
	keep(err)
	_, err = (echoadapter.Config[visits]{Session: bad, Header: "Cookie"}).ToMiddleware()
	keep(err)

	info, err := m.Find(ctx, s.ID())
	if err != nil {
		t.Fatal(err)
	}
	record, err := store.Load(ctx, s.ID())
	if err != nil {
		t.Fatal(err)
	}
	values = append(values, problem, info, record, store, memstore.Options{MaxSessions: 1}, session.FromKV(newOldStore()),
		session.StatusConnected, session.SaveAlways, session.OpLoad, session.ActionSet, session.EventSaved, session.SecureAlways,
		echoadapter.Config[visits]{Session: cfg}, echoadapter.Config[visits]{Manager: m, Header: tokenField})
	return slices.DeleteFunc(values, func(v any) bool { return v == nil }), secrets
}
