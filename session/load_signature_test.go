package session_test

import (
	"strings"
	"testing"

	tokens "github.com/echosession/echosession/internal/token"
	"github.com/echosession/echosession/session"
)

// key is one of 32 bytes.
func key(letter string) []byte { return []byte(strings.Repeat(letter, 32)) }

func signing(keys ...[]byte) func(*visitConfig) {
	return func(cfg *visitConfig) { cfg.SigningKeys = keys }
}

func TestSignedToken(t *testing.T) {
	t.Parallel()
	r := newRig(t, signing(key("a")))
	token := r.seed(visit{Name: "n"})
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(parts[1]) != 22 || len(parts[2]) != 43 {
		t.Fatalf("token %q, want id, secret and 43 characters of signature", token)
	}
	r.wantOpens(token, idOf(token))
	next := r.nextToken(token, (*visitSession).Renew)
	if again := strings.Split(next, "."); len(again) != 3 || again[2] == parts[2] {
		t.Errorf("token %q, want a signature of its own", next)
	}
	if strings.Contains(string(r.record(idOf(token)).Meta), parts[2]) {
		t.Error("the store has the signature")
	}
}

// wantRejected presents a token, by all ways in: it is unknown, without an
// error and without the store being asked.
func (r *rig) wantRejected(what, token string) {
	r.Helper()
	r.forget()
	records := r.len()
	q := r.request(token)
	s := q.get()
	if !s.IsNew() || s.ID() == "" || s.Data.Name != "" {
		r.Errorf("%s: %v, new %v, with %+v, want a new session", what, s, s.IsNew(), s.Data)
	}
	wantAction(r.T, q.commit(), session.ActionNone)
	r.log.want(r.T, session.EventRejected)
	for _, e := range r.log.all(session.EventRejected) {
		if e.ID != "" || e.Err == nil || strings.Contains(e.Err.Error(), token) {
			r.Errorf("%s: event %+v, want no id, and an error that does not repeat the token", what, e)
		}
	}
	r.wantClosed(token)
	if n := len(r.store.order); n != 0 || r.len() != records {
		r.Errorf("%s: the store was asked %q, want nothing", what, r.store.order)
	}
	// The next save gives the client a good one.
	out := r.handle(token, counting)
	if out.Action != session.ActionSet || out.Token == token || idOf(out.Token) == idOf(token) {
		r.Errorf("%s: outcome %+v, want a new token of a new id", what, out)
	}
	wantNoErr(r.T, r.m.Delete(r.Context(), idOf(out.Token)))
}

func TestForgedSignatures(t *testing.T) {
	t.Parallel()
	r := newRig(t, signing(key("a"), key("b")))
	token := r.seed(visit{Name: "n"})
	other := r.seed(visit{Name: "other"})
	cut := strings.LastIndexByte(token, '.')
	unsigned, signature := token[:cut], token[cut+1:]
	signedBy := func(name, letter string) string {
		return tokens.NewFormat(name, [][]byte{key(letter)}).Join(idOf(token), signedSecret(token))
	}
	if got := signedBy(rigCookie, "a"); got != token {
		t.Fatalf("signed again with the same key it is %q, want %q", got, token)
	}
	if got := signedBy(rigCookie, "b"); got == token {
		t.Fatal("two keys make the same signature")
	} else {
		r.wantOpens(got, idOf(token)) // all keys verify
	}
	for what, forged := range map[string]string{
		"unsigned":                 unsigned,
		"an empty signature":       unsigned + ".",
		"the signature alone":      signature,
		"another key's":            signedBy(rigCookie, "c"),
		"of the other cookie name": signedBy("other", "a"),
		"of another token":         unsigned + other[strings.LastIndexByte(other, '.'):],
		"another id":               idOf(other) + token[22:],
		"another secret":           token[:23] + other[23:45] + token[45:],
		"twice":                    token + "." + signature,
		"signature first":          signature + "." + unsigned,
		"in front":                 "x" + token,
		"behind":                   token + "x",
		"padded":                   token + "=",
		"lower case":               strings.ToLower(token),
		"another dot":              unsigned + ".." + signature[1:],
		"no dot":                   unsigned + "x" + signature,
		"a signature of zeros":     unsigned + "." + strings.Repeat("A", 43),
		"a unicode signature":      unsigned + "." + strings.Repeat("ä", 21) + "A",
		"a binary signature":       unsigned + "." + strings.Repeat("\x00", 43),
	} {
		r.wantRejected(what, forged)
	}
	// Truncated, and not to so little that any error's text has it by chance.
	for n := len("malformed") + 1; n < len(token); n++ {
		r.wantRejected("truncated", token[:n])
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range len(token) { // one character changed by one bit, also in the bits that base64 does not use
		if at := strings.IndexByte(alphabet, token[i]); at >= 0 {
			r.wantRejected("changed", token[:i]+string(alphabet[at^1])+token[i+1:])
		}
	}
	r.wantOpens(token, idOf(token))
}

// Signing was turned on or off over a live population.
func TestSigningTurnedOnAndOff(t *testing.T) {
	t.Parallel()
	plain := newRig(t)
	signed := plain.another(signing(key("a")))
	unsignedToken, signedToken := plain.seed(visit{Name: "n"}), signed.seed(visit{Name: "n"})
	signed.wantRejected("unsigned under keys", unsignedToken)
	plain.wantRejected("signed without keys", signedToken)
	plain.wantOpens(unsignedToken, idOf(unsignedToken)) // the records are untouched
	signed.wantOpens(signedToken, idOf(signedToken))
}

// The first key signs whatever is sent from now on, all verify.
func TestFirstKeySigns(t *testing.T) {
	t.Parallel()
	before := newRig(t, signing(key("a")))
	token := before.seed(visit{Name: "n"})
	r := before.another(signing(key("b"), key("a")))
	r.wantOpens(token, idOf(token))
	out := r.handle(token, counting)
	wantAction(t, out, session.ActionSet)
	if signedSecret(out.Token) != signedSecret(token) || out.Token == token {
		t.Errorf("token %q, want the same secret with another signature than %q", out.Token, token)
	}
	after := before.another(signing(key("b")))
	after.wantOpens(out.Token, idOf(token))
	after.wantRejected("of a key that was taken out", token)
	before.wantRejected("of a key that this process does not have yet", out.Token)
}

// The keys are copied: who wipes or changes them afterwards changes nothing.
func TestKeysAreCopied(t *testing.T) {
	t.Parallel()
	sign, seal := key("a"), key("b")
	r := newRig(t, signing(sign), sealing(seal))
	clear(sign)
	clear(seal)
	token := r.seed(visit{Name: "n"})
	r.another(signing(key("a")), sealing(key("b"))).wantOpens(token, idOf(token))
}
