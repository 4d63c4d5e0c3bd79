package session_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/echosession/echosession/session"
)

// jobStep carries out what an actor does outside of requests.
func (w *world) jobStep(ctx context.Context, a *actor, t *task, st *step) {
	name := fmt.Sprintf("%s%d", a.name(), st.at)
	by := w.truth.newAuthor(name, a.number, t.manager)
	by.asks = true
	a.author = by
	m, id, user := w.managers[t.manager], w.truth.target(st.n), people[st.n%len(people)]
	var err error
	switch st.kind {
	case doPause:
		w.say(a.name(), "waits %v", pauses[st.n%len(pauses)])
		w.pause(a, pauses[st.n%len(pauses)])
		return
	case jobUpdate, jobUpdateFails:
		err = w.jobUpdate(ctx, by, id, st)
	case jobDelete:
		by.admin = true
		err = m.Delete(ctx, id)
		w.rejoin(a)
		if i := w.truth.of(id); err == nil && (i.written || by.saw[id]) {
			w.loggedOut(by, id, ruleLogOut)
		}
	case jobDeleteOf:
		by.owner = user
		err = m.DeleteOf(ctx, user, id)
		w.rejoin(a)
		if err == nil {
			w.loggedOut(by, id, ruleLogOut)
		}
	case jobDeleteUser:
		err = w.deleteUser(ctx, by, nil, user, "")
	case jobDeleteOthers:
		err = w.deleteUser(ctx, by, nil, user, id)
	case jobFind:
		_, err = m.Find(ctx, id)
		w.rejoin(a)
	case jobList:
		for _, err = range m.Sessions(ctx, user) {
			if err != nil {
				break
			}
		}
		w.rejoin(a)
	case jobOpen:
		err = w.jobOpen(ctx, a, t, st, by)
	case jobStart:
		err = w.jobStart(ctx, a, t, st, by)
	}
	w.countResult(err)
	w.say(a.name(), "%s %s %s %s -> %v", name, st.kind, id, user, err)
}

// target is an id that a response gave out.
func (tr *truth) target(n int) string {
	if len(tr.given) == 0 {
		return "none"
	}
	return tr.given[n%len(tr.given)]
}

func (w *world) jobUpdate(ctx context.Context, by *author, id string, st *step) error {
	by.job = true
	key := by.name + "." + strconv.Itoa(st.at)
	for _, f := range st.faults {
		by.repeated[key] = by.repeated[key] || f.kind == ownConflict
	}
	by.keys[key] = true
	n, made, writes := w.truth.nextKey(), false, by.writes
	by.mayValue(n)
	err := w.managers[by.manager].Update(ctx, id, func(v *wallet) error {
		made = true
		v.count(key)
		*v.own(by.actor) = n
		if st.kind == jobUpdateFails {
			return errFn
		}
		return nil
	})
	w.rejoin(w.actors[by.actor])
	if err == nil {
		w.counted(by, id, key)
		if v, ok := w.truth.stored(id); ok && *v.own(by.actor) == n {
			w.truth.of(id).acked[by.actor] = n
		}
	}
	if errors.Is(err, errFn) && made && by.writes != writes {
		w.violate(ruleUpdateFails, "fn of %s failed, and the store was written to", by.name)
	}
	return err
}

// deleteUser is DeleteUser, or DeleteOthers with a session to keep. caller is the
// request that calls it, or nil.
func (w *world) deleteUser(ctx context.Context, by, caller *author, user, keep string) (err error) {
	had := w.truth.sessionsOf(user)
	a, m := w.actors[by.actor], w.managers[by.manager]
	by.admin, by.caller = true, caller
	a.author = by
	if keep == "" {
		_, err = m.DeleteUser(ctx, user)
	} else {
		_, err = m.DeleteOthers(ctx, user, keep)
	}
	if caller != nil {
		a.author = caller
	}
	w.rejoin(a)
	w.say(a.name(), "%s ends the sessions of %q but %q: %v", by.name, user, keep, err)
	if err != nil {
		return err
	}
	for _, id := range had {
		if r, ok := w.truth.record(id); id == keep || ok && r.User != user { // it signed out in time
			continue
		}
		w.loggedOut(by, id, ruleDeleteUser)
		for _, m := range w.truth.moves {
			to := w.truth.of(m.to)
			if m.from == id && m.to != keep && m.by != caller && to.given && to.wallet.Holder == user && w.truth.exists(m.to) && !m.by.unsure[id] {
				w.violate(ruleDeleteUser, "%s made %s of %s, and it is alive after the end of all sessions of %q", m.by.name, m.to, id, user)
			}
		}
	}
	return nil
}

// jobOpen changes a session through its token.
func (w *world) jobOpen(ctx context.Context, a *actor, t *task, st *step, by *author) error {
	b := w.browsers[a.script.browser]
	if b.token == "" {
		return nil
	}
	by.presented = b.token
	by.mayUse(b.token)
	s, err := w.managers[t.manager].Open(ctx, b.token)
	w.rejoin(a)
	if err != nil {
		return err
	}
	e := &exchange{author: by, w: w, actor: a, task: t, browser: b, s: s}
	e.opened()
	e.setOwn(&s.Data)
	r := e.try(func() error { return s.Save(ctx) })
	if r.err == nil {
		e.stored(r, ruleSaved)
	}
	return r.err
}

// jobStart makes a session outside of a request and logs in. Its token is given
// out when the save is acknowledged.
func (w *world) jobStart(ctx context.Context, a *actor, t *task, st *step, by *author) error {
	s, err := w.managers[t.manager].Start(ctx)
	w.rejoin(a)
	if err != nil {
		return err
	}
	e := &exchange{author: by, w: w, actor: a, task: t, s: s}
	e.opened()
	e.hold(&s.Data, people[st.n%len(people)])
	e.setOwn(&s.Data)
	r := e.try(func() error { return s.Save(ctx) })
	if r.err == nil {
		e.stored(r, ruleSaved)
		w.truth.giveOut(s.Token())
	}
	return r.err
}

// outcome is what a response says, for a reader.
func (w *world) outcome(out session.Outcome) string {
	switch out.Action {
	case session.ActionSet:
		return "gives " + w.alias(out.Token)
	case session.ActionClear:
		return "clears the cookie"
	}
	return "no cookie"
}
