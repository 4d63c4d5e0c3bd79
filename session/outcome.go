package session

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/echosession/echosession/internal/token"
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
	if out.Action == ActionSet && !x.promise.end.IsZero() {
		if age = time.Until(x.promise.end); age <= 0 {
			out.Action, out.Token = ActionNone, "" // it was saved long ago, and is over
		}
	}
	x.mu.Unlock()
	if out.Action == ActionNone || hooks == nil {
		return out
	}
	if x.req.Tokens != nil {
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

// promise is what is known of the token that the response is to carry.
type promise struct {
	id     string
	digest token.Digest
	end    time.Time // of the cookie; zero where it ends with the browser
	made   time.Time
}

// sendToken has the response carry the token of the record r, as it was just
// stored, unless the client has been sent a newer one that this request does not
// know. Requires x.mu.
func (x *Exchange[T]) sendToken(r Record, m meta) {
	if x.former {
		return
	}
	x.action, x.token = ActionSet, x.m.tokens.Join(x.id, x.secret)
	x.promise = promise{id: x.id, digest: x.digest, made: time.Now()}
	if m.age > 0 || !x.m.cookie.BrowserSession {
		x.promise.end = x.m.end(r, m)
	}
}

// promiseHolds is how long a token that was stored counts as the latest one. On
// their way to the client responses can overtake each other as well.
const promiseHolds = 100 * time.Millisecond

// keepPromise looks whether the token that an earlier save wants the response to
// carry still is the latest one: a handler that took its time afterwards must
// not put it over what others have sent the client since. Where the store gives
// no answer it is sent. Requires x.op.
func (x *Exchange[T]) keepPromise(ctx context.Context) {
	x.mu.Lock()
	if x.action != ActionSet || time.Since(x.promise.made) <= promiseHolds {
		x.mu.Unlock()
		return
	}
	p := x.promise
	x.mu.Unlock()
	_, m, err := x.m.load(ctx, p.id)
	if errors.Is(err, ErrNotFound) || err == nil && m.judge(p.digest) != standingCurrent {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.action, x.token = ActionNone, ""
	}
}
