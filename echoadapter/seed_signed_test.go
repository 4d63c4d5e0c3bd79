package echoadapter_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/session"
)

func signingKey(c byte) []byte { return bytes.Repeat([]byte{c}, 32) }

// tampered is the token with another last character.
func tampered(token string) string {
	last := "A"
	if strings.HasSuffix(token, "A") || strings.HasSuffix(token, "B") || strings.HasSuffix(token, "C") || strings.HasSuffix(token, "D") {
		last = "Q" // more than the bits that base64 leaves over
	}
	return token[:len(token)-1] + last
}

// What is signed on the way out is verified on the way in, and the other way
// round: no session is lost between the two.
func TestSignedCookieIsVerifiedOnTheWayIn(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{SigningKeys: [][]byte{signingKey('a'), signingKey('b')}}})
		b := s.browser()
		for _, want := range []string{"1", "2", "3"} {
			b.get("/count").expect(t, http.StatusOK, want)
		}
		if parts := strings.Split(b.token(), "."); len(parts) != 3 {
			t.Errorf("the token has %d parts, expected an id, a secret and a signature", len(parts))
		}
		b.get("/remove").expectClearing(t)
		b.get("/count").expect(t, http.StatusOK, "1")
	})
}

func TestForgedSignatureNeverReachesTheStore(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		s := open(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{SigningKeys: [][]byte{signingKey('a')}}})
		b := s.returning()
		unsigned := b.token()[:strings.LastIndex(b.token(), ".")]
		for _, token := range []string{unsigned, unsigned + ".", tampered(b.token()), unknownID + b.token()[len(unknownID):]} {
			s.browserWith(token).get("/read").expect(t, http.StatusOK, "0")
			s.expectCalls()
		}
		b.get("/count").expect(t, http.StatusOK, "2")
	})
}

// The first key signs, all verify; and a token from before there were keys is
// unknown, which is no error.
func TestSigningKeysCanBeReplaced(t *testing.T) {
	eachMode(t, func(t *testing.T, deferred bool) {
		var store session.Store
		opened := func(keys ...[]byte) *site {
			s := open(t, echoadapter.Config[visits]{Defer: deferred, Session: session.Config[visits]{Store: store, SigningKeys: keys}})
			store = s.store.Store
			return s
		}
		unsigned := opened().returning().token()
		old := opened(signingKey('a')).returning().token()
		both := opened(signingKey('b'), signingKey('a'))
		both.browserWith(unsigned).get("/count").expect(t, http.StatusOK, "1")
		b := both.browserWith(old)
		b.get("/count").expect(t, http.StatusOK, "2")
		if b.token() == old {
			t.Error("the token that was sent with the save still has the old key's signature")
		}
		last := opened(signingKey('b'))
		last.browserWith(b.token()).get("/count").expect(t, http.StatusOK, "3")
		last.browserWith(old).get("/count").expect(t, http.StatusOK, "1")
	})
}
