package session

import (
	"context"
	"net/http"
	"time"
)

// Outcome is what the response is to say of the session.
type Outcome struct {
	Action Action
	Token  string       `json:"-"` // with ActionSet: what the client must present from now on
	Cookie *http.Cookie `json:"-"` // with ActionSet and ActionClear: ready to be sent
	Read   bool         // the application looked at the session: the response varies with it
}

// Action is what to do about the client's token.
type Action int

const (
	ActionNone  Action = iota
	ActionSet          // give it Token
	ActionClear        // take it away
)

// outcome is what the response is to say so far.
func (x *Exchange[T]) outcome(ctx context.Context) Outcome {
	x.mu.Lock()
	out := Outcome{Action: x.action, Token: x.token, Read: x.read}
	hooks := x.req.Hooks
	var age time.Duration
	if out.Action == ActionSet && (x.meta.age > 0 || !x.m.cookie.BrowserSession) {
		if age = time.Until(x.m.end(x.rec, x.meta)); age <= 0 {
			out.Action, out.Token = ActionNone, "" // it was saved long ago, and is over
		}
	}
	x.mu.Unlock()
	if out.Action == ActionNone || hooks == nil {
		return out
	}
	if x.req.Plain {
		return out
	}
	scheme, host := hooks.Origin()
	secure := x.m.cookie.secure(scheme, host)
	if out.Action == ActionClear {
		out.Cookie = x.m.cookie.clear(secure)
		return out
	}
	out.Cookie = x.m.cookie.set(out.Token, age, secure)
	if secure && scheme != "https" && !loopback(host) {
		x.m.warnInsecure(ctx, host)
	}
	return out
}

// sendToken has the response carry the token, unless the client has been sent
// a newer one that this request does not know. Requires x.mu.
func (x *Exchange[T]) sendToken() {
	if x.former {
		return
	}
	x.action, x.token = ActionSet, x.m.signer.sign(x.id+"."+x.secret)
}
