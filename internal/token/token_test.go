package token_test

import (
	"encoding/base64"
	"encoding/hex"
	"math/bits"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/echosession/echosession/internal/token"
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func TestNewIsRandomAndUnique(t *testing.T) {
	t.Parallel()
	const n = 400
	seen := map[string]bool{}
	var ones [128]int // how often each bit was 1
	for range n {
		text := token.New()
		if len(text) != token.SecretLen || !token.ValidID(text) {
			t.Fatalf("New returned %d characters, valid %v, want %d valid ones", len(text), token.ValidID(text), token.SecretLen)
		}
		if seen[text] {
			t.Fatalf("New returned %q twice", text)
		}
		seen[text] = true
		raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
		if err != nil || len(raw) != 16 {
			t.Fatalf("%q decodes to %d bytes (%v), want 16", text, len(raw), err)
		}
		for b := range ones {
			ones[b] += bits.OnesCount8(raw[b/8] & (1 << (b % 8)))
		}
	}
	// Each bit is 1 in half of them: 100 is ten standard deviations.
	for b, n1 := range ones {
		if n1 < n/2-100 || n1 > n/2+100 {
			t.Errorf("bit %d is 1 in %d of %d, want about half", b, n1, n)
		}
	}
}

func TestValidID(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		id   string
		want bool
	}{
		{"a", true},
		{alphabet, true},
		{strings.Repeat("i", token.MaxIDLen), true},
		{strings.Repeat("i", token.MaxIDLen+1), false},
		{"", false},
		{"a.b", false},
		{"a b", false},
		{"a=", false},
		{"ä", false},
		{"a\x00", false},
	} {
		if got := token.ValidID(tt.id); got != tt.want {
			t.Errorf("ValidID(%q) is %v, want %v", tt.id, got, tt.want)
		}
	}
	for c := range 256 {
		id := string([]byte{byte(c)})
		if got, want := token.ValidID(id), strings.Contains(alphabet, id); got != want {
			t.Errorf("ValidID(%q) is %v, want %v", id, got, want)
		}
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	const name, secret = "sid", "AAAAAAAAAAAAAAAAAAAAAA"
	d := token.DigestOf(name, secret)
	if !d.Equal(token.DigestOf(name, secret)) {
		t.Error("the digest of one secret differs from itself")
	}
	for what, other := range map[string]token.Digest{
		"another secret":    token.DigestOf(name, "AAAAAAAAAAAAAAAAAAAAAB"),
		"another name":      token.DigestOf("other", secret),
		"another boundary":  token.DigestOf(name+secret[:1], secret[1:]),
		"a name too long":   token.DigestOf(strings.Repeat("n", 500), secret),
		"the zero value":    {},
		"another last byte": func() token.Digest { o := d; o[len(o)-1]++; return o }(),
	} {
		if d.Equal(other) {
			t.Errorf("%s has the same digest", what)
		}
	}
	// Stored with every record, so it must not change from release to release:
	// printf 'sid\0AAAAAAAAAAAAAAAAAAAAAA' | sha256sum
	const pinned = "37c0c9d4537e5371bf84dad5ae090c261a0f1e1df15432060e888b1b67db11ad"
	if got := hex.EncodeToString(d[:]); got != pinned {
		t.Errorf("the digest is %s, want %s", got, pinned)
	}
}

// cookies returns the values of the cookies called "sid" in the lines.
func cookies(lines ...string) (values []string) {
	token.EachCookie(lines, "sid", func(v string) bool {
		values = append(values, v)
		return true
	})
	return values
}

func TestEachCookie(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"no line", nil, nil},
		{"empty lines", []string{"", ""}, nil},
		{"alone", []string{"sid=a"}, []string{"a"}},
		{"among others", []string{"a=1; sid=b; c=2"}, []string{"b"}},
		{"in the order sent", []string{"sid=a; sid=b", "x; sid=c"}, []string{"a", "b", "c"}},
		{"space around", []string{" \tsid=a \t;\tsid=b"}, []string{"a", "b"}},
		{"no space", []string{"a=1;sid=b;c=2"}, []string{"b"}},
		{"semicolons", []string{";;; sid=a;;"}, []string{"a"}},
		{"empty value", []string{"sid=; sid=a"}, []string{"", "a"}},
		{"no value", []string{"sid; sid=a"}, []string{"a"}},
		{"quoted", []string{`sid="a"`}, []string{`"a"`}},
		{"= in the value", []string{"sid==a=b"}, []string{"=a=b"}},
		{"space after =", []string{"sid= a"}, []string{" a"}},
		{"space before =", []string{"sid =a"}, nil},
		{"other names", []string{"SID=a; Sid=b; xsid=c; sidx=d; =sid"}, nil},
		{"within a value", []string{"a=sid=b"}, nil},
		{"after a comma", []string{"a=1, sid=b"}, nil},
	} {
		if got := cookies(tt.lines...); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q gave %q, want %q", tt.name, tt.lines, got, tt.want)
		}
	}
}

func TestEachCookieStops(t *testing.T) {
	t.Parallel()
	var got []string
	token.EachCookie([]string{"sid=a; sid=b", "sid=c"}, "sid", func(v string) bool {
		got = append(got, v)
		return false
	})
	if !slices.Equal(got, []string{"a"}) {
		t.Errorf("yield that returns false was given %q, want only the first value", got)
	}
}

func TestEachCookieDoesNotAllocate(t *testing.T) {
	lines, n := []string{"a=1; sid=b", "sid=c"}, 0
	if got := testing.AllocsPerRun(100, func() {
		token.EachCookie(lines, "sid", func(string) bool { n++; return true })
	}); got != 0 || n == 0 {
		t.Errorf("%v allocations for %d values, want none", got, n)
	}
}

// FuzzCookieReader compares with net/http, for the values that a token can be.
func FuzzCookieReader(f *testing.F) {
	for _, line := range []string{
		"", "sid", "sid=", "sid=a", "a=1; sid=b; sid=c", " sid=a ;\tsid=b\t", ";;sid=a;", "sid==a", "sid=a=b", "SID=a", "xsid=a; sidx=b",
		`sid="a"`, "sid=a,sid=b", "sid =a", "sid= a", "=sid", "sid=ä", "sid=a\x00", "sid=\xff", "sid;sid=a", "sid=a; $Path=/; sid=b",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var want []string
		for _, c := range (&http.Request{Header: http.Header{"Cookie": {line}}}).CookiesNamed("sid") {
			if isLikeAToken(c.Value) {
				want = append(want, c.Value)
			}
		}
		var got []string
		for _, v := range cookies(line) {
			if !strings.Contains(line, v) {
				t.Errorf("%q gave %q, which is not in it", line, v)
			}
			if isLikeAToken(v) {
				got = append(got, v)
			}
		}
		// net/http removes quotes and space before the =, and refuses what no
		// header can contain; nothing else may differ.
		comparable := !strings.ContainsAny(line, "\"\r\n") && !strings.Contains(line, " =") && !strings.Contains(line, "\t=")
		if comparable && !slices.Equal(got, want) {
			t.Errorf("%q gave %q, net/http finds %q", line, got, want)
		}
	})
}

// isLikeAToken reports whether v has only the characters of tokens.
func isLikeAToken(v string) bool { return v != "" && strings.Trim(v, alphabet+".") == "" }
