package session_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/echosession/echosession/session"
)

// stored takes that a save was acknowledged, and looks for it in the store.
func (e *exchange) stored(r result, broken rule) {
	s, w := e.s, e.w
	i, token := w.truth.of(s.ID()), s.Token()
	mine := *s.Data.own(e.actor.number)
	switch v, ok := w.truth.stored(i.id); {
	case !ok:
		w.explain(e.author, i.id, broken, "the save")
	case *v.own(e.actor.number) != mine:
		w.violate(broken, "%s has %s:%d, which was acknowledged, and %s has %s", e.name, ownField(e.actor.number), mine, i.id, &v)
	case i.writer.base() == e.author && v.text() != s.Data.text():
		w.violate(broken, "%s has %s, and the %s that it saved has %s", e.name, &s.Data, i.id, &v)
	default:
		i.acked[e.actor.number] = mine
	}
	if mine < r.own {
		w.violate(broken, "%s had %s:%d, and its save made %d of it", e.name, ownField(e.actor.number), r.own, mine)
	}
	if e.renewed || e.user != s.Data.Holder {
		if t := i.token(token); t != nil && slices.Contains(e.had, t) {
			w.violate(ruleRenewed, "%s saved a Renew, or %q instead of %q, and %s is still its token", e.name, s.Data.Holder, e.user, w.alias(token))
		}
		i.kill(r.tokens, token, "the save of "+e.name)
		w.checkDead(i)
	}
	if rec, live := w.truth.record(i.id); live && accepts(rec, token) {
		i.sawToken(token)
	}
	for _, id := range e.left {
		w.loggedOut(e.author, id, ruleLogOut)
	}
	e.left, e.renewed = nil, false
	if e.kept == session.SaveAlways {
		e.kept = session.SaveAuto
	}
	e.rebase()
}

// explain looks why a record is absent that was just acknowledged.
func (w *world) explain(by *author, id string, broken rule, what string) {
	if i := w.truth.of(id); !i.othersChanged(by) && time.Now().Before(i.end) {
		w.violate(broken, "%s was acknowledged to %s, and there is no %s", what, by.name, id)
	}
}

// othersChanged reports whether somebody else wrote or deleted the record after
// the store last answered the author about it.
func (i *identity) othersChanged(by *author) bool {
	return i.changed.by != nil && i.changed.by.base() != by && i.changed.at > by.heard[i.id]
}

// strayed reports whether only a late create made the record, which nobody was
// given a token of.
func (i *identity) strayed() bool { return i.late && !i.given }

// checkDead looks whether tokens that were replaced open something.
func (w *world) checkDead(i *identity) {
	for _, t := range i.tokens {
		if t.dead != "" && w.truth.opensAny(t.text) {
			w.violate(ruleRenewed, "%s opens %s, though it is dead since %s", w.alias(t.text), i.id, t.dead)
		}
	}
}

// loggedOut takes that a log-out was acknowledged to its author.
func (w *world) loggedOut(by *author, id string, broken rule) {
	i := w.truth.of(id)
	if w.truth.exists(id) {
		isOrphan := by.created[id] > 0 && !i.given && by.isUnsure(id) // checkTakenBack judges it
		if !i.strayed() && !isOrphan {
			w.violate(broken, "the end of %s was acknowledged to %s, and the record is there", id, by.name)
		}
		return
	}
	if !by.deleted[id] && w.hasEnded(i.end) {
		return // its age ended it, and a write through FromKV that began before may still come
	}
	i.ended = append(i.ended, by)
	i.kill(i.tokens, "", "the log-out by "+by.name)
	for _, m := range w.truth.moves {
		if to := w.truth.of(m.to); m.from == id && to.given && w.truth.exists(m.to) {
			w.checkWinner(m, by)
		}
	}
}

// checkWinner is for a Regenerate whose new session is alive, and a log-out of the
// old one, both acknowledged.
func (w *world) checkWinner(m *move, by *author) {
	i := w.truth.of(m.from)
	switch {
	case m.by == by || m.by == by.caller || m.logIn || m.by.unsure[m.from] || by.unsure[m.from]:
	case !by.saw[m.from] && !by.deleted[m.from]: // it came after
	case !m.by.knew[m.from]: // its only write of the old session got no answer
	case w.hasEnded(i.ends[m.by.manager]), w.hasEnded(m.by.ends[m.from]), w.hasEnded(by.ends[m.from]): // as one of them knew it
	case w.truth.logsInOver(by, m.from):
	default:
		w.violate(ruleOneWins, "%s made %s of %s, whose end was acknowledged to %s", m.by.name, m.to, m.from, by.name)
	}
}

// hasEnded reports whether a session that ends then has reached its end; one whose
// end is not known has not.
func (w *world) hasEnded(end time.Time) bool { return !end.IsZero() && !time.Now().Before(end) }

// logsInOver reports whether the author logged in over that session of nobody.
func (tr *truth) logsInOver(by *author, id string) bool {
	for _, m := range tr.moves {
		if m.by == by && m.from == id && m.logIn {
			return true
		}
	}
	return false
}

// checkSettled looks at an operation that began at a moment and failed, though all
// that went wrong in it was the answer to a write that was made: a look at the
// record shows that.
func (e *exchange) checkSettled(began int, err error) {
	i := e.w.truth.of(e.s.ID())
	landed := e.landed[i.id]
	if errors.Is(err, errNoAnswer) && landed > began && e.actor.failed == 1 && !e.actor.dead && i.changed.at <= landed && time.Now().Before(i.end) {
		e.w.violate(ruleSettled, "%s was told that its save of %s failed: %v", e.name, i.id, err)
	}
}

// checkOwnDelete looks at an operation that began at a moment and found the session
// gone, though all that went wrong in it was the answer to its own delete of the
// session, or of one that Regenerate left behind.
func (e *exchange) checkOwnDelete(began int) {
	ids := slices.Clone(e.left)
	if e.ends {
		ids = append(ids, e.s.ID())
	}
	lost := slices.ContainsFunc(ids, func(id string) bool { return e.landed[id] > began && !e.w.truth.exists(id) })
	isOthers := slices.ContainsFunc(append(ids, e.s.ID()), func(id string) bool {
		by := e.w.truth.of(id).changed.by
		return by != nil && by.base() != e.author
	})
	if lost && !isOthers && e.actor.failed == 1 && !e.actor.dead {
		e.w.violate(ruleSettled, "%s was told that its session is gone, which it had deleted itself", e.name)
	}
}

// checkOwnWrite looks at an operation that found the session gone, though its last
// write is the request's own and nothing was left behind.
func (e *exchange) checkOwnWrite() {
	i := e.w.truth.of(e.s.ID())
	_, live := e.w.truth.find(e.manager, i.id)
	if live && !i.late && len(e.left) == 0 && i.writer.base() == e.author {
		e.w.violate(ruleOwnWrite, "%s was told that %s is gone", e.name, i.id)
	}
}

// commit is the first byte of the response.
func (e *exchange) commit(ctx context.Context) {
	if e.begun {
		return
	}
	e.store(func(ctx context.Context) (session.Outcome, error) { return e.x.Commit(ctx, false) })
	e.begun = true
}

// finish is the end of the handler.
func (e *exchange) finish(_ context.Context, how int) {
	ctx, cancel := e.commitContext()
	defer cancel()
	began := e.w.truth.now
	switch {
	case how%3 == 2:
		e.w.takeEvents(e.actor)
		out := e.x.Abandon(ctx)
		e.w.rejoin(e.actor)
		if !e.begun {
			e.respond(out)
		}
		return
	case how%3 == 0:
		e.commit(ctx)
	}
	if e.begun {
		e.late()
	} else {
		e.store(e.x.End)
	}
	e.checkTakenBack(began)
}

// checkTakenBack looks whether the end of the handler, which began at a moment, has
// tried once more to delete the records that the request could not take back.
func (e *exchange) checkTakenBack(began int) {
	for id := range e.created {
		isPresent := e.s != nil && e.s.ID() == id || slices.Contains(e.left, id)
		if e.unsure[id] && e.failed[id] > e.heard[id] && e.failed[id] <= began && !isPresent && !e.w.truth.of(id).given {
			e.w.violate(ruleOrphan, "%s had no answer to its delete of %s, and its end did not try that again", e.name, id)
		}
	}
}

// store makes what commits, and compares what was stored with what was asked for.
func (e *exchange) store(do func(context.Context) (session.Outcome, error)) {
	ctx, cancel := e.commitContext()
	defer cancel()
	w := e.w
	if e.s == nil {
		w.takeEvents(e.actor)
		out, err := do(ctx)
		w.rejoin(e.actor)
		events := w.takeEvents(e.actor)
		e.gone, e.failedCommit = e.gone || events[session.EventGone] > 0, err != nil || events[session.EventError] > 0
		w.say(e.actor.name(), "response of %s: %s, %v", e.name, w.outcome(out), err)
		e.respond(out)
		e.checkExtended()
		return
	}
	ends, never, writes := e.ends, e.kept == session.SaveNever, e.writes
	defer e.stillAsked()
	var out session.Outcome
	r := e.try(func() (err error) {
		out, err = do(ctx)
		return err
	})
	w.say(e.actor.name(), "response of %s: %s, %v, %s", e.name, w.outcome(out), r.err, &e.s.Data)
	w.countResult(r.err)
	e.failedCommit = !r.acknowledged()
	e.respond(out)
	if never && e.writes != writes {
		w.violate(ruleSaveNever, "%s wrote in its commit", e.name)
	}
	changed := r.started != e.before
	switch {
	case out.Action == session.ActionClear && (e.ends || e.mayEnd || len(e.left) > 0):
		e.carriedOut(r)
	case !r.acknowledged() || e.gone || e.kept == session.SaveNever:
	case ends || e.ends:
		e.carriedOut(r)
	case e.mayEnd && (r.events[session.EventDestroyed] > 0 || e.s.IsNew()): // it held; there may have been no record
	case e.ended:
		if changed && e.dropped {
			w.violate(ruleNotDropped, "%s called Destroy, which was carried out, then Regenerate, and %s is not stored", e.name, r.started)
		} else if changed {
			w.violate(ruleLostObserved, "%s has %s after its Destroy, which is not stored", e.name, r.started)
		}
	case changed || e.renewed || e.kept == session.SaveAlways:
		e.stored(r, ruleNotDropped)
	}
	e.checkExtended()
	if r.acknowledged() {
		e.rebase()
	}
}

// checkExtended looks whether a request that only read has extended its session,
// if it had to.
func (e *exchange) checkExtended() {
	w, s, id := e.w, e.w.settings[e.manager], idIn(e.presented)
	if e.asks || e.gone || e.troubled || e.refused || !e.lastLook.opens || w.plan.mode == withFaults || len(w.settings) > 1 ||
		!s.rolling || s.touchAfter >= 0 || s.absolute > 0 || e.kept == session.SaveNever {
		return
	}
	r, live := w.truth.record(id)
	if live && r.ExpiresAt.Sub(r.SeenAt) == s.maxAge && r.SeenAt.Before(e.lastLook.at.Truncate(time.Millisecond)) {
		w.violate(ruleRolling, "%s used %s at %v, and its record says it was last used at %v", e.name, id, e.lastLook.at, r.SeenAt)
	}
}

// late is End after the response has begun.
func (e *exchange) late() {
	ctx, cancel := e.commitContext()
	defer cancel()
	if e.s == nil {
		_, err := e.x.End(ctx)
		e.w.rejoin(e.actor)
		e.w.say(e.actor.name(), "End -> %v", err)
		return
	}
	r := e.try(func() error {
		_, err := e.x.End(ctx)
		return err
	})
	e.w.say(e.actor.name(), "End -> %v", r.err)
	switch {
	case !r.acknowledged() || e.gone || e.kept == session.SaveNever || e.ended:
	case e.failedCommit: // what was pending then is not tried again
	case e.ends:
		e.carriedOut(r)
	case e.mayEnd:
	case e.renewed:
		e.w.violate(ruleNotDropped, "%s called Renew while its commit was under way, and nobody is told that it came too late", e.name)
	case e.changed && r.started != e.before && !e.w.truth.has(e.s.ID(), r.started): // a save that failed may have merged what is stored
		e.w.violate(ruleNotDropped, "%s changed its Data to %s after the response had begun, and nobody is told", e.name, r.started)
	}
}

// respond takes what the response says, at the moment when it is known.
func (e *exchange) respond(out session.Outcome) {
	w := e.w
	e.response, e.made = out, w.truth.now
	w.count("response", [...]string{"no cookie", "a cookie", "the cookie cleared"}[out.Action])
	switch {
	case out.Action == session.ActionNone:
		return
	case e.gone && !(out.Action == session.ActionClear && (e.refused || e.ended)):
		w.violate(ruleGone, "%s was told that its session is gone, and its response says: %s", e.name, w.outcome(out))
		return
	case out.Action == session.ActionClear:
		if !e.quits() {
			w.violate(ruleClear, "%s clears the cookie", e.name)
		}
		return
	}
	i := w.truth.of(idIn(out.Token))
	r, live := w.truth.record(i.id)
	if !(live && accepts(r, out.Token)) && !e.cannotKnow(i) {
		w.violate(ruleCookie, "the response of %s gives %s, and the record of %s exists: %t", e.name, w.alias(out.Token), i.id, live)
	}
	w.truth.giveOut(out.Token)
	if !live {
		return
	}
	for _, m := range w.truth.moves {
		if m.to == i.id {
			for _, by := range w.truth.of(m.from).ended {
				w.checkWinner(m, by)
			}
		}
	}
}

// promiseHolds is how long a token that was stored counts as the latest one: for
// that long a request need not look again before its response carries it.
const promiseHolds = 100 * time.Millisecond

// cannotKnow reports whether the request cannot know what the record accepts:
// somebody else changed it after the store told about it, not long ago, or a write
// of its own did that came late, or its last call about it got no answer.
func (e *exchange) cannotKnow(i *identity) bool {
	if e.unheard[i.id] > e.heard[i.id] {
		return true
	}
	cameLate := i.changed.by != nil && i.changed.by.earlier == e.author && i.changed.at > e.heard[i.id]
	return (cameLate || i.othersChanged(e.author)) && time.Since(e.answer) <= promiseHolds
}

// checkEnd looks at what is left when all actors are done.
func (w *world) checkEnd() {
	for _, id := range w.truth.order {
		i := w.truth.of(id)
		r, live := w.truth.record(id)
		w.checkDead(i)
		if !live {
			continue
		}
		if len(i.ended) > 0 && !i.strayed() {
			w.violate(ruleLogOut, "%s is alive at the end, though its end was acknowledged to %s", id, i.ended[0].name)
		}
		for n, acked := range i.acked {
			if *i.wallet.own(n) < acked {
				w.violate(ruleSaved, "%s has %s at the end, but %s:%d had been acknowledged", id, &i.wallet, ownField(n), acked)
			}
		}
		for _, key := range bothKeys(i.keys, nil) {
			if i.wallet.Done[key] == 0 {
				w.violate(ruleCounted, "%s has %s at the end, without the Update %s, which had been acknowledged", id, &i.wallet, key)
			}
		}
		wasLeft := i.creator != nil && i.creator.gone && slices.Contains(i.creator.left, id)
		if r.User != "" && !i.given && !i.late && i.creator != nil && !i.creator.isUnsure(id) && !wasLeft {
			w.violate(ruleOrphan, "%s of %q stays, which no response gave out; %s created it", id, r.User, i.creator.name)
		}
	}
	for _, b := range w.browsers {
		if b.token == "" || b.mixed {
			continue
		}
		i := w.truth.of(idIn(b.token))
		if _, live := w.truth.find(b.manager, i.id); live && !i.renewals && !w.truth.opens(b.manager, b.token) {
			w.violate(ruleLockedOut, "browser %d has %s, which does not open %s, and nobody replaced it", b.number, w.alias(b.token), i.id)
		}
	}
}
