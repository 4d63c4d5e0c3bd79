package session_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"testing"

	"github.com/echosession/echosession/session"
)

// What a client presents is compared with all secrets that it could be, each in
// constant time by the Equal of its digest: the time shows neither the first byte
// that differs nor the secret that fits. Time itself is too noisy to be tested,
// so this reads the code.
func TestPresentedSecretsAreComparedInConstantTime(t *testing.T) {
	t.Parallel()
	const file, function = "meta.go", "judge"
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	isDigest := func(e ast.Expr) bool {
		s, ok := e.(*ast.SelectorExpr)
		return ok && s.Sel.Name == "digest"
	}
	compares, loops := 0, 0
	for _, decl := range parsed.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Name.Name != function {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if isDigest(n.X) && n.Sel.Name == "Equal" {
					compares++
				}
			case *ast.BinaryExpr:
				if isDigest(n.X) || isDigest(n.Y) {
					t.Errorf("%s in %s compares a digest by %s, want Equal", function, file, n.Op)
				}
			case *ast.RangeStmt:
				loops++
				ast.Inspect(n, func(inner ast.Node) bool {
					switch inner.(type) {
					case *ast.ReturnStmt, *ast.BranchStmt:
						t.Errorf("%s in %s leaves its loop early, want it to look at all secrets", function, file)
					}
					return true
				})
			}
			return true
		})
	}
	if compares != 2 || loops != 1 {
		t.Errorf("%s in %s compares %d digests by Equal in %d loops, want 2 in one", function, file, compares, loops)
	}
}

// A cookie of the name in other letters is another one: browsers ignore case in
// the prefixes that they enforce, so that one without their promises could be
// made to look like it (RFC 6265bis, section 4.1.3).
func TestCookieNameIsExact(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sid", "__Host-sid", "__Secure-sid"} {
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
	}
}
