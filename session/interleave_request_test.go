package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/echosession/echosession/session"
)

// browser is a cookie jar. Several actors may share it, as the tabs of one
// browser do.
type browser struct {
	number  int
	token   string
	manager int // that gave the token
	last    int // when the response was made that came last
	mixed   bool
}

// openBrowser makes a browser, with a session that is made before the actors
// begin.
func (w *world) openBrowser(t *testing.T, number int, p browserPlan) *browser {
	b := &browser{number: number}
	if !p.stored {
		return b
	}
	s, err := w.managers[0].Start(noContext)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	s.Data.Holder, s.Data.Shared = p.holder, "first"
	if err := s.Save(noContext); err != nil {
		t.Fatalf("Save: %v", err)
	}
	b.token = s.Token()
	w.truth.giveOut(b.token)
	time.Sleep(p.age)
	w.say("", "browser %d has %s, %v old, with %s", number, w.alias(b.token), p.age, &s.Data)
	return b
}

// exchange is one request of an actor, as an adapter makes it.
type exchange struct {
	*author
	w       *world
	actor   *actor
	task    *task
	browser *browser
	x       *session.Exchange[wallet] // nil: the session is from Start or Open
	s       *session.Session[wallet]  // nil until the handler has it

	before       string    // the encoding of Data as it was loaded or last acknowledged
	user         string    // of that Data
	had          []*issued // the tokens that the session had then
	changed      bool      // the handler has changed Data since
	renewed      bool      // Renew was called and no save acknowledged it
	ends         bool      // Destroy was called
	mayEnd       bool      // the fn of a failed Update called it: that may hold or not
	ended        bool      // it was carried out
	dropped      bool      // Regenerate was called after that, and did nothing
	kept         session.SavePolicy
	wanted       map[faultKind]bool // what was asked for while an operation was under way
	renewFrom    string             // the token that such a Renew has to replace, if it was not pending already
	begun        bool               // the response has begun
	failedCommit bool               // the commit failed, or was not acknowledged
	mapped       session.Op         // what the Failed hook was asked about in this step
	discard      bool               // the Failed hook gave the record up
	validated    bool               // Valid said true: the session is let in from then on

	response session.Outcome
	made     int // when the response was made
}

// requestStep carries out one step of a request.
func (w *world) requestStep(ctx context.Context, a *actor, t *task, st *step) {
	if st.kind == doBegin {
		a.request = w.begin(ctx, a, t)
		return
	}
	e := a.request
	e.mapped = ""
	switch st.kind {
	case doFinish:
		e.finish(ctx, st.n)
	case doReceive:
		e.receive(st.n == 1)
	case doPause:
		w.say(a.name(), "waits %v", pauses[st.n%len(pauses)])
		w.pause(a, pauses[st.n%len(pauses)])
	case doCancel:
		// What follows of the handler has a context that has ended.
	case doRespond:
		e.commit(ctx)
	case doPeek:
		e.peek(ctx)
	default:
		if e.get(ctx); e.s != nil {
			e.handle(ctx, st)
		}
	}
}

// begin begins a request with the browser's cookie.
func (w *world) begin(ctx context.Context, a *actor, t *task) *exchange {
	b := w.browsers[a.script.browser]
	name := fmt.Sprintf("%s%d", a.name(), t.steps[0].at)
	e := &exchange{author: w.truth.newAuthor(name, a.number, t.manager), w: w, actor: a, task: t, browser: b}
	a.author = e.author
	e.asks = t.beforeSave != hookNone
	o := session.BeginOptions[wallet]{
		Hooks:    worldHooks{e, context.WithValue(noContext, actorKey{}, a)},
		HasValid: t.valid != hookNone, HasBeforeSave: t.beforeSave != hookNone,
	}
	if b.token != "" {
		e.presented = b.token
		e.mayUse(b.token)
		o.Cookies = []string{worldCookie + "=" + b.token}
	}
	w.say(a.name(), "request %s of browser %d to Manager %d with %s", name, b.number, t.manager, w.alias(b.token))
	e.x = w.managers[t.manager].Begin(nil, o)
	if !t.deferred {
		if err := e.x.Load(ctx); err != nil {
			w.rejoin(a)
			w.say(a.name(), "Load -> %v", err)
		}
	}
	return e
}

// get is Session, and takes what it gives.
func (e *exchange) get(ctx context.Context) {
	if e.s != nil || e.x == nil {
		return
	}
	s, err := e.x.Session(ctx)
	e.w.rejoin(e.actor)
	if err != nil {
		e.w.say(e.actor.name(), "Session -> %v", err)
		return
	}
	e.s = s
	e.opened()
}

func (e *exchange) peek(ctx context.Context) {
	v, err := e.x.Peek(ctx)
	e.w.rejoin(e.actor)
	e.w.say(e.actor.name(), "Peek -> %s, %v", &v, err)
}

// opened looks at a session that was just given to the handler.
func (e *exchange) opened() {
	s, w := e.s, e.w
	w.say(e.actor.name(), "Session -> %s, new %v, %s", s.ID(), s.IsNew(), &s.Data)
	if !e.refused && !e.discard && e.presented != "" {
		fresh := s.IsNew() && s.ID() != ""
		switch l := e.lastLook; {
		case fresh && (!l.made || l.failed):
			w.violate(ruleNotEmpty, "%s has a new session %s, though its load failed", e.name, s.ID())
		case fresh && l.opens && w.truth.opens(e.manager, e.presented) && !w.hasEnded(e.author.ends[idIn(e.presented)]): // it may have expired since
			w.violate(ruleNotEmpty, "%s has a new session %s, though %s opens one", e.name, s.ID(), w.alias(e.presented))
		case fresh && time.Now().Before(l.recognised):
			w.violate(ruleGone, "%s has a new session %s, though %s was replaced not long ago", e.name, s.ID(), w.alias(e.presented))
		case !s.IsNew() && !l.opens && !e.validated:
			w.violate(ruleRenewed, "%s was let in with %s, which opens nothing", e.name, w.alias(e.presented))
		}
	}
	e.knows(&s.Data)
	e.rebase()
	if !s.IsNew() {
		w.truth.of(s.ID()).sawToken(e.presented)
		if e.lastLook.dead != "" && !e.validated {
			w.violate(ruleRenewed, "%s was let into %s with a token that was dead since %s", e.name, s.ID(), e.lastLook.dead)
		}
	}
	e.gone = e.gone || s.ID() == ""
}

// rebase makes Data as it is now what later changes are compared with.
func (e *exchange) rebase() {
	e.before, e.user, e.changed = e.s.Data.text(), e.s.Data.Holder, false
	e.rebaseTokens(e.s.ID())
}

// rebaseTokens notes the tokens that the session has, unless a Renew is pending
// that has to replace those from before.
func (e *exchange) rebaseTokens(id string) {
	if !e.renewed {
		e.had = slices.Clone(e.w.truth.of(id).tokens)
	}
}

// worldHooks are the hooks of a request.
type worldHooks struct {
	e   *exchange
	ctx context.Context
}

func (h worldHooks) Context() context.Context { return h.ctx }

func (h worldHooks) Origin() (scheme, host string) { return "https", "example.com" }

func (h worldHooks) Valid(s *session.Session[wallet]) (bool, error) {
	e := h.e
	e.knows(&s.Data)
	switch e.task.valid {
	case hookRefuse:
		e.w.say(e.actor.name(), "  Valid refuses %s", s.ID())
		e.refused = true
		return false, nil
	case hookFail:
		return true, errHook
	}
	e.validated = true
	return true, nil
}

func (h worldHooks) BeforeSave(s *session.Session[wallet]) error {
	e := h.e
	e.w.say(e.actor.name(), "  BeforeSave of %s", s.ID())
	e.knows(&s.Data)
	switch e.task.beforeSave {
	case hookAccept:
		e.setOwn(&s.Data)
	case hookRefuse:
		return errHook
	case hookDestroy:
		s.Destroy()
		e.ends, e.touched[quit] = true, true
	case hookRenew:
		e.renew(s)
	}
	return nil
}

func (h worldHooks) Failed(op session.Op, err error) error {
	e := h.e
	e.mapped = op
	if op != session.OpLoad && !e.asks && !e.refused {
		e.w.violate(ruleReaderServed, "%s only read, and its %s failed: %v", e.name, op, err)
	}
	switch e.task.failed {
	case hookAccept:
		return nil
	case hookRefuse:
		e.discard = e.discard || op == session.OpLoad
		return session.ErrDiscard
	}
	return err
}

var errHook = errors.New("the hook fails")

// setOwn gives the field of the actor its next value.
func (e *exchange) setOwn(v *wallet) {
	n := e.w.truth.nextKey()
	*v.own(e.actor.number) = n
	e.mayValue(n)
	e.changed = true
	e.touched[ownField(e.actor.number)] = true
}

// renew calls Renew.
func (e *exchange) renew(s *session.Session[wallet]) {
	stored := !s.IsNew()
	s.Renew()
	if stored && !e.gone {
		e.rebaseTokens(s.ID())
		e.renewed = true
		e.w.truth.of(s.ID()).renewals = true
	}
}

// meanwhile is what another goroutine of the request does during a call of the
// store.
func (a *actor) meanwhile(k faultKind) {
	e := a.request
	if e == nil || e.s == nil || e.gone || e.begun {
		return
	}
	e.w.say(a.name(), "  meanwhile: %s of %s", faultNames[k], e.s.ID())
	e.asks = true
	if e.wanted == nil {
		e.wanted = map[faultKind]bool{}
	}
	e.wanted[k] = true
	if k == meanwhileRenew {
		before := e.s.Token()
		if e.s.Renew(); e.s.Token() != before {
			e.renewFrom = before
		}
		e.w.truth.of(e.s.ID()).renewals = true
	} else {
		e.s.Destroy()
		e.mayEnd, e.touched[quit] = true, true
	}
}

// stillAsked takes what is pending after an operation during which it was asked
// for: the operation has carried it out, or the next one will.
func (e *exchange) stillAsked() {
	if e.wanted[meanwhileDestroy] {
		e.ends = !e.ended
		e.kept = session.SaveAuto
	}
	if e.wanted[meanwhileRenew] {
		switch r, live := e.w.truth.record(e.s.ID()); {
		case live && !accepts(r, e.s.Token()):
			e.renewed = true
		case live && !e.gone && e.s.Token() == e.renewFrom:
			e.w.violate(ruleNotDropped, "%s called Renew during an operation, and %s is still its token", e.name, e.w.alias(e.renewFrom))
		}
	}
	e.wanted, e.renewFrom = nil, ""
}

// commitContext is that of an adapter's commit.
func (e *exchange) commitContext() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithValue(noContext, actorKey{}, e.actor), 10*time.Second)
	e.actor.cancel = cancel
	return ctx, cancel
}

// receive is the arrival of the response at the browser.
func (e *exchange) receive(lost bool) {
	b, w := e.browser, e.w
	switch {
	case e.response.Action == session.ActionNone:
		return
	case lost:
		w.say(e.actor.name(), "the response of %s is lost", e.name)
		return
	}
	if e.made < b.last {
		b.mixed = true
	}
	b.last = e.made
	b.token, b.manager = "", e.manager
	if e.response.Action == session.ActionSet {
		b.token = e.response.Token
	}
	w.say(e.actor.name(), "browser %d gets the response of %s and has %s", b.number, e.name, w.alias(b.token))
}
