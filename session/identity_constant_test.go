package session_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"testing"

	"github.com/echosession/echosession/session"
)

// What a client presents is compared in constant time, and with all that it
// could be: neither the first byte that differs nor the first key that fits
// shows in the time. Time itself is too noisy to be tested; this reads the code.
func TestPresentedSecretsAreComparedInConstantTime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ file, function, compare string }{
		{"meta.go", "judge", "ConstantTimeCompare"},
		{"sign.go", "verify", "Equal"}, // of crypto/hmac
	} {
		parsed, err := parser.ParseFile(token.NewFileSet(), tt.file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		compares, loops, leaves := 0, 0, 0
		for _, decl := range parsed.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Name.Name != tt.function {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					pkg, _ := n.X.(*ast.Ident)
					if n.Sel.Name == tt.compare && pkg != nil && (pkg.Name == "subtle" || pkg.Name == "hmac") {
						compares++
					} else if n.Sel.Name == "Equal" || n.Sel.Name == "Compare" {
						t.Errorf("%s in %s compares by %s", tt.function, tt.file, n.Sel.Name)
					}
				case *ast.RangeStmt:
					loops++
					ast.Inspect(n, func(inner ast.Node) bool {
						switch inner.(type) {
						case *ast.ReturnStmt, *ast.BranchStmt:
							leaves++
						}
						return true
					})
				}
				return true
			})
		}
		if compares == 0 || loops == 0 {
			t.Errorf("%s in %s compares %d times by %s in %d loops, want that it does", tt.function, tt.file, compares, tt.compare, loops)
		}
		if leaves > 0 {
			t.Errorf("%s in %s leaves its loop early, want it to look at all", tt.function, tt.file)
		}
	}
}

// A cookie of the name in other letters is another one: browsers ignore case in
// the prefixes that they enforce, so that one without their promises could be
// made to look like it (RFC 6265bis, section 4.1.3).
func TestCookieNameIsExact(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sid", "__Host-sid", "__Secure-sid"} {
		t.Run(fmt.Sprintf("name %v", name), func(t *testing.T) {
			r := newRig(t, func(cfg *visitConfig) { cfg.Cookie.Name, cfg.Cookie.Secure = name, session.SecureAlways })
			token := r.seed(visit{Name: "n"})
			if s := r.requestWith(nil, name+"="+token).get(); s.IsNew() {
				t.Errorf("%s: a new session, want the stored one", name)
			}
			for _, other := range []string{"SID", "Sid", "__host-sid", "__HOST-sid", "__Host-SID", "__secure-sid", "sid2", "xsid", "__Host-__Host-sid"} {
				if s := r.requestWith(nil, other+"="+token).get(); !s.IsNew() {
					t.Errorf("a cookie called %s opened a session of %s", other, name)
				}
			}
		})
	}
}
