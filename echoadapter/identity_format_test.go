package echoadapter_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

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

// shown names a secret that is in text, in whatever form; "" for none.
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
