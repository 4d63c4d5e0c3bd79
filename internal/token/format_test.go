package token_test

import (
	"errors"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"strings"
	"testing"

	"github.com/echosession/echosession/internal/token"
)

const secret22 = "AAAAAAAAAAAAAAAAAAAAAA"

// key returns a signing key of 32 bytes.
func key(letter string) []byte { return []byte(strings.Repeat(letter, 32)) }

func signed(letters ...string) *token.Format {
	var keys [][]byte
	for _, letter := range letters {
		keys = append(keys, key(letter))
	}
	return token.NewFormat("sid", keys)
}

// malformed returns texts that have the shape of no token, signed or not.
func malformed() map[string]string {
	return map[string]string{
		"empty":                 "",
		"dot":                   ".",
		"no dot":                strings.Repeat("a", 45),
		"id only":               "abc",
		"no secret":             "abc.",
		"no id":                 "." + secret22,
		"short secret":          "abc." + secret22[1:],
		"long secret":           "abc." + secret22 + "A",
		"padding":               "abc." + secret22[2:] + "==",
		"two dots":              "abc." + secret22 + ".",
		"short signature":       "abc." + secret22 + "." + strings.Repeat("A", 42),
		"long signature":        "abc." + secret22 + "." + strings.Repeat("A", 44),
		"two signatures":        "abc." + secret22 + "." + strings.Repeat("A", 43) + "." + strings.Repeat("A", 43),
		"padded signature":      "abc." + secret22 + "." + strings.Repeat("A", 42) + "=",
		"binary signature":      "abc." + secret22 + "." + strings.Repeat("\x00", 43),
		"another dot":           "abc." + secret22 + ".." + strings.Repeat("A", 42),
		"id of 65":              strings.Repeat("i", 65) + "." + secret22,
		"256 bytes":             strings.Repeat("i", 256-23) + "." + secret22,
		"257 bytes":             strings.Repeat("i", 257-23) + "." + secret22,
		"64 KiB":                strings.Repeat("i", 64<<10),
		"unicode in the id":     "ä." + secret22,
		"unicode in the secret": "abc.äAAAAAAAAAAAAAAAAAAAA",
		"binary":                "\x00\xff." + secret22,
		"plus":                  "a+b." + secret22,
		"slash":                 "a/b." + secret22,
		"space":                 "a b." + secret22,
		"percent":               "a%2Eb." + secret22,
		"quoted":                `"abc.` + secret22 + `"`,
		"quoted in part":        `abc."` + secret22[2:] + `"`,
		"another =":             "=abc." + secret22,
		// The neighbours of the ranges of base64url.
		"@": "@." + secret22, "[": "[." + secret22, "`": "`." + secret22, "{": "{." + secret22,
		"/ in the secret": "abc./" + secret22[1:], ": in the secret": "abc.:" + secret22[1:],
	}
}

// wantFault checks that f refuses the text, without a part of it in the result.
func wantFault(t *testing.T, f *token.Format, what, text string, want error) {
	t.Helper()
	id, secret, fault := f.Parse(text)
	if id != "" || secret != "" || !errors.Is(fault, want) {
		t.Errorf("%s: Parse gave %q, %q, %v, want nothing and %v", what, id, secret, fault, want)
	}
	if fault != nil && len(text) > len("malformed") && strings.Contains(fault.Error(), text) {
		t.Errorf("%s: the fault %q repeats the text", what, fault)
	}
}

func TestMalformedTokens(t *testing.T) {
	t.Parallel()
	for what, text := range malformed() {
		wantFault(t, token.NewFormat("sid", nil), what, text, token.ErrMalformed)
		wantFault(t, signed("a"), what+", with keys", text, token.ErrMalformed)
		// With a right signature it is malformed all the same.
		if id, rest, ok := strings.Cut(text, "."); ok {
			wantFault(t, signed("a"), what+", signed", signed("a").Join(id, rest), token.ErrMalformed)
		}
	}
}

func TestJoinAndParse(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*token.Format{"unsigned": token.NewFormat("sid", nil), "signed": signed("a"), "two keys": signed("a", "b"), "one key twice": signed("a", "a")} {
		for _, id := range []string{"a", "-_azAZ09", strings.Repeat("i", token.MaxIDLen), token.New()} {
			want := token.New()
			text := f.Join(id, want)
			if len(text) > token.MaxLen || !strings.HasPrefix(text, id+"."+want) {
				t.Errorf("%s: Join gave %q, want it to begin with %q", name, text, id+"."+want)
			}
			if gotID, got, fault := f.Parse(text); gotID != id || got != want || fault != nil {
				t.Errorf("%s: Parse(%q) gave %q, %q, %v, want %q, %q", name, text, gotID, got, fault, id, want)
			}
		}
	}
	if got := token.NewFormat("sid", nil).Join("id", secret22); got != "id."+secret22 {
		t.Errorf("an unsigned token is %q, want %q", got, "id."+secret22)
	}
	// Clients hold it, so it must not change from release to release:
	// printf 'sid\0id.AAAAAAAAAAAAAAAAAAAAAA' | openssl dgst -sha256 -hmac aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -binary | basenc --base64url
	const pinned = "id." + secret22 + "._KrjYrW3s9NNqCmYut0regDrDvcc6hIvuA01qE6h-lY"
	if got := signed("a", "b").Join("id", secret22); got != pinned {
		t.Errorf("a signed token is %q, want %q", got, pinned)
	}
}

func TestParseRefusesForgedSignatures(t *testing.T) {
	t.Parallel()
	f := signed("a", "b")
	text := f.Join("id", secret22)
	unsigned, signature := "id."+secret22, text[len(text)-43:]
	for what, forged := range map[string]string{
		"no signature":    unsigned,
		"zeros":           unsigned + "." + strings.Repeat("A", 43),
		"another key's":   signed("c").Join("id", secret22),
		"another name's":  token.NewFormat("other", [][]byte{key("a")}).Join("id", secret22),
		"another id's":    "ie." + secret22 + "." + signature,
		"another secret":  "id." + secret22[1:] + "B." + signature,
		"in lower case":   unsigned + "." + strings.ToLower(signature),
		"rotated by one":  unsigned + "." + signature[1:] + signature[:1],
		"without its end": unsigned + "." + signature[:42] + "_",
	} {
		wantFault(t, f, what, forged, token.ErrSignature)
	}
	for i := range text { // one character changed by one bit, also in the bits that base64 does not use
		if at := strings.IndexByte(alphabet, text[i]); at >= 0 {
			wantFault(t, f, "changed", text[:i]+string(alphabet[at^1])+text[i+1:], token.ErrSignature)
		}
	}
	for _, letter := range []string{"a", "b"} {
		if id, _, fault := f.Parse(signed(letter).Join("id", secret22)); id != "id" || fault != nil {
			t.Errorf("signed by the key %s: Parse gave %q, %v, want the id", letter, id, fault)
		}
	}
	wantFault(t, token.NewFormat("sid", nil), "signed, without keys", text, token.ErrMalformed)
}

// Two formats with one key but different names make different signatures, also
// if the same bytes would result without a separator.
func TestSignatureIsBoundToTheName(t *testing.T) {
	t.Parallel()
	long := token.NewFormat("sida", [][]byte{key("a")}).Join("", secret22)
	short := token.NewFormat("sid", [][]byte{key("a")}).Join("a", secret22)
	if long[len(long)-43:] == short[len(short)-43:] {
		t.Errorf("%q and %q have one signature, want two", long, short)
	}
}

func TestFormatOfALongName(t *testing.T) {
	t.Parallel()
	f := token.NewFormat(strings.Repeat("n", 3000), [][]byte{key("a")})
	if id, secret, fault := f.Parse(f.Join("id", secret22)); id != "id" || secret != secret22 || fault != nil {
		t.Errorf("Parse gave %q, %q, %v, want what was joined", id, secret, fault)
	}
}

func TestFormatAllocations(t *testing.T) {
	if underRace {
		t.Skip("the race detector makes every sync.Pool forget at random; `make test` runs this without it as well")
	}
	for name, f := range map[string]*token.Format{"unsigned": token.NewFormat("sid", nil), "signed": signed("b", "a")} {
		text := f.Join("id", secret22)
		if got := testing.AllocsPerRun(100, func() { f.Join("id", secret22) }); got > 1 {
			t.Errorf("%s: Join allocates %v times, want once", name, got)
		}
		if got := testing.AllocsPerRun(100, func() { f.Parse(text) }); got > 0 {
			t.Errorf("%s: Parse allocates %v times, want never", name, got)
		}
	}
}

// Signatures and digests are compared in constant time, a signature with that of
// every key. Time itself is too noisy to be tested, so this reads the code.
func TestComparisonsTakeConstantTime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file, function, pkg, compare string
		loops                        int
	}{
		{"token.go", "Equal", "subtle", "ConstantTimeCompare", 0},
		{"format.go", "verify", "hmac", "Equal", 1},
	} {
		parsed, err := parser.ParseFile(gotoken.NewFileSet(), tt.file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		compares, loops := 0, 0
		for _, decl := range parsed.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Name.Name != tt.function {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					if pkg, _ := n.X.(*ast.Ident); pkg != nil && pkg.Name == tt.pkg && n.Sel.Name == tt.compare {
						compares++
					}
				case *ast.RangeStmt:
					loops++
					ast.Inspect(n, func(inner ast.Node) bool {
						switch inner.(type) {
						case *ast.ReturnStmt, *ast.BranchStmt:
							t.Errorf("%s in %s leaves its loop early, want it to try every key", tt.function, tt.file)
						}
						return true
					})
				}
				return true
			})
		}
		if compares != 1 || loops != tt.loops {
			t.Errorf("%s in %s compares %d times by %s.%s in %d loops, want once in %d", tt.function, tt.file, compares, tt.pkg, tt.compare, loops, tt.loops)
		}
	}
}

// FuzzTokenParser: what Parse takes for a token is exactly an id and a secret.
func FuzzTokenParser(f *testing.F) {
	for _, text := range malformed() {
		f.Add(text)
	}
	f.Add("a." + secret22)
	f.Add(token.New() + "." + token.New())
	f.Add(strings.Repeat("i", 64) + "." + secret22)
	unsigned := token.NewFormat("sid", nil)
	f.Fuzz(func(t *testing.T, text string) {
		id, secret, fault := unsigned.Parse(text)
		if fault != nil {
			if id != "" || secret != "" || !errors.Is(fault, token.ErrMalformed) {
				t.Errorf("%q is refused with %v, and yet gave %q and %q", text, fault, id, secret)
			}
			return
		}
		if unsigned.Join(id, secret) != text || len(id) < 1 || len(id) > 64 || len(secret) != 22 {
			t.Errorf("%q gave the id %q and the secret %q", text, id, secret)
		}
		if rest := strings.Trim(id+secret, alphabet); rest != "" {
			t.Errorf("%q has %q, which no token has", text, rest)
		}
	})
}

// FuzzSignatureCheck: a text is taken if one of the keys signed it, and only then.
func FuzzSignatureCheck(f *testing.F) {
	first, second, both := signed("a"), signed("b"), signed("a", "b")
	for _, text := range malformed() {
		f.Add(text)
	}
	for _, id := range []string{"", "a", token.New()} {
		f.Add(id + "." + secret22)
		f.Add(first.Join(id, secret22))
		f.Add(second.Join(id, secret22))
	}
	unsigned := token.NewFormat("sid", nil)
	f.Fuzz(func(t *testing.T, text string) {
		if id, secret, fault := unsigned.Parse(text); fault == nil {
			for _, signer := range []*token.Format{first, second} {
				if i, s, fault := both.Parse(signer.Join(id, secret)); i != id || s != secret || fault != nil {
					t.Errorf("%q, signed, gave %q, %q, %v", text, i, s, fault)
				}
			}
		}
		id, secret, fault := both.Parse(text)
		if fault == nil && text != first.Join(id, secret) && text != second.Join(id, secret) {
			t.Errorf("%q was taken, and was not signed", text)
		}
	})
}
