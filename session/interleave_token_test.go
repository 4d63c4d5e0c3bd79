package session_test

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/echosession/echosession/session"
)

// issued is a token that a session had.
type issued struct {
	text      string
	dead      string    // why it opens nothing any more; "" if it may
	shut      time.Time // when a version was stored that it does not open; zero if none was
	presented time.Time // when a request came with it first
	secrets   int       // how many the session had had when it was seen
}

// look is what a load had to find.
type look struct {
	made       bool
	at         time.Time
	failed     bool      // the answer was an error of the store
	opens      bool      // the token opened the session
	dead       string    // why it should not have
	recognised time.Time // until when the request must not get a new session: it was replaced not long ago
}

// accepts reports whether the secret of the token is the one that the record
// accepts now, and not one that it replaced. The digest is where stored records
// have it: behind the first byte of Meta.
func accepts(r session.Record, token string) bool {
	d := sha256.Sum256([]byte(worldCookie + "\x00" + secretIn(token)))
	return len(r.Meta) > len(d) && bytes.Equal(r.Meta[1:1+len(d)], d[:])
}

func idIn(token string) string {
	id, _, _ := strings.Cut(token, ".")
	return id
}

func secretIn(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) < 2 {
		return ""
	}
	return parts[1]
}

// token returns one that was seen, or nil.
func (i *identity) token(text string) *issued {
	n := slices.IndexFunc(i.tokens, func(t *issued) bool { return t.text == text })
	if n < 0 {
		return nil
	}
	return i.tokens[n]
}

// sawToken notes a token that the record of its id accepted.
func (i *identity) sawToken(text string) {
	if text != "" && i.token(text) == nil {
		i.tokens = append(i.tokens, &issued{text: text, secrets: i.secrets})
	}
}

// kill notes that tokens, all but one, open nothing any more.
func (i *identity) kill(tokens []*issued, except, why string) {
	for _, t := range tokens {
		if secretIn(t.text) != secretIn(except) && t.dead == "" {
			t.dead = why
		}
	}
}

// newSecret notes that a version was stored which accepts another secret than the
// one before.
func (tr *truth) newSecret(by *author, i *identity, r session.Record) {
	i.secrets++
	i.secretBy = by.base()
	for _, t := range i.tokens {
		if t.shut.IsZero() && !tr.opensAny(t.text) {
			t.shut = r.SeenAt
		}
	}
}

// giveOut notes a token that a response carries.
func (tr *truth) giveOut(text string) {
	i := tr.of(idIn(text))
	i.sawToken(text)
	if t := i.token(text); t.shut.IsZero() && !tr.opensAny(text) {
		t.shut = time.Unix(0, 0) // another request replaced it before, and it is not known when
	}
	if !i.given {
		i.given = true
		tr.given = append(tr.given, i.id)
	}
}

// maxRemembered is how many replaced secrets a record remembers: more may make
// the oldest unknown early.
const maxRemembered = 4

// loading notes what a load by the author has to find.
func (tr *truth) loading(by *author, id string) {
	if by.presented == "" || idIn(by.presented) != id {
		return
	}
	i, now := tr.of(id), time.Now()
	by.lastLook = look{made: true, at: now, opens: tr.opens(by.manager, by.presented)}
	t := i.token(by.presented)
	if t == nil {
		return
	}
	by.lastLook.dead = t.dead
	if t.presented.IsZero() {
		t.presented = now
	}
	_, live := tr.find(by.manager, id)
	newer := i.tokens[slices.Index(i.tokens, t)+1:]
	if !live || i.secrets-t.secrets > maxRemembered {
		return
	}
	ended := confirmed(newer).Add(tr.w.grace()) // by a routine renewal
	if t.dead != "" && len(i.ended) == 0 && !t.shut.IsZero() && t.shut.Before(ended) {
		by.lastLook.recognised = t.shut.Add(tr.w.grace())
	}
	if !by.lastLook.opens && !i.renewals && now.Before(ended) {
		tr.w.violate(ruleLockedOut, "%s comes to %s with %s, which does not open it, and no newer token was presented for long enough", by.name, id, tr.w.alias(t.text))
	}
}

// confirmed returns when the first of some tokens was presented; the end of time
// if none was.
func confirmed(tokens []*issued) time.Time {
	first := time.Now().Add(1000 * time.Hour)
	for _, t := range tokens {
		if !t.presented.IsZero() && t.presented.Before(first) {
			first = t.presented
		}
	}
	return first
}

// grace is the shortest RenewGrace of the Managers.
func (w *world) grace() time.Duration {
	shortest := time.Hour
	for _, s := range w.settings {
		if s.grace == 0 {
			shortest = min(shortest, 30*time.Second) // the default
		} else {
			shortest = min(shortest, s.grace)
		}
	}
	return shortest
}
