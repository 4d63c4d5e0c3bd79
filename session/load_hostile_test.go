package session_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/echosession/echosession/session"
)

// randomText returns n random bytes in base64url.
func randomText(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// randomToken returns a well-formed token that opens nothing.
func randomToken() string { return randomText(16) + "." + randomText(16) }

// randomSignature returns a well-formed signature that no key made.
func randomSignature() string { return randomText(32) }

// signature returns the signature of a token: HMAC-SHA-256 of the cookie's name,
// a zero byte and the token.
func signature(name string, key []byte, token string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(name + "\x00" + token))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// unobserved turns off Observe.
func unobserved(cfg *visitConfig) { cfg.Observe = nil }

// With signing keys, a flood of random tokens never reaches the store. Without
// them each token is looked up once. In both cases nothing is stored.
func TestFloodOfRandomTokens(t *testing.T) {
	t.Parallel()
	const n = 5000
	for name, tt := range map[string]struct {
		set   func(*visitConfig)
		token func() string
		loads int
	}{
		"no keys":                   {func(*visitConfig) {}, randomToken, n},
		"no keys, of a wrong shape": {func(*visitConfig) {}, func() string { return randomToken() + "." + randomSignature() }, 0},
		"keys, unsigned":            {signing(key("a")), randomToken, 0},
		"keys, with a signature":    {signing(key("a"), key("b")), func() string { return randomToken() + "." + randomSignature() }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, byName, tt.set, unobserved)
			victim := r.seed(visit{Name: "ada"})
			before := r.record(idOf(victim))
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for range n / 4 {
						q := r.request(tt.token())
						s, err := q.x.Session(t.Context())
						out, errCommit := q.tryCommit()
						_, errEnd := q.x.End(t.Context())
						if err := errors.Join(err, errCommit, errEnd); err != nil || !s.IsNew() || out.Action != session.ActionNone {
							t.Errorf("a request with a random token: %v, %v with the outcome %+v, want a new session and no outcome", err, s, out)
							return
						}
					}
				})
			}
			wg.Wait()
			if loads, calls := r.store.count(opLoad), len(r.store.order); loads != tt.loads || calls != tt.loads {
				t.Errorf("%d calls of the store, %d of them loads, want %d loads alone", calls, loads, tt.loads)
			}
			r.wantRecords(1)
			r.wantUnchanged(before)
			r.wantOpens(victim, idOf(victim))
		})
	}
}

// One request with many tokens makes the store be called at most four times,
// and never for a token with a wrong signature.
func TestFloodInOneRequest(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set   func(*visitConfig)
		calls string
		found bool // the good token behind all others
	}{
		"no keys": {func(*visitConfig) {}, "load load load load", false},
		"keys":    {signing(key("a")), "", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, tt.set)
			victim := r.seed(visit{Name: "n"})
			var tokens []string
			for range 100 {
				tokens = append(tokens, randomToken(), randomToken()+"."+randomSignature(), strings.Repeat("x", 300), "\x00", "ä")
			}
			q, s := r.begin(tokens...)
			if !s.IsNew() {
				t.Errorf("the request has %v, want a new session", s)
			}
			wantAction(t, q.commit(), session.ActionNone)
			r.store.wantCalls(t, tt.calls)
			if _, s := r.begin(append(tokens, victim)...); s.IsNew() == tt.found {
				t.Errorf("the good token behind the others was found: %v, want %v", !s.IsNew(), tt.found)
			}
		})
	}
}

// A giant token is refused by its length, and costs next to nothing.
func TestGiantTokensCostNothing(t *testing.T) {
	giant := strings.Repeat("A", 1<<20)
	for _, set := range []func(*visitConfig){func(*visitConfig) {}, signing(key("a"))} {
		r := newRig(t, set, unobserved)
		for _, token := range []string{
			giant, giant + "." + secret22, "a." + giant, giant + "." + randomSignature(), strings.Repeat(".", 1<<20), strings.Repeat("ä", 1<<19),
		} {
			line := sid(token)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			s := r.requestWith(nil, line).get()
			runtime.ReadMemStats(&after)
			if !s.IsNew() {
				t.Errorf("the request has %v, want a new session", s)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 64<<10 {
				t.Errorf("a token of %d bytes made the server allocate %d bytes, want at most 64 KiB", len(token), got)
			}
			r.store.wantCalls(t, "")
		}
	}
}

// Under signing keys, malformed tokens never reach the store, in a cookie or in
// a field of their own. A right signature does not make them well-formed.
func TestMalformedTokensUnderKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t, signing(key("a")))
	for name, token := range malformedTokens() {
		for byField, line := range map[bool]string{false: sid(token), true: token} {
			r.forget()
			q := r.requestBy(byField, line)
			if s := q.get(); !s.IsNew() || s.ID() == "" {
				t.Errorf("%s: the request has %v, want a new session", name, s)
			}
			wantAction(t, q.commit(), session.ActionNone)
			r.store.wantCalls(t, "")
			r.log.want(t, session.EventRejected)
		}
		if len(token) < 200 {
			r.wantRejected(name, token+"."+signature(rigCookie, key("a"), token))
		}
	}
}

// A secret or signature of a client is compared in constant time with each that
// it could be: no loop of comparisons ends early. Time itself is too noisy to be
// tested, so this test reads the code.
func TestPresentedSecretsAreComparedInConstantTime(t *testing.T) {
	t.Parallel()
	found := map[string]int{}
	for _, dir := range []string{".", "../internal/token"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range parsed.Decls {
				for _, problem := range timing(decl, found) {
					t.Errorf("a function in %s compares secrets and has %s, want it not to", file, problem)
				}
			}
		}
	}
	if found["digest"] == 0 || found["signature"] == 0 {
		t.Errorf("found the comparisons %v, want some of digests and some of signatures", found)
	}
}

// timing counts what a function compares in constant time. It returns what in
// such a function could depend on a secret in its time.
func timing(function ast.Decl, found map[string]int) (problems []string) {
	compares := false
	ast.Inspect(function, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			what := comparison(n)
			found[what]++
			compares = compares || what != ""
		case *ast.BinaryExpr:
			if isDigest(n.X) || isDigest(n.Y) {
				problems = append(problems, "a comparison by "+n.Op.String())
			}
		case *ast.RangeStmt:
			if endsEarly(n) {
				problems = append(problems, "a loop of comparisons that may end early")
			}
		}
		return true
	})
	if !compares {
		return nil
	}
	return problems
}

// isDigest reports whether an expression is a variable or field with the name
// digest.
func isDigest(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "digest"
	case *ast.SelectorExpr:
		return e.Sel.Name == "digest"
	}
	return false
}

// comparison says what a call compares in constant time: "digest", "signature"
// or nothing. A digest that is computed for the call is of a secret that the
// server made, and does not count.
func comparison(call *ast.CallExpr) string {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	pkg, _ := f.X.(*ast.Ident)
	switch {
	case f.Sel.Name == "ConstantTimeCompare":
		return "digest"
	case f.Sel.Name == "Equal" && isDigest(f.X):
		if _, computed := call.Args[0].(*ast.CallExpr); !computed {
			return "digest"
		}
	case f.Sel.Name == "Equal" && pkg != nil && pkg.Name == "hmac":
		return "signature"
	}
	return ""
}

// endsEarly reports whether a loop compares secrets, and can leave out some of
// the comparisons.
func endsEarly(loop *ast.RangeStmt) bool {
	compares, leaves := false, false
	ast.Inspect(loop, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			compares = compares || comparison(n) != ""
		case *ast.ReturnStmt, *ast.BranchStmt:
			leaves = true
		}
		return true
	})
	return compares && leaves
}

// FuzzCookieHeader sends arbitrary lines. They cause no panic, no error, and at
// most four loads. They never open a session without its whole token.
func FuzzCookieHeader(f *testing.F) {
	for _, token := range malformedTokens() {
		f.Add("sid="+token, "", true)
	}
	f.Add("a=1; sid=TOKEN; b", "c", false)
	f.Add("sid=x.TOKEN; sid=TOKENx", "sid=TOKEN;sid=TOKEN", false)
	f.Add("sid=a."+secret22+";sid=b."+secret22+";sid=c."+secret22, "sid=d."+secret22+"; sid=e."+secret22, false)
	f.Add("sid\t=\tTOKEN ;;;", "sid==; sid", true)
	f.Fuzz(func(t *testing.T, first, second string, byField bool) {
		r := newRig(t)
		token := r.seed(visit{Name: "mine"})
		first, second = strings.ReplaceAll(first, "TOKEN", token), strings.ReplaceAll(second, "TOKEN", token)
		q := r.requestBy(byField, first, second)
		s := q.get()
		if n := r.store.count(opLoad); n > 4 {
			t.Errorf("%d loads, want at most 4", n)
		}
		if s.IsNew() == (s.Data.Name == "mine") || !s.IsNew() && s.Token() != token {
			t.Errorf("the request has the token %q, new %v, with %+v, want the stored session or a new one", s.Token(), s.IsNew(), s.Data)
		}
		if !s.IsNew() && !strings.Contains(first, token) && !strings.Contains(second, token) {
			t.Errorf("%q, %q open a session, want its token to be in them", first, second)
		}
		if s.IsNew() && (strings.Contains(first, s.ID()) || strings.Contains(second, s.ID())) {
			t.Errorf("the new session has the id %q of the client, want an id of its own", s.ID())
		}
		wantAction(t, q.commit(), session.ActionNone)
		q.end()
		if n := len(r.store.order) - r.store.count(opLoad); n != 0 {
			t.Errorf("the calls of the store are %q, want loads alone", r.store.order)
		}
		r.wantRecords(1)
	})
}
