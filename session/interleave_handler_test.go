package session_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/echosession/echosession/session"
)

// handle carries out a step of a handler that has its session.
func (e *exchange) handle(ctx context.Context, st *step) {
	s, w := e.s, e.w
	if st.kind != doGet {
		e.asks = true
	}
	switch st.kind {
	case doSetOwn:
		e.setOwn(&s.Data)
	case doSetShared:
		s.Data.Shared = e.name + "." + strconv.Itoa(st.at)
		e.shared = append(e.shared, s.Data.Shared)
		e.touched["Shared"], e.changed = true, true
	case doMark, doUnmark:
		value := ""
		if st.kind == doMark {
			value = strconv.Itoa(st.at)
		}
		s.Data.mark(ownField(e.actor.number), value)
		e.touched["Marks"], e.changed = true, true
	case doRenew:
		e.renew(s)
	case doLogIn:
		e.hold(&s.Data, people[st.n%len(people)])
	case doSignOut:
		e.hold(&s.Data, "")
	case doRegenerateCopy, doRegenerateLogIn, doRegenerateFresh, doRegenerateEmpty:
		e.regenerate(&s.Data, st)
	case doDestroy:
		s.Destroy()
		e.ends, e.touched[quit] = !e.gone, true
		e.kept = session.SaveAuto
	case doMaxAge:
		s.SetMaxAge([]time.Duration{time.Minute, 0, time.Hour}[st.n%3])
	case doPolicy:
		e.kept = session.SavePolicy(st.n % 3)
		s.SetSave(e.kept)
	case doSave:
		e.save(ctx)
	case doReload:
		e.reload(ctx)
	case doDeleteOthers:
		e.deleteOthers(ctx)
	case doUpdate, doUpdateFails, doUpdateRenews, doUpdateLogsIn, doUpdateRegenerates, doUpdateRegeneratesFails, doUpdateDestroys:
		e.update(ctx, st)
		return // says it itself
	default:
		return
	}
	w.say(e.actor.name(), "%s: %s %s", st.kind, s.ID(), &s.Data)
}

// hold makes a user the holder: a log-in, or a sign-out.
func (e *exchange) hold(v *wallet, user string) {
	v.Holder = user
	e.mayHold(user)
	e.touched["Holder"], e.changed = true, true
	e.w.truth.of(e.s.ID()).renewals = true
}

// regenerate calls Regenerate and fills the new Data.
func (e *exchange) regenerate(v *wallet, st *step) {
	s := e.s
	old, data, stored := s.ID(), v.clone(), !s.IsNew()
	s.Regenerate()
	if s.ID() == old { // it is gone, or reads as empty
		e.dropped = e.ended && !e.gone && !e.begun
		return
	}
	e.touched[quit] = true
	e.renewed, e.ends, e.mayEnd, e.ended = false, false, false, false
	if e.kept == session.SaveNever {
		e.kept = session.SaveAuto
	}
	if stored || e.created[old] > 0 {
		e.left = append(e.left, old)
		e.leftOf[old] = e.user
	}
	e.before, e.user = (&wallet{}).text(), ""
	e.mayHold("")
	e.mayValue(0)
	switch st.kind {
	case doRegenerateEmpty:
		return
	case doRegenerateCopy, doUpdateRegenerates, doUpdateRegeneratesFails:
		*v = data
	case doRegenerateLogIn:
		e.hold(v, people[st.n%len(people)])
	}
	e.setOwn(v)
}

// result is how an operation ended, by its error and its events.
type result struct {
	err     error
	events  map[session.EventKind]int
	mapped  session.Op // what the Failed hook was asked about
	started string     // Data when it began
	own     int        // the actor's field of it
	tokens  []*issued  // that the session had then
}

// acknowledged reports whether the operation told that all is well.
func (r result) acknowledged() bool {
	return r.err == nil && r.mapped == "" && r.events[session.EventGone]+r.events[session.EventLost]+r.events[session.EventError] == 0
}

// try makes an operation that can store.
func (e *exchange) try(do func() error) result {
	r := result{started: e.s.Data.text(), own: *e.s.Data.own(e.actor.number), tokens: slices.Clone(e.w.truth.of(e.s.ID()).tokens)}
	e.w.takeEvents(e.actor)
	e.mapped = ""
	began := e.w.truth.now
	r.err = do()
	e.w.rejoin(e.actor)
	r.events, r.mapped = e.w.takeEvents(e.actor), e.mapped
	e.checkSettled(began, r.err)
	if isGone(r.err) || r.events[session.EventGone] > 0 {
		e.gone = true
		e.checkOwnDelete(began)
		e.checkOwnWrite()
	}
	e.mayUse(e.s.Token())
	return r
}

func (e *exchange) save(ctx context.Context) {
	ends := e.ends // BeforeSave may call Destroy as well
	defer e.stillAsked()
	r := e.try(func() error { return e.s.Save(ctx) })
	e.w.say(e.actor.name(), "Save -> %v", r.err)
	e.w.countResult(r.err)
	if r.err != nil {
		return
	}
	if ends || e.ends || e.mayEnd && e.s.IsNew() {
		e.carriedOut(r)
		return
	}
	e.stored(r, ruleSaved)
}

// carriedOut takes that a Destroy was acknowledged.
func (e *exchange) carriedOut(r result) {
	if !r.acknowledged() {
		return
	}
	ids := e.left
	if e.ends || e.mayEnd { // and not only a Regenerate that was left empty
		ids = append(ids, e.s.ID())
	}
	e.ends, e.mayEnd, e.ended = false, false, true
	e.rebase()
	for _, id := range ids {
		if i := e.w.truth.of(id); i.written || e.saw[id] {
			e.w.loggedOut(e.author, id, ruleLogOut)
		}
	}
	e.left = nil
}

func (e *exchange) reload(ctx context.Context) {
	acked := bothKeys(e.w.truth.of(e.s.ID()).keys, nil)
	r := e.try(func() error { return e.s.Reload(ctx) })
	e.w.say(e.actor.name(), "Reload -> %v", r.err)
	e.w.countResult(r.err)
	if r.err != nil {
		return
	}
	e.knows(&e.s.Data)
	e.rebase()
	for field := range e.touched {
		if field != quit {
			delete(e.touched, field)
		}
	}
	if e.s.IsNew() {
		return
	}
	i := e.w.truth.of(e.s.ID())
	if got := *e.s.Data.own(e.actor.number); got < i.acked[e.actor.number] {
		e.w.violate(ruleSaved, "%s reloads %s and finds %s:%d, but %d had been acknowledged", e.name, i.id,
			ownField(e.actor.number), got, i.acked[e.actor.number])
	}
	for _, key := range acked {
		if e.s.Data.Done[key] == 0 {
			e.w.violate(ruleSaved, "%s reloads %s without the Update %s, which had been acknowledged", e.name, i.id, key)
		}
	}
}

// deleteOthers is what follows a change of the password: Save, then this.
func (e *exchange) deleteOthers(ctx context.Context) {
	user := e.s.Data.Holder
	if user == "" || e.s.IsNew() || e.gone {
		return
	}
	e.w.deleteUser(ctx, e.w.truth.newAuthor(e.name+" DeleteOthers", e.actor.number, e.manager), e.author, user, e.s.ID())
}

var errFn = errors.New("fn fails")

// update is Session.Update with an fn of the kind of the step.
func (e *exchange) update(ctx context.Context, st *step) {
	s, key := e.s, e.name+"."+strconv.Itoa(st.at)
	id, left, asked := s.ID(), e.left, e.copyState()
	writes, holder := e.writes, s.Data.Holder
	unsure := e.isUnsure(id) // then it looks first, and may merge what others stored beside its earlier write
	for _, f := range st.faults {
		e.repeated[key] = e.repeated[key] || f.kind == ownConflict
	}
	e.keys[key] = true
	made := 0
	defer e.stillAsked()
	r := e.try(func() error {
		return s.Update(ctx, func(v *wallet) error {
			if made++; made > 1 {
				e.left = left // fn begins anew
			}
			switch st.kind {
			case doUpdateRenews:
				e.renew(s)
			case doUpdateLogsIn:
				v.Holder = people[st.n%len(people)]
				e.mayHold(v.Holder)
				e.logsIn = true
				e.w.truth.of(s.ID()).renewals = true
			case doUpdateRegenerates, doUpdateRegeneratesFails:
				e.regenerate(v, st)
			case doUpdateDestroys:
				s.Destroy()
				e.mayEnd, e.touched[quit] = true, true
			}
			v.count(key)
			if st.kind == doUpdateFails || st.kind == doUpdateRegeneratesFails {
				return errFn
			}
			return nil
		})
	})
	e.w.say(e.actor.name(), "%s -> %v: %s %s", st.kind, r.err, s.ID(), &s.Data)
	e.w.countResult(r.err)
	if r.err == nil {
		e.stored(r, ruleSaved)
		if made > 0 {
			e.w.counted(e.author, s.ID(), key)
		}
		return
	}
	merges := unsure && s.ID() == id && *s.Data.own(e.actor.number) == r.own && s.Data.Holder == holder
	if !merges && (s.ID() != id || s.Data.text() != r.started) {
		e.w.violate(ruleUpdateFails, "after the error of Update %s has %s with %s, before it was %s with %s", e.name, s.ID(), s.Data.text(), id, r.started)
	}
	if errors.Is(r.err, errFn) && e.writes != writes {
		e.w.violate(ruleUpdateFails, "fn of %s failed, and the store was written to", e.name)
	}
	e.left = left
	if e.restoreState(asked); merges && r.started == e.before {
		e.before = s.Data.text()
	}
}

// counted takes that an Update was acknowledged.
func (w *world) counted(by *author, id, key string) {
	i := w.truth.of(id)
	v, ok := w.truth.stored(id)
	switch {
	case !ok:
		w.explain(by, id, ruleCounted, "the Update "+key)
	case v.Done[key] == 0:
		w.violate(ruleCounted, "the Update %s was acknowledged to %s and %s has it not: %s", key, by.name, id, &v)
	default:
		i.keys[key] = true
	}
}

// asked is what an exchange was asked for, which a failed Update leaves as it was.
type asked struct {
	renewed      bool
	before, user string
}

func (e *exchange) copyState() asked { return asked{e.renewed, e.before, e.user} }

func (e *exchange) restoreState(a asked) {
	e.renewed, e.before, e.user = a.renewed, a.before, a.user
}
