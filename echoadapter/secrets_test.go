package echoadapter_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/memstore"
	"github.com/echosession/echosession/session"
)

// exportedTypes are the names of a package's types that values can have: all
// but interfaces.
func exportedTypes(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files in %s, %v", len(files), dir, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			general, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range general.Specs {
				if spec, ok := spec.(*ast.TypeSpec); ok && spec.Name.IsExported() {
					if _, abstract := spec.Type.(*ast.InterfaceType); !abstract {
						names = append(names, filepath.Base(dir)+"."+spec.Name.Name)
					}
				}
			}
		}
	}
	return names
}

// nameOf is a value's type as exportedTypes names it.
func nameOf(v any) string {
	t := reflect.TypeOf(v)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name, _, _ := strings.Cut(t.Name(), "[")
	return filepath.Base(t.PkgPath()) + "." + name
}

// writings are v by all ways in which programs write values.
func writings(v any) map[string]string {
	out := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		out[verb] = fmt.Sprintf(verb, v)
		out[verb+" inside"] = fmt.Sprintf(verb, []any{map[string]any{"v": v}, struct{ V any }{v}})
	}
	out["Sprint"] = fmt.Sprint(v)
	out["an error"] = fmt.Errorf("wrapped: %v", v).Error()
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		slog.New(handler(&b)).Info("m", "v", v, slog.Group("g", slog.Any("v", v)), "inside", []any{v})
		out[name] = b.String()
	}
	for name, encode := range map[string]func(any) ([]byte, error){
		"encoding/json": json.Marshal,
		"the codec":     func(v any) ([]byte, error) { return session.JSON().Marshal(&v) },
	} {
		if data, err := encode(v); err != nil {
			out[name] = err.Error()
		} else {
			out[name] = string(data)
		}
	}
	return out
}

// forms are the shapes in which secret could show.
func forms(secret string) map[string]string {
	raw := []byte(secret)
	return map[string]string{
		"plain": secret, "hex": fmt.Sprintf("%x", raw), "HEX": fmt.Sprintf("%X", raw),
		"numbers": strings.Trim(fmt.Sprint(raw), "[]"), "base64": strings.TrimRight(base64.StdEncoding.EncodeToString(raw), "="),
		"Go syntax": strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", raw), "[]byte{"), "}"),
	}
}

// shown names a secret that is in text, in any form; "" for none.
func shown(text string, secrets map[string]string) string {
	for what, secret := range secrets {
		for form, written := range forms(secret) {
			if strings.Contains(text, written) {
				return what + ", " + form
			}
		}
	}
	return ""
}

// No value of any exported type, error or event shows a token, the secret in
// it, its signature, or a key, however it is written.
func TestNothingWrittenShowsASecret(t *testing.T) {
	t.Parallel()
	values, secrets := lifeOfASession(t)
	covered := map[string]bool{}
	for _, v := range values {
		covered[nameOf(v)] = true
		all := []any{v}
		if p := reflect.ValueOf(v); p.Kind() != reflect.Pointer {
			pointer := reflect.New(p.Type())
			pointer.Elem().Set(p)
			all = append(all, pointer.Interface())
		}
		for _, v := range all {
			for how, text := range writings(v) {
				if what := shown(text, secrets); what != "" {
					t.Errorf("%T by %s shows the %s: %.200s", v, how, what, text)
				}
			}
		}
	}
	for _, dir := range []string{"../session", "../echoadapter", "../memstore"} {
		for _, name := range exportedTypes(t, dir) {
			if dir == "../echoadapter" {
				name = "echoadapter." + name[strings.LastIndexByte(name, '.')+1:]
			}
			if !covered[name] {
				t.Errorf("no value of %s was looked at: add one with secrets inside; there were %q", name, slices.Sorted(maps.Keys(covered)))
			}
		}
	}
}

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

	// Errors show nothing either, also if a token is given for an id.
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
	values = append(values, problem, info, record, store, memstore.Options{MaxSessions: 1}, session.FromKV(nil),
		session.StatusConnected, session.SaveAlways, session.OpLoad, session.ActionSet, session.EventSaved, session.SecureAlways,
		echoadapter.Config[visits]{Session: cfg}, echoadapter.Config[visits]{Manager: m, Header: "X-Session"})
	return slices.DeleteFunc(values, func(v any) bool { return v == nil }), secrets
}
