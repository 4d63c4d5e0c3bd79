package adaptertest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/echosession/echosession/session"
)

// A well-formed token that opens nothing is unknownID.aSecret.
const (
	unknownID = "AAAAAAAAAAAAAAAAAAAAAA"
	aSecret   = "BBBBBBBBBBBBBBBBBBBBBB"
)

// TestTokens is about which session a token opens.
func TestTokens(t *testing.T, e env) {
	each(t, e, []test{
		{name: "a bad cookie counts 1, each time", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			for _, bad := range []string{
				"x", "x.y", unknownID, unknownID + ".", "." + aSecret, unknownID + "." + aSecret[1:], unknownID + "." + aSecret + ".z",
				unknownID + "!." + aSecret, "../etc/passwd." + aSecret, strings.Repeat("A", 5000) + "." + aSecret,
			} {
				for range 2 {
					s.browserWith(bad).get("/count").expect(t, http.StatusOK, "1")
					s.expectCalls("create") // what cannot be a token never reaches the store
				}
			}
		}},
		{name: "an unknown id is never adopted", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			b := s.browserWith(unknownID + "." + aSecret)
			b.get("/count").expect(t, http.StatusOK, "1")
			s.expectCalls("load", "create")
			if id := b.id(); id == unknownID || strings.Contains(b.token(), aSecret) {
				t.Errorf("the new token is %q, expected nothing of the client's", b.token())
			}
			s.expectNotStored(unknownID)
			b.get("/count").expect(t, http.StatusOK, "2")
		}},
		{name: "a wrong secret opens nothing and harms nothing", run: func(t *testing.T, e env) {
			s := e.open(t, config{})
			owner := s.returning()
			thief := s.browserWith(owner.id() + "." + aSecret)
			thief.get("/count").expect(t, http.StatusOK, "1")
			if thief.id() == owner.id() {
				t.Errorf("the thief has the session %s of the owner", thief.id())
			}
			owner.get("/count").expect(t, http.StatusOK, "2")
		}},
		{name: "an expired session is not revived", run: func(t *testing.T, e env) {
			e.inTime(t, func(t *testing.T) {
				s := e.open(t, config{Session: sessions{MaxAge: time.Hour}})
				b := s.returning()
				old, token := b.id(), b.token()
				s.pass(time.Hour)
				again := s.browserWith(token)
				again.get("/count").expect(t, http.StatusOK, "1")
				if again.id() == old {
					t.Errorf("the new session has the id %s of the expired one", old)
				}
			})
		}},
		{name: "NewID makes only the public part", run: func(t *testing.T, e env) {
			s := e.open(t, config{Session: sessions{NewID: func(context.Context) (string, error) { return "visitor-7", nil }}})
			b := s.browser()
			b.get("/count").expect(t, http.StatusOK, "1")
			b.get("/count").expect(t, http.StatusOK, "2")
			id, secret, _ := strings.Cut(b.token(), ".")
			if id != "visitor-7" || len(secret) != len(aSecret) {
				t.Errorf("the token is %q, expected visitor-7 and a secret of %d characters", b.token(), len(aSecret))
			}
			s.expectStored("visitor-7", Visits{Count: 2})
		}},
		{name: "NewID is called again if its id is taken", run: func(t *testing.T, e env) {
			var asked atomic.Int32
			s := e.open(t, config{Session: sessions{
				NewID: func(context.Context) (string, error) { return "visitor-" + "112345678"[asked.Add(1)-1:][:1], nil },
			}})
			ada := s.returning()
			bob := s.browser()
			bob.get("/count").expect(t, http.StatusOK, "1")
			if ada.id() != "visitor-1" || bob.id() != "visitor-2" {
				t.Errorf("the ids are %q and %q, expected visitor-1 and visitor-2", ada.id(), bob.id())
			}
			ada.get("/count").expect(t, http.StatusOK, "2")
		}},
		{name: "NewID that fails leaves no session and no cookie", run: func(t *testing.T, e env) {
			s := e.open(t, config{Session: sessions{NewID: func(context.Context) (string, error) { return "", errBroken }}})
			r := s.browser().get("/count")
			r.expectStatus(t, http.StatusInternalServerError)
			r.expectNoCookie(t)
			s.expectCalls()
		}},
	})
}

// TestIDFromTheClientIsNeverAdopted, by none of the ways to make one stored.
func TestIDFromTheClientIsNeverAdopted(t *testing.T, e env) {
	for name, do := range map[string]func(Context, *visit) error{
		"change":     increment,
		"set":        func(_ Context, v *visit) error { v.Data = Visits{Count: 7}; return nil },
		"force":      func(_ Context, v *visit) error { v.SetSave(session.SaveAlways); return nil },
		"save":       save,
		"update":     updateCount(7),
		"renew":      func(_ Context, v *visit) error { v.Renew(); v.Data.Count = 7; return nil },
		"regenerate": func(_ Context, v *visit) error { v.Regenerate(); v.Data.Count = 7; return nil },
		"reload":     func(c Context, v *visit) error { err := reload(c, v); v.Data.Count = 7; return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := e.open(t, config{})
			s.on("/fix", do)
			removed := s.returning()
			dead := removed.token()
			removed.get("/remove")
			for _, token := range []string{unknownID + "." + aSecret, dead, "", "undefined", "undefined." + aSecret} {
				victim := s.browserWith(token)
				victim.get("/fix").expectCookie(t)
				claimed := idOf(token)
				if id := victim.id(); id == claimed || len(id) != len(unknownID) {
					t.Errorf("a client with %q was given the id %s, expected a new one", token, id)
				}
				s.expectNotStored(claimed)
				attacker := s.browserWith(token)
				attacker.get("/read").expect(t, http.StatusOK, "0")
			}
		})
	}
}

// TestStoreHasNoUsableToken: someone who reads the store cannot become one of its
// users.
func TestStoreHasNoUsableToken(t *testing.T, e env) {
	s := e.open(t, config{})
	s.on("/renew", renew)
	b := s.returning()
	for range 2 {
		_, secret, _ := strings.Cut(b.token(), ".")
		r, err := s.store.Store.Load(t.Context(), b.id())
		if err != nil {
			t.Fatalf("Load: %v", err)
		}
		if all := fmt.Appendf(nil, "%s %s %s %s %s %s", r.ID, r.Name, r.User, r.Format, r.Meta, r.Data); bytes.Contains(all, []byte(secret)) {
			t.Errorf("the record %q contains the secret %q", all, secret)
		}
		b.get("/renew")
	}
	for _, event := range s.events.all() {
		if text := fmt.Sprintf("%+v", event); strings.Contains(text, b.token()) {
			t.Errorf("the event %s contains the token", text)
		}
	}
}

// TestPublicIDEndsASession: the public id that a handler shows or logs is enough
// to end a session, and for nothing else.
func TestPublicIDEndsASession(t *testing.T, e env) {
	s := e.open(t, config{})
	s.handle("/id", using(func(c Context, v *visit) error { return text(c, http.StatusOK, v.ID()) }))
	b, other := s.returning(), s.returning()
	id := b.get("/id").body
	if id != b.id() {
		t.Errorf("the session's ID is %q, expected the first part of its token, %q", id, b.id())
	}
	s.browserWith(id).get("/read").expect(t, http.StatusOK, "0")
	// A whole token in its place is not an id, neither here nor in the store.
	s.store.take()
	token := b.token()
	if _, err := s.manager.Find(t.Context(), token); !isNotFound(err) || strings.Contains(err.Error(), token) {
		t.Errorf("Manager.Find of a token: %v, expected ErrNotFound without the token", err)
	}
	if err := s.manager.Delete(t.Context(), token); err != nil {
		t.Errorf("Manager.Delete of a token: %v, expected nothing to be done", err)
	}
	s.expectCalls()
	s.expectStored(id, Visits{Count: 1})
	if err := s.manager.Delete(t.Context(), id); err != nil {
		t.Fatalf("Manager.Delete: %v", err)
	}
	s.expectNotStored(id)
	b.get("/read").expect(t, http.StatusOK, "0")
	other.get("/read").expect(t, http.StatusOK, "1")
	s.expectEvents(session.EventRevoked, 1)
}

func signingKey(c byte) []byte { return bytes.Repeat([]byte{c}, 32) }

// tampered is the token with another last character.
func tampered(token string) string {
	last := "A"
	if strings.HasSuffix(token, "A") || strings.HasSuffix(token, "B") || strings.HasSuffix(token, "C") || strings.HasSuffix(token, "D") {
		last = "Q" // it differs in more than the bits that base64 leaves over
	}
	return token[:len(token)-1] + last
}

// TestSignedCookieIsVerifiedOnTheWayIn: no session is lost between what is signed
// on the way out and what is verified on the way in.
func TestSignedCookieIsVerifiedOnTheWayIn(t *testing.T, e env) {
	s := e.open(t, config{Session: sessions{SigningKeys: [][]byte{signingKey('a'), signingKey('b')}}})
	b := s.browser()
	for _, want := range []string{"1", "2", "3"} {
		b.get("/count").expect(t, http.StatusOK, want)
	}
	if parts := strings.Split(b.token(), "."); len(parts) != 3 {
		t.Errorf("the token has %d parts, expected an id, a secret and a signature", len(parts))
	}
	b.get("/remove").expectClearing(t)
	b.get("/count").expect(t, http.StatusOK, "1")
}

// TestForgedSignatureNeverReachesTheStore, nor does a token without one.
func TestForgedSignatureNeverReachesTheStore(t *testing.T, e env) {
	s := e.open(t, config{Session: sessions{SigningKeys: [][]byte{signingKey('a')}}})
	b := s.returning()
	unsigned := b.token()[:strings.LastIndex(b.token(), ".")]
	for _, token := range []string{unsigned, unsigned + ".", tampered(b.token()), unknownID + b.token()[len(unknownID):]} {
		s.browserWith(token).get("/read").expect(t, http.StatusOK, "0")
		s.expectCalls()
	}
	b.get("/count").expect(t, http.StatusOK, "2")
}

// TestSigningKeysCanBeReplaced: the first key signs, all verify. A token from
// before there were keys is unknown, which is no error.
func TestSigningKeysCanBeReplaced(t *testing.T, e env) {
	var store session.Store
	opened := func(keys ...[]byte) *site {
		s := e.open(t, config{Session: sessions{Store: store, SigningKeys: keys}})
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
}
