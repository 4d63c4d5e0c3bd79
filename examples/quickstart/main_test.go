package main_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestQuickstart(t *testing.T) {
	site := start(t)

	t.Run("counts each visitor", func(t *testing.T) {
		first, second := newVisitor(t, site), newVisitor(t, site)
		for _, want := range []string{"1", "2", "3"} {
			first.wantCount(first.get("/"), want)
		}
		second.wantCount(second.get("/"), "1")
		first.wantCount(first.get("/"), "4")
	})

	t.Run("signs in and out", func(t *testing.T) {
		v := newVisitor(t, site)
		v.get("/")
		before := v.cookie()

		page := v.post("/sign-in", url.Values{"name": {"Ada <b>7</b>"}})
		v.wantCount(page, "2")
		if !strings.Contains(page, "Hello, Ada &lt;b&gt;7&lt;/b&gt;!") {
			t.Errorf("the page does not greet by the escaped name:\n%s", page)
		}
		signedIn := v.cookie()
		if signedIn.Value == before.Value {
			t.Error("signing in did not change the cookie")
		}
		v.wantCount(v.get("/"), "3")
		v.wantCount(newVisitor(t, site).withCookie(before).get("/"), "1")

		page = v.post("/sign-out", nil)
		v.wantCount(page, "1")
		if strings.Contains(page, "Hello") {
			t.Errorf("the page still greets:\n%s", page)
		}
		v.wantCount(newVisitor(t, site).withCookie(signedIn).get("/"), "1")
	})

	t.Run("lets no other site sign a visitor in", func(t *testing.T) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, site+"/sign-in", strings.NewReader("name=Eve"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusForbidden || len(res.Cookies()) != 0 {
			t.Errorf("status %d and cookies %v, want 403 and none", res.StatusCode, res.Cookies())
		}
	})
}

// start builds the program, starts it on a free port and returns its URL. The
// program ends with the test.
func start(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "quickstart.exe")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}

	// The context of a test ends before its clean-up begins. That kills the program,
	// and the clean-up waits for its end.
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), "ADDR=127.0.0.1:0")
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() })

	address := regexp.MustCompile(`started on \D*(127\.0\.0\.1:[1-9]\d*)`)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if found := address.FindStringSubmatch(lines.Text()); found != nil {
			go func() { _, _ = io.Copy(io.Discard, stdout) }() // so that later output does not block the program
			return "http://" + found[1]
		}
	}
	t.Fatalf("the program ended without naming its address: %v", lines.Err())
	return ""
}

// visitor is one browser.
type visitor struct {
	t    *testing.T
	site *url.URL
	http *http.Client
}

func newVisitor(t *testing.T, site string) *visitor {
	t.Helper()
	u, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, u, &http.Client{Jar: jar}}
}

func (v *visitor) get(path string) string {
	v.t.Helper()
	res, err := v.http.Get(v.site.JoinPath(path).String())
	return v.page(res, err)
}

// post sends a form and returns the page that the response redirects to.
func (v *visitor) post(path string, form url.Values) string {
	v.t.Helper()
	res, err := v.http.PostForm(v.site.JoinPath(path).String(), form)
	page := v.page(res, err)
	if by := res.Request.Response; by == nil || by.StatusCode != http.StatusSeeOther {
		v.t.Errorf("POST %s was not answered by 303", path)
	}
	return page
}

func (v *visitor) page(res *http.Response, err error) string {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		v.t.Fatalf("%s %s: status %d: %s", res.Request.Method, res.Request.URL, res.StatusCode, body)
	}
	return string(body)
}

// cookie returns the only cookie of this visitor.
func (v *visitor) cookie() *http.Cookie {
	v.t.Helper()
	cookies := v.http.Jar.Cookies(v.site)
	if len(cookies) != 1 {
		v.t.Fatalf("the visitor holds %d cookies, want 1", len(cookies))
	}
	return cookies[0]
}

func (v *visitor) withCookie(c *http.Cookie) *visitor {
	v.http.Jar.SetCookies(v.site, []*http.Cookie{c})
	return v
}

var firstNumber = regexp.MustCompile(`\d+`)

func (v *visitor) wantCount(page, want string) {
	v.t.Helper()
	if got := firstNumber.FindString(page); got != want {
		v.t.Errorf("the first number of the page is %q, want %q:\n%s", got, want, page)
	}
}
