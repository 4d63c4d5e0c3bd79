package session

import (
	"time"

	"github.com/echosession/echosession/internal/token"
)

// credential is the secret that the client presents from now on, as far as this
// request knows.
type credential struct {
	secret    string
	presented bool // the client presented it, so it has received it
	old       bool // the record has replaced it as a matter of routine: it opens the session, but no cookie can be sent with it
}

// credentialState is what a secret is to a record.
type credentialState int

const (
	credentialUnknown    credentialState = iota
	credentialCurrent                    // the record accepts it
	credentialOld                        // it was replaced as a matter of routine, and still opens the session
	credentialSuperseded                 // it was replaced deliberately and opens nothing; it is recognised so that its request does no harm
)

// opens reports whether the secret lets its holder in.
func (s credentialState) opens() bool { return s == credentialCurrent || s == credentialOld }

// check returns what the secret with digest d is to the record. It compares all
// digests, each in constant time.
func (m *meta) check(d token.Digest) credentialState {
	state := credentialUnknown
	var now int64
	if len(m.old) > 0 {
		now = nowMillis()
	}
	for _, o := range m.old {
		if o.digest.Equal(d) && (o.until == 0 || now < o.until) {
			state = credentialSuperseded
			if o.usable {
				state = credentialOld
			}
		}
	}
	if m.digest.Equal(d) {
		state = credentialCurrent
	}
	return state
}

// isUnconfirmed reports whether an old secret waits for its successor to be
// presented.
func (m *meta) isUnconfirmed() bool {
	for _, o := range m.old {
		if o.until == 0 {
			return true
		}
	}
	return false
}

// renewal is how a write treats the secret of its record.
type renewal int

const (
	renewalNone       renewal = iota
	renewalConfirm            // the client presented the current secret: the old ones end after the grace
	renewalRoutine            // a new secret; the last one works until the new one is presented and the grace is over
	renewalDeliberate         // a new secret; every old one opens nothing from now on
)

// renew makes m accept the secret with digest d, or confirms the present one.
// The old secrets get memory of their own, because other copies of m share it.
func (m *meta) renew(kind renewal, d token.Digest, now int64, grace time.Duration) {
	if kind == renewalNone {
		return
	}
	var kept []oldSecret
	for _, o := range m.old {
		if o.until == 0 {
			o.until = now + grace.Milliseconds()
		}
		o.usable = o.usable && kind != renewalDeliberate
		if now < o.until {
			kept = append(kept, o)
		}
	}
	if kind != renewalConfirm && d != m.digest {
		last := oldSecret{digest: m.digest, usable: kind == renewalRoutine}
		if kind == renewalDeliberate {
			last.until = now + grace.Milliseconds()
		}
		kept = append(kept, last)
		m.digest, m.issued = d, now
	}
	m.old = kept[max(0, len(kept)-maxOld):]
}

// renewal returns which renewal a write makes. user is the user of the Data to be
// written.
func (f *flow) renewal(user string) renewal {
	switch {
	case f.draft.pending.renewTo != "" || user != f.draft.base.user:
		return renewalDeliberate
	case f.isRenewalDue(&f.row.meta):
		return renewalRoutine
	case f.cred.presented && !f.cred.old:
		return renewalConfirm
	}
	return renewalNone
}

// isRenewalDue reports whether the secret in m is older than RenewAfter, and this
// response can still carry a new one. A secret that the client
// did not present is not replaced: the client may never have received it, and
// the one that it does have must go on to work.
func (f *flow) isRenewalDue(m *meta) bool {
	after := f.b.renewAfter
	if after == 0 || !f.cred.presented || f.cred.old || f.response >= responseBegun || f.request == nil {
		return false
	}
	return nowMillis()-m.issued >= after.Milliseconds()
}

// nextSecret returns the secret that a renewal of the kind puts into force. If a
// write with a new secret got no answer, it is that one, so that the record is
// recognised whichever of the writes lands. A secret that the application asked
// for is never one of a routine renewal: only a deliberate renewal ends the old
// tokens.
func (f *flow) nextSecret(kind renewal) string {
	if kind == renewalDeliberate && f.draft.pending.renewTo != "" {
		return f.draft.pending.renewTo
	}
	if u := f.draft.unresolved; u != nil && u.secret != "" {
		return u.secret
	}
	return token.New()
}

// claim is the proof that a record is the session of this request, even after
// other requests changed the record.
type claim struct {
	secret        string // that the request came with, or made
	renewTo       string // of a Renew whose write may have landed without an answer
	user, rowUser string // of the Data that the request started from, and of its record
	writes        *unresolved
}

// claim returns the claim to the present record.
func (f *flow) claim() claim {
	c := claim{secret: f.cred.secret, user: f.row.user, rowUser: f.row.user}
	if d := f.draft; d != nil {
		c.renewTo, c.user, c.writes = d.pending.renewTo, d.base.user, d.unresolved
	}
	return c
}

// recognise checks whether the request with the claim c still owns the record r.
// It returns the secret that proves it, and what that secret is to r. A record that
// has become the session of another user is not the request's any more, even if it
// accepts the secret.
func (f *flow) recognise(c *claim, r *row) (secret string, state credentialState) {
	for _, own := range [...]string{c.writes.newSecret(), c.renewTo} {
		if own != "" && r.digest.Equal(token.DigestOf(f.b.cookie.Name, own)) {
			return own, credentialCurrent
		}
	}
	state = r.check(token.DigestOf(f.b.cookie.Name, c.secret))
	if state.opens() && c.writes.attempt(r.nonce) == nil && !f.hasSameUser(c, r) {
		state = credentialSuperseded
	}
	return c.secret, state
}

// hasSameUser compares the user of r with the users of the claim. It looks into Data
// if Record.User is another one, because that may be out of date, or written by
// a process without Config.User. If Data cannot be read, the token decides.
func (f *flow) hasSameUser(c *claim, r *row) bool {
	if r.user == c.rowUser || r.user == c.user {
		return true
	}
	if !f.b.hasUser {
		return false
	}
	e, err := f.b.open(r)
	if err != nil {
		return true
	}
	_, user, err := f.typed.reread(e)
	return err != nil || user == c.user
}

// reclaim takes the credential that opens r, the record as it is now, and reports
// whether r still is the session of this request. It may set or drop the reply.
func (f *flow) reclaim(r *row) bool {
	c := f.claim()
	secret, state := f.recognise(&c, r)
	if secret != f.cred.secret { // a renewal that got no answer was made
		f.cred = credential{secret: secret}
		if f.draft.leftovers.isEmpty() { // the session before must end first
			f.setReply(r)
		}
	}
	f.cred.old = state == credentialOld
	if f.cred.old && f.action == ActionSet {
		f.action = ActionNone // the client has been sent a newer token
	}
	return state.opens()
}
