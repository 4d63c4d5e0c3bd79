package session

import (
	"context"
	"net/http"
	"time"

	"github.com/echosession/echosession/internal/token"
)

// Outcome is what the response says about the session.
type Outcome struct {
	Action Action
	Token  string       `json:"-"` // with ActionSet: what the client must present from now on
	Cookie *http.Cookie `json:"-"` // with ActionSet and ActionClear: ready to be sent; nil if the token has a field of its own
	Read   bool         // the application looked at the session, so the response varies with it
}

// Action is what the response does about the client's token.
type Action uint8

const (
	ActionNone  Action = iota
	ActionSet          // give the client Token
	ActionClear        // take the client's token away
)

// reply is the token that the response carries.
type reply struct {
	id     string // of the session
	token  string
	end    int64 // of the cookie; 0: it ends with the browser
	made   int64 // when the store acknowledged it; 0: look at the record before it is sent
	cookie http.Cookie
}

// setReply makes the response carry the token of the stored record r, unless the
// client has been sent a newer token that this request does not know.
func (f *flow) setReply(r *row) {
	if f.cred.old {
		return
	}
	if f.reply == nil {
		f.reply = new(reply)
	}
	f.reply.id, f.reply.token = r.id, f.b.tokens.Join(r.id, f.cred.secret)
	f.reply.end, f.reply.made = 0, nowMillis()
	if r.age > 0 || !f.b.cookie.BrowserSession {
		f.reply.end = f.b.end(r)
	}
	f.action = ActionSet
}

// replyHolds is how long a token that was stored counts as the current one
// without a look. Responses can overtake each other on their way to the client
// as well.
const replyHolds = 100 * time.Millisecond

// recheckReply loads the record of the token that an earlier save wants the
// response to carry, and drops a token that is not the current one. A handler that
// took its time after a Save must not put its token over one that another request
// has sent the client since. A token is doubtful if a write without an answer may
// have ended it. If the load fails, a doubtful token is dropped, and any other one
// is sent.
func (f *flow) recheckReply(ctx context.Context) {
	_ = f.resolve(ctx) // after an error the token is as uncertain as before
	if f.action != ActionSet {
		return
	}
	isDoubtful := f.touchesToken(f.reply.id)
	if !isDoubtful && nowMillis()-f.reply.made <= replyHolds.Milliseconds() {
		return
	}
	_, secret, _ := f.b.tokens.Parse(f.reply.token)
	var latest row
	found, err := f.fetch(ctx, f.reply.id, &latest, nil)
	isSent := !isDoubtful
	if err == nil {
		isSent = found == present && latest.check(token.DigestOf(f.b.cookie.Name, secret)) == credentialCurrent
	}
	if !isSent {
		f.action = ActionNone
	}
}

// touchesToken reports whether a write or a delete that got no answer may have
// ended a token of the id. That is not always the present one: Regenerate may have
// been called since the token was stored.
func (f *flow) touchesToken(id string) bool {
	d := f.draft
	return d != nil && (id == f.row.id && d.unresolved.touchesToken() || d.leftovers.touchesToken(id))
}

// outcome returns what the response says so far. Needs only mu.
func (f *flow) outcome(ctx context.Context) Outcome {
	out := Outcome{Action: f.action, Read: f.read}
	var age time.Duration
	if out.Action == ActionSet && f.reply.end != 0 {
		if age = time.Duration(f.reply.end-nowMillis()) * time.Millisecond; age <= 0 {
			out.Action = ActionNone // it was saved long ago, and has ended
		}
	}
	if out.Action == ActionSet {
		out.Token = f.reply.token
	}
	if out.Action == ActionNone || f.request == nil || f.options.inHeader {
		return out
	}
	var scheme, host string
	f.outside(func() { scheme, host = f.request.Origin() })
	secure := f.b.cookie.secure(scheme, host)
	if out.Action == ActionClear {
		cookie := f.b.cookie.clear(secure)
		out.Cookie = &cookie
		return out
	}
	f.reply.cookie = f.b.cookie.set(out.Token, age, secure)
	out.Cookie = &f.reply.cookie
	if secure && scheme != "https" && !isLoopback(host) {
		f.outside(func() { f.b.warnInsecure(ctx, host) })
	}
	return out
}
