package documented

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const securityPage = "../../docs/security.md"

var (
	testDeclared = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	suites       = regexp.MustCompile(`_test\.go$|/internal/adaptertest/\w+\.go$`)
	testNamed    = regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w*)")
	tableRow     = regexp.MustCompile(`(?m)^\| *(\d+|V7\.\d\.\d) *\|.*$`)
)

// Every test that the page on security names exists.
func TestSecurityPageNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	declared := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !suites.MatchString(filepath.ToSlash(path)) {
			return err
		}
		for _, m := range testDeclared.FindAllStringSubmatch(read(t, path), -1) {
			declared[m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := testNamed.FindAllStringSubmatch(read(t, securityPage), -1)
	if len(named) < 50 {
		t.Errorf("%s names %d tests, want one for each promise", securityPage, len(named))
	}
	for _, m := range named {
		if !declared[m[1]] {
			t.Errorf("%s names the test %s, which does not exist", securityPage, m[1])
		}
	}
}

// The tables leave out no requirement. Each row names a test, or says that the
// requirement is left to the application.
func TestSecurityPageAnswersEveryRequirement(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	for _, id := range strings.Fields("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16" +
		" V7.1.1 V7.1.2 V7.1.3 V7.2.1 V7.2.2 V7.2.3 V7.2.4 V7.3.1 V7.3.2 V7.4.1 V7.4.2 V7.4.3 V7.4.4 V7.4.5 V7.5.1 V7.5.2 V7.5.3 V7.6.1 V7.6.2") {
		want[id] = true
	}
	for _, m := range tableRow.FindAllStringSubmatch(read(t, securityPage), -1) {
		if !want[m[1]] {
			t.Errorf("there are two rows of %s, or it is no requirement", m[1])
		}
		delete(want, m[1])
		if !testNamed.MatchString(m[0]) && !strings.Contains(m[0], "application") {
			t.Errorf("the row of %s names no test, and does not say that it is left to the application", m[1])
		}
	}
	for id := range want {
		t.Errorf("there is no row of %s", id)
	}
}
