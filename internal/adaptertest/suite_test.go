package adaptertest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every function of this package that is called Test is in the suite, once and
// under its own name.
func TestSuiteIsComplete(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var declared, listed []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if strings.HasPrefix(n.Name.Name, "Test") && n.Recv == nil {
					declared = append(declared, n.Name.Name)
				}
			case *ast.KeyValueExpr:
				key, _ := n.Key.(*ast.Ident)
				if value, ok := n.Value.(*ast.Ident); ok && key != nil && key.Name == "run" && strings.HasPrefix(value.Name, "Test") {
					listed = append(listed, value.Name)
				}
			}
			return true
		})
	}
	slices.Sort(declared)
	slices.Sort(listed)
	if len(declared) < 50 || !slices.Equal(declared, listed) {
		t.Errorf("the suite has %q, expected %q", listed, declared)
	}
	for i, tt := range tests {
		if !slices.Contains(listed, "Test"+tt.name) {
			t.Errorf("test %d is called %s, expected the name of its function", i, tt.name)
		}
	}
}
