package documented

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// All Go code in the documentation compiles, because it stands in a file of this
// folder, or in the examples of a package, in the same lines.
func TestDocumentedCodeCompiles(t *testing.T) {
	t.Parallel()
	sources, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Glob("../../*/example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var compiled []string
	for _, name := range append(sources, examples...) {
		compiled = append(compiled, squeeze(read(t, name)))
	}
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for _, page := range append(pages, "../../README.md") {
		for _, block := range goBlocks(read(t, page)) {
			blocks++
			if !within(compiled, squeeze(block)) {
				t.Errorf("%s shows code that no file of this folder, and no example of a package, has in the same lines:\n%s", page, block)
			}
		}
	}
	if blocks == 0 {
		t.Error("no Go code was found in the documentation: is this test looking in the right place?")
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// goBlocks returns the fenced blocks of Go. A block with an empty line counts as
// several.
func goBlocks(page string) (blocks []string) {
	for i, part := range strings.Split(page, "```") {
		if code, ok := strings.CutPrefix(part, "go\n"); ok && i%2 == 1 {
			blocks = append(blocks, strings.Split(strings.TrimSpace(code), "\n\n")...)
		}
	}
	return blocks
}

// squeeze removes indentation and empty lines.
func squeeze(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return "\n" + strings.Join(lines, "\n") + "\n"
}

func within(compiled []string, block string) bool {
	for _, c := range compiled {
		if strings.Contains(c, block) {
			return true
		}
	}
	return false
}
